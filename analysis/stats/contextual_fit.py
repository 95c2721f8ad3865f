"""The maximum of the likelihood of `contextual`, by Fisher scoring on the votes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, log_expit

from analysis.stats.bradley_terry import MAX_ITERATIONS
from analysis.stats.errors import NotConvergedError, RatingError, SeparationError
from analysis.stats.outcomes import FloatArray, IntArray

_TOLERANCE = 1e-10
_RUNAWAY = 25.0  # log odds to which no number of votes leads, unless they are separated
_SINGULAR = 1e-12


@dataclass(frozen=True, eq=False)
class Model:
    """N votes: `left` and `right` are cells, level * systems + system; `score` the left one's, `weight` the vote's.

    `s` and `d` have mean 0 and variance 1, or are None. Parameters (p,): the strengths of the cells, then, each where
    it is fitted, the side S, its slope b on s, and the discrimination a on d.
    """

    left: IntArray
    right: IntArray
    score: FloatArray
    weight: FloatArray
    systems: int
    levels: int
    with_side: bool
    s: FloatArray | None
    d: FloatArray | None
    ridge: float

    @property
    def cells(self) -> int:
        return self.systems * self.levels

    @property
    def parameters(self) -> int:
        return self.cells + self.with_side + (self.s is not None) + (self.d is not None)

    def net(self, values: FloatArray) -> FloatArray:
        """Sums (cells,) of a value of each vote (N,): as the left cell, less as the right one."""
        as_left, as_right = (np.bincount(codes, values, self.cells) for codes in (self.left, self.right))
        return np.asarray(as_left - as_right, dtype=np.float64)

    def interactions(self, strengths: FloatArray) -> FloatArray:
        """gamma (cells,): strengths less their system's mean over levels."""
        table = strengths.reshape(self.levels, self.systems)
        return np.asarray(table - table.mean(axis=0)).ravel()


@dataclass(frozen=True, eq=False)
class Point:
    """What the votes say at some parameters, with x = scale * difference of strengths + side.

    `residual` and `variance` (N,) are weighted; `extra` (N, q) has the derivatives of x by the parameters that are no
    strengths.
    """

    parameters: FloatArray
    likelihood: float
    residual: FloatArray
    variance: FloatArray
    scale: FloatArray
    difference: FloatArray
    extra: FloatArray


@dataclass(frozen=True, eq=False)
class ContextualFit:
    """`inverse` (p, p) is that of the observed information, whatever is added to all strengths of a level."""

    point: Point
    inverse: FloatArray
    iterations: int


def fit(model: Model) -> ContextualFit:
    """Raises SeparationError where covariates separate the votes, RatingError where the votes do not tell parameters
    apart, or NotConvergedError."""
    start = np.zeros(model.parameters)
    if model.d is not None:  # of which equal strengths say nothing
        start[:-1] = fit(replace(model, d=None)).point.parameters
    at = _point(model, start)
    for iteration in range(1, MAX_ITERATIONS + 1):
        gradient, expected = derivatives(model, at)
        step = _inverse(expected) @ gradient
        if np.abs(step).max() < _TOLERANCE:
            return ContextualFit(at, _inverse(expected - _bend(model, at)), iteration)
        for _ in range(60):
            candidate = _point(model, at.parameters + step)
            if candidate.likelihood >= at.likelihood - 1e-12 * abs(at.likelihood):
                break
            step = step / 2
        at = candidate
        if np.abs(at.parameters).max() > _RUNAWAY:
            raise SeparationError("Ratings with covariates are not finite: the covariates separate wins from losses.")
    raise NotConvergedError(f"Bradley-Terry with covariates did not converge after {MAX_ITERATIONS} iterations.")


def derivatives(model: Model, at: Point) -> tuple[FloatArray, FloatArray]:
    """Gradient (p,) and expected information (p, p), plus 1 1' for the free sum of the strengths in each level."""
    cells, p = model.cells, len(at.parameters)
    strengths = at.parameters[:cells]
    gradient = np.concatenate([model.net(at.residual * at.scale), at.extra.T @ at.residual])
    gradient[:cells] -= model.ridge * model.interactions(strengths)
    information = np.zeros((p, p))
    both = np.bincount(model.left * cells + model.right, at.variance * at.scale**2, cells**2).reshape(cells, cells)
    of_level = np.kron(np.eye(model.levels), np.ones((model.systems, model.systems)))
    between_levels = np.kron(np.eye(model.levels) - 1 / model.levels, np.eye(model.systems))
    information[:cells, :cells] = of_level + model.ridge * between_levels - both - both.T
    information[np.arange(cells), np.arange(cells)] += both.sum(axis=0) + both.sum(axis=1)
    for j, extra in enumerate(at.extra.T):
        information[:cells, cells + j] = model.net(at.variance * at.scale * extra)
    information[cells:, :cells] = information[:cells, cells:].T
    information[cells:, cells:] = at.extra.T @ (at.variance[:, None] * at.extra)
    return gradient, information


def _point(model: Model, parameters: FloatArray) -> Point:
    n = len(model.score)
    strengths, others = parameters[: model.cells], list(parameters[model.cells :])
    scale = np.ones(n) if model.d is None else np.exp(others.pop() * model.d)
    difference = strengths[model.left] - strengths[model.right]
    of_side = [np.ones(n)] * model.with_side + ([] if model.s is None else [model.s])
    x = scale * difference
    for value, column in zip(others, of_side, strict=True):
        x = x + value * column
    chance = expit(x)
    likelihood = model.weight @ (model.score * log_expit(x) + (1 - model.score) * log_expit(-x))
    penalty = model.ridge / 2 * (model.interactions(strengths) ** 2).sum()
    extra = [*of_side, *([] if model.d is None else [model.d * scale * difference])]
    return Point(
        parameters=parameters,
        likelihood=float(likelihood - penalty),
        residual=model.weight * (model.score - chance),
        variance=model.weight * chance * (1 - chance),
        scale=scale,
        difference=difference,
        extra=np.array(extra).reshape(len(extra), n).T,
    )


def _bend(model: Model, at: Point) -> FloatArray:
    """sum of residual * second derivatives of x (p, p), by which observed and expected information differ."""
    p, cells = len(at.parameters), model.cells
    bend = np.zeros((p, p))
    if model.d is not None:
        slope = at.residual * model.d * at.scale
        bend[:cells, -1] = bend[-1, :cells] = model.net(slope)
        bend[-1, -1] = slope @ (model.d * at.difference)
    return bend


def _inverse(information: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(information)
    if values[0] <= _SINGULAR * values[-1]:
        raise RatingError("These votes cannot tell the covariates' effects from the ratings: leave a covariate out.")
    return np.asarray((vectors / values) @ vectors.T, dtype=np.float64)
