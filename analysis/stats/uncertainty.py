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

That is `cluster` "prompt,rater". Otherwise: "rater", where the prompts are a fixed set and not a sample, and "prompt"
likewise: the jackknife that leaves out one cluster at a time (`jackknife`), with G - 1 degrees of freedom of that one
margin; "none": each vote is a cluster of its own, which is right only where votes share neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse, special

from analysis.stats.jackknife import Curvature, left_out
from analysis.stats.outcomes import BoolArray, FloatArray, IntArray, VoteTable
from analysis.stats.sums import (
    Shared,
    Sums,
    cell_products,
    cell_squares,
    cluster_sums,
    single_sums,
    total_products,
    total_squares,
)

LEVEL = 0.95
TWO_WAY = "prompt,rater"
INDEPENDENT = "none"
CLUSTERS = {TWO_WAY: ("prompt", "rater"), "prompt": ("prompt",), "rater": ("rater",), INDEPENDENT: ()}
"""The choices of what votes are a sample of, by their name."""
FEW_CLUSTERS = 15
"""Below this many effective prompts or raters an interval is approximate, and results say so."""
_FEWEST_CLUSTERS = 2
_NO_SPREAD = 1e-6


@dataclass(frozen=True, eq=False)
class Intervals:
    """Intervals of m estimates; NaN where the votes cannot show how uncertain an estimate is.

    `low`, `high`, `standard_error` are in the unit of the estimate; `effective_prompts` and
    `effective_raters` count clusters: infinitely many of what is a fixed set, and votes where each is a cluster of its
    own. `trials` are those of Wilson's interval, where it is one. All have shape (m,).
    """

    low: FloatArray
    high: FloatArray
    standard_error: FloatArray
    effective_prompts: FloatArray
    effective_raters: FloatArray
    level: float
    trials: FloatArray | None = None

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
            None if self.trials is None else self.trials[rows],
        )

    def without(self, rows: BoolArray) -> Intervals:
        """The same with no interval where `rows` (m,) is true."""
        return replace(self, low=np.where(rows, np.nan, self.low), high=np.where(rows, np.nan, self.high))


@dataclass(frozen=True, eq=False)
class Influence:
    """To first order, estimates - truth = sum over votes of (scores @ weights).

    `scores` is (N, p), `weights` (p, m); `bearing` (N, m) marks with ones the votes that an estimate rests
    on. With `kind` (N,), scores and bearing have a row a kind of vote instead. `curvature` is that of the likelihood
    whose derivatives the scores are; without it every score is a vote's distance from the mean of those in its column,
    over their number.
    """

    scores: sparse.csr_array
    weights: FloatArray
    bearing: sparse.csr_array
    kind: IntArray | None = None
    curvature: Curvature | None = None

    def kinds(self) -> IntArray:
        """Which row of scores and bearing is that of each vote, (N,)."""
        return np.arange(self.scores.shape[0]) if self.kind is None else self.kind


@dataclass(frozen=True, eq=False)
class Covariances:
    """Of m estimates, each (m, m): `candidates` whose largest counts, for each estimate or difference by itself, and
    `whole`, which unlike that largest is the covariance of a possible distribution.
    """

    candidates: tuple[FloatArray, ...]
    whole: FloatArray

    def variances(self) -> FloatArray:
        """Of the estimates, (m,)."""
        return np.asarray(np.maximum.reduce([np.diag(matrix) for matrix in self.candidates]), dtype=np.float64)


def two_way_intervals(
    votes: VoteTable, estimates: FloatArray, influence: Influence, level: float = LEVEL, cluster: str = TWO_WAY
) -> Intervals:
    """Intervals of `estimates` (m,) as in the module's formula, or by another `cluster` of CLUSTERS.

    There is no interval (NaN) with fewer than two effective prompts or raters, nor where the votes are fitted
    without any residue, which shows nothing of how they vary: then `standard_error` is zero.
    """
    candidates = _candidates(votes, influence, cluster, total_squares, cell_squares)
    return intervals_of(votes, estimates, influence, np.maximum.reduce(candidates), level, cluster)


def intervals_of(
    votes: VoteTable,
    estimates: FloatArray,
    influence: Influence,
    variances: FloatArray,
    level: float = LEVEL,
    cluster: str = TWO_WAY,
) -> Intervals:
    """As `two_way_intervals`, of variances (m,) that are known already."""
    effective_prompts, effective_raters = effective_margins(votes, influence, cluster)
    clusters = np.minimum(effective_prompts, effective_raters)
    with np.errstate(invalid="ignore"):
        error = np.where(clusters >= _FEWEST_CLUSTERS, np.sqrt(variances), np.nan)
        error = np.where(error > _NO_SPREAD, error, error * 0)
        quantile = special.stdtrit(np.maximum(clusters, _FEWEST_CLUSTERS) - 1, 0.5 + level / 2)
        margin = np.where(error > 0, quantile * error, np.nan)
    return Intervals(estimates - margin, estimates + margin, error, effective_prompts, effective_raters, level)


def effective_margins(votes: VoteTable, influence: Influence, cluster: str) -> tuple[FloatArray, FloatArray]:
    """Effective prompts and raters behind each estimate, (m,), as Intervals counts them."""
    bearing, kind = influence.bearing, influence.kinds()
    if cluster == INDEPENDENT:
        number = total_squares(single_sums(bearing, kind), np.eye(bearing.shape[1]))  # ones are their own squares
        return number, number
    fixed = np.full(bearing.shape[1], np.inf)
    sampled = CLUSTERS[cluster]
    return (
        effective_number(bearing, votes.prompt, kind) if "prompt" in sampled else fixed,
        effective_number(bearing, votes.rater, kind) if "rater" in sampled else fixed,
    )


def effective_number(bearing: sparse.csr_array, codes: IntArray, kind: IntArray | None = None) -> FloatArray:
    """1 / sum over clusters `codes` (N,) of (share of votes)^2, for each column of `bearing`; 0 if empty.

    `bearing` has a row a vote, or one a `kind` (N,) of vote.
    """
    counts = cluster_sums(bearing, np.arange(len(codes)) if kind is None else kind, codes)
    totals = np.asarray(counts.sum(axis=0), dtype=np.float64)
    squares = total_squares(counts, np.eye(len(totals)))
    return np.divide(totals**2, squares, out=np.zeros_like(totals), where=squares > 0)


def covariances(votes: VoteTable, influence: Influence) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of the estimates, each (m, m): clustered by prompt, by rater, and by their cells."""
    by_prompt, by_rater, two_way = _candidates(votes, influence, TWO_WAY, total_products, cell_products)
    return by_prompt, by_rater, by_prompt + by_rater - two_way


def clustered_covariances(votes: VoteTable, influence: Influence, cluster: str = TWO_WAY) -> Covariances:
    """Of the estimates, by `cluster` of CLUSTERS."""
    candidates = _candidates(votes, influence, cluster, total_products, cell_products)
    return Covariances(tuple(candidates), candidates[0] + candidates[1] if cluster == TWO_WAY else candidates[0])


def _candidates(
    votes: VoteTable,
    influence: Influence,
    cluster: str,
    total: Callable[[Sums, FloatArray], FloatArray],
    total_of_cells: Callable[[sparse.csr_array, IntArray, Shared, FloatArray], FloatArray],
) -> list[FloatArray]:
    """`total` over clusters of their sums; the largest of what is returned counts."""
    scores, kind, weights = influence.scores, influence.kinds(), influence.weights
    if cluster == INDEPENDENT:
        return [total(single_sums(scores, kind), weights)]
    if cluster != TWO_WAY:
        codes = votes.prompt if cluster == "prompt" else votes.rater
        return [total(left_out(scores, kind, codes, influence.curvature), weights)]
    by_prompt, by_rater = (total(cluster_sums(scores, kind, codes), weights) for codes in (votes.prompt, votes.rater))
    if votes.sharing is None:
        by_cell = total(cluster_sums(scores, kind, votes.cell), weights)
    else:
        by_cell = total_of_cells(scores, kind, votes.sharing, weights)
    return [by_prompt, by_rater, by_prompt + by_rater - by_cell]
