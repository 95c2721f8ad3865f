from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.stats.pair_tests import holm, pair_p_values
from analysis.stats.win_rates import pair_win_rates
from tests.analysis.stats.planted import Population, table

P_VALUES = arrays(np.float64, st.integers(0, 12), elements=st.floats(0, 1))


def test_holm_gives_what_r_does() -> None:
    """p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")"""
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_leaves_out_what_is_not_known() -> None:
    assert holm(np.array([0.03, np.nan, 0.01])) == pytest.approx([0.03, np.nan, 0.02], nan_ok=True)


@given(P_VALUES)
def test_holm_lies_between_no_correction_and_bonferronis_and_keeps_the_order(p: np.ndarray) -> None:
    adjusted = holm(p)
    assert (adjusted >= p - 1e-15).all()
    assert (adjusted <= np.minimum(1, len(p) * p) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= -1e-15).all()


@pytest.mark.parametrize("seed", range(6))
def test_p_is_small_exactly_where_the_interval_leaves_a_half_out(seed: int) -> None:
    pairs = pair_win_rates(Population().votes(np.random.default_rng(seed), prompts=15, raters=9, per_prompt=12))
    outside = (pairs.intervals.low > 0.5) | (pairs.intervals.high < 0.5)
    assert ((pair_p_values(pairs) < 0.05) == outside).all()


def test_votes_that_all_agree_have_the_exact_binomials_p() -> None:
    votes = table(*[(f"p{n}", "a", "b", "left", f"r{n}") for n in range(6)])
    assert pair_p_values(pair_win_rates(votes)) == pytest.approx([2 * 0.5**6])


def test_votes_that_are_all_ties_show_no_difference() -> None:
    rows = [(f"p{n}", "alpha", "beta", "tie", f"r{n}") for n in range(10)]
    assert pair_p_values(pair_win_rates(table(*rows))).tolist() == [1.0]


def test_there_is_no_p_where_there_is_no_interval() -> None:
    votes = table(("p", "a", "b", "left", "r"), ("p", "a", "b", "right", "s"))
    assert np.isnan(pair_p_values(pair_win_rates(votes))).all()


def test_equal_systems_are_seldom_called_different() -> None:
    population = Population(strengths=(0.0, 0.0, 0.0), side=0.0)
    rng = np.random.default_rng(11)
    smallest = [
        np.nanmin(holm(pair_p_values(pair_win_rates(population.votes(rng, prompts=40, raters=20, per_prompt=9)))))
        for _ in range(120)
    ]
    assert np.mean(np.array(smallest) < 0.05) <= 0.1, "of 120, the standard error of a share of 5% is 2 points"
