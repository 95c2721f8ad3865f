from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.stats.errors import LookError, RatingError, VoteFileError
from analysis.stats.outcomes import VoteTable
from analysis.stats.sequential import rank_ranges_of
from analysis.stats.sequential_looks import SPENT, pairs_of, planned_looks, ratings_of, time_order
from analysis.stats.spending import boundaries
from tests.analysis.stats.planted import Population, table


def votes_of(strengths: tuple[float, ...], seed: int = 1, per_prompt: int = 20) -> VoteTable:
    """In random order: otherwise the first look would be at a few prompts only."""
    votes = Population(strengths).votes(np.random.default_rng(seed), prompts=60, raters=30, per_prompt=per_prompt)
    hours = np.random.default_rng(seed).permutation(len(votes))
    times = np.array([f"2026-01-{1 + hour // 100:02}T{hour % 100 // 5:02}:{hour % 5:02}:00Z" for hour in hours])
    return replace(votes, optional={"answered_at": times.astype(object)})


def test_each_look_has_the_p_of_its_votes_and_the_boundary_of_its_share() -> None:
    votes = votes_of((-0.3, 0.3))
    found = planned_looks(votes, [300, 700, 1200], 1200, pairs_of)
    first = votes.select(np.argsort(time_order(votes)) < 300)
    assert found.p[0] == pytest.approx(pairs_of(first).p)
    np.testing.assert_allclose(stats.norm.isf(found.allowed / 2), boundaries([300, 700, 1200], 1200, SPENT * 0.05))


def test_a_contrast_is_told_apart_at_the_first_look_that_crosses() -> None:
    found = planned_looks(votes_of((-0.5, 0.5)), [200, 500, 1200], 1200, ratings_of)
    crossed = np.flatnonzero(found.p[:, 0] <= found.allowed)
    assert len(crossed) > 0
    assert found.found_at[0] == crossed[0] + 1
    assert found.sign[0] == -1
    even = planned_looks(votes_of((0.0, 0.0)), [200, 500, 1200], 1200, ratings_of)
    assert (even.sign[0], even.found_at[0]) == (0, 0)


def test_a_whole_ranking_is_held_to_a_smaller_share_of_alpha() -> None:
    votes = votes_of((-1.5, -1.5, 1.5, 1.5))
    found = planned_looks(votes, [600, 1200], 1200, ratings_of, at_once=6)
    np.testing.assert_allclose(stats.norm.isf(found.allowed / 2), boundaries([600, 1200], 1200, SPENT * 0.05 / 6))
    low, high = rank_ranges_of(found.contrasts, found.sign)
    assert list(zip(low, high, strict=True)) == [(3, 4), (3, 4), (1, 2), (1, 2)]


def test_looks_at_too_few_prompts_or_at_unconnected_systems_do_not_count() -> None:
    votes = votes_of((-0.6, 0.0, 0.6))
    found = planned_looks(votes, [3, 1200], 1200, ratings_of)
    assert np.isnan(found.p[0]).all()
    assert not np.isnan(found.p[1]).any()


def test_a_pair_that_comes_later_keeps_its_place() -> None:
    early = [(f"p{i}", "b", "c", ("left", "right")[i % 2], f"r{i}") for i in range(10)]
    late = [(f"p{i}", *("ab", "ac", "cb")[i % 3], "left", f"r{i}") for i in range(30)]
    found = planned_looks(table(*early, *late), [10, 40], 40, pairs_of)
    assert list(np.isnan(found.p[0])) == [True, True, False]
    assert [(found.contrasts.systems[a], found.contrasts.systems[b]) for a, b in zip(
        found.contrasts.a, found.contrasts.b, strict=True)] == [("a", "b"), ("a", "c"), ("b", "c")]  # fmt: skip


def test_the_last_look_of_a_study_that_ends_early_spends_what_is_left() -> None:
    votes = votes_of((-0.3, 0.3))
    open_end, closed = (planned_looks(votes, [300, 600], 1200, pairs_of, final=final) for final in (False, True))
    assert closed.allowed[1] > 5 * open_end.allowed[1]
    assert closed.allowed[0] == open_end.allowed[0]


def test_votes_are_in_the_order_of_their_times_whatever_the_zone() -> None:
    votes = votes_of((0.0, 0.0)).select(np.arange(1200) < 4)
    times = ["2026-01-01T10:00:00+02:00", "2026-01-01T09:00:00Z", "2026-01-01T07:00", "2026-01-01T08:00:00.5Z"]
    timed = replace(votes, optional={"answered_at": np.array(times, dtype=object)})
    assert list(time_order(timed)) == [2, 0, 3, 1]
    for nothing in ({}, {"answered_at": np.full(4, "", dtype=object)}):
        assert list(time_order(replace(votes, optional=nothing))) == [0, 1, 2, 3]


@pytest.mark.parametrize("wrong", ["yesterday", ""])
def test_a_time_that_is_none_is_refused(wrong: str) -> None:
    votes = votes_of((0.0, 0.0)).select(np.arange(1200) < 2)
    timed = replace(votes, optional={"answered_at": np.array(["2026-01-01", wrong], dtype=object)})
    with pytest.raises(
        VoteFileError, match=f'answered_at is "{wrong}" in vote 2, counted from 1; allowed are ISO 8601 times'
    ):
        time_order(timed)


@pytest.mark.parametrize(
    ("looks", "message"),
    [
        ([], "Looks: there are none; allowed: one or more"),
        ([10, 5000], "Looks: the last is at 5000; allowed: one or more, at no more than the 1200 votes"),
        ([20, 10], "Look 2 is at 10 after 20"),
    ],
)
def test_looks_that_cannot_be_are_refused(looks: list[int], message: str) -> None:
    with pytest.raises(LookError, match=message):
        planned_looks(votes_of((0.0, 0.0)), looks, 1200, pairs_of)


def test_votes_that_do_not_determine_ratings_at_the_last_look_are_an_error() -> None:
    votes = table(*((f"p{i}", "a", "b", "left", f"r{i}") for i in range(10)))
    with pytest.raises(RatingError, match="never lost"):
        planned_looks(votes, [5, 10], 10, ratings_of)
