"""Ratings under other assumptions are those of their modules, and say what they rest on."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from analysis.stats import DisconnectedError, RatingError, VoteTable
from analysis.stats.contextual import Context, contextual_bradley_terry
from analysis.stats.sensitivity import weighted, with_covariates
from analysis.stats.weighting import weighted_win_rates
from tests.analysis.stats.planted import Population, table

N = 360


@pytest.fixture(scope="module")
def votes() -> VoteTable:
    """With categories, times, two of which are none, and probabilities."""
    made = Population((-0.8, 0.0, 0.8)).votes(np.random.default_rng(5), prompts=24, raters=18, per_prompt=15)
    texts = {
        "category": np.array(["animals", "places"])[made.prompt % 2],
        "response_ms": np.array(["", "0", *(str(1000 + 7 * n) for n in range(N - 2))]),
        "probability": np.array(["0.1", "0.4"])[np.arange(N) % 2],
    }
    return replace(made, optional={name: column.astype(object) for name, column in texts.items()})


def test_weighted_ratings_and_shares_are_those_of_their_modules(votes: VoteTable) -> None:
    found = weighted(votes, "probability")
    probability = np.array([0.1, 0.4])[np.arange(N) % 2]
    ratings, rates = (
        contextual_bradley_terry(votes, probability=probability).ratings,
        weighted_win_rates(votes, probability),
    )
    assert ratings.intervals
    assert rates.intervals
    for row in found["systems"]:
        i = votes.systems.index(row["system"])
        assert (row["bt"], row["bt_low"]) == (ratings.values[i], ratings.intervals.low[i])
        assert (row["win_rate"], row["win_rate_high"]) == (rates.values[i], rates.intervals.high[i])
    ordered = [row["bt"] for row in found["systems"]]
    assert ordered == sorted(ordered, reverse=True)
    assert found["effective_votes"] == pytest.approx((180 * 10 + 180 * 2.5) ** 2 / (180 * 100 + 180 * 6.25))
    assert found["warnings"] == []


def test_where_ratings_do_not_exist_weighted_shares_still_do() -> None:
    votes = table(*((f"p{n}", "a", "b", "left", f"r{n}") for n in range(9)))
    found = weighted(replace(votes, optional={"probability": np.full(9, "0.5", dtype=object)}), "probability")
    assert [row["win_rate"] for row in found["systems"]] == [1, 0]
    assert "bt" not in found["systems"][0]
    assert "a never lost" in found["warnings"][0]


def test_a_factor_gives_a_row_for_each_of_its_values_and_systems(votes: VoteTable) -> None:
    found, expected = with_covariates(votes, ("category",)), contextual_bradley_terry(votes, Context("category"))
    rows = {(row["slice"], row["system"]): row for row in found["slices"]}
    assert list(rows) == [(name, system) for name in ("animals", "places") for system in votes.systems]
    first = rows["animals", "system-0"]
    assert first["bt"] == expected.by_level.values[0, 0]
    assert first["interaction_high"] == expected.interactions.high[0, 0]
    assert {row["system"]: row["bt"] for row in found["systems"]} == dict(
        zip(votes.systems, expected.ratings.values.tolist(), strict=True)
    )
    assert (found["response_time"], found["votes"], found["warnings"]) == (None, N, [])
    json.dumps(found, allow_nan=False)


def test_a_response_time_multiplies_differences_for_each_doubling(votes: VoteTable) -> None:
    found = with_covariates(votes, ("response_time",))
    timed = votes.select(np.arange(N) >= 2)
    times = np.log2(timed.optional["response_ms"].astype(float))
    expected = contextual_bradley_terry(timed, Context(discrimination=times)).discrimination
    assert expected
    assert found["response_time"]["value"] == pytest.approx(np.exp(expected.value))
    assert found["response_time"]["low"] < found["response_time"]["value"] < found["response_time"]["high"]
    assert (found["slices"], found["votes"]) == ([], N - 2)
    assert found["warnings"] == ["2 votes without a response time above 0 left out."]


def test_without_a_single_response_time_that_is_said(votes: VoteTable) -> None:
    timeless = replace(votes, optional={"response_ms": np.full(N, "", dtype=object)})
    with pytest.raises(RatingError, match=r"^No vote has a response time above 0\.$"):
        with_covariates(timeless, ("response_time",))


def test_weights_and_a_ridge_go_into_it(votes: VoteTable) -> None:
    found = with_covariates(votes, ("category",), "probability", ridge=5.0)
    probability = np.array([0.1, 0.4])[np.arange(N) % 2]
    expected = contextual_bradley_terry(votes, Context("category"), probability, ridge=5.0)
    assert found["slices"][0]["interaction"] == expected.interactions.values[0, 0]
    assert found["effective_votes"] == expected.effective_votes
    assert (found["weights"], found["ridge"]) == ("probability", 5.0)


def test_what_covariates_cannot_rate_is_an_error_of_its_own(votes: VoteTable) -> None:
    category = np.where(np.arange(N) == 0, "rare", votes.optional["category"]).astype(object)
    rare = replace(votes, optional={**votes.optional, "category": category})
    with pytest.raises(DisconnectedError, match='category "rare"'):
        with_covariates(rare, ("category",))
    assert len(with_covariates(rare, ("category",), ridge=1.0)["slices"]) == 9
