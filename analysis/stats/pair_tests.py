"""Whether one system of a pair is preferred: a test for each pair, corrected for how many there are."""

from __future__ import annotations

import numpy as np
from scipy import special

from analysis.stats.outcomes import FloatArray
from analysis.stats.win_rates import Pairs


def pair_p_values(pairs: Pairs) -> FloatArray:
    """Two-sided p of "win rate = 1/2" for each pair, shape (m,); NaN where there is no interval to test by.

    t = (rate - 1/2) / se against Student's t with G - 1 degrees of freedom, se and G from the two-way clustered
    variance of `uncertainty`. Where all votes agree, se is zero and the exact binomial test of G trials takes its
    place, p = 2 * 2^-G. Where the interval is Wilson's, z = (rate - 1/2) / sqrt(1 / 4n) of its n trials does. So
    p < 0.05 exactly where the 95% interval leaves 1/2 out.
    """
    if pairs.intervals.trials is not None:
        return np.asarray(2 * special.ndtr(-np.abs(2 * pairs.win_rate - 1) * np.sqrt(pairs.intervals.trials)))
    clusters = pairs.intervals.effective_clusters
    error = pairs.intervals.standard_error
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.abs(pairs.win_rate - 0.5) / error
        student = 2 * special.stdtr(clusters - 1, -t)
        unanimous = np.where(pairs.win_rate == 0.5, 1.0, np.minimum(1.0, 2 * 0.5**clusters))  # all of them ties: 1
    p = np.where(error == 0, unanimous, student)
    known = np.isfinite(pairs.intervals.low) & np.isfinite(error)
    return np.where(known, p, np.nan)


def holm(p_values: FloatArray) -> FloatArray:
    """Holm's step-down adjustment, shape (m,), NaN staying NaN: the i-th smallest of m becomes

        max over j <= i of min(1, (m - j + 1) p_(j)).

    Rejecting where it is at most alpha keeps the probability of any false rejection at alpha, whatever the
    dependence. Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6.
    """
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, factors * p_values[order]))
    return adjusted
