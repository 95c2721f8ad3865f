"""The normal model that draws groups together."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.outcomes import FloatArray
from analysis.stats.pooling import pool

EFFECTS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12]) / 1000
ERRORS = np.array([15.0, 10, 16, 11, 9, 11, 10, 18]) / 1000


def test_the_eight_schools_are_pooled_fully_as_in_the_books() -> None:
    """Rubin (1981), Estimation in parallel randomized experiments: their mean is 7.7 with an error of 4.1."""
    found = pool(EFFECTS, np.diag(ERRORS**2))
    assert found.tau == 0
    assert found.values * 1000 == pytest.approx(7.69, abs=0.005)
    assert found.q == pytest.approx((((EFFECTS - found.mean) / ERRORS) ** 2).sum())
    assert found.p == pytest.approx(0.696, abs=0.001)
    assert ((found.high - found.values) * 1000 > 1.96 * 4.1).all(), "tau may not be zero"


def test_the_interval_is_that_of_integrating_over_tau() -> None:
    """Formulas (5.17), (5.20) and (5.21) of Gelman et al., Bayesian Data Analysis, for independent groups."""

    def at(tau: float) -> tuple[FloatArray, float]:
        weights = 1 / (ERRORS**2 + tau**2)
        mean, error2 = weights @ EFFECTS / weights.sum(), 1 / weights.sum()
        residual = (EFFECTS - mean) ** 2 * weights
        density = np.sqrt(error2) * np.exp(-residual.sum() / 2) * np.sqrt(weights).prod()
        theta = (EFFECTS / ERRORS**2 + mean / tau**2) / (1 / ERRORS**2 + 1 / tau**2)
        variance = 1 / (1 / ERRORS**2 + 1 / tau**2) + (ERRORS**2 / (ERRORS**2 + tau**2)) ** 2 * error2
        return variance + (theta - found.values) ** 2, density

    found = pool(EFFECTS, np.diag(ERRORS**2))
    taus = (np.arange(4_000) + 0.5) / 8_000
    each, density = zip(*(at(tau) for tau in taus), strict=True)
    expected = np.sqrt(np.average(np.array(each), axis=0, weights=density))
    assert (found.high - found.values) / 1.959964 == pytest.approx(expected, rel=2e-3)


def test_tau_is_that_of_paule_and_mandel() -> None:
    """The generalised Q at tau^2 is the number of degrees of freedom, whatever the covariance."""
    rng = np.random.default_rng(11)
    root = rng.normal(0, 0.01, (6, 6))
    covariance = root @ root.T + 1e-4 * np.eye(6)
    y = rng.normal(0.5, 0.1, 6)
    found = pool(y, covariance)
    weight = np.linalg.inv(covariance + found.tau**2 * np.eye(6))
    residual = y - weight.sum(axis=0) @ y / weight.sum()
    assert residual @ weight @ residual == pytest.approx(5)
    assert found.values == pytest.approx(y - residual + found.tau**2 * weight @ residual)


def test_without_noise_nothing_is_pooled_and_a_group_without_estimate_gets_the_mean() -> None:
    y = np.array([0.2, 0.5, np.nan, 0.8])
    found = pool(y, 1e-10 * np.eye(3))
    assert found.values == pytest.approx([0.2, 0.5, 0.5, 0.8], abs=1e-6)
    assert found.high[0] - found.low[0] < 1e-3
    assert found.high[2] - found.low[2] > 1
