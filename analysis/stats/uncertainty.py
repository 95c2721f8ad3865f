"""Intervals for votes that share prompts and raters.

Votes on one prompt agree more than votes on two, and so do votes of one rater, so that N votes carry much
less than N votes' worth. Every estimate here is, to first order, a sum over votes of their influences; the
variance of that sum is estimated by adding up within clusters, for two crossed ways of clustering:

    V_prompt = c_P sum over prompts p of (sum of the influences of p's votes)^2,     V_rater likewise,
    V_cell   = the same over cells (votes of one rater on one prompt), without a factor,
    c_P      = P / (P - 1) (N - 1) / N, of N votes on P prompts that the estimate rests on,
    V        = max(V_prompt + V_rater - V_cell, V_prompt, V_rater),
    interval = estimate -+ t_{1 - alpha/2}(G - 1) sqrt(V),
    G        = min(G_prompt, G_rater), where G_prompt = 1 / sum over prompts of (its share of the votes)^2.

The three-term variance is Cameron, Gelbach & Miller (2011), "Robust inference with multiway clustering",
Journal of Business & Economic Statistics 29, and can be negative or too small in finite samples; the maximum
with the one-way variances, taken for each estimate by itself, bounds it from below, in the spirit of
Davezies, D'Haultfoeuille & Guyonvarch (2021), "Empirical process results for exchangeable arrays", Annals of
Statistics 49, and of MacKinnon, Nielsen & Webb (2024), "Jackknife inference with two-way clustering". The factor c
is that of Cameron & Miller (2015), "A practitioner's guide to cluster-robust inference", Journal of Human Resources
50: residuals of few clusters are smaller than errors. It is 1 where every vote is a cluster of its own, and so
nearly for cells; what fitting several numbers takes from the residues besides is up to the influences. The effective
number of clusters is Kish's (1965) and stands where the degrees of freedom of Carter, Schnepel &
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

from analysis.stats.clusters import Clusters, Codes, Crossed
from analysis.stats.jackknife import Curvature, left_out
from analysis.stats.outcomes import BoolArray, FloatArray, IntArray, VoteTable
from analysis.stats.sums import as_often, rows_alone, squares, total_products, total_squares

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

    `scores` is (N, p), `weights` (p, m); `bearing` (N, m) marks with ones, or with their weights, the votes that an
    estimate rests on. With the votes' `kind` (N,), scores and bearing have a row a kind instead. `curvatures` are those
    of the likelihoods whose derivatives the scores are, each of the next columns; without any every score is a vote's
    distance from the mean of those in its column, over their number.
    """

    scores: sparse.csr_array
    weights: FloatArray
    bearing: sparse.csr_array
    kind: Codes | None = None
    curvatures: tuple[Curvature, ...] = ()

    def clusters(self, votes: VoteTable) -> Crossed:
        """Of the rows of scores and bearing."""
        return votes.clusters_of_votes if self.kind is None else votes.clusters_of_kinds

    def numbers(self, votes: VoteTable) -> IntArray:
        """How many votes each row of scores and bearing stands for."""
        return np.ones(len(votes), dtype=np.intp) if self.kind is None else votes.kinds.counts


@dataclass(frozen=True, eq=False)
class Margin:
    """The prompts, or the raters, behind m estimates: their effective number, and the factor c of the variance."""

    effective: FloatArray
    factor: FloatArray

    def corrected(self, variances: FloatArray) -> FloatArray:
        """Variances (m,), or covariances (m, m), times the factor."""
        root = np.sqrt(self.factor)
        return variances * (self.factor if variances.ndim == 1 else np.outer(root, root))


@dataclass(frozen=True, eq=False)
class Margins:
    prompts: Margin
    raters: Margin


@dataclass(frozen=True, eq=False)
class Covariances:
    """Of m estimates, each (m, m): `candidates` whose largest counts, for each estimate or difference by itself, and
    `whole`, which unlike that largest is the covariance of a possible distribution. `margins` are what they rest on.
    """

    candidates: tuple[FloatArray, ...]
    whole: FloatArray
    margins: Margins

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
    margins = margins_of(votes, influence, cluster)
    candidates = _candidates(votes, influence, cluster, margins, total_squares)
    return intervals_of(estimates, np.maximum.reduce(candidates), margins, level)


def intervals_of(estimates: FloatArray, variances: FloatArray, margins: Margins, level: float = LEVEL) -> Intervals:
    """As `two_way_intervals`, of variances (m,) that are known already."""
    effective_prompts, effective_raters = margins.prompts.effective, margins.raters.effective
    clusters = np.minimum(effective_prompts, effective_raters)
    with np.errstate(invalid="ignore"):
        error = np.where(clusters >= _FEWEST_CLUSTERS, np.sqrt(variances), np.nan)
        error = np.where(error > _NO_SPREAD, error, error * 0)
        quantile = special.stdtrit(np.maximum(clusters, _FEWEST_CLUSTERS) - 1, 0.5 + level / 2)
        width = np.where(error > 0, quantile * error, np.nan)
    return Intervals(estimates - width, estimates + width, error, effective_prompts, effective_raters, level)


def margins_of(votes: VoteTable, influence: Influence, cluster: str) -> Margins:
    """Of each estimate, as Intervals counts them."""
    one = np.ones(influence.bearing.shape[1])
    if cluster == INDEPENDENT:
        alone = _rested_on(influence, votes)
        return Margins(Margin(alone, one), Margin(alone, one))
    fixed = Margin(one * np.inf, one)
    sampled = CLUSTERS[cluster]
    return Margins(
        _margin(votes, influence, influence.clusters(votes).prompt) if "prompt" in sampled else fixed,
        _margin(votes, influence, influence.clusters(votes).rater) if "rater" in sampled else fixed,
    )


def effective_clusters(votes: VoteTable) -> tuple[float, float]:
    """Effective prompts and raters of all votes but both-bad, 0 without any."""
    counted = sparse.csr_array(votes.kinds.is_counted.astype(np.float64)[:, None])
    margins = margins_of(votes, Influence(counted, np.eye(1), counted, votes.kind), TWO_WAY)
    return float(margins.prompts.effective[0]), float(margins.raters.effective[0])


def _margin(votes: VoteTable, influence: Influence, by: Clusters) -> Margin:
    bearing, n = influence.bearing, _rested_on(influence, votes)
    total = np.asarray(influence.numbers(votes) @ bearing, dtype=np.float64)
    of_squares, clusters = squares(bearing, by)
    return Margin(
        np.divide(total**2, of_squares, out=np.zeros_like(total), where=of_squares > 0),
        np.divide(clusters * (n - 1), (clusters - 1) * n, out=np.ones_like(total), where=clusters > 1),
    )


def _rested_on(influence: Influence, votes: VoteTable) -> FloatArray:
    """The number of votes that each estimate rests on, (m,)."""
    bearing = influence.bearing
    numbers = np.repeat(influence.numbers(votes), np.diff(bearing.indptr)) * (bearing.data > 0)
    return np.bincount(bearing.indices, numbers, minlength=bearing.shape[1]).astype(np.float64)


def covariances(votes: VoteTable, influence: Influence) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of the estimates, each (m, m): clustered by prompt, by rater, and by their cells."""
    by_prompt, by_rater, two_way = clustered_covariances(votes, influence).candidates
    return by_prompt, by_rater, by_prompt + by_rater - two_way


def clustered_covariances(votes: VoteTable, influence: Influence, cluster: str = TWO_WAY) -> Covariances:
    """Of the estimates, by `cluster` of CLUSTERS."""
    margins = margins_of(votes, influence, cluster)
    found = _candidates(votes, influence, cluster, margins, total_products)
    return Covariances(tuple(found), found[0] + found[1] if cluster == TWO_WAY else found[0], margins)


def _candidates(
    votes: VoteTable,
    influence: Influence,
    cluster: str,
    margins: Margins,
    total: Callable[[sparse.csr_array, Clusters, FloatArray], FloatArray],
) -> list[FloatArray]:
    """`total` over clusters of their sums; the largest of what is returned counts."""
    scores, weights = influence.scores, influence.weights
    if cluster == INDEPENDENT:
        return [total(as_often(scores, influence.numbers(votes)), rows_alone(scores), weights)]
    if cluster != TWO_WAY:
        codes = votes.prompt if cluster == "prompt" else votes.rater
        kind = np.arange(len(votes)) if influence.kind is None else influence.kind.astype(np.intp)
        changes = sparse.csr_array(left_out(scores, kind, codes, influence.curvatures))
        return [total(changes, rows_alone(changes), weights)]
    clusters = influence.clusters(votes)
    by_prompt, by_rater, by_cell = (
        total(scores, by, weights) for by in (clusters.prompt, clusters.rater, clusters.cell)
    )
    by_prompt, by_rater = margins.prompts.corrected(by_prompt), margins.raters.corrected(by_rater)
    return [by_prompt, by_rater, by_prompt + by_rater - by_cell]
