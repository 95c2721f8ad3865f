"""Bradley-Terry ratings are those of other programs, where the model is the same."""

from __future__ import annotations

import json
from pathlib import Path

import choix
import numpy as np
import pytest

from analysis.stats.bradley_terry import MEAN, POINTS, bradley_terry, fit_votes
from analysis.stats.contextual import contextual_bradley_terry
from analysis.stats.outcomes import FloatArray, VoteTable
from analysis.stats.ratings import Ratings
from analysis.stats.ridge import ridge_bradley_terry
from analysis.stats.uncertainty import INDEPENDENT
from tests.analysis.stats.planted import table

PEERS = json.loads((Path(__file__).parents[2] / "golden" / "peers.json").read_text())
OUTCOME = {1.0: "left", 0.0: "right", 0.5: "tie"}
LEFT, RIGHT, SCORE, PROBABILITY = (np.array(column) for column in zip(*PEERS["votes"], strict=True))


def vote_table(*, both_ways: bool = False) -> VoteTable:
    rows = [("abcde"[a], "abcde"[b], OUTCOME[y]) for a, b, y in zip(LEFT, RIGHT, SCORE, strict=True)]
    if both_ways:
        rows += [("abcde"[b], "abcde"[a], OUTCOME[1 - y]) for a, b, y in zip(LEFT, RIGHT, SCORE, strict=True)]
    return table(*((f"p{n}", *row, f"r{n}") for n, row in enumerate(rows)))


def strengths(ratings: Ratings) -> FloatArray:
    return np.asarray((ratings.values - MEAN) / POINTS)


def errors(ratings: Ratings) -> FloatArray:
    assert ratings.intervals
    return np.asarray(ratings.intervals.standard_error / POINTS)


@pytest.mark.parametrize("peer", ["statsmodels", "arena_rank_with_a_side"])
def test_with_a_side_they_are_those_of_logistic_regression(peer: str) -> None:
    """With a constant beside the systems' indicators; its robust errors are those of votes as if independent."""
    found, expected = bradley_terry(vote_table(), cluster=INDEPENDENT), PEERS[peer]
    ours = [*strengths(found), float(found.diagnostics["side"]) / POINTS]
    np.testing.assert_allclose(ours, expected["strengths_and_side"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(errors(found), expected["robust_standard_errors"][:5], rtol=1e-6)


def test_the_inverse_information_is_logistic_regression_s() -> None:
    errors_of_model = np.sqrt(np.diag(fit_votes(vote_table()).covariance))
    np.testing.assert_allclose(errors_of_model, PEERS["statsmodels"]["standard_errors"], rtol=1e-6)


def test_without_a_side_they_are_arena_rank_s() -> None:
    """Each vote once from either side, so that the side is nought and every vote counts twice."""
    found, expected = bradley_terry(vote_table(both_ways=True), cluster=INDEPENDENT), PEERS["arena_rank_plain"]
    np.testing.assert_allclose(strengths(found), expected["strengths"], rtol=0, atol=1e-8)
    np.testing.assert_allclose(errors(found) * np.sqrt(2), expected["robust_standard_errors"], rtol=1e-6)


def test_weighted_by_inverse_probability_they_are_arena_rank_s() -> None:
    """Where every vote is of a prompt and a rater of its own, two-way clustered errors are those of votes alone."""
    found, expected = contextual_bradley_terry(vote_table(), probability=PROBABILITY), PEERS["arena_rank_weighted"]
    ours = [*strengths(found.ratings), found.side.value / POINTS]
    np.testing.assert_allclose(ours, expected["strengths_and_side"], rtol=0, atol=1e-8)
    ours = [*errors(found.ratings), found.side.standard_error / POINTS]
    np.testing.assert_allclose(ours, expected["robust_standard_errors"], rtol=1e-6)


@pytest.mark.parametrize("ridge", [0.02, 1.0, 50.0])
def test_with_a_ridge_they_are_choix_s(ridge: float) -> None:
    """choix takes alpha times the sum of squares from the log likelihood, where ours takes half the ridge."""
    decided = SCORE != 0.5
    winner, loser = np.where(SCORE == 1, LEFT, RIGHT)[decided], np.where(SCORE == 1, RIGHT, LEFT)[decided]
    wins = list(zip(winner.astype(int), loser.astype(int), strict=True))
    # Each vote once from either side, and so twice: as much a prior as for each once.
    rows = [*((a, b, "left") for a, b in wins), *((b, a, "right") for a, b in wins)]
    votes = table(*((f"p{n}", "abcde"[a], "abcde"[b], outcome, "r") for n, (a, b, outcome) in enumerate(rows)))
    theirs = choix.opt_pairwise(5, wins, alpha=ridge / 4, tol=1e-12)
    np.testing.assert_allclose(strengths(ridge_bradley_terry(votes, ridge)), theirs, rtol=0, atol=1e-6)
