from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest

from analysis.stats import anomalies as module
from analysis.stats.anomalies import rater_tests, run_p
from analysis.stats.bradley_terry import fit_votes
from analysis.stats.errors import RatingError, VoteFileError
from analysis.stats.outcomes import LEFT, RIGHT, BoolArray, IntArray, VoteTable
from tests.analysis.stats.planted import Population, table

APART = Population(strengths=(-1.5, -0.5, 0.5, 1.5), prompt_sd=0.5, rater_sd=0.2)


def votes_of(seed: int, population: Population = APART, raters: int = 12, prompts: int = 60) -> VoteTable:
    return population.votes(np.random.default_rng(seed), prompts, raters, per_prompt=raters * 4)


def with_outcomes(votes: VoteTable, rows: BoolArray, outcomes: IntArray | int) -> VoteTable:
    changed = votes.outcome.copy()
    changed[rows] = outcomes
    return replace(votes, outcome=changed)


def test_a_random_clicker_and_a_left_clicker_are_found_and_nobody_else() -> None:
    found = {"random": 0, "left": 0, "others": 0}
    studies = 10
    for seed in range(studies):
        rng = np.random.default_rng([seed, 1])
        votes = votes_of(seed, raters=24)
        mine = votes.rater == 0
        votes = with_outcomes(votes, mine, rng.integers(0, 2, mine.sum()))
        votes = with_outcomes(votes, (votes.rater == 1) & (rng.random(len(votes)) < 0.8), LEFT)
        tests = rater_tests(votes)
        odd = tests.p_holm < 0.05
        found["random"] += bool(tests.p_concordance[0] < 0.01 and odd[0])
        found["left"] += bool(tests.p_side[1] < 0.001 and odd[1])
        found["others"] += bool(odd[2:].any())
        assert abs(tests.concordance[0]) < 0.6
        assert 0.8 < np.median(tests.concordance) < 1.5, "above 1, as the clickers blur what the others prefer"
    assert found["random"] >= 8
    assert found["left"] == studies
    assert found["others"] <= 2


@pytest.mark.parametrize("population", [Population(), APART], ids=["strong tastes", "weak tastes"])
def test_honest_raters_are_seldom_called_odd(population: Population) -> None:
    smallest, single = [], []
    for seed in range(40):
        tests = rater_tests(votes_of(seed, population, raters=15, prompts=30))
        smallest.append(np.nanmin(tests.p_holm))
        single.append([(p < 0.05).mean() for p in (tests.p_concordance, tests.p_side, tests.p_run)])
    assert np.mean(np.array(smallest) < 0.05) <= 0.125, "of 40, the standard error of a share of 5% is 3.4 points"
    assert max(np.mean(single, axis=0)) <= 0.075, "of 600, the standard error is 0.9 points, and raters share votes"


def test_who_takes_the_question_the_wrong_way_round_agrees_the_wrong_way() -> None:
    votes = votes_of(5)
    rows = (votes.rater == 3) & (votes.outcome <= RIGHT)
    tests = rater_tests(with_outcomes(votes, rows, 1 - votes.outcome[rows]))
    assert tests.concordance[3] < -0.4
    assert tests.p_holm[3] < 0.01
    assert np.argmin(tests.concordance) == 3


def test_others_tastes_are_estimated_and_absent_ones_are_not() -> None:
    sds = [
        np.mean([rater_tests(votes_of(seed, replace(APART, rater_sd=sd))).concordance_sd for seed in range(8)])
        for sd in (0.0, 1.0)
    ]
    assert sds[0] < 0.12
    assert sds[1] > 0.2


def test_one_step_is_near_the_fit_to_the_others() -> None:
    votes = votes_of(2).counted()
    chance, side = module._by_ratings(votes, votes.rater, len(votes.raters))
    for rater in range(3):
        mine = votes.rater == rater
        fit = fit_votes(votes.select(~mine))
        x = fit.strengths[votes.system_left] - fit.strengths[votes.system_right] + fit.side
        assert chance[mine] == pytest.approx(expit(x[mine]), abs=1e-3)
        assert side[mine] == pytest.approx(fit.side, abs=2e-3)


def test_what_others_said_of_the_same_images_is_expected_of_everybody() -> None:
    """Where prompts decide, ratings alone foresee less than half as well."""
    votes = votes_of(4, replace(APART, strengths=(-0.1, 0.0, 0.1), prompt_sd=2.0)).counted()
    ratings = module._by_ratings(votes, votes.rater, len(votes.raters))[0]
    expected = module._expected(votes, votes.rater, len(votes.raters))[0]
    errors = [((votes.left_score - chance) ** 2).mean() for chance in (ratings, expected)]
    assert errors[1] < 0.85 * errors[0]


def test_sides_exchanged_change_nothing_but_the_side_and_rows_nothing_but_the_runs() -> None:
    votes = votes_of(6)
    order = np.random.default_rng(0).permutation(len(votes))
    columns = ("question", "prompt", "rater", "system_left", "system_right", "outcome")
    other = replace(votes, **{name: getattr(votes, name)[order] for name in columns})
    other = replace(
        other,
        system_left=other.system_right,
        system_right=other.system_left,
        outcome=np.array([RIGHT, LEFT, 2, 3])[other.outcome],
    )
    one, two = rater_tests(votes), rater_tests(other)
    assert two.concordance == pytest.approx(one.concordance, abs=1e-6)
    assert two.p_concordance == pytest.approx(one.p_concordance, abs=1e-6)
    assert two.left_share == pytest.approx(1 - one.left_share)
    assert two.p_side == pytest.approx(one.p_side)


def test_a_side_is_odd_only_if_unlike_one_half_and_unlike_all() -> None:
    rows = [("p", *pair, "left", "l") for pair in [("a", "b"), ("b", "a")] * 10]
    rows += [("p", "a", "b", side, "r") for side in ["left", "right"] * 10]
    tests = rater_tests(table(*rows))
    assert list(tests.left_share) == [1.0, 0.5]
    everybody = binomtest(20, 20, 0.75, alternative="greater").pvalue
    assert tests.p_side == pytest.approx([2 * everybody, 1.0])


@pytest.mark.parametrize(("votes", "left", "right"), [(7, 0.5, 0.5), (6, 0.5, 0.3), (5, 0.0, 0.4)])
@pytest.mark.parametrize("run", [0, 1, 2, 3, 5, 8])
def test_the_probability_of_a_run_is_that_of_all_sequences_with_one(
    votes: int, left: float, right: float, run: int
) -> None:
    chances = {"l": left, "r": right, "n": 1 - left - right}
    total = 0.0
    for letters in itertools.product("lrn", repeat=votes):
        text = "".join(letters)
        if "l" * run in text or "r" * run in text:
            total += float(np.prod([chances[letter] for letter in letters]))
    assert run_p(votes, run, left, right) == pytest.approx(total, abs=1e-12)


def test_a_rare_run_has_the_bound() -> None:
    exact, bound = run_p(300, 20, 0.5, 0.4), 300 * (0.5**20 + 0.4**20)
    assert 0.4 * bound < exact < bound
    assert run_p(300, 30, 0.5, 0.4) == pytest.approx(300 * (0.5**30 + 0.4**30))
    assert run_p(1000, 400, 0.999, 0.0) == 1.0


def test_a_block_on_one_side_is_found_in_the_order_of_the_answers() -> None:
    votes = votes_of(7)
    mine = np.flatnonzero((votes.rater == 2) & (votes.outcome <= RIGHT))
    block, rest = mine[::4], np.delete(mine, np.s_[::4])
    outcome = votes.outcome.copy()
    outcome[block], outcome[rest] = LEFT, np.arange(len(rest)) % 2
    times = np.array([f"2026-01-01T00:{n % 60:02}:{n // 60:02}Z" for n in range(len(votes))], dtype=object)
    times[block] = [f"2026-01-02T00:00:{n:02}Z" for n in range(len(block))]
    votes = replace(votes, outcome=outcome)
    scattered = rater_tests(votes)
    together = rater_tests(replace(votes, optional={"answered_at": times}))
    assert scattered.p_run[2] > 0.01
    assert together.longest_run[2] >= len(block)
    assert together.p_holm[2] <= 36 * together.p_run[2] < 0.05
    with pytest.raises(VoteFileError, match="answered_at"):
        rater_tests(replace(votes, optional={"answered_at": np.full(len(votes), "noon", dtype=object)}))


def test_where_votes_say_nothing_of_a_rater_there_is_no_number() -> None:
    rows = [("p", "a", "b", side, rater) for side in ("left", "right", "tie") for rater in "rst"]
    rows += [("q", "b", "a", side, rater) for side in ("left", "left", "right") for rater in "rs"]
    rows += [("q", "a", "c", side, "only-c") for side in ("left", "right")] + [("q", "a", "b", "both_bad", "unhappy")]
    tests = rater_tests(table(*rows))
    of = dict(zip(tests.raters, range(len(tests.raters)), strict=True))
    assert np.isnan(tests.concordance[of["only-c"]]), "without this rater c is not connected"
    assert np.isnan(tests.concordance[of["t"]]), "one prompt shows no variance"
    for column in (tests.concordance, tests.left_share, tests.p_concordance, tests.p_side, tests.p_run, tests.p_holm):
        assert np.isnan(column[of["unhappy"]])
    with pytest.raises(RatingError, match="there is one rater"):
        rater_tests(table(("p", "a", "b", "tie", "r")))
