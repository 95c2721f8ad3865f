from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from analysis.stats import reliability as module
from analysis.stats.bradley_terry import POINTS, bradley_terry
from analysis.stats.errors import DisconnectedError, NotConvergedError, RatingError, SeparationError
from analysis.stats.outcomes import LEFT, RIGHT, FloatArray, VoteTable
from analysis.stats.reliability import crowd_bradley_terry
from tests.analysis.stats.planted import Population, table

ALIKE = Population(prompt_sd=0.0, rater_sd=0.0)
CERTAIN = (1e6, 1.0)


def votes_of(seed: int, raters: int = 6, per_prompt: int = 20) -> VoteTable:
    return ALIKE.votes(np.random.default_rng(seed), prompts=20, raters=raters, per_prompt=per_prompt)


def unreliable(votes: VoteTable, reliability: FloatArray, seed: int = 0) -> VoteTable:
    """The same votes where rater k says the contrary with probability 1 - reliability[k]."""
    contrary = np.random.default_rng(seed).random(len(votes)) > reliability[votes.rater]
    exchanged = np.array([RIGHT, LEFT, 2, 3])[votes.outcome]
    return replace(votes, outcome=np.where(contrary, exchanged, votes.outcome))


def model_of(votes: VoteTable, *, with_side: bool = True) -> module._Model:
    return module._Model.of(votes, (10.0, 1.0), 0.5, with_side=with_side)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_and_curvature_are_those_of_the_objective(seed: int) -> None:
    model = model_of(votes_of(seed))
    at = np.random.default_rng(seed).normal(0, 0.8, model.systems + 1 + model.raters)
    own, cross, raters = model.curvature(at, observed=True)
    curvature = np.block([[own, cross.T], [cross, np.diag(raters)]])
    for i, step in enumerate(1e-5 * np.eye(len(at))):
        slope = (model.objective(at + step) - model.objective(at - step)) / 2e-5
        assert model.gradient(at)[i] == pytest.approx(slope, rel=1e-5, abs=1e-5)
        change = (model.gradient(at - step) - model.gradient(at + step)) / 2e-5
        np.testing.assert_allclose(curvature[i], change, rtol=1e-5, atol=1e-5)


def test_expected_curvature_is_the_observed_where_votes_are_as_expected() -> None:
    model = model_of(votes_of(1))
    at = np.random.default_rng(1).normal(0, 0.8, model.systems + 1 + model.raters)
    model = replace(model, wins=model.games * model.chances(at)[2])
    blocks = zip(model.curvature(at, observed=True), model.curvature(at, observed=False), strict=True)
    for observed, expected in blocks:
        np.testing.assert_allclose(observed, expected, rtol=1e-9, atol=1e-9)


def test_a_general_optimiser_finds_no_better_for_the_models_own_words() -> None:
    votes = unreliable(votes_of(2), np.array([0.9, 0.9, 0.5, 0.9, 0.2, 0.9]))
    k, score = len(votes.systems), votes.left_score

    def loss(at: FloatArray) -> float:
        theta, side, eta = at[:k], at[k], 1 / (1 + np.exp(-at[k + 1 :]))
        p = 1 / (1 + np.exp(-(theta[votes.system_left] - theta[votes.system_right] + side)))
        says = eta[votes.rater] * p + (1 - eta[votes.rater]) * (1 - p)
        chances = 1 / (1 + np.exp(-theta))
        penalty = (10 * np.log(eta) + np.log(1 - eta)).sum() + 0.5 * np.log(chances * (1 - chances)).sum()
        return float(-(score * np.log(says) + (1 - score) * np.log(1 - says)).sum() - penalty)

    found = crowd_bradley_terry(votes)
    best = minimize(loss, np.append(np.zeros(k + 1), np.full(6, 2.0)), method="L-BFGS-B", options={"ftol": 1e-15})
    theta = best.x[:k] - best.x[:k].mean()
    assert found.ratings.values == pytest.approx(1000 + POINTS * theta, abs=0.05)
    assert found.reliability == pytest.approx(1 / (1 + np.exp(-best.x[k + 1 :])), abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_with_raters_sure_to_be_reliable_it_is_bradley_terry(seed: int) -> None:
    votes = Population().votes(np.random.default_rng(seed), prompts=20, raters=6, per_prompt=20)
    found, plain = crowd_bradley_terry(votes, CERTAIN, 1e-6), bradley_terry(votes)
    assert found.ratings.values == pytest.approx(plain.values, abs=0.01)
    assert found.ratings.diagnostics["side"] == pytest.approx(plain.diagnostics["side"], abs=0.01)


def test_planted_reliabilities_come_back_and_undo_what_they_did_to_the_ratings() -> None:
    strong = replace(ALIKE, strengths=(-1.5, -0.5, 0.5, 1.5), ties=0.0)
    true = strong.votes(np.random.default_rng(3), prompts=500, raters=20, per_prompt=60)
    planted = np.where(np.arange(20) < 4, 0.1, np.where(np.arange(20) < 8, 0.5, 10 / 11))
    votes = unreliable(true, planted)
    found = crowd_bradley_terry(votes)
    assert found.reliability == pytest.approx(planted, abs=0.08)
    assert list(found.votes) == list(np.bincount(votes.rater))
    honest, plain = np.ptp(bradley_terry(true).values), np.ptp(bradley_terry(votes).values)
    assert plain < 0.6 * honest
    assert np.ptp(found.ratings.values) == pytest.approx(honest, rel=0.2), "the prior pulls in ill raters: too wide"


def test_few_votes_leave_a_rater_near_the_prior() -> None:
    rows = [("p", *pair, "left", f"r{n}") for n in range(6) for pair in [("a", "b")] * 18 + [("b", "a")] * 2]
    wrong = ("q", "b", "a", "left", "few")
    few, many = (crowd_bradley_terry(table(*rows, *[wrong] * n)).reliability[0] for n in (1, 8))
    assert many + 0.2 < few < 10 / 11
    alike = table(*[("p", *pair, "tie", "r") for pair in (("a", "b"), ("b", "a"))])
    assert crowd_bradley_terry(alike).reliability == pytest.approx([10 / 11]), "nothing is known but the prior"


def test_the_likelihood_cannot_tell_good_from_ill_and_the_prior_does() -> None:
    model = model_of(votes_of(4))
    at = np.random.default_rng(4).normal(size=model.systems + 1 + model.raters)
    assert model.log_likelihood(-at) == pytest.approx(model.log_likelihood(at))
    assert crowd_bradley_terry(votes_of(4)).reliability.mean() > 0.5
    for prior, virtual in (((1.0, 10.0), 0.5), ((2.0, 2.0), 0.5), ((10.0, 0.0), 0.5), ((10.0, 1.0), 0.0)):
        with pytest.raises(RatingError, match=r"The prior is Beta\(.*allowed are a > b > 0, virtual > 0"):
            crowd_bradley_terry(votes_of(4), prior, virtual)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), names=st.permutations("wxyz"))
def test_names_rows_and_sides_do_not_matter(seed: int, names: list[str]) -> None:
    votes = unreliable(votes_of(seed), np.array([0.9, 0.9, 0.5, 0.9, 0.9, 0.3]), seed)
    code = np.argsort(np.argsort(names))
    order = np.random.default_rng(seed).permutation(len(votes))
    other = replace(
        votes,
        systems=tuple(sorted(names)),
        system_left=code[votes.system_right][order],
        system_right=code[votes.system_left][order],
        outcome=np.array([RIGHT, LEFT, 2, 3])[votes.outcome][order],
        **{name: getattr(votes, name)[order] for name in ("question", "prompt", "rater")},
    )
    one, two = crowd_bradley_terry(votes), crowd_bradley_terry(other)
    assert two.ratings.values[code] == pytest.approx(one.ratings.values, abs=1e-4)
    assert two.reliability == pytest.approx(one.reliability, abs=1e-6)
    assert two.ratings.diagnostics["side"] == pytest.approx(-float(one.ratings.diagnostics["side"]), abs=1e-4)


def test_sides_that_tell_nothing_are_left_out() -> None:
    votes = table(*[("p", "a", "b", outcome, "r") for outcome in ("left", "left", "right")])
    found = crowd_bradley_terry(votes)
    assert np.isnan(found.ratings.diagnostics["side"])
    assert found.ratings.values[0] > found.ratings.values[1]


def test_both_bad_and_those_who_say_nothing_else_are_left_out() -> None:
    rows = [("p", "a", "b", "left", "r"), ("p", "b", "a", "left", "r"), ("p", "a", "c", "both_bad", "s")]
    found = crowd_bradley_terry(table(*rows))
    assert (found.raters, found.ratings.systems) == (("r",), ("a", "b"))


def test_what_bradley_terry_refuses_the_penalty_does_not_hide() -> None:
    with pytest.raises(SeparationError, match="a never lost"):
        crowd_bradley_terry(table(("p", "a", "b", "left", "r")))
    with pytest.raises(DisconnectedError):
        crowd_bradley_terry(table(("p", "a", "b", "tie", "r"), ("p", "c", "d", "tie", "r")))


def test_an_ascent_that_is_not_over_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ITERATIONS", 1)
    with pytest.raises(NotConvergedError, match="Crowd-BT did not converge after 1 iteration"):
        crowd_bradley_terry(votes_of(5))
