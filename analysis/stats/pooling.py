"""Partial pooling: estimates of many small groups drawn together as far as they are noise.

y (c,) are the estimates of c groups, V (c, c) their covariance, theta their truths:

    y ~ N(theta, V),    theta_s ~ N(mu, tau^2),    W = (V + tau^2 I)^-1,
    mu = 1' W y / 1' W 1,    theta = mu + tau^2 W (y - mu),
    Var(theta_s | tau) = (tau^2 (I - tau^2 W))_ss + ((I - tau^2 W) 1)_s^2 / 1' W 1,

and tau^2 + 1 / 1' W 1 for a group without an estimate, which is expected at mu. tau^2 = 0 pools fully, a large one not
at all. Efron & Morris (1975), "Data analysis using Stein's estimator and its generalizations", Journal of the American
Statistical Association 70; Morris (1983), "Parametric empirical Bayes inference", ibid. 78.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from analysis.stats.outcomes import BoolArray, FloatArray
from analysis.stats.uncertainty import LEVEL

_LARGEST_TAU = 0.5  # of shares, which lie between 0 and 1
_TAUS: FloatArray = _LARGEST_TAU * ((np.arange(200) + 0.5) / 200) ** 3  # dense near zero
_STEPS: FloatArray = np.gradient(_TAUS)


@dataclass(frozen=True, eq=False)
class Pooled:
    """`values`, `low`, `high` (c,); `mean` is mu.

    `q` and `p`: Cochran's test that all groups have one truth, (y - mu)' V^-1 (y - mu) against chi squared with one
    degree less than there are estimates. It is approximate, for V is estimated. All NaN with fewer than two estimates.
    """

    values: FloatArray
    low: FloatArray
    high: FloatArray
    mean: float
    tau: float
    q: float
    p: float


@dataclass(frozen=True, eq=False)
class _Given:
    """What follows for each of t values of tau^2.

    `means`, `variances` (t, estimates + 1), the last of which is a group without an estimate; the others (t,).
    """

    means: FloatArray
    variances: FloatArray
    q: FloatArray
    log_likelihood: FloatArray


def pool(estimates: FloatArray, covariance: FloatArray, level: float = LEVEL) -> Pooled:
    """Pool shares (c,), NaN where a group has no estimate; `covariance` is that of the others, in their order.

    tau^2 is Paule and Mandel's: it makes Q(tau^2) = (y - mu)' W (y - mu) the number of estimates less one, and is zero
    where Q(0) is no larger. Paule & Mandel (1982), "Consensus values and weighting factors", Journal of Research of
    the National Bureau of Standards 87.

    Intervals allow for not knowing tau: their variance is the mean, over tau weighted by its restricted likelihood on
    (0, 1/2], of Var(theta_s | tau) and of the squared distance of theta_s at that tau from the value given. Kass &
    Steffey (1989), "Approximate Bayesian inference in conditionally independent hierarchical models (parametric
    empirical Bayes models)", Journal of the American Statistical Association 84.
    """
    used = ~np.isnan(estimates)
    y = estimates[used]
    if len(y) < 2:
        nothing = np.full(len(estimates), np.nan)
        return Pooled(nothing, nothing, nothing, np.nan, np.nan, np.nan, np.nan)
    tau2 = _paule_mandel(y, covariance)
    best = _given(y, covariance, np.array([tau2, 0.0]))
    grid = _given(y, covariance, _TAUS**2)
    weights = np.exp(grid.log_likelihood - grid.log_likelihood.max()) * _STEPS
    error = np.sqrt(np.average(grid.variances + (grid.means - best.means[0]) ** 2, axis=0, weights=weights))
    margin = stats.norm.ppf(0.5 + level / 2) * _scattered(error, used)
    values = _scattered(best.means[0], used)
    q = float(best.q[1])
    p = float(stats.chi2.sf(q, len(y) - 1))
    return Pooled(values, values - margin, values + margin, float(best.means[0, -1]), float(np.sqrt(tau2)), q, p)


def _scattered(found: FloatArray, used: BoolArray) -> FloatArray:
    """From (estimates + 1,) to (c,): the last is that of each group without an estimate."""
    values = np.full(len(used), found[-1])
    values[used] = found[:-1]
    return values


def _paule_mandel(y: FloatArray, covariance: FloatArray) -> float:
    def surplus(tau2: float) -> float:
        return float(_given(y, covariance, np.array([tau2])).q[0]) - (len(y) - 1)

    if surplus(0.0) <= 0:
        return 0.0
    if surplus(_LARGEST_TAU**2) >= 0:
        return _LARGEST_TAU**2
    return float(optimize.brentq(surplus, 0.0, _LARGEST_TAU**2, xtol=1e-12))


def _given(y: FloatArray, covariance: FloatArray, tau2: FloatArray) -> _Given:
    tau2 = tau2[:, None]
    W = np.linalg.inv(covariance + tau2[..., None] * np.eye(len(y)))
    precision = W.sum(axis=(1, 2))[:, None]
    mean = (W @ y).sum(axis=1, keepdims=True) / precision
    distance = y - mean
    drawn = np.einsum("tij,tj->ti", W, distance)
    kept_diagonal = 1 - tau2 * np.diagonal(W, axis1=1, axis2=2)
    kept_sums = 1 - tau2 * W.sum(axis=2)
    q = (distance * drawn).sum(axis=1)
    return _Given(
        means=np.hstack([mean + tau2 * drawn, mean]),
        variances=np.hstack([tau2 * kept_diagonal + kept_sums**2 / precision, tau2 + 1 / precision]),
        q=q,
        log_likelihood=(np.linalg.slogdet(W)[1] - np.log(precision[:, 0]) - q) / 2,
    )
