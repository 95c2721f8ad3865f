"""Which ranks the votes leave open for each system.

From simultaneous confidence intervals for all differences of Bradley-Terry ratings, theta_i - theta_j: system j ranks
no better than one plus the number of systems that are surely above it, and no worse than k less the number of those
surely below. With probability `level` all true ranks lie within their ranges at once. Mogstad, Romano, Shaikh & Wilhelm
(2024), "Inference for ranks with applications to mobility across neighbourhoods and academic achievement across
countries", Review of Economic Studies 91, sec. 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.stats.outcomes import FloatArray, IntArray
from analysis.stats.ratings import Ratings
from analysis.stats.uncertainty import LEVEL

DRAWS = 20_000
_AT_ONCE = 4_000_000  # differences that are held at a time
_FEWEST_CLUSTERS = 2
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Ranks:
    """`low` and `high`, shape (k,), are the best and the worst rank that a system may have; 1 is the best."""

    systems: tuple[str, ...]
    low: IntArray
    high: IntArray
    critical_value: float


def rank_ranges(ratings: Ratings, level: float = LEVEL) -> Ranks | None:
    """Of `ratings` that have covariances.

    None with fewer than two effective prompts or raters of some system, where nothing can be said.

    The interval of a difference is theta_i - theta_j -+ c se_ij, where se_ij is two-way clustered by the rule of the
    maximum (`uncertainty`) and c the `level` quantile of max |t| over all pairs: of a multivariate t with the least
    G - 1 degrees of freedom and the correlation of V_prompt + V_rater, which, unlike the rule of the maximum, is that
    of a possible distribution. It is drawn DRAWS times, always the same. With other clusters there is one V for both.
    """
    spread, intervals = ratings.covariances, ratings.intervals
    if spread is None or intervals is None:
        return None
    degrees = float(intervals.effective_clusters.min()) - 1
    if degrees < _FEWEST_CLUSTERS - 1 or np.isnan(spread.whole).any():
        return None
    variances = [_of_differences(matrix) for matrix in spread.candidates]
    error = np.sqrt(np.maximum.reduce([*variances, np.zeros_like(spread.whole)]))
    critical = _critical_value(spread.whole, degrees, level)
    difference = np.subtract.outer(ratings.values, ratings.values)
    surely_above = difference > critical * error + _SAME
    np.fill_diagonal(surely_above, val=False)
    k = len(ratings.systems)
    low, high = 1 + surely_above.sum(axis=0), k - surely_above.sum(axis=1)
    return Ranks(ratings.systems, low.astype(np.intp), high.astype(np.intp), critical)


def ranges_by_system(ratings: Ratings | None) -> dict[str, tuple[int, int]]:
    """Best and worst; empty where there is no rating, or nothing to say how uncertain it is."""
    found = None if ratings is None else rank_ranges(ratings)
    if found is None:
        return {}
    return {name: (int(low), int(high)) for name, low, high in zip(found.systems, found.low, found.high, strict=True)}


def rank_by_system(strengths: Mapping[str, float | None]) -> dict[str, int | None]:
    """1 is the best; equals share the better rank, and who has no strength has no rank."""
    known = [strength for strength in strengths.values() if strength is not None]
    return {
        name: None if strength is None else 1 + sum(other > strength + _SAME for other in known)
        for name, strength in strengths.items()
    }


def _of_differences(covariance: FloatArray) -> FloatArray:
    """Var(theta_i - theta_j), (k, k), of Cov(theta)."""
    own = np.diag(covariance)
    found: FloatArray = own[:, None] + own[None, :] - 2 * covariance
    return found


def _critical_value(covariance: FloatArray, degrees: float, level: float) -> float:
    k = len(covariance)
    first, second = np.triu_indices(k, 1)
    deviation = np.sqrt(np.maximum(_of_differences(covariance)[first, second], 0))
    varies = deviation > 0
    if not varies.any():
        return 0.0
    rng = np.random.default_rng(0)
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0))).T
    to_t = (root[:, first[varies]] - root[:, second[varies]]) / deviation[varies]
    rows = max(1, _AT_ONCE // len(first))
    largest = []
    for start in range(0, DRAWS, rows):
        t = rng.standard_normal((min(rows, DRAWS - start), k)) @ to_t
        largest.append(np.abs(t, out=t).max(axis=1))
    spread = np.sqrt(rng.chisquare(degrees, DRAWS) / degrees)
    return float(np.quantile(np.concatenate(largest) / spread, level))
