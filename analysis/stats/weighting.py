"""Votes weighted by the inverse of the probability with which their pair of systems was drawn.

Adaptive matchmaking asks more often about pairs that are close. Shares of all votes are then not those of a study that
draws pairs evenly; weighted by w_v = 1 / pi_v they are again. Horvitz & Thompson (1952), "A generalization of sampling
without replacement from a finite universe", Journal of the American Statistical Association 47; weights are normalised
to a mean of one, after Hajek (1971), comment in Foundations of Statistical Inference.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.stats.errors import VoteFileError, listed
from analysis.stats.outcomes import BOTH_BAD, FloatArray, VoteTable
from analysis.stats.ratings import Ratings, rated_votes
from analysis.stats.uncertainty import LEVEL, Influence
from analysis.stats.win_rates import rate_intervals


def inverse_probability_weights(votes: VoteTable, probability: npt.ArrayLike | None) -> FloatArray:
    """Weights of the votes that are not both-bad, in their order, with a mean of one; all one without probabilities.

    `probability` (N,) is that of each vote's pair among all pairs, when it was drawn. A design that fills the pairs
    with the fewest votes first is even by itself: there weights only add noise. VoteFileError unless all are above 0
    and at most 1.
    """
    counts = votes.outcome != BOTH_BAD
    if probability is None or not counts.any():
        return np.ones(int(counts.sum()))
    chance = vote_column("probability", probability, votes)
    wrong = ~((chance > 0) & (chance <= 1))
    if wrong.any():
        rows = np.flatnonzero(wrong)
        found, where = listed([f"{chance[row]:g}" for row in rows]), listed([int(row) + 1 for row in rows])
        raise VoteFileError(f"probability is {found} in votes {where}, counted from 1; allowed are above 0 up to 1.")
    weights = 1 / chance[counts]
    return np.asarray(weights / weights.mean())


def vote_column(name: str, values: npt.ArrayLike, votes: VoteTable) -> FloatArray:
    """Numbers (N,), one a vote. VoteFileError for another shape."""
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (len(votes),):
        raise VoteFileError(f"{name} has the shape {found.shape}; allowed is one number a vote, {(len(votes),)}.")
    return found


def effective_votes(weights: FloatArray) -> float:
    """(sum w)^2 / sum w^2: as many votes of equal weight have the same variance. Kish (1965), Survey Sampling, 11.7."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def weighted_win_rates(votes: VoteTable, probability: npt.ArrayLike | None = None, level: float = LEVEL) -> Ratings:
    """Each system's share of its votes, sum w y / sum w, a tie counting half and both-bad nothing.

    With `probability` (`inverse_probability_weights`) it estimates what a study would find in which all pairs are
    equally likely; without, it is the plain share, which depends on whom a system met. Two-way clustered intervals;
    `diagnostics["effective_votes"]` is Kish's for each system. RatingError without any vote.
    """
    weights = inverse_probability_weights(votes, probability)
    votes = rated_votes(votes)
    n, k = len(votes), len(votes.systems)
    system = np.concatenate([votes.system_left, votes.system_right])
    score, weight = np.concatenate([votes.left_score, 1 - votes.left_score]), np.tile(weights, 2)
    total = np.bincount(system, weight)
    values = np.bincount(system, weight * score) / total
    kish = total**2 / np.bincount(system, weight**2)
    # As in win_rates: votes lie closer to their own mean than to the truth.
    widened = np.sqrt(kish / np.maximum(kish - 1, 1))
    rows = np.tile(np.arange(n), 2)
    scores = weight * (score - values[system]) / total[system] * widened[system]
    bearing = sparse.csr_array((weight, (rows, system)), shape=(n, k))
    influence = Influence(sparse.csr_array((scores, (rows, system)), shape=(n, k)), np.eye(k), bearing)
    return Ratings(
        systems=votes.systems,
        values=values,
        intervals=rate_intervals(votes, values, influence, level),
        parameters={"average": "over votes", "ties": "half", "level": level},
        diagnostics={"effective_votes": kish},
        influence=influence,
    )
