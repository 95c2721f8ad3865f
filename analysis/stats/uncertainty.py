"""Intervals for votes that share prompts and raters.

Votes on one prompt agree more than votes on two, and so do votes of one rater, so that N votes carry much
less than N votes' worth. Every estimate here is, to first order, a sum over votes of their influences; the
variance of that sum is estimated by adding up within clusters, for two crossed ways of clustering:

    V_prompt = sum over prompts p of (sum of the influences of p's votes)^2,     V_rater likewise,
    V_cell   = the same over cells (votes of one rater on one prompt),
    V        = max(V_prompt + V_rater - V_cell, V_prompt, V_rater),
    interval = estimate -+ t_{1 - alpha/2}(G - 1) sqrt(V),
    G        = min(G_prompt, G_rater), where G_prompt = 1 / sum over prompts of (its share of the votes)^2.

The three-term variance is Cameron, Gelbach & Miller (2011), "Robust inference with multiway clustering",
Journal of Business & Economic Statistics 29, and can be negative or too small in finite samples; the maximum
with the one-way variances, taken for each estimate by itself, bounds it from below, in the spirit of
Davezies, D'Haultfoeuille & Guyonvarch (2021), "Empirical process results for exchangeable arrays", Annals of
Statistics 49, and of MacKinnon, Nielsen & Webb (2024), "Jackknife inference with two-way clustering". The
effective number of clusters is Kish's (1965) and stands where the degrees of freedom of Carter, Schnepel &
Steigerwald (2017), "Asymptotic behavior of a t-test robust to cluster heterogeneity", Review of Economics and
Statistics 99, stand; the smaller of the two margins of the prompt x rater table decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse, stats

from analysis.stats.outcomes import BoolArray, FloatArray, IntArray, VoteTable

LEVEL = 0.95
FEW_CLUSTERS = 15
"""Below this many effective prompts or raters an interval is approximate, and results say so."""
_FEWEST_CLUSTERS = 2
_NO_SPREAD = 1e-6


@dataclass(frozen=True, eq=False)
class Intervals:
    """Intervals of m estimates; NaN where the votes cannot show how uncertain an estimate is.

    `low`, `high`, `standard_error` are in the unit of the estimate; `effective_prompts` and
    `effective_raters` count clusters. All have shape (m,).
    """

    low: FloatArray
    high: FloatArray
    standard_error: FloatArray
    effective_prompts: FloatArray
    effective_raters: FloatArray
    level: float

    @property
    def effective_clusters(self) -> FloatArray:
        """The smaller of the two margins."""
        return np.minimum(self.effective_prompts, self.effective_raters)

    def of(self, rows: BoolArray) -> Intervals:
        """Those of the estimates where `rows` (m,) is true."""
        return Intervals(
            self.low[rows],
            self.high[rows],
            self.standard_error[rows],
            self.effective_prompts[rows],
            self.effective_raters[rows],
            self.level,
        )

    def without(self, rows: BoolArray) -> Intervals:
        """The same with no interval where `rows` (m,) is true."""
        return replace(self, low=np.where(rows, np.nan, self.low), high=np.where(rows, np.nan, self.high))


@dataclass(frozen=True, eq=False)
class Influence:
    """To first order, estimates - truth = sum over votes of (scores @ weights).

    `scores` is (N, p), `weights` (p, m); `bearing` (N, m) marks with ones the votes that an estimate rests
    on.
    """

    scores: sparse.csr_array
    weights: FloatArray
    bearing: sparse.csr_array


def two_way_intervals(votes: VoteTable, estimates: FloatArray, influence: Influence, level: float = LEVEL) -> Intervals:
    """Intervals of `estimates` (m,) as in the module's formula.

    There is no interval (NaN) with fewer than two effective prompts or raters, nor where the votes are fitted
    without any residue, which shows nothing of how they vary: then `standard_error` is zero.
    """
    cell = np.unique(votes.prompt * len(votes.raters) + votes.rater, return_inverse=True)[1]
    by_prompt = _variance(influence, votes.prompt)
    by_rater = _variance(influence, votes.rater)
    two_way = by_prompt + by_rater - _variance(influence, cell)
    effective_prompts = effective_number(influence.bearing, votes.prompt)
    effective_raters = effective_number(influence.bearing, votes.rater)
    clusters = np.minimum(effective_prompts, effective_raters)
    with np.errstate(invalid="ignore"):
        error = np.sqrt(np.maximum(two_way, np.maximum(by_prompt, by_rater)))
        error = np.where(clusters >= _FEWEST_CLUSTERS, error, np.nan)
        error = np.where(error > _NO_SPREAD, error, error * 0)
        quantile = stats.t.ppf(0.5 + level / 2, np.maximum(clusters, _FEWEST_CLUSTERS) - 1)
        margin = np.where(error > 0, quantile * error, np.nan)
    return Intervals(estimates - margin, estimates + margin, error, effective_prompts, effective_raters, level)


def effective_number(bearing: sparse.csr_array, codes: IntArray) -> FloatArray:
    """1 / sum over clusters `codes` (N,) of (share of votes)^2, for each column of `bearing`; 0 if empty."""
    counts = _sums(bearing, codes)
    totals = np.asarray(counts.sum(axis=0), dtype=np.float64)
    squares = np.asarray(counts.power(2).sum(axis=0), dtype=np.float64)
    return np.divide(totals**2, squares, out=np.zeros_like(totals), where=squares > 0)


def covariances(votes: VoteTable, influence: Influence) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of the estimates, each (m, m): clustered by prompt, by rater, and by their cells."""
    cell = np.unique(votes.prompt * len(votes.raters) + votes.rater, return_inverse=True)[1]

    def clustered(codes: IntArray) -> FloatArray:
        sums = _sums(influence.scores, codes)
        return np.asarray(influence.weights.T @ (sums.T @ sums).toarray() @ influence.weights, dtype=np.float64)

    return clustered(votes.prompt), clustered(votes.rater), clustered(cell)


def _variance(influence: Influence, codes: IntArray) -> FloatArray:
    sums = _sums(influence.scores, codes)
    meat = (sums.T @ sums).toarray()
    return np.asarray(np.einsum("pm,pm->m", influence.weights, meat @ influence.weights), dtype=np.float64)


def _sums(columns: sparse.csr_array, codes: IntArray) -> sparse.csr_array:
    """Add up the rows (votes) of each cluster: (N, p) -> (clusters, p)."""
    votes = len(codes)
    clusters = int(codes.max()) + 1 if votes else 0
    member = sparse.csr_array((np.ones(votes), (codes, np.arange(votes))), shape=(clusters, votes))
    return sparse.csr_array(member @ columns)
