"""Intervals of Bradley-Terry ratings as peers make them, on the scale of the site (400, base 10, mean 1000)."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pandas as pd

from analysis.stats.bradley_terry import POINTS, fit_counts
from analysis.stats.outcomes import LEFT, RIGHT, TIE, FloatArray, VoteTable

Ends = tuple[FloatArray, FloatArray]
SAME = 0.2  # points: what an iteration that stops early may be off


def arena_rank(votes: VoteTable, *, check: bool) -> Ends:
    """Its sandwich intervals, which it fits without a side intercept.

    Its solver compiles anew for every data set, which takes seconds: so its intervals are made at the maximum found
    here, of counts put together here; `check` sees that its own way from the votes on gives the same.
    """
    models, data = import_module("arena_rank.models.bradley_terry"), import_module("arena_rank.utils.data_utils")
    model = models.BradleyTerry(len(votes.systems))
    model.params, model.fitted = {"ratings": sideless_strengths(votes)}, True
    rows, counts = np.unique(np.c_[votes.system_left, votes.system_right, votes.outcome], axis=0, return_counts=True)
    score, games = np.array([1.0, 0.0, 0.5])[rows[:, 2]], counts.astype(np.float64)
    found = model.compute_ratings_and_cis(
        data.PairDataset(list(votes.systems), rows[:, :2], score, games, np.ones(len(rows)), games)
    )
    ends = np.asarray(found["rating_lower"]), np.asarray(found["rating_upper"])
    if check:
        left, right = names(votes)
        winner = np.array(["model_a", "model_b", "tie"], dtype=object)[votes.outcome]
        its_own = data.PairDataset.from_pandas(pd.DataFrame({"model_a": left, "model_b": right, "winner": winner}))
        own = models.BradleyTerry(len(votes.systems)).compute_ratings_and_cis(its_own)
        np.testing.assert_allclose((own["rating_lower"], own["rating_upper"]), ends, rtol=0, atol=SAME)
    return ends


def evalica(votes: VoteTable, rng: np.random.Generator, resamples: int) -> Ends:
    """Its bootstrap of votes; percentiles, as its default (BCa) takes twenty times as long."""
    module = import_module("evalica")
    winner = {LEFT: module.Winner.X, RIGHT: module.Winner.Y, TIE: module.Winner.Draw}
    found = module.bootstrap(
        module.bradley_terry,
        *names(votes),
        [winner[outcome] for outcome in votes.outcome.tolist()],
        n_resamples=resamples,
        bootstrap_method="percentile",
        random_state=rng,
    )
    # Its scores have the geometric mean 1.
    low, high = (1000 + POINTS * np.log(ends.reindex(votes.systems).to_numpy()) for ends in (found.low, found.high))
    return low, high


def names(votes: VoteTable) -> tuple[list[str], list[str]]:
    """Of the left and of the right systems."""
    left, right = ([votes.systems[code] for code in side] for side in (votes.system_left, votes.system_right))
    return left, right


def sideless_strengths(votes: VoteTable) -> FloatArray:
    """Maximum-likelihood strengths without a side intercept: with every vote shown both ways it is zero."""
    k = len(votes.systems)
    wins, games = np.zeros((k, k)), np.zeros((k, k))
    np.add.at(wins, (votes.system_left, votes.system_right), votes.left_score)
    np.add.at(wins, (votes.system_right, votes.system_left), 1 - votes.left_score)
    np.add.at(games, (votes.system_left, votes.system_right), 1.0)
    np.add.at(games, (votes.system_right, votes.system_left), 1.0)
    return fit_counts(wins, games, votes.systems).strengths
