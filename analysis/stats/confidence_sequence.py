"""Intervals and p-values that stay valid however often one looks.

Robbins' normal mixture. Where, under the null hypothesis, z sqrt(n) of an estimate from n votes moves as a Brownian
motion does in time n,

    E_n = sqrt(n0 / (n + n0)) exp(z^2 / 2 * n / (n + n0))

is a nonnegative martingale that starts at 1, so that with probability 1 - alpha it stays below 1 / alpha for ever
(Ville). So p_n = min(1, 1 / E_n) is a p-value at any time that one chooses to stop, and

    |z| < u(n) = sqrt((1 + n0 / n) (2 log(1 / alpha) + log(1 + n / n0)))

holds at all n at once. Robbins (1970), "Statistical methods related to the law of the iterated logarithm", Annals of
Mathematical Statistics 41. For estimates that are not quite normal, with their variance estimated, it holds
asymptotically: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), "Time-uniform central limit theory and asymptotic
confidence sequences", Annals of Statistics 52, whose rho^2 is 1 / n0.

Here z is the normal quantile of the p-value of a t test with effective clusters (`uncertainty`), so that few clusters
ask for a larger t. Brownian time is information, 1 / variance. Where later votes bring less of it than earlier ones, as
when the same raters go on, it runs slower than votes, and u(n) is larger than it had to be: u falls up to the size that
n0 is tuned for and rises from there, and n, matched to information at that size, is further from it at all others.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from analysis.stats.errors import SequenceError
from analysis.stats.outcomes import FloatArray


def prior_votes(planned: float, alpha: float) -> float:
    """The n0 for which u is smallest at n = planned: -planned / (1 + W(-alpha^2 / e)), W Lambert's lower branch.

    The sequence is valid whatever n0 is, as long as it does not depend on the votes. (Waudby-Smith et al., appendix on
    the choice of rho.) Raises SequenceError unless planned > 0 and 0 < alpha < 1.
    """
    if not 0 < planned < np.inf:
        raise SequenceError(f"planned is {planned}; allowed: a number above 0.")
    if not 0 < alpha < 1:
        raise SequenceError(f"alpha is {alpha}; allowed: a number between 0 and 1.")
    return float(-planned / (1 + special.lambertw(-(alpha**2) / np.e, k=-1).real))


def always_valid_p(p: FloatArray, votes: FloatArray, prior: float) -> FloatArray:
    """p_n of the two-sided p-values `p` of tests on `votes` votes; any shape, NaN staying NaN. `prior` is n0."""
    z = special.ndtri(p / 2)
    log_e = z**2 / 2 * votes / (votes + prior) - np.log1p(votes / prior) / 2
    return np.asarray(np.exp(-np.maximum(log_e, 0)), dtype=np.float64)


def critical_p(votes: FloatArray, prior: float, alpha: float) -> FloatArray:
    """The two-sided p-value, 2 (1 - Phi(u(n))), that a test on `votes` votes must not exceed; 0 without votes.

    Any shape; `prior` is n0.
    """
    with np.errstate(divide="ignore"):
        bound = np.sqrt((1 + prior / votes) * (2 * np.log(1 / alpha) + np.log1p(votes / prior)))
    return np.asarray(2 * special.ndtr(-bound), dtype=np.float64)
