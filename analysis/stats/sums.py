"""Sums of votes' rows within clusters, and what variances are made of: the squares and products of those sums.

Votes of one kind (the same systems, sides and outcome) have the same row of numbers, so that a matrix has a row a kind
and `kind` (N,) says which is a vote's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from analysis.stats.compiled import add_products, add_rows, add_squares, compiled
from analysis.stats.outcomes import FloatArray, IntArray

Sums = FloatArray | sparse.csr_array
"""(clusters, p)."""
Shared = tuple[IntArray, IntArray]
"""As VoteTable.sharing."""
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


def single_sums(rows: sparse.csr_array, kind: IntArray) -> sparse.csr_array:
    """What has the squares and products of every vote's own row: a row a kind, times the root of their number."""
    numbers = np.bincount(kind, minlength=rows.shape[0])
    values = rows.data * np.sqrt(np.repeat(numbers, np.diff(rows.indptr)))
    return sparse.csr_array((values, rows.indices, rows.indptr), shape=rows.shape)


def total_squares(sums: Sums, weights: FloatArray) -> FloatArray:
    """sum over clusters of (sums @ weights)^2, shape (m,)."""
    if isinstance(sums, np.ndarray):
        weighted = sums if _is_identity(weights) else sums @ weights
        return np.asarray(np.einsum("cm,cm->m", weighted, weighted), dtype=np.float64)
    if _is_identity(weights):
        return np.bincount(sums.indices, sums.data**2, minlength=sums.shape[1]).astype(np.float64)
    products = (sums.T @ sums).toarray()
    return np.asarray(np.einsum("pm,pm->m", weights, products @ weights), dtype=np.float64)


def total_products(sums: Sums, weights: FloatArray) -> FloatArray:
    """weights^T (sum over clusters of the outer products of their sums) weights, shape (m, m)."""
    products = sums.T @ sums if isinstance(sums, np.ndarray) else (sums.T @ sums).toarray()
    return np.asarray(weights.T @ products @ weights, dtype=np.float64)


def cell_squares(rows: sparse.csr_array, kind: IntArray, shared: Shared, weights: FloatArray) -> FloatArray:
    """`total_squares` over clusters of few votes, most of whom are alone: `shared` are those that are not."""
    squares = total_squares(single_sums(rows, kind), weights)
    if not _is_identity(weights):
        products = _shared_products(rows, kind, shared)
        return np.asarray(squares + np.einsum("pm,pm->m", weights, products @ weights), dtype=np.float64)
    order, cells = shared
    compiled(add_squares)(cells, kind.take(order), rows.indptr, rows.indices, rows.data, squares)
    return squares


def cell_products(rows: sparse.csr_array, kind: IntArray, shared: Shared, weights: FloatArray) -> FloatArray:
    """`total_products`, likewise."""
    products = weights.T @ _shared_products(rows, kind, shared) @ weights
    return np.asarray(total_products(single_sums(rows, kind), weights) + products, dtype=np.float64)


def _shared_products(rows: sparse.csr_array, kind: IntArray, shared: Shared) -> FloatArray:
    products = np.zeros((rows.shape[1], rows.shape[1]))
    order, cells = shared
    compiled(add_products)(cells, kind.take(order), rows.indptr, rows.indices, rows.data, products)
    return products + products.T


def _is_identity(weights: FloatArray) -> bool:
    """A product with it would take most of the time."""
    m, n = weights.shape
    return m == n and np.count_nonzero(weights) == n and bool((np.diag(weights) == 1).all())
