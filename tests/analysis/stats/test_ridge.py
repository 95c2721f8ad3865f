"""Ratings under a prior: finite where there are none without it, and never asked for by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import DisconnectedError, RatingError, summarise
from analysis.stats.asked import Asked
from analysis.stats.bradley_terry import MEAN, POINTS, bradley_terry
from analysis.stats.outcomes import VoteTable
from analysis.stats.ridge import prior_sd, ridge_bradley_terry
from tests.analysis.stats.planted import Population, table

BOTH_WAYS = (("a", "b", "left"), ("b", "a", "right"))


def unbeaten(votes: int) -> VoteTable:
    """a wins all of so many votes against b, from either side."""
    return table(*((f"p{n}", *row, f"r{n}") for n in range(votes // 2) for row in BOTH_WAYS))


@pytest.mark.parametrize(("votes", "ridge"), [(2, 1.0), (20, 1.0), (20, 1e-6), (200, 3.0)])
def test_of_one_who_always_wins_they_solve_the_equation_of_the_prior(votes: int, ridge: float) -> None:
    """With strengths x and -x the derivative is n / (1 + e^(2x)) - ridge x = 0."""
    found = ridge_bradley_terry(unbeaten(votes), ridge)
    x = (found.values[0] - MEAN) / POINTS
    assert votes / (1 + np.exp(2 * x)) == pytest.approx(ridge * x, rel=1e-6)
    assert found.values.mean() == pytest.approx(MEAN)
    assert found.intervals is None
    assert found.parameters["ridge"] == ridge


def test_the_unit_is_the_variance_of_a_prior_in_log_odds() -> None:
    assert prior_sd(1.0) == pytest.approx(400 / np.log(10))
    assert prior_sd(4.0) == pytest.approx(200 / np.log(10))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_more_of_it_draws_ratings_closer_and_next_to_none_leaves_them(seed: int) -> None:
    votes = Population().votes(np.random.default_rng(seed), prompts=20, raters=10, per_prompt=15)
    spreads = [np.ptp(ridge_bradley_terry(votes, ridge).values) for ridge in (0.1, 1.0, 10.0, 1e7)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[-1] < 0.1
    assert ridge_bradley_terry(votes, 1e-9).values == pytest.approx(bradley_terry(votes).values, abs=1e-5)


def test_the_side_is_not_drawn_to_nought() -> None:
    votes = Population(side=0.8).votes(np.random.default_rng(2), prompts=40, raters=20, per_prompt=20)
    much, plain = ridge_bradley_terry(votes, 1e6), bradley_terry(votes)
    assert much.diagnostics["side"] == pytest.approx(plain.diagnostics["side"], rel=0.15)
    assert np.isnan(ridge_bradley_terry(table(("p", "a", "b", "left", "r")), 1.0).diagnostics["side"])


def test_a_chain_of_fifty_who_always_beat_the_next_is_rated_in_order() -> None:
    names = [f"{i:02}" for i in range(50)]
    pairs = [(names[i], names[i + 1]) for i in range(49)]
    votes = table(*((f"p{a}", a, b, "left", "r") for a, b in pairs), *((f"q{a}", b, a, "right", "r") for a, b in pairs))
    found = ridge_bradley_terry(votes, 1e-3)
    assert (np.diff(found.values) < 0).all()
    assert np.isfinite(found.values).all()


def test_groups_that_never_met_are_refused_whatever_the_prior() -> None:
    votes = table(("p", "a", "b", "left", "r"), ("p", "c", "d", "left", "r"))
    with pytest.raises(DisconnectedError, match=r"no comparison connects \(a and b\) and \(c and d\)"):
        ridge_bradley_terry(votes, 1.0)


@pytest.mark.parametrize("ridge", [0.0, -1.0, float("inf"), float("nan")])
def test_a_ridge_that_is_none_is_refused(ridge: float) -> None:
    with pytest.raises(RatingError, match=rf"^ridge is {ridge}; allowed: a number above 0\.$"):
        ridge_bradley_terry(unbeaten(2), ridge)


def test_a_summary_has_it_beside_its_own_ratings_only_where_asked_for() -> None:
    votes = unbeaten(20)
    (plain,) = summarise(votes)["questions"].values()
    summary = summarise(votes, asked=Asked(ridge=1.0))
    (asked,) = summary["questions"].values()
    assert "ridge" not in plain
    assert [row["bt"] for row in asked["systems"]] == [None, None]
    assert any("a never lost" in warning for warning in asked["warnings"]), "still said"
    assert isinstance(asked["ridge"], dict)
    assert [row["system"] for row in asked["ridge"]["systems"]] == ["a", "b"]
    assert asked["ridge"]["systems"][0]["bt"] == pytest.approx(ridge_bradley_terry(votes, 1.0).values[0])
    assert summary["settings"]["ridge"] == 1.0
    assert "ridge" not in summarise(votes)["settings"]
