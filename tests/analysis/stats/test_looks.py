"""Planned looks as they are shown: when they are due, and what they found."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.asked import Asked
from analysis.stats.errors import LookError
from analysis.stats.looks import at_planned_looks, schedule
from analysis.stats.outcomes import VoteTable
from analysis.stats.sequential_looks import pairs_of, planned_looks
from analysis.stats.summary import summarise
from analysis.stats.terminal import render
from tests.analysis.stats.planted import Population, table


def votes_of(gap: float) -> VoteTable:
    """900 votes in random order, whose systems lie `gap` log odds apart."""
    population = Population((-gap, 0.0, gap), prompt_sd=0.3, rater_sd=0.2, side=0.0)
    made = population.votes(np.random.default_rng(3), prompts=60, raters=40, per_prompt=15)
    minutes = np.random.default_rng(4).permutation(900)
    times = [f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00Z" for minute in minutes]
    return replace(made, optional={"answered_at": np.array(times, dtype=object)})


@pytest.mark.parametrize(
    ("votes", "planned", "looks", "ended", "due"),
    [
        (900, 1000, 4, False, [250, 500, 750]),
        (900, 1000, 4, True, [250, 500, 750, 900]),
        (1000, 1000, 4, True, [250, 500, 750, 1000]),
        (1400, 1000, 4, True, [250, 500, 750, 1000]),
        (750, 1000, 4, True, [250, 500, 750]),
        (100, 1000, 4, True, [100]),
        (10, 10, 3, False, [4, 7, 10]),
    ],
)
def test_looks_are_due_at_equal_distances(votes: int, planned: int, looks: int, ended: bool, due: list[int]) -> None:
    assert schedule(votes, planned, looks, ended=ended) == due


@given(st.integers(1, 5000), st.integers(1, 40), st.integers(0, 5000), st.booleans())
def test_no_look_is_at_votes_that_are_not_there(planned: int, looks: int, votes: int, ended: bool) -> None:
    try:
        due = schedule(votes, planned, min(looks, planned), ended=ended)
    except LookError:
        assert votes < -(-planned // min(looks, planned))
        return
    assert due == sorted(set(due))
    assert 0 < due[-1] <= min(votes, planned)


def test_before_the_first_look_there_is_a_sentence() -> None:
    with pytest.raises(LookError, match=r"^The first of 4 looks is due at 500 votes; there are 1\.$"):
        at_planned_looks(table(("p", "a", "b", "left", "r")), 2000, 4)


def test_it_says_what_the_looks_found() -> None:
    votes = votes_of(1.2)
    found = at_planned_looks(votes, 1200, 4)
    expected = planned_looks(votes, [300, 600, 900], 1200, pairs_of)
    assert [look["votes"] for look in found["looks"]] == [300, 600, 900]
    assert [look["allowed_p"] for look in found["looks"]] == expected.allowed.tolist()
    assert found["next_look"] == 1200
    for i, row in enumerate(found["pairs"]):
        assert row["p"] == expected.p[:, i].tolist()
        assert row["found_at"] == expected.found_at[i]
        assert row["better"] == row["b"], "the later name is the stronger system"
    assert [row["system"] for row in found["systems"]] == ["system-2", "system-1", "system-0"]
    assert (found["leader"], found["verdict"]) == ("system-2", "first place is found")
    assert (np.array(found["allowed_p_of_ranks"]) < expected.allowed).all()
    assert found["warnings"] == []
    json.dumps(found, allow_nan=False)


def test_of_systems_that_do_not_differ_nothing_is_told_apart() -> None:
    found = at_planned_looks(votes_of(0.0), 900, 3)
    assert {row["better"] for row in found["pairs"]} == {None}
    assert (found["leader"], found["verdict"], found["next_look"]) == (None, "first place is open", None)


def test_the_last_look_of_a_study_that_ended_early_spends_what_is_left() -> None:
    going_on, ended = (at_planned_looks(votes_of(0.3), 3000, 10, ended=ended) for ended in (False, True))
    assert len(ended["looks"]) == len(going_on["looks"]) == 3, "900 votes are a look as well"
    assert ended["looks"][-1]["allowed_p"] > 5 * going_on["looks"][-1]["allowed_p"]
    assert (ended["next_look"], going_on["next_look"]) == (None, 1200)


def test_without_times_rows_are_the_order_and_without_ratings_there_is_the_reason() -> None:
    votes = table(*((f"p{n}", "a", "b", "left", f"r{n}") for n in range(20)))
    found = at_planned_looks(votes, 20, 2)
    assert found["warnings"] == ["Without times of answers, votes are taken to be in the order of their rows."]
    assert found["systems"] == []
    assert "a never lost" in found["verdict"]
    assert found["pairs"][0]["better"] == "a"


def test_pairs_without_a_vote_that_counts_have_no_win_rate_yet() -> None:
    """A pair of both-bad alone among others; and, under a question of its own, nothing else."""
    rates = [(f"p{n}", "a", "b", ("left", "right")[n % 2], f"r{n}") for n in range(20)]
    some = table(*rates, *((f"p{n}", "c", "b", "both_bad", f"r{n}") for n in range(10)))
    none = table(*((f"p{n}", "a", "b", "both_bad", f"r{n}") for n in range(30)))
    assert [row["win_rate"] for row in at_planned_looks(some, 30, 3)["pairs"]] == [0.5, None]
    found = at_planned_looks(none, 30, 3)
    assert [(row["win_rate"], row["p"], row["better"]) for row in found["pairs"]] == [(None, [None] * 3, None)]
    reason = "Nothing can be rated: there is no vote that is not both-bad."
    assert (found["systems"], found["leader"], found["verdict"]) == ([], None, reason)
    for votes, line in ((some, "b  c            -  -  not yet"), (none, f"First place: none; {reason}\n")):
        assert line in render(summarise(votes, asked=Asked(planned_votes=30, looks=3)))


def test_ties_that_are_dropped_are_no_votes_of_a_look() -> None:
    votes = table(*((f"p{n}", "a", "b", ("tie", "both_bad")[n % 2], f"r{n}") for n in range(20)))
    found: list[Any] = [
        summarise(votes, ties="drop", asked=Asked(planned_votes=planned, looks=2))["questions"]["quality"][
            "planned_looks"
        ]
        for planned in (20, 40)
    ]
    assert found[0]["looks"][-1]["votes"] == 10
    assert found[1] == "The first of 2 looks is due at 20 votes; there are 10."
