"""What a summary has on request: the parts are those of their modules, and what there is not says why."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from analysis.stats import VoteTable, summarise
from analysis.stats.always_valid import always_valid
from analysis.stats.anomalies import rater_tests
from analysis.stats.asked import Asked
from analysis.stats.breakdowns import break_down
from analysis.stats.details import UNITS, as_json, details
from analysis.stats.fragility import first_place
from analysis.stats.on_request import bootstrapped
from analysis.stats.reliability import crowd_bradley_terry
from analysis.stats.terminal import render
from tests.analysis.stats.planted import Population, table


@pytest.fixture(scope="module")
def votes() -> VoteTable:
    """One question, with categories and response times."""
    population = Population((-0.8, 0.0, 0.8), prompt_sd=0.3, rater_sd=0.2, side=0.0)
    made = population.votes(np.random.default_rng(3), prompts=24, raters=18, per_prompt=20)
    category = np.array(["animals", "places"], dtype=object)[made.prompt % 2]
    times = np.array([str(1000 + 10 * n) for n in range(len(made))], dtype=object)
    return replace(made, optional={"category": category, "response_ms": times})


@pytest.fixture(scope="module")
def found(votes: VoteTable) -> dict[str, Any]:
    return details(votes)


def test_every_part_is_what_its_module_says(votes: VoteTable, found: dict[str, Any]) -> None:
    for unit in UNITS:
        assert found["fragility"][unit]["number"] == first_place(votes, unit=unit).number
        assert "removed" not in found["fragility"][unit]
    assert found["raters"]["p_holm"] == as_json(rater_tests(votes).p_holm)
    crowd = crowd_bradley_terry(votes)
    assert found["crowd_bt"]["systems"][0]["system"] == crowd.ratings.systems[int(crowd.ratings.values.argmax())]
    assert found["times"]["overall"]["votes"] == len(votes)
    json.dumps(found, allow_nan=False)


def test_slices_are_rows(votes: VoteTable, found: dict[str, Any]) -> None:
    assert list(found["breakdowns"]) == ["category"], "there are no challenges"
    expected, rows = break_down(votes, "category"), found["breakdowns"]["category"]["slices"]
    assert expected.slices == ("animals", "places")
    assert [(row["slice"], row["system"]) for row in rows] == [
        (name, system) for name in expected.slices for system in expected.systems
    ]
    assert [row["pooled"] for row in rows] == as_json(expected.pooled.ravel())
    assert sum(row["votes"] for row in rows) == len(votes) * len(votes.systems)


def test_a_part_that_there_is_not_says_why() -> None:
    found = details(table(("p", "alpha", "beta", "left", "r")))
    assert "alpha" in found["fragility"]["vote"]
    assert isinstance(found["raters"], str)
    assert found["times"] is None


def test_what_is_asked_for_is_in_every_question_and_changes_nothing_else(votes: VoteTable) -> None:
    (plain,) = summarise(votes)["questions"].values()
    summary = summarise(votes, asked=Asked(details=True, bootstrap="two-way", planned_votes=1000))
    (question,) = summary["questions"].values()
    more = {"details", "bootstrap", "always_valid"}
    assert question.keys() - plain.keys() == more
    assert {name: value for name, value in question.items() if name not in more} == dict(plain)
    (again,) = summarise(votes, asked=Asked(bootstrap="two-way"))["questions"].values()
    assert question["bootstrap"] == again["bootstrap"]
    json.dumps(summary, allow_nan=False)


def test_intervals_on_request_hold_the_estimates(votes: VoteTable) -> None:
    (question,) = summarise(votes)["questions"].values()
    for made in (bootstrapped(votes, "two-way", np.random.default_rng(1)), always_valid(votes, 1000)):
        intervals = {(row["a"], row["b"]): (row["low"], row["high"]) for row in made["pairs"]}
        assert len(intervals) == len(question["pairs"])
        for row in question["pairs"]:
            low, high = intervals[row["a"], row["b"]]
            assert low < (row["win_rate"] or 0) < high
    watched = {(row["a"], row["b"]): row["high"] - row["low"] for row in always_valid(votes, 1000)["pairs"]}
    for row in question["pairs"]:
        assert watched[row["a"], row["b"]] > (row["high"] or 0) - (row["low"] or 0), "looking often has its price"


def test_enough_is_said_of_systems_far_apart_alone() -> None:
    for gap, is_enough in ((2.0, True), (0.0, False)):
        population = Population((-gap / 2, gap / 2), prompt_sd=0.2, rater_sd=0.1, side=0.0)
        votes = population.votes(np.random.default_rng(8), prompts=60, raters=40, per_prompt=10)
        watched = always_valid(votes, 600)
        assert (watched["verdict"] == "enough") == is_enough
        assert [row["rank_low"] for row in watched["systems"]] == ([1, 2] if is_enough else [1, 1])
        assert (watched["pairs"][0]["p"] < 0.05) == is_enough


def test_a_terminal_shows_all_of_it(votes: VoteTable) -> None:
    lines = render(summarise(votes, asked=Asked(details=True, bootstrap="prompts", planned_votes=1000))).splitlines()
    titles = ["Bootstrap", "Valid at every look", "Fragility, by vote", "Fragility, by rater", "By category", "Raters"]
    titles += ["The same pair again", "Allowing for unreliable raters (Crowd-BT)", "As raters go on", "Response times"]
    places = [lines.index(title) for title in titles]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(float("nan"), None), (np.array([1.0, np.inf]), [1.0, None]), ({(0.5, 1): (2,)}, {"0.5 to 1": [2]}), ("x", "x")],
)
def test_json_has_no_nan(value: Any, expected: Any) -> None:
    assert as_json(value) == expected
