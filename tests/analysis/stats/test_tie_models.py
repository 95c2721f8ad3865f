"""Ties as the models of Davidson and of Rao and Kupper have them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.errors import RatingError, SeparationError
from analysis.stats.tie_models import MODELS, fit_ties, rate_with_ties
from analysis.stats.tie_separation import Counts
from tests.analysis.stats.planted import Population, table

PUDDING = json.loads((Path(__file__).parents[2] / "golden" / "pudding.json").read_text())
BRANDS = tuple("123456")


def pudding() -> Counts:
    left, right, ties = np.zeros((3, 6, 6))
    for i, j, wins, losses, even in PUDDING["pairs"]:
        left[i - 1, j - 1], right[i - 1, j - 1], ties[i - 1, j - 1] = wins, losses, even
    return left, right, ties


@pytest.mark.parametrize("model", MODELS)
def test_the_textbooks_puddings(model: str) -> None:
    fit = fit_ties(pudding(), model, BRANDS, with_side=False)
    worths = np.exp(fit.strengths)
    expected = PUDDING[model]
    assert worths / worths.sum() == pytest.approx(expected["worths"], abs=1e-6)
    assert fit.tie == pytest.approx(expected["tie"], abs=1e-6)
    assert fit.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-4)


@pytest.mark.parametrize("model", MODELS)
@given(x=st.floats(-3, 3), t=st.floats(0.05, 2))
def test_probabilities_add_up_and_derivatives_are_those_of_the_value(model: str, x: float, t: float) -> None:
    def at(x: float, t: float, outcome: int) -> tuple[float, ...]:
        counts = tuple(np.array([float(outcome == kind)]) for kind in range(3))
        found = MODELS[model](np.array([x]), t, (counts[0], counts[1], counts[2]))
        return tuple(float(value[0]) for value in vars(found).values())

    assert sum(np.exp(at(x, t, outcome)[0]) for outcome in range(3)) == pytest.approx(1)
    h = 1e-5
    for outcome in range(3):
        _, dx, dt, dxx, dxt, dtt = at(x, t, outcome)
        higher, lower = at(x + h, t, outcome), at(x - h, t, outcome)
        more, less = at(x, t + h, outcome), at(x, t - h, outcome)
        slopes = [(higher[0] - lower[0]), (more[0] - less[0]), (higher[1] - lower[1]), (more[1] - less[1])]
        slopes.append(more[2] - less[2])
        assert [dx, dt, dxx, dxt, dtt] == pytest.approx([slope / (2 * h) for slope in slopes], rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_sides_exchanged_everywhere_change_nothing_but_the_side(model: str) -> None:
    left, right, ties = pudding()
    one = fit_ties((left, right, ties), model, BRANDS)
    other = fit_ties((right.T, left.T, ties.T), model, BRANDS)
    assert one.strengths == pytest.approx(other.strengths, abs=1e-9)
    assert one.side == pytest.approx(-other.side, abs=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_intervals_are_about_as_wide_as_with_halved_ties(model: str) -> None:
    votes = Population().votes(np.random.default_rng(3), prompts=40, raters=20, per_prompt=20)
    modelled, halved = rate_with_ties(votes, model), bradley_terry(votes)
    assert modelled.intervals
    assert halved.intervals
    assert list(np.argsort(modelled.values)) == list(np.argsort(halved.values))
    stretch = np.ptp(modelled.values) / np.ptp(halved.values)
    assert stretch > 1, "halved ties pull ratings together"
    ratio = modelled.intervals.standard_error / halved.intervals.standard_error / stretch
    assert ratio == pytest.approx(np.ones(4), abs=0.15)


def test_planted_ratings_are_covered() -> None:
    """With Davidson's own ties planted, over many sets of votes of many prompts and raters."""
    rng = np.random.default_rng(12)
    strengths, nu = np.array([-0.5, 0.0, 0.5]), 0.6
    held = []
    for _ in range(40):
        left, right = rng.integers(0, 3, 900), rng.integers(1, 3, 900)
        right = (left + right) % 3
        x = strengths[left] - strengths[right]
        weights = np.stack([np.exp(x / 2), np.exp(-x / 2), np.full(900, nu)])
        drawn = (rng.random(900) * weights.sum(0) > weights.cumsum(0)).sum(0)
        outcomes = np.array(["left", "right", "tie"])[drawn]
        votes = table(
            *[
                (f"p{n % 90}", str(a), str(b), str(o), f"r{n % 60}")
                for n, (a, b, o) in enumerate(zip(left, right, outcomes, strict=True))
            ]
        )
        intervals = rate_with_ties(votes, "davidson").intervals
        assert intervals
        truth = 1000 + 400 / np.log(10) * strengths
        held.append((intervals.low <= truth) & (truth <= intervals.high))
    assert 0.88 <= np.mean(held) <= 1.0


@pytest.mark.parametrize("model", MODELS)
def test_what_has_no_such_model_is_refused(model: str) -> None:
    without = table(("p", "a", "b", "left", "r"), ("q", "a", "b", "right", "s"))
    with pytest.raises(RatingError, match=f"The {model} model of ties does not exist for votes without a tie"):
        rate_with_ties(without, model)
    alone = table(("p", "a", "b", "tie", "r"), ("q", "a", "b", "tie", "s"))
    with pytest.raises(RatingError, match="with nothing but ties"):
        rate_with_ties(alone, model)
    rows = [("p", "a", "b", "left", "r"), ("q", "a", "b", "tie", "s"), ("p", "c", "a", "left", "r")]
    with pytest.raises(SeparationError, match="c never lost"):
        rate_with_ties(table(*rows), model)
