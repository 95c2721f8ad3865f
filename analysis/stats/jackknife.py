"""Clusters of one kind: what becomes of the estimates when one prompt, or one rater, is left out.

With all of a cluster g's votes left out the estimates change by delta_g, and

    V = (G - 1) / G sum over clusters of delta_g delta_g^T,

CR3 of Bell & McCaffrey (2002), "Bias reduction in standard errors for linear regression with multi-stage samples",
Survey Methodology 28, as a jackknife: MacKinnon, Nielsen & Webb (2023), "Fast and reliable jackknife and bootstrap
methods for cluster-robust inference", Journal of Applied Econometrics 38. For a mean of n votes, of which g gave n_g,

    delta_g = (sum of g's distances from the mean) / (n - n_g),    exactly, up to sign;

for a maximum of likelihood, by one step of Newton's from the estimate, with the score s_g and the information I_g of
g's votes and the inverse V_0 of all votes' information,

    delta_g = V_0 (1 - I_g V_0)^-1 s_g.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from analysis.stats.outcomes import FloatArray, IntArray
from analysis.stats.sums import Sums, cluster_sums

_AT_ONCE = 4_000_000  # numbers in the matrices that are solved together
_SINGULAR = 1e10


@dataclass(frozen=True, eq=False)
class Curvature:
    """Minus the second derivatives of each vote's log likelihood, by x = theta_left - theta_right + S and by the
    logarithm t of a tie parameter, where there is one, for each kind of vote.

    `covariance` (p, p) is V_0, the order being the k strengths, the side, and perhaps t.
    """

    left: IntArray
    right: IntArray
    xx: FloatArray
    covariance: FloatArray
    xt: FloatArray | None = None
    tt: FloatArray | None = None

    def information(self, kind: IntArray, codes: IntArray, clusters: int) -> FloatArray:
        """I_g (clusters, p, p), of votes of these kinds in clusters `codes`."""
        p = len(self.covariance)
        k = p - 1 if self.xt is None else p - 2
        cells = (codes * k + self.left[kind]) * k + self.right[kind]

        def summed(values: FloatArray) -> FloatArray:
            found = np.bincount(cells, values[kind], minlength=clusters * k * k).astype(np.float64)
            return found.reshape(clusters, k, k)

        found, weight = np.zeros((clusters, p, p)), summed(self.xx)
        found[:, :k, :k] = -weight - weight.transpose(0, 2, 1)
        found[:, np.arange(k), np.arange(k)] += weight.sum(axis=2) + weight.sum(axis=1)
        found[:, k, :k] = found[:, :k, k] = weight.sum(axis=2) - weight.sum(axis=1)
        found[:, k, k] = weight.sum(axis=(1, 2))
        if self.xt is not None and self.tt is not None:
            cross = summed(self.xt)
            found[:, -1, :k] = found[:, :k, -1] = cross.sum(axis=2) - cross.sum(axis=1)
            found[:, -1, k] = found[:, k, -1] = cross.sum(axis=(1, 2))
            found[:, -1, -1] = np.bincount(codes, self.tt[kind], minlength=clusters)
        return found


def left_out(scores: sparse.csr_array, kind: IntArray, codes: IntArray, curvatures: Sequence[Curvature]) -> Sums:
    """What takes the place of clusters' sums of scores, (clusters, p): their squares, weighted, add up to V.

    Each of `curvatures` is that of the next columns of scores, whose estimates do not depend on the others; without
    any the columns are means. NaN where estimates do not exist without one of the clusters.
    """
    if not curvatures:
        return _left_out_means(scores, kind, codes)
    ends = np.cumsum([len(curvature.covariance) for curvature in curvatures])
    blocks = [
        _left_out_scores(scores[:, end - len(curvature.covariance) : end], kind, codes, curvature)
        for curvature, end in zip(curvatures, ends, strict=True)
    ]
    return np.concatenate(blocks, axis=1)


def _left_out_means(scores: sparse.csr_array, kind: IntArray, codes: IntArray) -> Sums:
    ones = sparse.csr_array((np.ones(scores.nnz), scores.indices, scores.indptr), shape=scores.shape)
    sums, numbers = cluster_sums(scores, kind, codes), cluster_sums(ones, kind, codes)
    totals = np.asarray(numbers.sum(axis=0), dtype=np.float64)
    if isinstance(sums, sparse.csr_array) and isinstance(numbers, sparse.csr_array):
        columns = sums.indices
        groups = np.bincount(columns, minlength=len(totals))
        values = _spread(sums.data, numbers.data / totals[columns], groups[columns])
        return sparse.csr_array((values, columns, sums.indptr), shape=sums.shape)
    with np.errstate(invalid="ignore"):
        share = np.asarray(numbers) / totals
    return np.where(np.asarray(numbers) > 0, _spread(np.asarray(sums), share, (np.asarray(numbers) > 0).sum(axis=0)), 0)


def _spread(sums: FloatArray, share: FloatArray, groups: IntArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        kept = np.where(share < 1, 1 - share, np.nan)
        return np.asarray(sums / kept * np.sqrt((groups - 1) / groups), dtype=np.float64)


def _left_out_scores(scores: sparse.csr_array, kind: IntArray, codes: IntArray, curvature: Curvature) -> FloatArray:
    sums = cluster_sums(scores, kind, codes)
    dense = sums.toarray() if isinstance(sums, sparse.csr_array) else sums
    clusters, p = dense.shape
    groups = np.count_nonzero(np.bincount(codes, curvature.xx[kind] > 0))
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=clusters))
    for first in range(0, clusters, step := max(1, _AT_ONCE // p**2)):
        last = min(first + step, clusters)
        rows = order[ends[first - 1] if first else 0 : ends[last - 1]]
        information = curvature.information(kind[rows], codes[rows] - first, last - first)
        matrix = np.eye(p) - information @ curvature.covariance
        if np.linalg.cond(matrix, 1).max() > _SINGULAR:
            return np.full_like(dense, np.nan)
        dense[first:last] = np.linalg.solve(matrix, dense[first:last, :, None])[..., 0]
    return np.asarray(dense * np.sqrt((groups - 1) / groups), dtype=np.float64)
