from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.confidence_sequence import critical_p, prior_votes
from analysis.stats.outcomes import FloatArray, VoteTable
from analysis.stats.pair_tests import holm
from analysis.stats.sequential import (
    FEWEST_CLUSTERS,
    Contrasts,
    confidence_sequence,
    first_place,
    pair_contrasts,
    rank_ranges_of,
    rating_contrasts,
    verdict,
)
from analysis.stats.uncertainty import Intervals
from analysis.stats.win_rates import field_win_rates, pair_win_rates
from tests.analysis.stats.planted import Population, table


def votes_of(seed: int, strengths: tuple[float, ...] = (-0.6, -0.2, 0.2, 0.6), per_prompt: int = 20) -> VoteTable:
    return Population(strengths).votes(np.random.default_rng(seed), prompts=60, raters=30, per_prompt=per_prompt)


def pairs_of(votes: VoteTable) -> Contrasts:
    return pair_contrasts(pair_win_rates(votes))


def ratings_of(votes: VoteTable) -> Contrasts:
    return rating_contrasts(bradley_terry(votes), len(votes))


def by_others(votes: VoteTable, copies: int) -> VoteTable:
    """The same votes `copies` times, each time by other raters on other prompts."""
    outcomes = {1.0: "left", 0.0: "right", 0.5: "tie"}
    columns = (votes.prompt, votes.system_left, votes.system_right, votes.left_score, votes.rater)
    return table(
        *(
            (f"{p}/{copy}", votes.systems[left], votes.systems[right], outcomes[score], f"{r}/{copy}")
            for copy in range(copies)
            for p, left, right, score, r in zip(*columns, strict=True)
        )
    )


def few_clusters(intervals: Intervals) -> FloatArray:
    return np.asarray(1 / np.sqrt(1 - 1 / intervals.effective_prompts - 1 / intervals.effective_raters))


def contrast(value: float, error: float, clusters: float = 40, votes: float = 200) -> Contrasts:
    """Of one pair of systems, by hand."""
    t = abs(value - 0.5) / error if error else 0.0
    p = 2 * stats.t.sf(t, clusters - 1) if clusters >= FEWEST_CLUSTERS else np.nan
    columns = (np.array([number]) for number in (error, clusters, 2 * clusters, votes, p))
    code = np.arange(2)
    return Contrasts(("a", "b"), code[:1], code[1:], np.array([value]), 0.5, *columns)


def test_an_interval_is_the_estimate_and_so_many_standard_errors_of_t() -> None:
    found = confidence_sequence(contrast(0.6, 0.03), planned=1000)
    tail = critical_p(np.array([200.0]), prior_votes(1000, 0.05), 0.05)[0] / 2
    assert found.high[0] - 0.6 == pytest.approx(stats.t.isf(tail, 39) * 0.03)
    assert 0.6 - found.low[0] == pytest.approx(stats.t.isf(tail, 39) * 0.03)


def test_a_difference_of_ratings_has_the_variance_of_a_difference() -> None:
    """With two systems the difference is twice a rating, and both have the same interval."""
    votes = votes_of(1, (-0.3, 0.3))
    ratings, found = bradley_terry(votes), ratings_of(votes)
    assert ratings.intervals is not None
    assert found.value[0] == pytest.approx(ratings.values[0] - ratings.values[1])
    few = few_clusters(ratings.intervals)[0]
    assert found.error[0] == pytest.approx(2 * ratings.intervals.standard_error[0] * few)
    t = found.value[0] / found.error[0]
    assert found.p[0] == pytest.approx(2 * stats.t.sf(abs(t), ratings.intervals.effective_clusters[0] - 1))


def test_a_pairs_test_is_that_of_its_interval_but_for_the_factor_for_few_clusters() -> None:
    pairs = pair_win_rates(votes_of(8))
    found = pairs_of(votes_of(8))
    np.testing.assert_allclose(found.error, pairs.intervals.standard_error * few_clusters(pairs.intervals))
    t = np.abs(pairs.win_rate - 0.5) / found.error
    np.testing.assert_allclose(found.p, 2 * stats.t.sf(t, pairs.intervals.effective_clusters - 1))


@pytest.mark.parametrize("contrasts_of", [pairs_of, ratings_of])
def test_sequences_lie_around_the_fixed_sample_and_are_wider_at_once(contrasts_of: object) -> None:
    assert callable(contrasts_of)
    contrasts = contrasts_of(votes_of(2))
    one, all_of_them = (confidence_sequence(contrasts, 500, at_once=m) for m in (1, 6))
    fixed = stats.t.isf(0.025, contrasts.clusters - 1) * contrasts.error
    assert (one.high - one.low > 2 * fixed).all()
    assert (all_of_them.low < one.low).all()
    assert (all_of_them.high > one.high).all()
    assert ((one.p <= 0.05) == (one.sign != 0)).all()


def test_votes_that_all_agree_have_an_exact_interval_and_ties_alone_prove_nothing() -> None:
    won = pairs_of(table(*((f"p{i}", "a", "b", "left", f"r{i}") for i in range(40))))
    tail = critical_p(np.array([40.0]), prior_votes(100, 0.05), 0.05)[0] / 2
    sequence = confidence_sequence(won, 100)
    assert sequence.low[0] == pytest.approx(tail ** (1 / 40))
    assert (sequence.high[0], sequence.sign[0], sequence.more_votes[0]) == (1.0, 1, 0)
    tied = confidence_sequence(pairs_of(table(*((f"p{i}", "a", "b", "tie", f"r{i}") for i in range(40)))), 100)
    assert (tied.sign[0], tied.p[0], tied.more_votes[0]) == (0, 1.0, np.inf)
    assert tied.low[0] < 0.5 < tied.high[0]


def test_with_too_few_prompts_or_raters_nothing_is_said() -> None:
    votes = table(*((f"p{i}", "a", "b", ("left", "right")[i % 3 == 0], f"r{i % 4}") for i in range(40)))
    for contrasts in (pairs_of(votes), ratings_of(votes)):
        found = confidence_sequence(contrasts, 100)
        assert np.isnan([found.low[0], found.high[0], found.p[0], found.more_votes[0]]).all()
        assert found.sign[0] == 0
    assert verdict(found.more_votes[0]).startswith("cannot be said: fewer than 5 effective prompts or raters")


def test_a_pair_of_which_every_vote_says_both_bad_is_open() -> None:
    rows = [(f"p{i}", "a", "b", "both_bad", f"r{i}") for i in range(8)]
    found = confidence_sequence(pairs_of(table(*rows)), 100)
    assert np.isnan([found.low[0], found.p[0], found.more_votes[0]]).all()


def test_ratings_without_covariances_are_refused() -> None:
    votes = votes_of(3)
    with pytest.raises(ValueError, match="no covariances"):
        rating_contrasts(field_win_rates(votes), len(votes))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.permutations(range(3)))
def test_names_sides_and_the_order_of_rows_do_not_matter(seed: int, names: list[int]) -> None:
    votes = Population((-0.4, 0, 0.4)).votes(np.random.default_rng(seed), prompts=20, raters=12, per_prompt=6)
    rows = np.random.default_rng(seed).permutation(len(votes))
    outcomes = {1.0: "right", 0.0: "left", 0.5: "tie"}  # sides are swapped
    other = table(
        *(
            (
                str(votes.prompt[v]),
                f"s{names[votes.system_right[v]]}",
                f"s{names[votes.system_left[v]]}",
                outcomes[votes.left_score[v]],
                str(votes.rater[v]),
            )
            for v in rows
        )
    )
    for contrasts_of in (pairs_of, ratings_of):
        plain, changed = (confidence_sequence(contrasts_of(table), 200, at_once=3) for table in (votes, other))
        rank = rank_ranges_of(plain.contrasts, plain.sign)
        again = rank_ranges_of(changed.contrasts, changed.sign)
        for before, after in zip(rank, again, strict=True):
            assert list(before) == list(after[names])
        np.testing.assert_allclose(sorted(plain.p), sorted(changed.p), rtol=1e-6)
        np.testing.assert_allclose(sorted(plain.high - plain.low), sorted(changed.high - changed.low), rtol=1e-6)


@pytest.mark.parametrize(("seed", "prompts", "raters"), [(5, 60, 30), (2, 30, 7)], ids=["ample", "few raters"])
def test_so_many_votes_as_are_still_needed_are_enough_and_fewer_are_not(seed: int, prompts: int, raters: int) -> None:
    votes = Population((-0.1, 0.1)).votes(np.random.default_rng(seed), prompts, raters, per_prompt=5)
    contrasts = pairs_of(votes)
    times = 1 + confidence_sequence(contrasts, 1000).more_votes[0] / contrasts.votes[0]
    assert 2 < times < 30
    for copies, settled in ((int(np.ceil(times)), True), (int(times), False)):
        again = confidence_sequence(pairs_of(by_others(votes, copies)), 1000)
        assert bool(again.sign[0]) is settled


def test_holm_on_always_valid_p_values_finds_all_that_the_union_bound_finds() -> None:
    contrasts = ratings_of(votes_of(9))
    adjusted = holm(confidence_sequence(contrasts, 800).p)
    together = confidence_sequence(contrasts, 800, at_once=len(contrasts.a))
    assert (adjusted[together.sign != 0] <= 0.05).all()
    assert 0 < (together.sign != 0).sum() <= (adjusted <= 0.05).sum()


def test_the_first_place_waits_for_its_closest_rival() -> None:
    votes = votes_of(6, (-1.5, 0.45, 0.6))
    sequence = confidence_sequence(ratings_of(votes), 1000, at_once=3)
    leader, more = first_place(sequence)
    assert leader == "system-2"
    assert more == sequence.more_votes[2] > 0
    assert sequence.more_votes[1] == 0
    clear = confidence_sequence(ratings_of(votes_of(6, (-1.5, -1.2, 1.5))), 1000, at_once=3)
    assert first_place(clear) == ("system-2", 0)


def votes_where_a_meets_b_with(outcome: str) -> VoteTable:
    """Each of them meets c as successfully as the other; every second vote has the sides exchanged."""
    mirrored = {"left": "right", "right": "left", "tie": "tie"}
    meetings = [
        (n, *pair)
        for n, of_both in enumerate(["left", "left", "left", "left", "right", "right", "tie", "tie"] * 5)
        for pair in (("a", "c", of_both), ("b", "c", of_both), ("a", "b", outcome))
    ]
    return table(
        *(
            (f"p{n}", other, one, mirrored[found], f"r{n % 7}") if n % 2 else (f"p{n}", one, other, found, f"r{n % 7}")
            for n, one, other, found in meetings
        )
    )


@pytest.mark.parametrize(("outcome", "leader"), [("tie", None), ("left", "a"), ("right", "b")])
def test_nobody_is_ahead_where_the_first_place_is_shared(outcome: str, leader: str | None) -> None:
    sequence = confidence_sequence(ratings_of(votes_where_a_meets_b_with(outcome)), 1000, at_once=3)
    assert first_place(sequence)[0] == leader


def test_ranks_that_are_open_share_a_range() -> None:
    votes = votes_of(7, (-1.5, -1.5, 1.5, 1.5))
    sequence = confidence_sequence(ratings_of(votes), 1000, at_once=6)
    low, high = rank_ranges_of(sequence.contrasts, sequence.sign)
    assert list(zip(low, high, strict=True)) == [(3, 4), (3, 4), (1, 2), (1, 2)]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (0, "enough"),
        (7, "about 7 more votes"),
        (1234, "about 1,300 more votes"),
        (np.inf, "more than 1000 times the votes so far: the two are about equal"),
    ],
)
def test_a_verdict_is_plain_english(more: float, words: str) -> None:
    assert verdict(more) == words


def test_the_truth_stays_inside_at_ten_looks() -> None:
    population = Population((-0.2, 0.2))
    truth = population.win_rates()[0, 1]
    held = []
    for seed in range(40):
        votes = population.votes(np.random.default_rng(seed), prompts=60, raters=12, per_prompt=10)
        order = np.random.default_rng(seed).permutation(len(votes))
        looks = [confidence_sequence(pairs_of(votes.select(order < n)), 600) for n in range(60, 601, 60)]
        held.append(all(not (look.low[0] > truth or look.high[0] < truth) for look in looks))
    assert np.mean(held) >= 0.95
