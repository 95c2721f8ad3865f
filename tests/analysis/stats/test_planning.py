from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.stats.agreement import agreement
from analysis.stats.pair_tests import pair_p_values
from analysis.stats.planning import PlanError, Study, Wish, inflation, plan, power
from analysis.stats.win_rates import Pairs, pair_win_rates
from benchmarks import planning
from tests.analysis.stats.planted import Population

KNOWN = Wish(win_rate=0.55, ties=0.2, prompt_icc=0.35, rater_icc=0.10, votes_per_prompt=4, judgements=20)


def test_of_many_clusters_the_formula_gives_what_it_gave_by_hand() -> None:
    """(2.80 / 0.04)^2 0.1984 [1 + 0.35 x 3 + 0.10 x 19] = 3,845 votes, and 341 prompts and 98 raters at the least."""
    found = plan(KNOWN)
    assert 3845 < found.votes_per_pair < 1.015 * 3845, "with 193 raters t(192) takes a little more than the normal"
    assert (found.fewest_prompts, found.fewest_raters) == (341, 98)
    assert found.prompts == math.ceil(found.votes_per_pair / 4)
    assert found.hours == pytest.approx(found.votes * 8 / 3600)


def test_with_few_raters_the_test_of_student_finds_it_and_with_one_prompt_less_it_does_not() -> None:
    """Power by scipy.stats.nct; a normal test would have promised 80% from 47 prompts and 5 raters on."""
    wish = Wish(win_rate=0.68, prompt_icc=0.12, rater_icc=0.04)
    found = plan(wish)
    delta = 0.8 * 0.18
    power = []
    for prompts in (found.prompts, found.prompts - 1):
        votes = 4 * prompts
        raters = math.ceil(votes / 40)
        error = math.sqrt((0.2 - delta**2) * (1 + 0.12 * 3 + 0.04 * 39) / votes)
        power.append(stats.nct.sf(stats.t.isf(0.025, raters - 1), raters - 1, delta / error))
    assert power[0] >= 0.8 > power[1]
    assert found.raters < 15
    normal = ((1.96 + 0.8416) / delta) ** 2 * (0.2 - delta**2) * (1 + 0.12 * 3 + 0.04 * 39)
    assert found.votes_per_pair > 1.2 * normal


@given(st.integers(2, 3000), st.lists(st.floats(0, 200), min_size=2, max_size=5))
def test_power_grows_with_the_distance(clusters: int, distances: list[float]) -> None:
    found = [power(distance, clusters, 0.95) for distance in sorted(distances)]
    assert all(0.024 < share <= 1 for share in found)
    assert found == pytest.approx(sorted(found), abs=1e-9)


def test_an_interval_is_as_wide_as_was_wished() -> None:
    found = plan(replace(KNOWN, half_width=0.03))
    assert 0.0298 < found.half_width <= 0.03
    few = plan(replace(KNOWN, half_width=0.1, judgements=200))
    assert few.raters < 15
    assert few.half_width <= 0.1


@given(
    st.floats(0.52, 0.9), st.floats(0, 0.6), st.floats(0, 0.5), st.floats(0, 0.4), st.integers(1, 12), st.integers(2, 8)
)
def test_more_agreement_more_power_and_more_systems_never_take_fewer_votes(
    win_rate: float, ties: float, prompt_icc: float, rater_icc: float, votes_per_prompt: int, systems: int
) -> None:
    wish = Wish(win_rate, ties, votes_per_prompt=votes_per_prompt, prompt_icc=prompt_icc, rater_icc=rater_icc)
    found = plan(wish)
    assert plan(replace(wish, power=0.9)).votes >= found.votes
    assert plan(replace(wish, prompt_icc=prompt_icc + 0.05)).votes >= found.votes
    assert plan(replace(wish, systems=systems)).votes >= found.votes
    assert found.prompts > found.fewest_prompts
    assert found.raters * wish.judgements >= found.votes_per_pair


def test_nobody_judges_two_images_of_a_prompt_twice() -> None:
    """Who would judge a thousand pairs judges as many as there are, so that each vote on one takes a rater."""
    eager = replace(KNOWN, win_rate=0.9, judgements=1000)
    found = plan(eager)
    assert found.prompts < 1000
    assert found.raters == 4
    assert found == plan(replace(eager, judgements=found.prompts))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"win_rate": 0.5}, "win_rate is 0.5: no number of votes finds a difference that is none"),
        ({"win_rate": 1.0}, "win_rate is 1.0; allowed: a number between 0 and 1."),
        ({"ties": 1.0}, "ties is 1.0; allowed: a number from 0 to below 1."),
        ({"prompt_icc": 0.6, "rater_icc": 0.4}, "prompt_icc and rater_icc together are 1 or more"),
        ({"half_width": 0.5}, "half_width is 0.5; allowed: a number between 0 and 0.5."),
        ({"systems": 1}, "systems is 1; allowed: 2 to 1,000,000,000,000."),
        ({"pay": 0}, "pay is 0; allowed: a number above 0, up to 1,000,000,000,000."),
        ({"seconds": math.nan}, "seconds is nan; allowed: a number above 0, up to 1,000,000,000,000."),
        ({"judgements": 10**400}, "judgements is 1000000"),
        (
            {"win_rate": 0.5000000001},
            "win_rate is 0.5000000001; allowed: what takes at most 1,000,000,000,000 prompts.",
        ),
        ({"half_width": 1e-10}, "half_width is 1e-10; allowed: what takes at most 1,000,000,000,000 prompts."),
        ({"half_width": 5e-324}, "half_width is 5e-324; allowed: what takes at most 1,000,000,000,000 prompts."),
        ({"votes_per_prompt": 1, "judgements": 10**12}, "win_rate is 0.55; allowed: what takes at most"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PlanError) as refusal:
        plan(replace(KNOWN, **changes))
    assert str(refusal.value).startswith(sentence)


def test_the_largest_study_that_is_planned_is_as_exact_as_a_small_one() -> None:
    wish = replace(KNOWN, win_rate=0.500005)
    found = plan(wish)
    assert 10**10 < found.prompts < 10**12
    assert Study(wish, found.prompts).is_enough
    assert not Study(wish, found.prompts - 10**7).is_enough


POPULATION = Population(strengths=(-0.4, 0.4), prompt_sd=0.7, rater_sd=0.35, side=0.0, ties=0.2)
RATE = float(POPULATION.win_rates()[1, 0])


def wished(**changes: Any) -> Wish:
    """With the correlations of a pilot much larger than the planned study."""
    pilot = POPULATION.votes(np.random.default_rng(8), prompts=1500, raters=400, per_prompt=8)
    assert pair_win_rates(pilot).win_rate[0] == pytest.approx(1 - RATE, abs=0.02)
    found = agreement(pilot)
    known = Wish(0.5 + (RATE - 0.5) / 0.8, 0.2, prompt_icc=found.prompt_icc, rater_icc=found.rater_icc)
    return replace(known, **changes)


def simulated(wish: Wish, studies: int) -> list[Pairs]:
    planned, rng = plan(wish), np.random.default_rng(9)
    size = planned.prompts, planned.raters, wish.votes_per_prompt
    return [pair_win_rates(POPULATION.votes(rng, *size)) for _ in range(studies)]


@pytest.mark.parametrize("judgements", [12, 60])
def test_planned_studies_find_the_difference_about_as_often_as_wished(judgements: int) -> None:
    """benchmarks/planning.py simulates more of them, in more settings."""
    wish = wished(judgements=judgements)
    assert inflation(wish, judgements) > 1.3
    assert (plan(wish).raters < 10) == (judgements == 60), "the second with few raters"
    p = np.array([pair_p_values(pairs)[0] for pairs in simulated(wish, 200)])
    assert 0.72 <= np.mean(p < 0.05) <= 0.88, "80% wished; of 200 the standard error is 3 points"


def test_planned_studies_have_intervals_about_as_wide_as_wished() -> None:
    intervals = [pairs.intervals for pairs in simulated(wished(half_width=0.06), 60)]
    widths = [float(found.high[0] - found.low[0]) / 2 for found in intervals]
    assert np.mean(widths) == pytest.approx(0.06, rel=0.1)


def test_the_stored_results_are_of_these_plans_and_keep_what_they_promise() -> None:
    stored = json.loads((Path(planning.__file__).parent / "results" / "planning.json").read_text(encoding="utf-8"))
    assert stored["studies"] >= 1000
    assert list(stored["outcomes"]) == list(planning.SETTINGS)
    for name, setting in planning.SETTINGS.items():
        outcome = planning.Outcome(**stored["outcomes"][name])
        planned = plan(planning.wish_of(setting, outcome.prompt_icc, outcome.rater_icc))
        assert (outcome.prompts, outcome.raters, outcome.votes) == (planned.prompts, planned.raters, planned.votes)
        assert outcome.is_as_wished(setting), name
