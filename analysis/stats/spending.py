"""Boundaries for looks that are planned: O'Brien-Fleming type alpha spending.

By information I of a planned I_max, t = min(1, I / I_max), a two-sided test may have spent

    alpha(t) = 4 (1 - Phi(z_{alpha/4} / sqrt(t)))

of its probability alpha of a false alarm. Boundary b_k of look k solves, under the null hypothesis,

    P(|Z_1| < b_1, ..., |Z_{k-1}| < b_{k-1}, |Z_k| >= b_k) = alpha(t_k) - alpha(t_{k-1}),
    Cov(Z_j, Z_k) = sqrt(I_j / I_k)  for j <= k,

so that it depends on the looks taken so far and not on those to come: looks may be unequal, more, fewer or left out, as
long as what the votes show does not decide when to look. Lan & DeMets (1983), "Discrete sequential boundaries for
clinical trials", Biometrika 70. The probability is integrated from look to look after Armitage, McPherson & Rowe
(1969), "Repeated significance tests on accumulating data", Journal of the Royal Statistical Society A 132.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import optimize, special

from analysis.stats.errors import LookError
from analysis.stats.outcomes import FloatArray

LEAST_STEP = 1e-4
"""Of the information at a look, the least share that must be new since the look before."""
_NODES, _FEWEST_PANELS, _PANELS_PER_SD = 8, 8, 0.75
_REACH = 10.0  # standard deviations; the normal distribution has 2e-23 beyond
_NOTHING = 1e-250


def spent(share: FloatArray, alpha: float) -> FloatArray:
    """alpha(t) of the module's formula at the shares t of the planned information, any shape; all of it from t = 1."""
    z = special.ndtri(alpha / 4)
    with np.errstate(divide="ignore"):
        return np.asarray(4 * special.ndtr(z / np.sqrt(np.clip(share, 0, 1))), dtype=np.float64)


def boundaries(information: Sequence[float], planned: float, alpha: float = 0.05, *, final: bool = False) -> FloatArray:
    """b_k of |Z_k| for the looks taken so far, shape (looks,).

    `information` is that at each look, rising, in any unit: 1 / variance, effective votes, or votes; `planned` is I_max
    in the same unit. With `final` the last look spends all that is left, however little information there is. A look at
    which nothing is left to spend, since an earlier one reached `planned`, has the boundary infinity.

    Raises LookError for information that does not rise by LEAST_STEP from look to look, or a number out of its range.
    """
    _check(information, planned, alpha)
    times = np.asarray(information, dtype=np.float64)
    budget = spent(times / planned, alpha)
    if final:
        budget[-1] = alpha
    allowed = np.diff(budget, prepend=0.0)
    found = np.full(len(times), np.inf)
    nodes, weights = np.zeros(1), np.ones(1)  # where the score Z sqrt(I) is, before the first look
    for k, step in enumerate(np.diff(times, prepend=0.0)):
        sd, scale = np.sqrt(step), np.sqrt(times[k])
        found[k] = _boundary(nodes, weights, sd, scale, allowed[k])
        next_step = times[k + 1] - times[k] if k + 1 < len(times) else step
        limit = min(found[k], _REACH) * scale
        nodes, weights = _carried(nodes, weights, sd, limit, np.sqrt(min(step, next_step)))
    return found


def _boundary(nodes: FloatArray, weights: FloatArray, sd: float, scale: float, allowed: float) -> float:
    """Where the probability of crossing at this look, and not before, is `allowed`."""
    if allowed < _NOTHING:
        return np.inf

    def surplus(bound: float) -> float:
        beyond = special.ndtr((nodes - bound * scale) / sd) + special.ndtr((-nodes - bound * scale) / sd)
        return float(weights @ beyond) - allowed

    # No one who crosses at this look is missing from those beyond it at this look.
    highest = 0.01 - float(special.ndtri(allowed / 2))
    return float(optimize.brentq(surplus, 0.0, highest, xtol=1e-12))


def _carried(
    nodes: FloatArray, weights: FloatArray, sd: float, limit: float, smallest: float
) -> tuple[FloatArray, FloatArray]:
    """The score's distribution within the limits after one more step: nodes and masses, Gauss-Legendre by panels."""
    panels = max(_FEWEST_PANELS, int(np.ceil(_PANELS_PER_SD * limit / smallest)))
    points, lengths = np.polynomial.legendre.leggauss(_NODES)
    middles = (2 * np.arange(panels) + 1) / panels - 1
    at = limit * (middles[:, None] + points / panels).ravel()
    density = np.exp(-(((at[:, None] - nodes) / sd) ** 2) / 2) @ weights / (sd * np.sqrt(2 * np.pi))
    return at, density * np.tile(lengths, panels) * limit / panels


def _check(information: Sequence[float], planned: float, alpha: float) -> None:
    if not 0 < alpha < 1:
        raise LookError(f"alpha is {alpha}; allowed: a number between 0 and 1.")
    if not 0 < planned < np.inf:
        raise LookError(f"planned is {planned}; allowed: a number above 0.")
    before = 0.0
    for number, now in enumerate(information, start=1):
        if not (before + LEAST_STEP * now <= now < np.inf and now > 0):
            raise LookError(
                f"Look {number} is at {now:g} after {before:g}; every look needs at least {LEAST_STEP:.2%} more "
                "information than the one before."
            )
        before = now
