"""Bradley-Terry ratings that depend on what comes with a vote."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from analysis.stats.bradley_terry import MEAN, POINTS, bradley_terry
from analysis.stats.contextual import Context, ContextualRatings, contextual_bradley_terry
from analysis.stats.contextual_fit import Model, _bend, _point, derivatives, interactions
from analysis.stats.errors import DisconnectedError, RatingError, SeparationError, VoteFileError
from analysis.stats.outcomes import BoolArray, FloatArray, VoteTable
from tests.analysis.stats.planted import Population, table

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "contextual.json").read_text())
OUTCOME = {1.0: "left", 0.0: "right", 0.5: "tie"}


def with_category(votes: VoteTable, categories: list[str]) -> VoteTable:
    return replace(votes, optional={"category": np.array(categories, dtype=object)})


def golden_votes() -> tuple[VoteTable, dict[str, FloatArray]]:
    rows: list[list[Any]] = GOLDEN["votes"]
    votes = table(
        *(
            (f"p{prompt}", "abc"[left], "abc"[right], OUTCOME[score], f"r{rater}")
            for prompt, rater, left, right, _, score, *_ in rows
        )
    )
    columns = np.array(rows, dtype=float).T
    covariates = {"time": columns[6], "side": columns[7], "probability": columns[8]}
    return with_category(votes, [f"c{row[4]}" for row in rows]), covariates


def in_log_odds(values: FloatArray) -> FloatArray:
    return np.asarray((values - MEAN) / POINTS)


def two_way_errors(expected: dict[str, Any], prefix: str, votes: VoteTable, bearing: list[BoolArray]) -> FloatArray:
    """Of variances without a factor; each estimate, that rests on the votes `bearing`, gets that of its clusters."""
    by_prompt, by_rater, by_cell = (
        np.atleast_1d(expected[f"{prefix}variance_by_{name}"]) for name in ("prompt", "rater", "cell")
    )
    by_prompt, by_rater = (
        variance * [(g := len(np.unique(codes[own]))) / (g - 1) * (own.sum() - 1) / own.sum() for own in bearing]
        for variance, codes in ((by_prompt, votes.prompt), (by_rater, votes.rater))
    )
    return np.asarray(np.sqrt(np.maximum(by_prompt + by_rater - by_cell, np.maximum(by_prompt, by_rater))))


def test_without_context_the_ratings_are_those_of_bradley_terry() -> None:
    votes = Population().votes(np.random.default_rng(1), prompts=25, raters=12, per_prompt=12)
    votes = table(
        *((votes.prompts[p], votes.systems[a], votes.systems[b], OUTCOME[y], votes.raters[r]) for p, a, b, y, r in zip(
            votes.prompt, votes.system_left, votes.system_right, votes.left_score, votes.rater, strict=True)),
        ("new", "system-0", "system-1", "both_bad", "new"),
    )  # fmt: skip
    plain, found = bradley_terry(votes), contextual_bradley_terry(votes)
    assert plain.intervals
    assert found.ratings.intervals
    assert found.ratings.values == pytest.approx(plain.values, abs=1e-9)
    for name in ("low", "high", "standard_error", "effective_prompts", "effective_raters"):
        assert getattr(found.ratings.intervals, name) == pytest.approx(getattr(plain.intervals, name), abs=1e-9)
    assert found.side.value == pytest.approx(plain.diagnostics["side"], abs=1e-9)
    assert found.ratings.diagnostics["log_likelihood"] == pytest.approx(plain.diagnostics["log_likelihood"])
    assert found.by_level.values[0] == pytest.approx(plain.values, abs=1e-9)
    assert found.effective_votes == len(votes) - 1
    assert (found.side_slope, found.discrimination, found.levels) == (None, None, ())


def test_a_factor_a_side_covariate_and_weights_give_what_statsmodels_gives() -> None:
    votes, columns = golden_votes()
    found = contextual_bradley_terry(
        votes, Context(factor="category", side=columns["side"]), probability=columns["probability"]
    )
    expected = GOLDEN["weighted_with_factor"]
    assert found.side_slope
    assert in_log_odds(found.ratings.values) == pytest.approx(expected["theta"], abs=1e-8)
    assert found.interactions.values[0] / POINTS == pytest.approx(expected["gamma_first_level"], abs=1e-8)
    assert found.interactions.values.sum(axis=0) == pytest.approx(0, abs=1e-9)
    assert found.by_level.values == pytest.approx(found.ratings.values + found.interactions.values)
    assert found.side.value / POINTS == pytest.approx(expected["side"], abs=1e-8)
    assert found.side_slope.value / POINTS == pytest.approx(expected["side_slope"], abs=1e-8)
    every, first = np.ones(len(votes), dtype=np.bool_), votes.optional["category"] == "c0"
    own = [(votes.system_left == i) | (votes.system_right == i) for i in range(3)]
    error = two_way_errors(expected, "", votes, [*own, *(rows & first for rows in own), every, every])
    assert found.ratings.intervals
    ours = np.concatenate([found.ratings.intervals.standard_error, found.interactions.standard_error[0]])
    assert ours / POINTS == pytest.approx(error[:6], rel=1e-6)
    sides = np.array([found.side.standard_error, found.side_slope.standard_error])
    assert sides / POINTS == pytest.approx(error[6:], rel=1e-6)


def test_discrimination_is_what_statsmodels_finds_by_profiling() -> None:
    votes, columns = golden_votes()
    found = contextual_bradley_terry(votes, Context(discrimination=columns["time"]))
    expected = GOLDEN["discrimination"]
    assert found.discrimination
    assert found.discrimination.value == pytest.approx(expected["discrimination"], abs=1e-6)
    assert in_log_odds(found.ratings.values) == pytest.approx(expected["theta"], abs=1e-6)
    assert found.side.value / POINTS == pytest.approx(expected["side"], abs=1e-6)
    assert found.ratings.diagnostics["log_likelihood"] == pytest.approx(expected["log_likelihood"], abs=1e-8)
    (error,) = two_way_errors(expected, "discrimination_", votes, [np.ones(len(votes), dtype=np.bool_)])
    assert found.discrimination.standard_error == pytest.approx(error, rel=1e-4)


def test_gradient_and_information_are_the_likelihoods_derivatives() -> None:
    rng = np.random.default_rng(2)
    n, k, c = 40, 3, 2
    left = rng.integers(0, k, n)
    right, of_level = (left + rng.integers(1, k, n)) % k, k * rng.integers(0, c, n)
    score, weight, s, d = rng.integers(0, 3, n) / 2, rng.uniform(0.5, 2, n), rng.normal(size=n), rng.normal(size=n)
    model = Model(left + of_level, right + of_level, score, weight, k, c, True, s, d, 0.7 * interactions(c, k))
    at = rng.normal(0, 0.5, model.parameters)
    gradient, expected = derivatives(model, _point(model, at))
    information = expected - _bend(model, _point(model, at))
    for i, step in enumerate(1e-5 * np.eye(len(at))):
        up, down = _point(model, at + step), _point(model, at - step)
        assert gradient[i] == pytest.approx((up.likelihood - down.likelihood) / 2e-5, abs=1e-5)
        slope = (derivatives(model, down)[0] - derivatives(model, up)[0]) / 2e-5
        same_level = (np.arange(len(at)) // k == i // k) & (np.arange(len(at)) < 6) & (i < 6)
        assert information[i] - same_level == pytest.approx(slope, abs=1e-5)


def test_each_level_without_ridge_is_rated_as_by_itself() -> None:
    """But for the side, which all share: here sides are exchanged evenly, so that it is none."""
    votes = Population(side=0.0).votes(np.random.default_rng(3), prompts=30, raters=15, per_prompt=10)
    rows = [
        (votes.prompts[p], votes.systems[x], votes.systems[y], o, votes.raters[r])
        for p, a, b, score, r in zip(
            votes.prompt, votes.system_left, votes.system_right, votes.left_score, votes.rater, strict=True
        )
        for x, y, o in ((a, b, OUTCOME[score]), (b, a, OUTCOME[1 - score]))
    ]
    both = with_category(table(*rows), [f"c{int(row[0][1:]) % 2}" for row in rows])
    found = contextual_bradley_terry(both, Context(factor="category"))
    for c, name in enumerate(found.levels):
        alone = bradley_terry(both.select(np.asarray(both.optional["category"] == name)))
        assert found.by_level.values[c] == pytest.approx(alone.values, abs=1e-6)
        assert alone.intervals
        assert found.by_level.standard_error[c] == pytest.approx(alone.intervals.standard_error, rel=1e-6)
    assert found.ratings.values == pytest.approx(found.by_level.values.mean(axis=0))


def planted(seed: int, n: int = 6000) -> tuple[VoteTable, FloatArray]:
    """Systems change places between two categories; quick answers (short log times) discriminate twice as well."""
    rng = np.random.default_rng(seed)
    strengths = np.array([[-0.8, 0.0, 0.8], [0.4, 0.0, -0.4]])
    prompt, time = rng.integers(0, 200, n), rng.normal(9, 0.7, n)
    left = rng.integers(0, 3, n)
    right, category = (left + rng.integers(1, 3, n)) % 3, prompt % 2
    scale = np.exp(-np.log(2) * (time - 9))
    x = scale * (strengths[category, left] - strengths[category, right]) + 0.3
    outcome = np.where(rng.random(n) < expit(x), "left", "right")
    rows = zip(prompt, left, right, outcome, rng.integers(0, 100, n), strict=True)
    votes = table(*((f"p{p}", f"s{a}", f"s{b}", str(o), f"r{r}") for p, a, b, o, r in rows))
    return with_category(votes, [f"c{i}" for i in category]), time


def test_planted_interactions_and_discrimination_are_recovered() -> None:
    votes, time = planted(4)
    found = contextual_bradley_terry(votes, Context(factor="category", discrimination=time))
    assert in_log_odds(found.ratings.values) == pytest.approx([-0.2, 0, 0.2], abs=0.1)
    assert found.interactions.values[0] / POINTS == pytest.approx([-0.6, 0, 0.6], abs=0.1)
    assert found.interactions.high[0, 0] < 0 < found.interactions.low[0, 2]
    assert found.discrimination
    assert found.discrimination.low < -np.log(2) < found.discrimination.high
    assert found.discrimination.high < 0
    assert found.side.value / POINTS == pytest.approx(0.3, abs=0.1)


def test_a_mean_over_levels_rests_on_as_few_prompts_as_its_smallest_level_makes_it() -> None:
    """With G_c prompts in level c of 2, a mean that counts both alike has 2^2 / (1 / G_1 + 1 / G_2)."""
    votes, _ = planted(8, n=900)
    rows = np.asarray(votes.optional["category"] == "c0") | (votes.prompt < 20)
    votes = votes.select(rows)
    found = contextual_bradley_terry(votes, Context("category"))
    each = [bradley_terry(votes.select(np.asarray(votes.optional["category"] == name))) for name in found.levels]
    assert found.ratings.intervals
    prompts = np.array([of.intervals.effective_prompts for of in each if of.intervals])
    assert found.ratings.intervals.effective_prompts == pytest.approx(4 / (1 / prompts).sum(axis=0))
    assert prompts[1].max() < 0.3 * prompts[0].min()


def test_a_ridge_draws_the_levels_together() -> None:
    votes, _ = planted(5, n=600)
    none, some, much = (contextual_bradley_terry(votes, Context("category"), ridge=ridge) for ridge in (0, 20, 1e7))
    assert np.abs(much.interactions.values).max() < 0.01
    assert much.ratings.values == pytest.approx(bradley_terry(votes).values, abs=0.01)
    sizes = [np.abs(of.interactions.values).sum() for of in (none, some, much)]
    assert sizes == sorted(sizes, reverse=True)
    assert some.interactions.values.sum(axis=1) == pytest.approx(0, abs=1e-8)
    assert some.ratings.parameters["ridge"] == 20


def one_sided(category: str) -> VoteTable:
    votes, _ = planted(6, n=300)
    rows = [("x", "s0", "s1", "left", "r1"), ("y", "s2", "s1", "left", "r2")]
    together = table(
        *((votes.prompts[p], votes.systems[a], votes.systems[b], OUTCOME[y], votes.raters[r]) for p, a, b, y, r in zip(
            votes.prompt, votes.system_left, votes.system_right, votes.left_score, votes.rater, strict=True)),
        *rows,
    )  # fmt: skip
    return with_category(together, [*votes.optional["category"], category, category])


def test_a_level_that_is_separated_or_not_connected_is_named_and_a_ridge_mends_it() -> None:
    votes = one_sided("small")
    with pytest.raises(SeparationError, match=r'^category "small": .* s0 and s2 never lost .* s1 never won'):
        contextual_bradley_terry(votes, Context("category"))
    found = contextual_bradley_terry(votes, Context("category"), ridge=4)
    small = found.levels.index("small")
    assert found.interactions.values[small, 1] < 0
    assert np.isnan(found.by_level.low[small]).tolist() == [True, False, True], "s0 and s2 have one prompt there"
    assert found.ratings.intervals
    assert np.isnan(found.ratings.intervals.low).tolist() == [True, False, True], "nor then a mean over levels"
    first = votes.select(np.asarray(votes.optional["category"] != "small") | (np.arange(len(votes)) == len(votes) - 1))
    with pytest.raises(
        DisconnectedError, match=r'^category "small": .* no comparison connects \(s0\) and \(s1 and s2\)'
    ):
        contextual_bradley_terry(first, Context("category"))


def test_a_side_that_cannot_be_told_from_strength_is_left_out() -> None:
    votes = table(("p", "a", "b", "left", "r"), ("q", "a", "b", "left", "r"), ("p", "a", "b", "right", "s"))
    found = contextual_bradley_terry(votes)
    assert np.isnan(found.side.value)
    assert found.ratings.values == pytest.approx(bradley_terry(votes).values)


def test_a_chain_of_fifty_systems_is_long_and_not_separated() -> None:
    """Each beats the next nine times in ten, whatever the covariate: the first and the last are 108 log odds apart."""
    names = [f"{i:02}" for i in range(50)]
    rows = [
        (f"p{n}", *((names[i], names[i + 1]) if n % 2 else (names[i + 1], names[i])), n)
        for i in range(49)
        for n in range(20)
    ]
    votes = table(
        *((p, a, b, "left" if (a < b) == (n > 1) else "right", f"r{n}") for p, a, b, n in rows),
    )
    covariate = [float(n // 2 % 5) for *_, n in rows]
    found = contextual_bradley_terry(votes, Context(side=covariate))
    assert np.diff(in_log_odds(found.ratings.values)) == pytest.approx(-np.log(9), abs=0.1)


def test_covariates_that_explain_nothing_or_everything_are_refused() -> None:
    votes = Population().votes(np.random.default_rng(7), prompts=10, raters=8, per_prompt=10)
    with pytest.raises(RatingError, match=r"^The covariate of side is the same in all votes"):
        contextual_bradley_terry(votes, Context(side=np.full(len(votes), 3.0)))
    with pytest.raises(VoteFileError, match=r"^The covariate of discrimination is no finite number in 1 of 100 votes"):
        contextual_bradley_terry(votes, Context(discrimination=[np.nan, *range(99)]))
    with pytest.raises(VoteFileError, match=r"^The covariate of side has the shape \(3,\)"):
        contextual_bradley_terry(votes, Context(side=[1, 2, 3]))
    with pytest.raises(SeparationError, match="the covariates separate wins from losses"):
        contextual_bradley_terry(votes, Context(side=votes.left_score))
    with pytest.raises(VoteFileError, match='no column "category"'):
        contextual_bradley_terry(votes, Context(factor="category"))
    with pytest.raises(RatingError, match=r"^ridge is -1; allowed"):
        contextual_bradley_terry(votes, ridge=-1)
    lefts = (votes.system_left == 0) * 1.0 - (votes.system_right == 0)
    with pytest.raises(RatingError, match="cannot tell the covariates' effects from the ratings"):
        contextual_bradley_terry(votes, Context(side=lefts))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_names_sides_order_and_units_do_not_matter(seed: int) -> None:
    votes, time = planted(seed, n=400)
    rng = np.random.default_rng(seed)
    rows, system = rng.permutation(len(votes)), rng.permutation(3)
    changed = table(
        *(
            (votes.prompts[votes.prompt[i]], f"s{system[votes.system_right[i]]}", f"s{system[votes.system_left[i]]}",
             OUTCOME[1 - votes.left_score[i]], votes.raters[votes.rater[i]])
            for i in rows
        )
    )  # fmt: skip
    changed = with_category(changed, [{"c0": "z", "c1": "a"}[votes.optional["category"][i]] for i in rows])
    one = contextual_bradley_terry(votes, Context("category", side=time, discrimination=time))
    other = contextual_bradley_terry(changed, Context("category", side=60 * time[rows], discrimination=60 * time[rows]))
    assert other.ratings.values[system] == pytest.approx(one.ratings.values, abs=1e-5)
    assert other.interactions.low[::-1][:, system] == pytest.approx(one.interactions.low, abs=1e-5)
    assert other.side.value == pytest.approx(-one.side.value, abs=1e-5)
    for name in ("side_slope", "discrimination"):
        first, second = getattr(one, name), getattr(other, name)
        sign = -1 if name == "side_slope" else 1
        assert second.value * 60 == pytest.approx(sign * first.value, abs=1e-5)
        assert second.standard_error * 60 == pytest.approx(first.standard_error, rel=1e-5)


def test_intervals_hold_planted_interactions_about_as_often_as_they_say() -> None:
    held = []
    for seed in range(25):
        votes, time = planted(100 + seed, n=800)
        found: ContextualRatings = contextual_bradley_terry(votes, Context("category", discrimination=time))
        truth = POINTS * np.array([[-0.6, 0.0, 0.6], [0.6, 0.0, -0.6]])
        held.append((found.interactions.low <= truth) & (truth <= found.interactions.high))
    assert 0.88 <= np.mean(held) <= 1
