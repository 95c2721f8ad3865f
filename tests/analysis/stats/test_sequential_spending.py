from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.stats.errors import LookError
from analysis.stats.spending import boundaries, spent

FIVE = [0.2, 0.4, 0.6, 0.8, 1.0]


def test_five_equal_looks_are_those_of_the_textbooks() -> None:
    """Proschan, Lan & Wittes (2006), Statistical Monitoring of Clinical Trials; the same in R's ldbounds."""
    np.testing.assert_allclose(boundaries(FIVE, 1.0), [4.877, 3.357, 2.680, 2.290, 2.031], atol=5e-4)


def test_one_look_at_the_end_is_the_plain_test() -> None:
    assert boundaries([40], 40)[0] == pytest.approx(stats.norm.isf(0.025))
    assert boundaries([10], 40, final=True)[0] == pytest.approx(stats.norm.isf(0.025))


def test_the_first_look_spends_what_the_formula_says() -> None:
    """At half of the information 4 (1 - Phi(2.2414 / sqrt(0.5))) = 0.003051, so that z is 2.963."""
    assert spent(np.array([0.5]), 0.05)[0] == pytest.approx(0.0030507, abs=1e-6)
    assert boundaries([0.5], 1.0)[0] == pytest.approx(2.9626, abs=1e-4)


def test_two_looks_satisfy_the_bivariate_normal_distribution() -> None:
    """An independent integrator: the chance to stay within both boundaries is all but what was spent."""
    first, second = boundaries([0.3, 0.8], 1.0)
    correlation = np.sqrt(0.3 / 0.8)
    pair = stats.multivariate_normal(mean=[0, 0], cov=[[1, correlation], [correlation, 1]])
    inside = pair.cdf(np.array([first, second]), lower_limit=np.array([-first, -second]), rng=np.random.default_rng(0))
    assert 1 - inside == pytest.approx(spent(np.array([0.8]), 0.05)[0], abs=1e-6)


def test_unequal_looks_keep_their_false_alarms_in_a_random_walk() -> None:
    information = np.array([0.05, 0.3, 0.31, 0.7, 1.0])
    bounds = boundaries(list(information), 1.0, alpha=0.2)
    steps = np.random.default_rng(1).normal(size=(200_000, 5)) * np.sqrt(np.diff(information, prepend=0))
    z = steps.cumsum(axis=1) / np.sqrt(information)
    share = (np.abs(z) >= bounds).any(axis=1).mean()
    assert share == pytest.approx(0.2, abs=0.004)  # standard error 0.0009


def test_a_look_left_out_leaves_its_share_to_the_next() -> None:
    every, fewer = boundaries(FIVE, 1.0), boundaries([0.2, 0.4, 0.8], 1.0)
    np.testing.assert_allclose(fewer[:2], every[:2])
    assert fewer[2] < every[3]


def test_later_looks_change_nothing_in_earlier_ones() -> None:
    np.testing.assert_allclose(boundaries([0.1, 0.5, 0.9, 1.0], 1.0)[:2], boundaries([0.1, 0.5], 1.0))


def test_past_the_planned_size_nothing_is_left() -> None:
    bounds = boundaries([50, 100, 150], 100)
    assert np.isfinite(bounds[:2]).all()
    assert np.isinf(bounds[2])


def test_a_study_that_ends_early_spends_everything_at_its_last_look() -> None:
    open_end, closed = boundaries([0.3, 0.6], 1.0), boundaries([0.3, 0.6], 1.0, final=True)
    assert closed[0] == open_end[0]
    assert 1.96 < closed[1] < open_end[1]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.02, 1.0), min_size=1, max_size=6), st.floats(0.001, 0.3), st.floats(0.01, 100))
def test_no_more_is_spent_than_alpha_and_the_unit_does_not_matter(gaps: list[float], alpha: float, unit: float) -> None:
    information = np.cumsum(gaps)
    bounds = boundaries(list(information), float(information[-1]), alpha)
    assert (bounds >= stats.norm.isf(alpha / 2) - 1e-9).all()
    assert 2 * stats.norm.sf(bounds[-1]) <= alpha * (1 + 1e-9)
    again = boundaries(list(information * unit), float(information[-1]) * unit, alpha)
    np.testing.assert_allclose(bounds, again, rtol=1e-6)


@pytest.mark.parametrize(
    ("information", "planned", "alpha", "message"),
    [
        ([1, 1], 4, 0.05, "Look 2 is at 1 after 1; every look needs at least 0.01% more"),
        ([2, 1], 4, 0.05, "Look 2 is at 1 after 2"),
        ([0, 1], 4, 0.05, "Look 1 is at 0 after 0"),
        ([1, float("nan")], 4, 0.05, "Look 2 is at nan after 1"),
        ([1], 0, 0.05, "planned is 0; allowed: a number above 0"),
        ([1], 4, 1.0, "alpha is 1.0; allowed: a number between 0 and 1"),
    ],
)
def test_impossible_looks_are_refused(information: list[float], planned: float, alpha: float, message: str) -> None:
    with pytest.raises(LookError, match=message):
        boundaries(information, planned, alpha)
