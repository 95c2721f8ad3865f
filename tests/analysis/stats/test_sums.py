"""However sums are made, for few clusters or for many, they are the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.stats.agreement import agreement
from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.outcomes import BOTH_BAD, FloatArray, VoteTable
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
@pytest.mark.parametrize("many", ["sums._DENSE", "outcomes._MANY_IN_CELLS"])
def test_many_clusters_give_what_few_give(monkeypatch: pytest.MonkeyPatch, many: str, cluster: str) -> None:
    expected = numbers(votes_of(1), cluster)
    monkeypatch.setattr(f"analysis.stats.{many}", -1_000_000_000)
    for found, number in zip(numbers(votes_of(1), cluster), expected, strict=True):
        np.testing.assert_allclose(found, number, rtol=1e-9)


def test_many_units_agree_as_few_do(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, errors = agreement(votes_of(2)), numbers(votes_of(2), "prompt,rater")[0]
    monkeypatch.setattr("analysis.stats.agreement.ROOMY", 0)
    monkeypatch.setattr("analysis.stats.outcomes.ROOMY", 0)
    assert agreement(votes_of(2)) == expected
    np.testing.assert_allclose(numbers(votes_of(2), "prompt,rater")[0], errors, rtol=1e-12)


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


def test_votes_that_share_a_cell_are_found() -> None:
    votes = votes_of(4)
    sharing = votes.sharing
    assert sharing is not None
    order, cells = sharing
    sizes = np.unique(votes.cell, return_counts=True)[1]
    assert sorted(order) == np.flatnonzero(np.isin(votes.cell, np.unique(votes.cell)[sizes > 1])).tolist()
    assert (np.diff(np.flatnonzero(np.diff(cells, prepend=-1))) > 1).all()
    np.testing.assert_array_equal(cells[1:] == cells[:-1], votes.cell[order][1:] == votes.cell[order][:-1])
