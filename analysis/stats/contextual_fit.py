"""The maximum of the likelihood of `contextual`, by Fisher scoring on the votes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, log_expit

from analysis.stats.bradley_terry import MAX_ITERATIONS
from analysis.stats.errors import NotConvergedError, RatingError, SeparationError
from analysis.stats.outcomes import FloatArray, IntArray

_TOLERANCE = 1e-10
_NO_GAIN = 1e-20  # of likelihood: where it is nearly flat, rounding keeps steps from growing smaller
_RUNAWAY = 20.0  # log odds of a vote which leave no information about what leads further
_SINGULAR = 1e-12


@dataclass(frozen=True, eq=False)
class Model:
    """N votes: `left` and `right` are cells, level * systems + system; `score` the left one's, `weight` the vote's.

    `s` and `d` have mean 0 and variance 1, or are None. Parameters (p,): the strengths of the cells, then, each where
    it is fitted, the side S, its slope b on s, and the discrimination a on d. `precision` (cells, cells) is that of a
    normal prior on the strengths; None without one.
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
    precision: FloatArray | None = None

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


def interactions(levels: int, systems: int) -> FloatArray:
    """From strengths to gamma, (cells, cells): less their system's mean over levels. It is its own square."""
    return np.asarray(np.kron(np.eye(levels) - 1 / levels, np.eye(systems)))


@dataclass(frozen=True, eq=False)
class Point:
    """What the votes say at some parameters, with x = scale * difference of strengths + side.

    `x`, `residual` and `variance` are (N,), the latter two weighted; `extra` (N, q) has the derivatives of x by the
    parameters that are no strengths.
    """

    parameters: FloatArray
    x: FloatArray
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
        step = _inverse(expected, at) @ gradient
        if np.abs(step).max() < _TOLERANCE or gradient @ step < _NO_GAIN:
            return ContextualFit(at, _inverse(expected - _bend(model, at), at), iteration)
        for _ in range(60):
            candidate = _point(model, at.parameters + step)
            if candidate.likelihood >= at.likelihood - 1e-12 * abs(at.likelihood):
                break
            step = step / 2
        at = candidate
    raise NotConvergedError(f"Bradley-Terry with covariates did not converge after {MAX_ITERATIONS} iterations.")


def derivatives(model: Model, at: Point) -> tuple[FloatArray, FloatArray]:
    """Gradient (p,) and expected information (p, p), plus 1 1' for the free sum of the strengths in each level."""
    cells, p = model.cells, len(at.parameters)
    strengths = at.parameters[:cells]
    gradient = np.concatenate([model.net(at.residual * at.scale), at.extra.T @ at.residual])
    information = np.zeros((p, p))
    both = np.bincount(model.left * cells + model.right, at.variance * at.scale**2, cells**2).reshape(cells, cells)
    of_level = np.kron(np.eye(model.levels), np.ones((model.systems, model.systems)))
    information[:cells, :cells] = of_level - both - both.T
    information[np.arange(cells), np.arange(cells)] += both.sum(axis=0) + both.sum(axis=1)
    if model.precision is not None:
        gradient[:cells] -= model.precision @ strengths
        information[:cells, :cells] += model.precision
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
    penalty = 0.0 if model.precision is None else strengths @ model.precision @ strengths / 2
    extra = [*of_side, *([] if model.d is None else [model.d * scale * difference])]
    return Point(
        parameters=parameters,
        x=x,
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


def _inverse(information: FloatArray, at: Point) -> FloatArray:
    values, vectors = np.linalg.eigh(information)
    if values[0] > _SINGULAR * values[-1]:
        return np.asarray((vectors / values) @ vectors.T, dtype=np.float64)
    if np.abs(at.x).max() > _RUNAWAY:
        raise SeparationError("Ratings with covariates are not finite: the covariates separate wins from losses.")
    raise RatingError("These votes cannot tell the covariates' effects from the ratings: leave a covariate out.")
