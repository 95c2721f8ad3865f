"""Sums of votes' rows within clusters, and what variances are made of: the squares and products of those sums.

Votes of one kind (the same systems, sides and outcome) have the same row of numbers, so that a matrix has a row a kind
and `kind` (N,), or the clusters' `rows`, says which is a vote's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from analysis.stats.clusters import Clusters, Codes
from analysis.stats.compiled import add_products, add_rows, add_squares, compiled
from analysis.stats.outcomes import BoolArray, FloatArray, IntArray

Sums = FloatArray | sparse.csr_array
"""(clusters, p)."""
_DENSE = 4  # a full table of at most that many times as many places as there are entries is faster than a sparse one


def rows_of(columns: Sequence[IntArray], values: Sequence[FloatArray], width: int) -> sparse.csr_array:
    """The rows (n, width) that have values[j] at columns[j], each (n,)."""
    n, entries = len(columns[0]), len(columns)
    where, what = np.stack(columns, axis=1).ravel(), np.stack(values, axis=1).ravel()
    return sparse.csr_array((what, where, np.arange(0, n * entries + 1, entries)), shape=(n, width))


def cluster_sums(rows: sparse.csr_array, kind: IntArray, codes: IntArray) -> Sums:
    """Add up the votes' rows of each cluster `codes` (N,): (clusters, p), sparse where most of it would be empty."""
    clusters, columns = int(codes.max(initial=-1)) + 1, rows.shape[1]
    width = int(np.diff(rows.indptr).max(initial=0))
    if clusters * columns > _DENSE * width * len(codes) + 1_000_000:
        own = sparse.csr_array(rows[kind])
        cluster = np.repeat(codes, np.diff(own.indptr))
        return sparse.csr_array(sparse.coo_array((own.data, (cluster, own.indices)), shape=(clusters, columns)))
    sums = np.zeros((clusters, columns))
    compiled(add_rows)(codes, kind, rows.indptr, rows.indices, rows.data, sums)
    return sums


def some_rows(matrix: sparse.csr_array, rows: BoolArray) -> sparse.csr_array:
    """The matrix without entries where `rows` (n,) is false."""
    lengths = np.diff(matrix.indptr)
    entries, starts = np.repeat(rows, lengths), np.concatenate([[0], np.cumsum(lengths * rows)])
    return sparse.csr_array((matrix.data[entries], matrix.indices[entries], starts), shape=matrix.shape)


def rows_alone(matrix: sparse.csr_array) -> Clusters:
    """Each row a cluster of its own."""
    rows = np.arange(matrix.shape[0], dtype=np.int32)
    return Clusters(rows, rows + 1)


def as_often(rows: sparse.csr_array, numbers: IntArray) -> sparse.csr_array:
    """What has the squares and products of `numbers` (n,) times each row."""
    values = rows.data * np.sqrt(np.repeat(numbers, np.diff(rows.indptr)))
    return sparse.csr_array((values, rows.indices, rows.indptr), shape=rows.shape)


def squares(matrix: sparse.csr_array, clusters: Clusters) -> tuple[FloatArray, FloatArray]:
    """sum over clusters of (the sum of their rows)^2, and in how many clusters that is not zero, both (p,)."""
    found, alone = np.zeros((2, matrix.shape[1])), np.zeros(matrix.shape[0], dtype=np.intp)
    compiled(add_squares)(*_loop_over(matrix, clusters), alone, found)
    numbers, width = np.repeat(alone, np.diff(matrix.indptr)), matrix.shape[1]
    found[0] += np.bincount(matrix.indices, numbers * matrix.data**2, width)
    found[1] += np.bincount(matrix.indices, numbers * (matrix.data != 0), width)
    return found[0], found[1]


def total_squares(matrix: sparse.csr_array, clusters: Clusters, weights: FloatArray) -> FloatArray:
    """sum over clusters of (the sum of their rows @ weights)^2, shape (m,)."""
    if _is_identity(weights):
        return squares(matrix, clusters)[0]
    products = _products(matrix, clusters)
    return np.asarray(np.einsum("pm,pm->m", weights, products @ weights), dtype=np.float64)


def total_products(matrix: sparse.csr_array, clusters: Clusters, weights: FloatArray) -> FloatArray:
    """weights^T (sum over clusters of the outer products of the sums of their rows) weights, shape (m, m)."""
    return np.asarray(weights.T @ _products(matrix, clusters) @ weights, dtype=np.float64)


def _products(matrix: sparse.csr_array, clusters: Clusters) -> FloatArray:
    p = matrix.shape[1]
    found, alone = np.zeros((p, p)), np.zeros(matrix.shape[0], dtype=np.intp)
    compiled(add_products)(*_loop_over(matrix, clusters), alone, found)
    single = as_often(matrix, alone)
    return np.asarray(found + found.T + (single.T @ single).toarray(), dtype=np.float64)


def _loop_over(matrix: sparse.csr_array, clusters: Clusters) -> tuple[Codes, Codes, Codes, Codes, FloatArray]:
    return clusters.rows, clusters.ends, matrix.indptr, matrix.indices, matrix.data


def _is_identity(weights: FloatArray) -> bool:
    """A product with it would take most of the time."""
    m, n = weights.shape
    return m == n and np.count_nonzero(weights) == n and bool((np.diag(weights) == 1).all())
