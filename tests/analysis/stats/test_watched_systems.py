"""What stays true of each system by itself, however often one looks."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.always_valid import always_valid
from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.elo import elo
from analysis.stats.sequential import system_contrasts
from analysis.stats.win_rates import field_win_rates
from tests.analysis.stats.planted import Population, table


def test_intervals_hold_the_estimates_and_are_wider_than_those_for_one_look() -> None:
    votes = Population().votes(np.random.default_rng(1), prompts=80, raters=40, per_prompt=6)
    found = {row["system"]: row for row in always_valid(votes, planned=480)["estimates"]}
    for name, ratings in (("bt", bradley_terry(votes)), ("win_rate", field_win_rates(votes))):
        assert ratings.intervals is not None
        fixed = zip(ratings.systems, ratings.values, ratings.intervals.low, ratings.intervals.high, strict=True)
        for system, value, low, high in fixed:
            row = found[system]
            assert row[f"{name}_low"] < low < value < high < row[f"{name}_high"]


def test_over_all_looks_they_hardly_ever_miss_what_is_planted() -> None:
    """Two equal systems, a look after every 20 prompts: the mean is one half, and no look may say otherwise."""
    missed = 0
    for seed in range(40):
        votes = Population(strengths=(0.0, 0.0)).votes(
            np.random.default_rng(seed), prompts=100, raters=30, per_prompt=4
        )
        looks = [votes.select(np.arange(len(votes)) < 4 * prompts) for prompts in range(20, 101, 20)]
        rows = [always_valid(look, planned=400)["estimates"][0] for look in looks]
        missed += any(not row["win_rate_low"] <= 0.5 <= row["win_rate_high"] for row in rows)
    assert missed <= 4  # 5% of 40 is 2; more than 4 has a probability of 5%


def test_a_system_that_never_wins_has_a_win_rate_and_no_rating() -> None:
    rows = [(f"p{i}", "a", "b", "left", f"r{i}") for i in range(30)]
    (a, b) = always_valid(table(*rows), planned=100)["estimates"]
    assert (a["bt_low"], a["bt_high"]) == (None, None)
    assert a["win_rate_high"] == 1
    assert 0.5 < a["win_rate_low"] < 1
    assert (b["win_rate_low"], b["win_rate_high"]) == (0, pytest.approx(1 - a["win_rate_low"]))


def test_ratings_without_intervals_are_refused() -> None:
    votes = Population().votes(np.random.default_rng(1), prompts=20, raters=10, per_prompt=6)
    with pytest.raises(ValueError, match="no intervals"):
        system_contrasts(elo(votes, np.random.default_rng(1)), 1000.0, np.ones(4))
