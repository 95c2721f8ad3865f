"""Bradley-Terry ratings that a prior draws together, for votes of which no finite ratings come otherwise."""

from __future__ import annotations

import math

import numpy as np

from analysis.stats.bradley_terry import BASE, MEAN, POINTS, SCALE, check_connected
from analysis.stats.contextual_fit import Model, fit
from analysis.stats.errors import RatingError
from analysis.stats.outcomes import FloatArray, VoteTable
from analysis.stats.ratings import Ratings, rated_votes


def prior_sd(ridge: float) -> float:
    """Standard deviation of the prior of a rating, in points: 400 / ln 10 / sqrt(ridge)."""
    return float(POINTS / math.sqrt(ridge))


def ridge_bradley_terry(votes: VoteTable, ridge: float) -> Ratings:
    """The maximum of log likelihood - ridge / 2 sum over systems of theta^2, on the scale of `bradley_terry`.

    theta are strengths in log odds, so that `ridge` is the precision (1 / variance) of a normal prior around the mean
    of all systems: with 1, ratings have a priori a standard deviation of 174 points. The side intercept has no prior.
    Hoerl & Kennard (1970), "Ridge regression", Technometrics 12; le Cessie & van Houwelingen (1992), "Ridge estimators
    in logistic regression", Applied Statistics 41.

    Ratings are finite whoever wins or loses all. There are no intervals: a ridge moves ratings by an amount of which
    the votes say nothing, so that an interval of the votes around them holds the truth less often than it says, the
    least often for a system with few votes (analysis.stats.bootstrap would share that fault).

    RatingError for a `ridge` that is not above 0, or without any vote; DisconnectedError, as where systems were never
    compared the prior alone would rate them.
    """
    if not 0 < ridge < math.inf:
        raise RatingError(f"ridge is {ridge}; allowed: a number above 0.")
    votes = rated_votes(votes)
    kinds, k = votes.kinds, len(votes.systems)
    rows = kinds.counts > 0
    left, right, score = kinds.left[rows], kinds.right[rows], kinds.left_score[rows]
    counts = kinds.counts[rows].astype(np.float64)
    games = np.bincount(left * k + right, counts, k * k).reshape(k, k).astype(np.float64)
    check_connected(games, votes.systems)
    # Strengths cannot run away, so that nothing does unless one side has it all.
    with_side = bool(0 < score @ counts < counts.sum())
    model = Model(left, right, score, counts, k, 1, with_side, s=None, d=None, precision=ridge * np.eye(k))
    found = fit(model)
    values: FloatArray = MEAN + POINTS * found.point.parameters[:k]
    return Ratings(
        systems=votes.systems,
        values=values,
        intervals=None,
        parameters={"scale": SCALE, "base": BASE, "mean": MEAN, "ties": "half", "ridge": ridge},
        diagnostics={
            "side": POINTS * float(found.point.parameters[k]) if with_side else math.nan,
            "iterations": float(found.iterations),
        },
    )
