"""The search for the fewest votes or raters whose removal overturns a conclusion; see `fragility`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from scipy import sparse
from scipy.special import expit

from analysis.stats.bradley_terry import MEAN, POINTS, fit_counts
from analysis.stats.errors import ConclusionError, RatingError, listed
from analysis.stats.outcomes import BOTH_BAD, BoolArray, FloatArray, IntArray, VoteTable
from analysis.stats.ratings import rated_votes

Unit = Literal["vote", "rater"]
MOST_TRIED = 500
"""Where there are no more ways to remove one less than was found, all lesser removals are tried."""
LEVEL_WITHIN = 1e-9
"""Values that differ by no more are level."""
_SCORES = np.array([1.0, 0.0, 0.5])  # of the left system, by outcome

Change = Callable[[FloatArray], FloatArray]
"""From a contrast of the values (k,) to how it changes when a vote is removed from a cell, (cells,)."""
Measure = Callable[[FloatArray, tuple[str, ...]], tuple[FloatArray, Change]]
"""From counts of votes (k, k, 3) by left system, right system and outcome to the systems' values (k,)."""
Evaluate = Callable[[IntArray], tuple[float, FloatArray]]
"""From how many of each unit are removed (u,) to the margin by which the conclusion holds, NaN where there is no
estimate, and to how it would change if one more of each unit went, (u,)."""


def fewest(evaluate: Evaluate, available: IntArray, limit: int) -> IntArray | None:
    """How many of each unit (u,) to remove, at most `limit` in all; None where that does not suffice.

    Again and again half of what the linear approximation asks for is removed, where it helps most, and the
    approximation made anew; so the last steps are single ones. A unit without which there is no estimate stays.
    """
    removed = np.zeros_like(available)
    needed_by = np.zeros(len(available), dtype=np.bool_)
    margin, change = evaluate(removed)
    while removed.sum() < limit:
        left = np.where(needed_by | (change >= 0), 0, available - removed)
        order = np.argsort(change, kind="stable")
        order = order[left[order] > 0]
        if not len(order):
            return None
        size = min(max(1, _asked_for(margin, change[order], left[order]) // 2), limit - int(removed.sum()))
        while True:
            before = np.cumsum(left[order]) - left[order]
            trial = removed.copy()
            trial[order] += np.clip(size - before, 0, left[order])
            trial_margin, trial_change = evaluate(trial)
            if size == 1 or trial_margin > LEVEL_WITHIN:
                break
            size //= 2
        if np.isnan(trial_margin):
            needed_by[order[0]] = True
            continue
        removed, margin, change = trial, trial_margin, trial_change
        if margin <= LEVEL_WITHIN:
            return removed
    return None


def checked(evaluate: Evaluate, available: IntArray, found: IntArray | None) -> tuple[IntArray | None, bool]:
    """The same, or less that suffices too if there are few enough ways to try all; and whether it is surely least."""
    units = np.flatnonzero(available)
    most = 0 if found is None else int(found.sum()) - 1
    if found is None or math.comb(len(units) + most - 1, most) > MOST_TRIED:
        return found, False
    for number in range(1, most + 1):
        for chosen in itertools.combinations_with_replacement(units, number):
            removed = np.bincount(chosen, minlength=len(available)).astype(np.intp)
            if (removed <= available).all() and evaluate(removed)[0] <= LEVEL_WITHIN:
                return removed, True
    return found, True


def _asked_for(margin: float, change: FloatArray, left: IntArray) -> int:
    """How many units in this order bring the margin to zero if each changes it as told; all if that does not do."""
    remains = margin + np.cumsum(change * left)
    if remains[-1] > 0:
        return int(left.sum())
    last = int(np.argmax(remains <= 0))
    return int(left[:last].sum() + np.ceil((remains[last] - change[last] * left[last]) / -change[last]))


@dataclass(frozen=True, eq=False)
class Cells:
    """Votes by left system, right system and outcome. Of the votes in one of these cells each is worth the other.

    `rows` are those of the table that count, `cell` and `rater` theirs; `units` (u, cells) is what goes with each unit,
    which can be removed `available` (u,) times.
    """

    systems: tuple[str, ...]
    measure: Measure
    unit: Unit
    rows: IntArray
    cell: IntArray
    rater: IntArray
    counts: IntArray
    units: sparse.csr_array
    available: IntArray

    @classmethod
    def of(cls, votes: VoteTable, ratings: str, unit: Unit) -> Self:
        if ratings not in MEASURES:
            raise ConclusionError(f'Unknown ratings "{ratings}"; allowed are {listed(list(MEASURES))}.')
        rated = rated_votes(votes)
        rows, k = np.flatnonzero(votes.outcome != BOTH_BAD), len(rated.systems)
        cell = (rated.system_left * k + rated.system_right) * len(_SCORES) + rated.outcome
        rater = votes.rater[rows]
        counts = np.bincount(cell, minlength=k * k * len(_SCORES)).astype(np.intp)
        if unit == "vote":
            units, available = sparse.csr_array(sparse.eye_array(len(counts))), counts
        else:
            shape = (len(votes.raters), len(counts))
            units = sparse.csr_array((np.ones(len(rows)), (rater, cell)), shape=shape)
            available = np.minimum(np.bincount(rater, minlength=len(votes.raters)), 1).astype(np.intp)
        return cls(rated.systems, MEASURES[ratings], unit, rows, cell, rater, counts, units, available)

    def measured(self, removed: IntArray) -> tuple[FloatArray, Change]:
        k = len(self.systems)
        return self.measure((self.counts - self.units.T @ removed).reshape(k, k, len(_SCORES)), self.systems)

    def lead(self, first: int, rivals: IntArray) -> Evaluate:
        """The margin is the lead over the best of the rivals."""

        def evaluate(removed: IntArray) -> tuple[float, FloatArray]:
            try:
                values, change = self.measured(removed)
            except RatingError:
                return np.nan, np.zeros(len(removed))
            contrast = np.zeros(len(values))
            contrast[first], contrast[rivals[np.argmax(values[rivals])]] = 1.0, -1.0
            return float(contrast @ values), self.units @ change(contrast)

        return evaluate

    def gone(self, removed: IntArray) -> BoolArray:
        """Which of `rows` go: all of a removed rater, or the first ones of each cell."""
        if self.unit == "rater":
            return np.asarray(removed[self.rater] > 0)
        order = np.argsort(self.cell, kind="stable")
        before = np.cumsum(self.counts) - self.counts
        gone = np.zeros(len(self.rows), dtype=np.bool_)
        gone[order] = np.arange(len(order)) - before[self.cell[order]] < removed[self.cell[order]]
        return gone


def _of_bradley_terry(counts: FloatArray, systems: tuple[str, ...]) -> tuple[FloatArray, Change]:
    fit = fit_counts(counts @ _SCORES, counts.sum(axis=-1), systems)
    side = 0.0 if np.isnan(fit.side) else fit.side
    chance = expit(np.subtract.outer(fit.strengths, fit.strengths) + side)

    def change(contrast: FloatArray) -> FloatArray:
        """Minus the influence I^-1 x (y - p) of a vote, as in `bradley_terry`."""
        pull = POINTS * fit.covariance[:, : len(contrast)] @ contrast
        toward = np.subtract.outer(pull[:-1], pull[:-1]) + pull[-1]
        return np.asarray(-((_SCORES - chance[..., None]) * toward[..., None]).ravel())

    return np.asarray(MEAN + POINTS * fit.strengths), change


def _of_win_rates(counts: FloatArray, systems: tuple[str, ...]) -> tuple[FloatArray, Change]:
    """The values of `field_win_rates`; NaN for a system that meets nobody."""
    games, left = counts.sum(axis=-1), counts @ _SCORES
    met, wins = games + games.T, left + (games - left).T
    rate = np.divide(wins, met, out=np.zeros_like(wins), where=met > 0)
    opponents = (met > 0).sum(axis=1)
    values = np.divide(rate.sum(axis=1), opponents, out=np.full(len(met), np.nan), where=opponents > 0)

    def change(contrast: FloatArray) -> FloatArray:
        """Without a vote y a pair's rate is (n rate - y) / (n - 1) = rate - (y - rate) / (n - 1)."""
        weight = contrast / np.maximum(opponents, 1)
        toward = np.subtract.outer(weight, weight) / np.maximum(met - 1, 1)
        return np.asarray(-((_SCORES - rate[..., None]) * toward[..., None]).ravel())

    return values, change


MEASURES: dict[str, Measure] = {"bradley-terry": _of_bradley_terry, "win-rate": _of_win_rates}
