from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, stats

from analysis.stats.confidence_sequence import always_valid_p, critical_p, prior_votes
from analysis.stats.errors import SequenceError


def bound(votes: float, prior: float, alpha: float = 0.05) -> float:
    """u(n), in standard errors."""
    return float(stats.norm.isf(critical_p(np.array([votes]), prior, alpha)[0] / 2))


def test_the_bound_is_that_of_the_asymptotic_confidence_sequence() -> None:
    """Waudby-Smith et al., eq. for C_t: sigma sqrt(2 (t rho^2 + 1) / (t^2 rho^2) log(sqrt(t rho^2 + 1) / alpha))."""
    t, rho, alpha = 500.0, 0.09, 0.1
    scaled = t * rho**2
    radius = np.sqrt(2 * (scaled + 1) / (t * scaled) * np.log(np.sqrt(scaled + 1) / alpha))
    assert bound(t, 1 / rho**2, alpha) == pytest.approx(radius * np.sqrt(t), rel=1e-9)


def test_e_is_the_likelihood_ratio_averaged_over_a_normal_prior() -> None:
    n, prior, z = 80.0, 30.0, 2.9

    def ratio(drift: float) -> float:
        return float(np.exp(drift * z * np.sqrt(n) - drift**2 * n / 2) * stats.norm.pdf(drift, scale=prior**-0.5))

    mixture = integrate.quad(ratio, -3, 3)[0]
    p = always_valid_p(np.array([2 * stats.norm.sf(z)]), np.array([n]), prior)[0]
    assert p == pytest.approx(1 / mixture, rel=1e-8)


@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_the_bound_is_smallest_at_the_planned_votes(alpha: float) -> None:
    prior = prior_votes(1000, alpha)
    best = optimize.minimize_scalar(
        lambda log_n: bound(float(np.exp(log_n)), prior, alpha), bounds=(1, 14), method="bounded"
    )
    assert np.exp(best.x) == pytest.approx(1000, rel=1e-3)


@given(st.floats(1e-6, 1.0), st.floats(1, 1e6), st.floats(1, 1e4), st.floats(0.001, 0.2))
def test_p_and_bound_decide_alike(p: float, votes: float, prior: float, alpha: float) -> None:
    valid = always_valid_p(np.array([p]), np.array([votes]), prior)[0]
    critical = critical_p(np.array([votes]), prior, alpha)[0]
    assert p <= valid <= 1
    if abs(p - critical) > 1e-6 * critical:
        assert (valid <= alpha) == (p <= critical)


def test_random_walks_seldom_cross_in_all_their_time_and_fixed_tests_often_do() -> None:
    walks, steps = 4000, 2000
    n = np.arange(1.0, steps + 1)
    z = np.random.default_rng(0).normal(size=(walks, steps)).cumsum(axis=1) / np.sqrt(n)
    limit = stats.norm.isf(critical_p(n, prior_votes(300, 0.2), 0.2) / 2)
    crossed = (np.abs(z) > limit).any(axis=1).mean()
    assert 0.1 < crossed < 0.2  # at most alpha for ever; a part of it remains for later
    assert (np.abs(z) > stats.norm.isf(0.1)).any(axis=1).mean() > 0.8


def test_without_a_vote_nothing_is_excluded() -> None:
    assert critical_p(np.array([0.0]), 10.0, 0.05)[0] == 0
    assert np.isnan(always_valid_p(np.array([np.nan]), np.array([0.0]), 10.0)[0])


@pytest.mark.parametrize(
    ("planned", "alpha", "message"),
    [
        (0, 0.05, "planned is 0; allowed: a number above 0"),
        (float("inf"), 0.05, "planned is inf"),
        (10, 0, "alpha is 0; allowed: a number between 0 and 1"),
    ],
)
def test_numbers_out_of_range_are_refused(planned: float, alpha: float, message: str) -> None:
    with pytest.raises(SequenceError, match=message):
        prior_votes(planned, alpha)
