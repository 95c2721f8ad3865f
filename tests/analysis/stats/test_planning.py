from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.agreement import agreement
from analysis.stats.pair_tests import pair_p_values
from analysis.stats.planning import PlanError, Wish, inflation, plan
from analysis.stats.win_rates import pair_win_rates
from tests.analysis.stats.planted import Population

KNOWN = Wish(win_rate=0.55, ties=0.2, prompt_icc=0.35, rater_icc=0.10, votes_per_prompt=4, judgements=20)


def test_the_formula_gives_what_it_gave_by_hand() -> None:
    """(2.80 / 0.04)^2 0.1984 [1 + 0.35 x 3 + 0.10 x 19] = 3,845 votes, and 341 prompts and 98 raters at the least."""
    found = plan(KNOWN)
    assert found.votes_per_pair == pytest.approx(3845, abs=4)
    assert (found.fewest_prompts, found.fewest_raters) == (341, 98)
    assert found.prompts == math.ceil(found.votes_per_pair / 4)
    assert found.hours == pytest.approx(found.votes * 8 / 3600)


def test_an_interval_is_as_wide_as_was_wished() -> None:
    assert plan(replace(KNOWN, half_width=0.03)).half_width == pytest.approx(0.03, rel=0.01)


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


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"win_rate": 0.5}, "win_rate is 0.5: no number of votes finds a difference that is none"),
        ({"win_rate": 1.0}, "win_rate is 1.0; allowed: a number between 0 and 1."),
        ({"ties": 1.0}, "ties is 1.0; allowed: a number from 0 to below 1."),
        ({"prompt_icc": 0.6, "rater_icc": 0.4}, "prompt_icc and rater_icc together are 1 or more"),
        ({"half_width": 0.5}, "half_width is 0.5; allowed: a number between 0 and 0.5."),
        ({"systems": 1}, "systems is 1; allowed: 2 or more."),
        ({"pay": 0}, "pay is 0; allowed: a number above 0."),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PlanError) as refusal:
        plan(replace(KNOWN, **changes))
    assert str(refusal.value).startswith(sentence)


def test_the_planned_study_finds_the_difference_about_as_often_as_wished() -> None:
    """Simulated with effects whose correlations are measured first, in a study much larger than the planned one."""
    population = Population(strengths=(-0.3, 0.3), prompt_sd=0.7, rater_sd=0.35, side=0.0, ties=0.2)
    rate = float(population.win_rates()[1, 0])
    among_decided = 0.5 + (rate - 0.5) / 0.8
    rng = np.random.default_rng(8)
    large = population.votes(rng, prompts=1500, raters=400, per_prompt=8)
    score = pair_win_rates(large)
    assert score.win_rate[0] == pytest.approx(1 - rate, abs=0.02)
    found = agreement(large)
    wish = Wish(among_decided, 0.2, prompt_icc=found.prompt_icc, rater_icc=found.rater_icc, judgements=12)
    planned = plan(wish)
    assert inflation(wish, 12) > 1.3
    small = [
        pair_p_values(pair_win_rates(population.votes(rng, planned.prompts, planned.raters, wish.votes_per_prompt)))[0]
        for _ in range(150)
    ]
    assert 0.68 <= np.mean(np.array(small) < 0.05) <= 0.92, "80% wished; of 150 the standard error is 3 points"
