"""Votes weighted by the inverse of the probability of their draw."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.special import expit

from analysis.stats.bradley_terry import POINTS, bradley_terry, fit_counts
from analysis.stats.contextual import contextual_bradley_terry
from analysis.stats.errors import RatingError, VoteFileError
from analysis.stats.outcomes import FloatArray, VoteTable
from analysis.stats.weighting import effective_votes, inverse_probability_weights, weighted_win_rates
from analysis.stats.win_rates import field_win_rates
from tests.analysis.stats.planted import Population, table

VOTES = table(
    ("p", "a", "b", "left", "r"),
    ("p", "b", "c", "both_bad", "r"),
    ("q", "b", "a", "tie", "s"),
    ("q", "c", "a", "left", "s"),
)
PROBABILITY = [0.5, 0.1, 0.25, 0.125]


def test_weights_are_inverse_probabilities_with_a_mean_of_one() -> None:
    weights = inverse_probability_weights(VOTES, PROBABILITY)
    assert weights == pytest.approx(np.array([2, 4, 8]) * 3 / 14)
    assert inverse_probability_weights(VOTES, None).tolist() == [1, 1, 1]


def test_effective_votes_are_kishs() -> None:
    assert effective_votes(np.ones(7)) == 7
    assert effective_votes(np.array([1.0, 1.0, 0.0])) == pytest.approx(2)
    assert effective_votes(np.array([2.0, 4.0, 8.0])) == pytest.approx(14**2 / 84)


def test_weighted_shares_are_sums_of_weights() -> None:
    found = weighted_win_rates(VOTES, PROBABILITY)
    assert found.systems == ("a", "b", "c")
    assert found.values == pytest.approx([(2 + 2) / 14, 2 / 6, 1])
    assert found.diagnostics["effective_votes"] == pytest.approx([14**2 / 84, 36 / 20, 1])
    assert weighted_win_rates(VOTES).values == pytest.approx([1.5 / 3, 0.25, 1])


@pytest.mark.parametrize("wrong", [0, -0.1, 1.5, np.nan])
def test_probabilities_that_are_none_are_refused(wrong: float) -> None:
    with pytest.raises(VoteFileError) as error:
        inverse_probability_weights(VOTES, [0.5, wrong, 0.25, wrong])
    assert str(error.value) == (
        f"probability is {wrong:g} and {wrong:g} in votes 2 and 4, counted from 1; allowed are above 0 up to 1."
    )


def test_one_probability_a_vote_is_needed() -> None:
    with pytest.raises(VoteFileError, match=r"^probability has the shape \(2,\); allowed is one number a vote, \(4,\)"):
        inverse_probability_weights(VOTES, [0.5, 0.5])


def test_without_votes_there_are_no_weighted_rates() -> None:
    with pytest.raises(RatingError, match="no vote"):
        weighted_win_rates(table(("p", "a", "b", "both_bad", "r")), [0.5])


def test_equal_probabilities_change_nothing() -> None:
    votes = Population().votes(np.random.default_rng(1), prompts=20, raters=10, per_prompt=10)
    plain, weighted = weighted_win_rates(votes), weighted_win_rates(votes, np.full(len(votes), 0.3))
    assert weighted.values == pytest.approx(plain.values)
    assert plain.intervals
    assert weighted.intervals
    assert weighted.intervals.low == pytest.approx(plain.intervals.low)


def test_of_two_systems_the_share_is_the_win_rate_of_the_pair() -> None:
    votes = Population(strengths=(-0.3, 0.3)).votes(np.random.default_rng(4), prompts=12, raters=9, per_prompt=3)
    share, rate = weighted_win_rates(votes), field_win_rates(votes)
    assert share.values == pytest.approx(rate.values)
    assert share.intervals
    assert rate.intervals
    assert share.intervals.standard_error == pytest.approx(rate.intervals.standard_error)


def adaptive_study(rng: np.random.Generator, strengths: FloatArray, n: int) -> tuple[VoteTable, FloatArray]:
    """Every 60 votes pairs are drawn anew: a fifth evenly, the rest the likelier the closer they look so far."""
    pairs = np.array(list(combinations(range(len(strengths)), 2)))
    a, b = pairs.T
    wins, games = np.ones(len(strengths)), 2 * np.ones(len(strengths))
    rows, chances = [], []
    for _ in range(0, n, 60):
        gap = np.abs((wins / games)[a] - (wins / games)[b])
        nearness = np.exp(-8 * gap)
        chance = 0.2 / len(pairs) + 0.8 * nearness / nearness.sum()
        for drawn in rng.choice(len(pairs), 60, p=chance):
            left, right = rng.permutation(pairs[drawn])
            left_wins = rng.random() < expit(strengths[left] - strengths[right])
            wins[left if left_wins else right] += 1
            games[[left, right]] += 1
            outcome = "left" if left_wins else "right"
            rows.append((f"p{rng.integers(100)}", f"s{left}", f"s{right}", outcome, f"r{rng.integers(60)}"))
            chances.append(chance[drawn])
    return table(*rows), np.array(chances)


def test_after_adaptive_matchmaking_raw_win_rates_are_biased_and_weighted_ones_are_not() -> None:
    rng = np.random.default_rng(2)
    strengths = np.array([-1.5, -0.9, -0.3, 0.3, 0.9, 1.5])
    truth = (expit(np.subtract.outer(strengths, strengths)).sum(axis=1) - 0.5) / 5
    raw, weighted, held = [], [], []
    for _ in range(12):
        votes, probability = adaptive_study(rng, strengths, 1200)
        raw.append(weighted_win_rates(votes).values - truth)
        found = weighted_win_rates(votes, probability)
        assert found.intervals
        weighted.append(found.values - truth)
        held.append((found.intervals.low <= truth) & (truth <= found.intervals.high))
    bias, error = np.mean(weighted, axis=0), np.std(weighted, axis=0) / np.sqrt(12)
    assert np.mean(raw, axis=0)[-1] < -0.05
    assert np.mean(raw, axis=0)[0] > 0.05
    assert np.abs(bias).max() < 0.02
    assert np.abs(bias / error).max() < 3.5
    assert np.mean(held) > 0.85


def test_under_intransitivity_weighted_ratings_are_those_of_an_even_study() -> None:
    """a beats b beats c beats a, and the pair (a, b) is drawn nine times as often as the others."""
    rng = np.random.default_rng(3)
    chance = np.array([[0.5, 0.8, 0.4], [0.2, 0.5, 0.7], [0.6, 0.3, 0.5]])
    games = 1 - np.eye(3)
    truth = 1000 + POINTS * fit_counts(chance * games, games, ("a", "b", "c")).strengths
    pairs, of_pair = np.array([(0, 1), (0, 2), (1, 2)]), np.array([9, 1, 1]) / 11
    drawn = rng.choice(3, 20_000, p=of_pair)
    left, right = np.where(rng.random((20_000, 1)) < 0.5, pairs[drawn], pairs[drawn][:, ::-1]).T
    outcome = np.where(rng.random(20_000) < chance[left, right], "left", "right")
    rows = zip(range(20_000), left, right, outcome, strict=True)
    votes = table(*((f"p{i % 300}", "abc"[a], "abc"[b], str(o), f"r{i % 301}") for i, a, b, o in rows))
    ratings = contextual_bradley_terry(votes, probability=of_pair[drawn]).ratings
    assert ratings.intervals
    assert ratings.values == pytest.approx(truth, abs=10)
    assert ((ratings.intervals.low < truth) & (truth < ratings.intervals.high)).all()
    assert np.abs(bradley_terry(votes).values - truth).max() > 25
