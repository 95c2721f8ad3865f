from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.stats.win_rates import field_win_rates, left_share, pair_win_rates
from tests.analysis.stats.planted import table

VOTES = table(
    ("p", "a", "b", "left", "r"),
    ("q", "b", "a", "left", "s"),
    ("p", "b", "a", "right", "t"),
    ("q", "a", "b", "tie", "r"),
    ("p", "b", "a", "both_bad", "s"),
    ("p", "c", "a", "left", "r"),
    ("q", "a", "c", "right", "s"),
)


def test_pairs_are_counted_with_ties_as_half_and_both_bad_apart() -> None:
    pairs = pair_win_rates(VOTES)
    assert [(pairs.systems[a], pairs.systems[b]) for a, b in zip(pairs.a, pairs.b, strict=True)] == [
        ("a", "b"),
        ("a", "c"),
    ]
    assert pairs.a_wins.tolist() == [2, 0]
    assert pairs.b_wins.tolist() == [1, 2]
    assert pairs.ties.tolist() == [1, 0]
    assert pairs.both_bad.tolist() == [1, 0]
    assert pairs.votes.tolist() == [5, 2]
    assert pairs.win_rate.tolist() == [2.5 / 4, 0]


def test_a_pair_with_nothing_but_both_bad_has_no_win_rate() -> None:
    pairs = pair_win_rates(table(("p", "a", "b", "both_bad", "r"), ("q", "a", "b", "both_bad", "s")))
    assert math.isnan(pairs.win_rate[0])
    assert math.isnan(pairs.intervals.low[0])


def test_against_the_field_every_opponent_weighs_the_same() -> None:
    field = field_win_rates(VOTES)
    assert field.systems == ("a", "b", "c")
    np.testing.assert_allclose(field.values, [(2.5 / 4 + 0) / 2, 1.5 / 4, 1])
    np.testing.assert_array_equal(field.diagnostics["opponents"], [2, 1, 1])


def test_an_opponent_met_once_leaves_no_interval_against_the_field() -> None:
    votes = [(f"p{i}", "a", "b", ("left", "right")[i % 2], f"r{i}") for i in range(10)]
    intervals = field_win_rates(table(*votes, ("p0", "c", "b", "left", "r1"))).intervals
    assert intervals is not None
    assert np.isnan(intervals.low).tolist() == [False, True, True]


def test_intervals_stay_between_nought_and_one() -> None:
    votes = [(f"p{i}", "a", "b", "right" if i == 0 else "left", f"r{i}") for i in range(8)]
    intervals = pair_win_rates(table(*votes)).intervals
    assert 0 < intervals.low[0] < 7 / 8
    assert intervals.high[0] == 1


def test_the_left_share_counts_sides_and_not_systems() -> None:
    assert left_share(VOTES).value == pytest.approx((1 + 1 + 0 + 0.5 + 1 + 0) / 6)


def test_without_votes_there_is_no_left_share() -> None:
    assert math.isnan(left_share(table()).value)
