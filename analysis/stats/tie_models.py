"""Bradley-Terry ratings that model ties instead of halving them.

With x = theta_i - theta_j + S for i on the left of j, P(left), P(right) and P(tie) are

    Davidson     e^(x/2) / Z,  e^(-x/2) / Z,  nu / Z,                    Z = e^(x/2) + e^(-x/2) + nu,
    Rao-Kupper   s(x - k),     s(-x - k),     (e^(2k) - 1) s(x - k) s(-x - k),   s(u) = 1 / (1 + e^-u),  k = log theta.

Davidson (1970), "On extending the Bradley-Terry model to accommodate ties in paired comparison experiments",
Journal of the American Statistical Association 65; Rao & Kupper (1967), "Ties in paired-comparison experiments", ibid.
62; the side S as in Davidson & Beaver (1977). Both log likelihoods are concave in (theta, S, log nu or k).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from analysis.stats.bradley_terry import MAX_ITERATIONS, MEAN, POINTS, SCALE, check_connected
from analysis.stats.errors import NotConvergedError, RatingError
from analysis.stats.jackknife import Curvature
from analysis.stats.outcomes import LEFT, RIGHT, TIE, FloatArray, VoteTable
from analysis.stats.ratings import Ratings, rated_votes
from analysis.stats.sums import rows_of, some_rows
from analysis.stats.tie_separation import Counts, check_tie_separation, side_is_estimable_with_ties
from analysis.stats.uncertainty import LEVEL, TWO_WAY, Influence, clustered_covariances, intervals_of

_TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Of the log likelihood of counts at x and the tie parameter t, each of the counts' shape."""

    value: FloatArray
    x: FloatArray
    t: FloatArray
    xx: FloatArray
    xt: FloatArray
    tt: FloatArray


Model = Callable[[FloatArray, float, Counts], Derivatives]


def davidson(x: FloatArray, t: float, counts: Counts) -> Derivatives:
    """t = log nu."""
    left, right, ties = counts
    n = left + right + ties
    log_z = np.logaddexp(np.logaddexp(x / 2, -x / 2), t)
    one, other, tie = np.exp(x / 2 - log_z), np.exp(-x / 2 - log_z), np.exp(t - log_z)
    lead = one - other
    return Derivatives(
        value=(left - right) * x / 2 + ties * t - n * log_z,
        x=(left - right) / 2 - n * lead / 2,
        t=ties - n * tie,
        xx=-n * (one + other - lead**2) / 4,
        xt=n * tie * lead / 2,
        tt=-n * tie * (1 - tie),
    )


def rao_kupper(x: FloatArray, t: float, counts: Counts) -> Derivatives:
    """t = log theta > 0."""
    left, right, ties = counts
    for_left, for_right = left + ties, right + ties
    one, other = expit(x - t), expit(-x - t)
    grown = np.expm1(2 * t)
    slope = 2 * (1 + 1 / grown)
    return Derivatives(
        value=for_left * log_expit(x - t) + for_right * log_expit(-x - t) + ties * np.log(grown),
        x=for_left * (1 - one) - for_right * (1 - other),
        t=-for_left * (1 - one) - for_right * (1 - other) + ties * slope,
        xx=-for_left * one * (1 - one) - for_right * other * (1 - other),
        xt=for_left * one * (1 - one) - for_right * other * (1 - other),
        tt=-for_left * one * (1 - one) - for_right * other * (1 - other) - 4 * ties * (grown + 1) / grown**2,
    )


MODELS: dict[str, Model] = {"davidson": davidson, "rao-kupper": rao_kupper}
_PARAMETER = {"davidson": "nu", "rao-kupper": "theta"}  # e^t


@dataclass(frozen=True, eq=False)
class TieFit:
    """As bradley_terry.Fit; `tie` is nu or theta, and the last row of `covariance` (k + 2, k + 2) its logarithm's."""

    strengths: FloatArray
    side: float
    tie: float
    covariance: FloatArray
    log_likelihood: float
    iterations: int


def rate_with_ties(votes: VoteTable, model: str, level: float = LEVEL, cluster: str = TWO_WAY) -> Ratings:
    """Ratings on Bradley-Terry's scale (400, base 10, mean 1000), with intervals by `cluster` of uncertainty.CLUSTERS.

    RatingError without a tie, or with ties alone: then there is no such model. Otherwise raises as `bradley_terry`;
    SeparationError also where only the tie parameter keeps ratings from being finite (`tie_separation`).
    """
    votes = rated_votes(votes)
    k = len(votes.systems)
    found = votes.kinds.counts.reshape(k, k, -1).astype(np.float64)
    counts = tuple(found[:, :, outcome] for outcome in (LEFT, RIGHT, TIE))
    fit = fit_ties((counts[0], counts[1], counts[2]), model, votes.systems)
    values: FloatArray = MEAN + POINTS * fit.strengths
    influence = _influence(votes, fit, MODELS[model])
    spread = clustered_covariances(votes, influence, cluster)
    return Ratings(
        systems=votes.systems,
        values=values,
        intervals=intervals_of(values, spread.variances(), spread.margins, level),
        parameters={"scale": SCALE, "mean": MEAN, "ties": model, "level": level},
        diagnostics={
            "side": POINTS * fit.side,
            _PARAMETER[model]: fit.tie,
            "log_likelihood": fit.log_likelihood,
            "iterations": float(fit.iterations),
        },
        influence=influence,
        covariances=spread,
    )


def fit_ties(counts: Counts, model: str, systems: tuple[str, ...], *, with_side: bool = True) -> TieFit:
    """Of counts (k, k), [i, j] with i on the left of j. Raises as `rate_with_ties`."""
    left, right, ties = counts
    if not ties.sum() or not (left + right).sum():
        found = "without a tie" if not ties.sum() else "with nothing but ties"
        raise RatingError(f"The {model} model of ties does not exist for votes {found}: count them as half.")
    check_connected(left + right + ties, systems)
    check_tie_separation(counts, model, systems)
    with_side = with_side and side_is_estimable_with_ties(counts)
    return _newton(counts, MODELS[model], with_side=with_side)


def _newton(counts: Counts, model: Model, *, with_side: bool) -> TieFit:
    k = len(counts[0])
    parameters = np.append(np.zeros(k + 1), 0.5)
    at = _at(parameters, counts, model)
    for iteration in range(1, MAX_ITERATIONS + 1):
        gradient, information = _assemble(at, with_side=with_side)
        inverse = _inverse(information)
        step = inverse @ gradient
        if np.abs(step).max() < _TOLERANCE:
            inverse[:k, :k] -= 1.0 / k**2  # the added 1 1' only fixed the sum of the strengths
            inverse[k] *= with_side
            inverse[:, k] *= with_side
            strengths: FloatArray = parameters[:k] - parameters[:k].mean()
            side = float(parameters[k]) if with_side else float("nan")
            likelihood = float(at.value.sum())
            return TieFit(strengths, side, float(np.exp(parameters[-1])), inverse, likelihood, iteration)
        for _ in range(60):
            candidate = parameters + step
            if candidate[-1] > 0 or model is davidson:
                moved = _at(candidate, counts, model)
                if moved.value.sum() >= at.value.sum() - 1e-12 * abs(at.value.sum()):
                    break
            step = step / 2
        parameters, at = candidate, moved
    raise NotConvergedError(f"The model of ties did not converge after {MAX_ITERATIONS} iterations.")


def _inverse(information: FloatArray) -> FloatArray:
    try:
        return np.asarray(np.linalg.inv(information), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise NotConvergedError("The model of ties did not converge: the likelihood is too flat.") from error


def _at(parameters: FloatArray, counts: Counts, model: Model) -> Derivatives:
    strengths = parameters[:-2]
    x: FloatArray = np.subtract.outer(strengths, strengths) + parameters[-2]
    return model(x, float(parameters[-1]), counts)


def _assemble(at: Derivatives, *, with_side: bool) -> tuple[FloatArray, FloatArray]:
    """Gradient and observed information of (strengths, side, t), plus 1 1' for the strengths' free sum."""
    k = len(at.x)
    weight, cross = -at.xx, -at.xt
    gradient = np.concatenate([_net(at.x), [at.x.sum() * with_side, at.t.sum()]])
    information = np.zeros((k + 2, k + 2))
    information[:k, :k] = 1.0 - weight - weight.T
    information[np.diag_indices(k)] += weight.sum(axis=1) + weight.sum(axis=0)
    information[k, k] = weight.sum() if with_side else 1.0
    information[:k, k] = information[k, :k] = _net(weight) * with_side
    information[:k, -1] = information[-1, :k] = _net(cross)
    information[k, -1] = information[-1, k] = cross.sum() * with_side
    information[-1, -1] = -at.tt.sum()
    return gradient, information


def _net(cells: FloatArray) -> FloatArray:
    """What belongs to each system: as the left one, less as the right one."""
    found: FloatArray = cells.sum(axis=1) - cells.sum(axis=0)
    return found


def _influence(votes: VoteTable, fit: TieFit, model: Model) -> Influence:
    k, kinds = len(votes.systems), votes.kinds
    n, side = len(kinds.counts), 0.0 if np.isnan(fit.side) else fit.side
    x = fit.strengths[kinds.left] - fit.strengths[kinds.right] + side
    counts = tuple((kinds.outcome == outcome).astype(np.float64) for outcome in (LEFT, RIGHT, TIE))
    at = model(x, float(np.log(fit.tie)), (counts[0], counts[1], counts[2]))
    sides, ones = [kinds.left, kinds.right], np.ones(n)
    return Influence(
        scores=rows_of([*sides, np.full(n, k), np.full(n, k + 1)], [at.x, -at.x, at.x, at.t], k + 2),
        weights=POINTS * fit.covariance[:, :k],
        bearing=some_rows(rows_of(sides, [ones, ones], k), kinds.is_counted),
        kind=votes.kind,
        curvatures=(Curvature(kinds.left, kinds.right, -at.xx, fit.covariance, -at.xt, -at.tt),),
    )
