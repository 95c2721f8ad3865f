"""Bradley-Terry ratings with covariates, and with weighted votes.

    logit P(left beats right) = e^(a d) (lambda_lc - lambda_rc) + S + b s

for systems l and r in the level c of a factor (a prompt category), where d and s are numbers that come with the vote,
centred at their means: `a` tells how much better raters discriminate where d is larger (quick answers, say), `b` how
much the preference for the left side changes with s. In contrasts that sum to zero, over systems and over levels,

    lambda_ic = theta_i + gamma_ic,    theta_i = mean over c of lambda_ic,    sum_i lambda_ic = 0.

Bradley & Terry (1952), Biometrika 39; Turner & Firth (2012), "Bradley-Terry models in R: the BradleyTerry2 package",
Journal of Statistical Software 48; Springall (1973), "Response surface fitting using a generalization of the
Bradley-Terry paired comparison model", Applied Statistics 22.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from analysis.stats.bradley_terry import (
    BASE,
    MEAN,
    POINTS,
    SCALE,
    check_connected,
    check_separation,
    side_is_estimable,
)
from analysis.stats.breakdowns import slice_codes
from analysis.stats.contextual_fit import ContextualFit, Model, fit, interactions
from analysis.stats.errors import DisconnectedError, RatingError, SeparationError, VoteFileError
from analysis.stats.outcomes import BOTH_BAD, FloatArray, IntArray, VoteTable
from analysis.stats.ratings import Ratings, rated_votes
from analysis.stats.uncertainty import LEVEL, Influence, Intervals, two_way_intervals
from analysis.stats.weighting import effective_votes, inverse_probability_weights, vote_column


@dataclass(frozen=True)
class Context:
    """What comes with votes: `factor` names an optional column; `side` and `discrimination` are numbers (N,)."""

    factor: str | None = None
    side: npt.ArrayLike | None = None
    discrimination: npt.ArrayLike | None = None


@dataclass(frozen=True)
class Estimate:
    """NaN where the votes do not determine it."""

    value: float
    low: float
    high: float
    standard_error: float


@dataclass(frozen=True, eq=False)
class Effects:
    """Of k systems in c levels of the factor, in rating points; all (c, k)."""

    values: FloatArray
    low: FloatArray
    high: FloatArray
    standard_error: FloatArray


@dataclass(frozen=True, eq=False)
class ContextualRatings:
    """`ratings` are theta, the mean over `levels`, each counting the same; `by_level` lambda, `interactions` gamma.

    `levels` is empty without a factor, and the tables then have one row. `side` is S, in points, at the means of the
    covariates; `side_slope` b, points per unit of s; `discrimination` a, per unit of d, so that differences of ratings
    count e^a times as much where d is one larger; None for what was not asked for. `effective_votes` is Kish's number.
    """

    ratings: Ratings
    levels: tuple[str, ...]
    by_level: Effects
    interactions: Effects
    side: Estimate
    side_slope: Estimate | None
    discrimination: Estimate | None
    effective_votes: float


@dataclass(frozen=True, eq=False)
class _Covariate:
    """`values` (N,) have mean 0 and variance 1; the effect of one unit is that of `spread` of them."""

    values: FloatArray
    spread: float


@dataclass(frozen=True, eq=False)
class _Outputs:
    """theta (k,), lambda and gamma (c * k,), then S, b and a as far as fitted, one after the other."""

    values: FloatArray
    intervals: Intervals

    def parts(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        return self.values, self.intervals.low, self.intervals.high, self.intervals.standard_error

    def effects(self, first: int, shape: tuple[int, int]) -> Effects:
        columns = slice(first, first + shape[0] * shape[1])
        return Effects(*(part[columns].reshape(shape) for part in self.parts()))

    def estimate(self, column: int, spread: float = 1.0) -> Estimate:
        return Estimate(*(float(part[column]) / spread for part in self.parts()))


def contextual_bradley_terry(
    votes: VoteTable,
    context: Context | None = None,
    probability: npt.ArrayLike | None = None,
    ridge: float = 0.0,
    level: float = LEVEL,
) -> ContextualRatings:
    """Ratings by weighted maximum likelihood; without context, weights and ridge they are those of `bradley_terry`.

    `probability` (N,) weights votes by its inverse (`weighting`). `ridge` takes ridge / 2 sum gamma^2 (in log odds, so
    that 1 / ridge is the variance of a normal prior) from the log likelihood: levels with few votes, and those in which
    a system never lost, then lean on the others. Intervals are the two-way clustered sandwich of `uncertainty`, around
    what the ridge makes of the truth; clusters count by weight, and for theta every level alike.

    VoteFileError for a column that is absent and for numbers of another shape or not finite; DisconnectedError,
    SeparationError, NotConvergedError or RatingError where the votes do not determine the ratings.
    """
    if not ridge >= 0:
        raise RatingError(f"ridge is {ridge}; allowed: a number from 0.")
    context, counted = context or Context(), rated_votes(votes)
    weights = inverse_probability_weights(votes, probability)
    side = _covariate("side", context.side, votes)
    discrimination = _covariate("discrimination", context.discrimination, votes)
    votes = counted
    levels, level_of = slice_codes(votes, context.factor) if context.factor else ((), np.zeros(len(votes), np.intp))
    k, tied = len(votes.systems), ridge > 0 or not levels
    labels = [""] if tied else [f'{context.factor} "{name}": ' for name in levels]
    model = Model(
        left=level_of * k + votes.system_left,
        right=level_of * k + votes.system_right,
        score=votes.left_score,
        weight=weights,
        systems=k,
        levels=max(len(levels), 1),
        with_side=_check(votes, level_of * (not tied), labels),
        s=None if side is None else side.values,
        d=None if discrimination is None else discrimination.values,
        precision=ridge * interactions(max(len(levels), 1), k) if ridge else None,
    )
    found = fit(model)
    influence = _influence(votes, model, found)
    values = found.point.parameters @ _output_weights(model)
    values[: k + model.cells] += MEAN
    outputs = _Outputs(values, two_way_intervals(votes, values, influence, level))
    first, shape = k + 2 * model.cells, (model.levels, k)
    of_side = outputs.estimate(first) if model.with_side else Estimate(np.nan, np.nan, np.nan, np.nan)
    by_level = outputs.effects(k, shape)
    return ContextualRatings(
        ratings=_ratings(votes, model, found, outputs, influence, of_side, ridge),
        levels=levels,
        by_level=by_level,
        interactions=outputs.effects(k + model.cells, shape),
        side=of_side,
        side_slope=None if side is None else outputs.estimate(first + model.with_side, side.spread),
        discrimination=None if discrimination is None else outputs.estimate(-1, discrimination.spread),
        effective_votes=effective_votes(weights),
    )


def _covariate(name: str, values: npt.ArrayLike | None, votes: VoteTable) -> _Covariate | None:
    if values is None:
        return None
    found = vote_column(f"The covariate of {name}", values, votes)[votes.outcome != BOTH_BAD]
    if not np.isfinite(found).all():
        raise VoteFileError(
            f"The covariate of {name} is no finite number in {(~np.isfinite(found)).sum()} of {len(found)} votes; "
            "leave those votes out."
        )
    spread = float(found.std())
    if spread <= 1e-12 * np.abs(found).max():
        raise RatingError(f"The covariate of {name} is the same in all votes, so that it explains nothing.")
    return _Covariate((found - found.mean()) / spread, spread)


def _check(votes: VoteTable, level_of: IntArray, labels: Sequence[str]) -> bool:
    """Raise unless finite strengths exist in every level; whether a finite side intercept does."""
    k, cells = len(votes.systems), len(votes.systems) * len(labels)
    code = (level_of * k + votes.system_left) * cells + level_of * k + votes.system_right

    def wins_of(score: FloatArray) -> FloatArray:
        return np.asarray(np.bincount(code, score, cells**2).reshape(cells, cells), dtype=np.float64)

    left_wins, right_wins = wins_of(votes.left_score), wins_of(1 - votes.left_score)
    for number, label in enumerate(labels):
        level = slice(number * k, (number + 1) * k)
        wins = (left_wins + right_wins.T)[level, level]
        try:
            check_connected(wins + wins.T, votes.systems)
            check_separation(wins, votes.systems)
        except (DisconnectedError, SeparationError) as error:
            raise type(error)(f"{label}{error}") from None
    return side_is_estimable(left_wins, right_wins)


def _ratings(
    votes: VoteTable,
    model: Model,
    found: ContextualFit,
    outputs: _Outputs,
    influence: Influence,
    side: Estimate,
    ridge: float,
) -> Ratings:
    """theta, without an interval where one of its levels has none."""
    k = model.systems
    unknown = np.isnan(outputs.intervals.low[k : k + model.cells]).reshape(model.levels, k).sum(axis=0) > 0
    return Ratings(
        systems=votes.systems,
        values=outputs.values[:k],
        intervals=outputs.intervals.of(np.arange(len(outputs.values)) < k).without(unknown),
        parameters={
            "scale": SCALE,
            "base": BASE,
            "mean": MEAN,
            "ties": "half",
            "ridge": ridge,
            "level": outputs.intervals.level,
        },
        diagnostics={
            "side": side.value,
            "log_likelihood": found.point.likelihood,
            "iterations": float(found.iterations),
        },
        influence=Influence(influence.scores, influence.weights[:, :k], sparse.csr_array(influence.bearing[:, :k])),
    )


def _output_weights(model: Model) -> FloatArray:
    """From the p parameters to the m outputs, (p, m): points, except for a."""
    cells, c = model.cells, model.levels
    mean = np.kron(np.ones((c, 1)) / c, np.eye(model.systems))
    gamma = interactions(c, model.systems)
    others = np.eye(model.parameters - cells) * POINTS
    if model.d is not None:
        others[-1, -1] = 1.0
    strengths = np.hstack([mean, np.eye(cells), gamma]) * POINTS
    return np.asarray(linalg.block_diag(strengths, others), dtype=np.float64)


def _influence(votes: VoteTable, model: Model, found: ContextualFit) -> Influence:
    """Of the votes on all outputs, on which they bear by weight; on theta, a mean over levels, each level alike."""
    at, n, k, cells = found.point, len(votes), model.systems, model.cells
    push, weight, sides = at.residual * at.scale, model.weight, (model.left, model.right)
    extras = range(at.extra.shape[1])
    total = np.bincount(model.left, weight, cells) + np.bincount(model.right, weight, cells)

    def rows(columns: list[IntArray], values: list[FloatArray], width: int) -> sparse.csr_array:
        where = np.tile(np.arange(n), len(columns)), np.concatenate(columns)
        return sparse.csr_array((np.concatenate(values), where), shape=(n, width))

    others = [np.full(n, j) for j in extras]
    pushes = [push, -push, *(at.residual * extra for extra in at.extra.T)]
    scores = rows([*sides, *(cells + j for j in others)], pushes, cells + len(extras))
    first = k + 2 * cells
    outputs = [output for cell in sides for output in (cell % k, k + cell, k + cells + cell)]
    borne = [part for cell in sides for part in (weight / total[cell], weight, weight)]
    bearing = rows([*outputs, *(first + j for j in others)], [*borne, *(weight for _ in extras)], first + len(extras))
    return Influence(scores, found.inverse @ _output_weights(model), bearing)
