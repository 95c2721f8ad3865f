"""However sums are made, for few clusters or for many, they are the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.clusters import Clusters
from analysis.stats.outcomes import BOTH_BAD, FloatArray, VoteTable
from analysis.stats.sums import squares, total_products, total_squares
from analysis.stats.uncertainty import CLUSTERS, covariances, two_way_intervals
from analysis.stats.win_rates import field_win_rates, pair_win_rates
from tests.analysis.stats.planted import Population


def votes_of(seed: int) -> VoteTable:
    """With several votes in a cell, and some that say both-bad."""
    rng = np.random.default_rng(seed)
    votes = Population().votes(rng, prompts=15, raters=6, per_prompt=16)
    return replace(votes, outcome=np.where(rng.random(len(votes)) < 0.1, BOTH_BAD, votes.outcome))


def numbers(votes: VoteTable, cluster: str) -> list[FloatArray]:
    rating, field = bradley_terry(votes, cluster=cluster), field_win_rates(votes, cluster=cluster)
    assert rating.intervals is not None
    assert rating.covariances is not None
    assert field.intervals is not None
    return [
        pair_win_rates(votes, cluster=cluster).intervals.standard_error,
        rating.intervals.standard_error,
        rating.intervals.effective_clusters,
        rating.covariances.whole,
        field.intervals.standard_error,
    ]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_many_clusters_give_what_few_give(monkeypatch: pytest.MonkeyPatch, cluster: str) -> None:
    expected = numbers(votes_of(1), cluster)
    monkeypatch.setattr("analysis.stats.sums._DENSE", -1_000_000_000)
    for found, number in zip(numbers(votes_of(1), cluster), expected, strict=True):
        np.testing.assert_allclose(found, number, rtol=1e-9)


def test_a_row_a_vote_says_the_same_as_a_row_a_kind() -> None:
    votes = votes_of(3).counted()
    ratings = bradley_terry(votes)
    influence = ratings.influence
    assert influence is not None
    assert influence.kind is not None
    every = replace(
        influence, scores=influence.scores[influence.kind], bearing=influence.bearing[influence.kind], kind=None
    )
    for one, other in zip(covariances(votes, every), covariances(votes, influence), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    intervals = two_way_intervals(votes, ratings.values, every)
    assert ratings.intervals is not None
    np.testing.assert_allclose(intervals.low, ratings.intervals.low, rtol=1e-9)


def test_clusters_hold_every_vote_once_with_its_kind() -> None:
    votes = votes_of(4)
    found = vars(votes.clusters_of_votes)
    cell = votes.prompt * len(votes.raters) + votes.rater
    for name, codes in (("prompt", votes.prompt), ("rater", votes.rater), ("cell", cell)):
        clusters = found[name]
        assert sorted(clusters.rows) == list(range(len(votes)))
        assert clusters.ends[-1] == len(votes)
        parts = np.split(codes[clusters.rows], clusters.ends[:-1])
        assert [len(set(part)) for part in parts] == [1] * len(np.unique(codes)), name
        of_kinds = vars(votes.clusters_of_kinds)[name]
        np.testing.assert_array_equal(of_kinds.rows, votes.kind[clusters.rows])
        np.testing.assert_array_equal(of_kinds.ends, clusters.ends)


def matrix_of(rng: np.random.Generator) -> tuple[sparse.csr_array, Clusters]:
    """Rows of several kinds, some of them empty, in clusters some of which are."""
    dense = rng.integers(-2, 3, (7, 4)).astype(np.float64) * (rng.random((7, 1)) < 0.8)
    rows, ends = rng.integers(0, 7, 30).astype(np.int32), np.sort(rng.integers(0, 31, 9)).astype(np.int32)
    return sparse.csr_array(dense), Clusters(rows, np.append(ends, np.int32(30)))


@given(seed=st.integers(0, 10_000))
@settings(deadline=None)
def test_squares_and_products_are_those_of_each_clusters_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix, clusters = matrix_of(rng)
    dense, weights = matrix.toarray(), rng.normal(size=(4, 3))
    sums = np.array([dense[clusters.rows[first:last]].sum(axis=0) for first, last in pairwise([0, *clusters.ends])])
    found, occurring = squares(matrix, clusters)
    np.testing.assert_allclose(found, (sums**2).sum(axis=0))
    np.testing.assert_array_equal(occurring, (sums != 0).sum(axis=0))
    np.testing.assert_allclose(total_squares(matrix, clusters, np.eye(4)), (sums**2).sum(axis=0))
    np.testing.assert_allclose(total_squares(matrix, clusters, weights), ((sums @ weights) ** 2).sum(axis=0))
    np.testing.assert_allclose(
        total_products(matrix, clusters, weights), weights.T @ sums.T @ sums @ weights, atol=1e-9
    )
