from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import DisconnectedError, RatingError, SeparationError, VoteTable
from analysis.stats.asked import RESAMPLED
from analysis.stats.batches import ratings
from analysis.stats.bootstrap import (
    Bootstrap,
    bootstrap,
    bootstrap_field_win_rates,
    bootstrap_pair_win_rates,
    bootstrap_ratings,
)
from analysis.stats.bradley_terry import POINTS, bradley_terry, fit_counts
from analysis.stats.errors import BootstrapError, StatsError
from analysis.stats.outcomes import FloatArray
from analysis.stats.win_rates import field_win_rates, pair_win_rates
from tests.analysis.stats.planted import Population, table

MIRRORED = {"left": "right", "right": "left", "tie": "tie", "both_bad": "both_bad"}
KINDS: dict[str, Callable[..., Bootstrap]] = {
    "ratings": bootstrap_ratings,
    "pairs": bootstrap_pair_win_rates,
    "field": bootstrap_field_win_rates,
}


def votes_of(seed: int, prompts: int = 15, raters: int = 12, per_prompt: int = 20) -> VoteTable:
    return Population().votes(np.random.default_rng(seed), prompts, raters, per_prompt)


def rows_of(votes: VoteTable) -> list[tuple[str, str, str, str, str]]:
    outcomes = ("left", "right", "tie", "both_bad")
    columns = (votes.prompt, votes.system_left, votes.system_right, votes.outcome, votes.rater)
    return [
        (votes.prompts[p], votes.systems[a], votes.systems[b], outcomes[o], votes.raters[r])
        for p, a, b, o, r in zip(*columns, strict=True)
    ]


def run(kind: str, votes: VoteTable, by: str, seed: int = 0, draws: int = 99) -> Bootstrap:
    return KINDS[kind](votes, by, np.random.default_rng(seed), draws)


@pytest.mark.parametrize("by", RESAMPLED)
def test_the_estimates_are_those_of_the_votes_themselves(by: str) -> None:
    votes = votes_of(1)
    np.testing.assert_allclose(run("ratings", votes, by).values, bradley_terry(votes).values, atol=1e-6)
    np.testing.assert_allclose(run("pairs", votes, by).values, pair_win_rates(votes).win_rate)
    np.testing.assert_allclose(run("field", votes, by).values, field_win_rates(votes).values)


def test_ratings_of_many_tables_are_those_of_each_by_itself() -> None:
    """With sides that are told apart and with sides that are not, and with tables that have no ratings."""
    rng, k = np.random.default_rng(2), 5
    counts = rng.poisson(0.7, (60, 3, k, k)).astype(float) * (1 - np.eye(k))
    counts[:10, 0] += 3 * np.triu(np.ones((k, k)), 1)
    counts[10:20, 1:] = 0  # the left always wins
    counts[30:] *= rng.exponential(2, (30, 1, k, k))
    found = ratings(counts, np.array([3.0, -3, 0, 0, 0, 1]))
    failed = 0
    for table_, values in zip(counts, found, strict=True):
        left = table_[0] + table_[2] / 2
        try:
            fit = fit_counts(left, table_.sum(axis=0), tuple("abcde"))
        except (DisconnectedError, SeparationError):
            failed += 1
            assert np.isnan(values).all()
        else:
            np.testing.assert_allclose(values, 1000 + POINTS * fit.strengths, atol=1e-6)
    assert 0 < failed < 50


def multiplicities(by: str) -> FloatArray:
    """How often 200 draws took each of the votes of 4 prompts by 3 raters: (200, 4, 3).

    Every vote is on two systems of its own, so that the counts tell.
    """
    votes = table(*((f"p{p}", f"s{p}{r}", f"t{p}{r}", "left", f"r{r}") for p in range(4) for r in range(3)))
    seen: list[FloatArray] = []

    def record(counts: FloatArray) -> FloatArray:
        seen.append(counts[:, 0, votes.system_left, votes.system_right])
        return np.zeros((len(counts), 1))

    bootstrap(votes, record, by, np.random.default_rng(0), draws=200)
    np.testing.assert_array_equal(seen.pop(), np.ones((1, 12)))
    return np.concatenate(seen).reshape(200, 4, 3)


def test_by_votes_each_is_drawn_apart() -> None:
    drawn = multiplicities("votes")
    assert (drawn.sum(axis=(1, 2)) == 12).all()
    assert drawn.var() == pytest.approx(11 / 12, abs=0.1)


def test_by_prompts_or_raters_all_their_votes_are_drawn_together() -> None:
    by_prompt, by_rater = multiplicities("prompts"), multiplicities("raters")
    assert (by_prompt == by_prompt[:, :, :1]).all() and (by_rater == by_rater[:, :1, :]).all()
    assert (by_prompt.sum(axis=(1, 2)) == 12).all() and (by_rater.sum(axis=(1, 2)) == 12).all()
    assert by_prompt[:, :, 0].var() == pytest.approx(3 / 4, abs=0.1)
    assert by_rater[:, 0].var() == pytest.approx(2 / 3, abs=0.1)


def test_two_way_a_vote_is_drawn_as_often_as_its_prompt_times_its_rater() -> None:
    drawn = multiplicities("two-way")
    of_prompt, of_rater = drawn.sum(axis=2, keepdims=True) / 3, drawn.sum(axis=1, keepdims=True) / 4
    np.testing.assert_allclose(drawn, of_prompt * of_rater)
    assert of_prompt.var() == pytest.approx(3 / 4, abs=0.1)
    assert of_rater.var() == pytest.approx(2 / 3, abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by", ["prompts", "raters", "two-way"])
@given(seed=st.integers(0, 1000))
@settings(max_examples=3, deadline=None)
def test_names_sides_and_the_order_of_rows_change_nothing(by: str, kind: str, seed: int) -> None:
    votes = votes_of(seed % 5)
    rng = np.random.default_rng(seed)
    rows = rows_of(votes)
    renamed = dict(zip(votes.systems, rng.permutation(list(votes.systems)).tolist(), strict=True))
    rows = [(p, renamed[b], renamed[a], MIRRORED[outcome], r) for p, a, b, outcome, r in rows]
    other = table(*(rows[i] for i in rng.permutation(len(rows))))

    one, two = run(kind, votes, by, seed), run(kind, other, by, seed)
    if kind == "pairs":
        codes = {tuple(sorted((renamed[votes.systems[a]], renamed[votes.systems[b]]))): (a, b) for a, b in PAIRS}
        kept = [codes[other.systems[a], other.systems[b]] for a, b in PAIRS]
        place = [PAIRS.index(pair) for pair in kept]
        turned = np.array([renamed[votes.systems[a]] > renamed[votes.systems[b]] for a, b in kept])
        low, high = one.low[place], one.high[place]
        expected = np.where(turned, 1 - high, low), np.where(turned, 1 - low, high)
    else:
        old = {new: i for i, new in enumerate(renamed[name] for name in votes.systems)}
        place = [old[name] for name in other.systems]
        expected = one.low[place], one.high[place]
    np.testing.assert_allclose((two.low, two.high), expected, atol=1e-6)


PAIRS = [(a, b) for a in range(4) for b in range(a + 1, 4)]


def test_the_spread_of_a_win_rate_by_votes_prompts_and_raters_is_the_known_one() -> None:
    """20 prompts of 10 votes which all agree, by as many raters: known variances of a mean of votes, and of prompts."""
    rows = [(f"p{p}", "a", "b", "left" if p < 14 else "right", f"r{v}") for p in range(20) for v in range(10)]
    votes = table(*rows)
    independent = math.sqrt(0.7 * 0.3)
    for by, error in {"votes": independent / math.sqrt(200), "prompts": independent / math.sqrt(20)}.items():
        found = run("pairs", votes, by, draws=1999)
        assert found.standard_error[0] == pytest.approx(error, rel=0.06)
        assert found.low[0] == pytest.approx(0.7 - 1.96 * error, abs=0.03)
        assert found.high[0] == pytest.approx(0.7 + 1.96 * error, abs=0.03)


def test_drawing_both_ways_adds_the_spread_of_prompts_and_of_raters() -> None:
    """Where each rater judges each prompt, and votes are made of a prompt's and a rater's part, variances add up."""
    votes = Population(prompt_sd=2, rater_sd=2, side=0, ties=0).votes(np.random.default_rng(5), 40, 30, 60)
    error = {by: run("ratings", votes, by, draws=999).standard_error for by in RESAMPLED}
    both = np.sqrt(error["prompts"] ** 2 + error["raters"] ** 2)
    assert (error["two-way"] > 0.95 * np.maximum(error["prompts"], error["raters"])).all()
    np.testing.assert_allclose(error["two-way"], both, rtol=0.25)
    assert (error["votes"] < 0.6 * both).all()


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    votes = votes_of(3)
    one, again, other = (run("ratings", votes, "two-way", seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.low, again.low)
    assert (one.low != other.low).all()


def test_undetermined_draws_are_counted_and_stand_beyond_both_ends() -> None:
    """c never wins where prompt q is not drawn, which is about one draw in three."""
    rows = [
        (f"p{i}", *pair, outcome, f"r{i}") for i in range(6) for pair in ("ab", "ba") for outcome in ("left", "right")
    ]
    rows += [(f"p{i}", "a", "c", "left", f"r{i}") for i in range(6)] + [("q", "c", "a", "left", "r0")]
    found = run("ratings", table(*rows), "prompts", draws=999)
    assert found.undetermined[0] == pytest.approx(999 * (6 / 7) ** 7, rel=0.15)
    assert np.isnan(found.low).all() and np.isnan(found.high).all()
    assert np.isfinite(found.standard_error).all()
    sentences = list(found.cautions())
    assert sentences[0] == (
        f"Bootstrap (prompts): up to {found.undetermined[0]} of 999 draws did not determine 3 estimates; "
        "they count as beyond both ends."
    )
    assert "no interval for 3 of 3 estimates" in sentences[1]


def test_few_undetermined_draws_widen_the_interval() -> None:
    values = np.linspace(0, 1, 199)

    def with_lost(lost: int) -> Bootstrap:
        def statistic(counts: FloatArray) -> FloatArray:
            found: FloatArray = np.where(np.arange(199) < lost, np.nan, values)[: len(counts), None]
            return found

        return bootstrap(votes_of(1), statistic, "prompts", np.random.default_rng(0), draws=199)

    whole, some, many = with_lost(0), with_lost(3), with_lost(5)
    assert (whole.low[0], whole.high[0]) == pytest.approx((values[4], values[-5]))
    assert (some.low[0], some.high[0]) == pytest.approx((values[3 + 1], values[-2]))
    assert math.isnan(many.low[0]) and math.isnan(many.high[0])
    assert [b.undetermined[0] for b in (whole, some, many)] == [0, 3, 5]


def test_votes_that_all_agree_have_no_interval() -> None:
    found = run("pairs", table(*((f"p{i}", "a", "b", "left", f"r{i}") for i in range(30))), "two-way")
    assert found.values[0] == 1
    assert math.isnan(found.low[0])
    assert any("no interval for 1 of 1 estimate," in sentence for sentence in found.cautions())


def test_few_clusters_and_what_is_not_drawn_are_cautioned_about() -> None:
    votes = votes_of(1)
    few = list(run("pairs", votes, "two-way").cautions())[-1]
    assert few.startswith("Bootstrap (two-way): only 1") and few.endswith(
        "with fewer than 15, intervals are approximate."
    )
    many = Population(strengths=(0.0, 0.2)).votes(np.random.default_rng(0), 60, 60, 5)
    sentences = {by: list(run("ratings", many, by).cautions()) for by in RESAMPLED}
    assert sentences == {
        "votes": ["Bootstrap (votes): the intervals are too short wherever votes share prompts or raters."],
        "prompts": ["Bootstrap (prompts): the intervals are too short wherever votes share raters."],
        "raters": [
            "Bootstrap (raters): the intervals are too short wherever votes share prompts that stand for others."
        ],
        "two-way": [],
    }


def test_both_bad_counts_for_nothing() -> None:
    votes = votes_of(4)
    rows = rows_of(votes)
    more = table(*rows, *((prompt, a, b, "both_bad", rater) for prompt, a, b, _, rater in rows[:40]))
    for kind in KINDS:
        np.testing.assert_allclose(run(kind, more, "two-way").low, run(kind, votes, "two-way").low, atol=1e-9)


@pytest.mark.parametrize(
    ("by", "draws", "level", "message"),
    [
        ("systems", 99, 0.95, 'Bootstrap of "systems"; allowed are votes, prompts, raters, two-way.'),
        ("prompts", 38, 0.95, "Bootstrap of 38 draws; 95% intervals need 39 at least."),
        ("prompts", 99, 95, "Bootstrap at level 95; allowed are numbers between 0 and 1."),
    ],
)
def test_what_cannot_be_asked_for_is_refused(by: str, draws: int, level: float, message: str) -> None:
    with pytest.raises(BootstrapError) as caught:
        bootstrap_ratings(votes_of(1), by, np.random.default_rng(0), draws, level)
    assert str(caught.value) == message
    assert isinstance(caught.value, StatsError)


@pytest.mark.parametrize(
    ("by", "prompts", "raters", "found"),
    [
        ("prompts", "pppp", "rstu", "1.0 effective prompts"),
        ("two-way", "pppp", "rstu", "1.0 effective prompts"),
        ("two-way", "pqxy", "rrrs", "1.6 effective raters"),
        ("raters", "pqxy", "rrrr", "1.0 effective raters"),
    ],
)
def test_fewer_than_two_effective_prompts_or_raters_are_refused(by: str, prompts: str, raters: str, found: str) -> None:
    outcomes = ("left", "right", "left", "tie")
    votes = table(*((p, "a", "b", o, r) for p, o, r in zip(prompts, outcomes, raters, strict=True)))
    with pytest.raises(
        BootstrapError, match=rf"\({by}\): {found}, counting each by its share of the votes; 2 are needed"
    ):
        run("pairs", votes, by)
    assert run("pairs", votes, "votes").low[0] < 0.625


def test_votes_that_do_not_determine_ratings_raise_what_bradley_terry_raises() -> None:
    with pytest.raises(SeparationError):
        run("ratings", table(("p", "a", "b", "left", "r"), ("q", "a", "b", "left", "s")), "votes")
    with pytest.raises(RatingError):
        run("pairs", table(("p", "a", "b", "both_bad", "r")), "votes")
