from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.stats import Summary, VoteTable, summarise
from analysis.stats.outcomes import TIE
from analysis.stats.summary import TIES
from tests.analysis.stats.planted import COLUMNS, Population, table

GOLDEN = Path(__file__).parents[2] / "golden"


def assert_close(found: Any, expected: Any, where: str = "summary") -> None:
    if isinstance(expected, dict):
        assert list(found) == list(expected), where
        for key, value in expected.items():
            assert_close(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for i, value in enumerate(expected):
            assert_close(found[i], value, f"{where}[{i}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-7), where
    else:
        assert found == expected, where


def only(summary: Summary) -> dict[str, Any]:
    (question,) = summary["questions"].values()
    return dict(question)


def test_numbers_stay_what_they_were() -> None:
    """Made by `python -m analysis tests/golden/votes.csv --json tests/golden/votes.json`; see VERSION."""
    expected = json.loads((GOLDEN / "votes.json").read_text())
    found = summarise(VoteTable.from_csv(GOLDEN / "votes.csv"))
    assert_close(json.loads(json.dumps(found, allow_nan=False)), expected)


def test_a_question_alone_has_the_numbers_that_it_has_among_others() -> None:
    votes = VoteTable.from_csv(GOLDEN / "votes.csv")
    alone = summarise(votes.split_by_question()["quality"], seed=3)
    assert alone["questions"]["quality"] == summarise(votes, seed=3)["questions"]["quality"]


def test_the_headline_is_the_mean_of_the_questions_elos_best_first() -> None:
    summary = summarise(VoteTable.from_csv(GOLDEN / "votes.csv"))
    elos = [{row["system"]: row["elo"] for row in q["systems"]} for q in summary["questions"].values()]
    values = list(summary["headline_elo"].values())
    assert values == sorted(values, reverse=True)
    for system, value in summary["headline_elo"].items():
        known = [elo for elo in (one[system] for one in elos) if elo is not None]
        assert value == pytest.approx(sum(known) / 2)


def test_a_system_missing_from_a_question_has_no_headline() -> None:
    rows = [("q1", "p", "a", "b", "left", "r"), ("q2", "p", "a", "c", "left", "r")]
    columns = {name: [row[i] for row in rows] for i, name in enumerate(COLUMNS)}
    summary = summarise(VoteTable.from_columns(columns))
    assert list(summary["headline_elo"]) == ["a"]
    assert summary["warnings"] == [
        "No headline Elo for b and c: not rated in every question.",
        "Combined Bradley-Terry ratings do not exist: there are none for q1 and q2.",
    ]


def test_the_seed_moves_elo_and_nothing_else() -> None:
    votes = VoteTable.from_csv(GOLDEN / "votes.csv").split_by_question()["quality"]
    one, other = only(summarise(votes, seed=1)), only(summarise(votes, seed=2))
    assert only(summarise(votes, seed=1)) == one
    assert one["pairs"] == other["pairs"]
    for row, again in zip(one["systems"], other["systems"], strict=True):
        assert row["bt"] == again["bt"]
        assert row["elo"] != again["elo"]
        assert row["elo"] == pytest.approx(again["elo"], abs=0.5)


def test_without_votes_everything_is_empty() -> None:
    summary = summarise(table())
    assert summary["questions"] == {}
    assert summary["headline_elo"] == {}
    assert summary["warnings"] == []


def test_separation_leaves_the_rest_standing() -> None:
    votes = table(*((f"p{i}", "a", "b", "left", f"r{i}") for i in range(3)), ("p0", "b", "c", "tie", "r1"))
    question = only(summarise(votes))
    assert [row["system"] for row in question["systems"]] == ["a", "c", "b"]
    assert [row["rank"] for row in question["systems"]] == [1, 2, 3]
    assert {row["bt"] for row in question["systems"]} == {None}
    assert [row["win_rate"] for row in question["systems"]] == [1, 0.5, 0.25]
    assert question["systems"][0]["elo"] > 1001
    assert question["warnings"] == [
        "Bradley-Terry ratings are not finite: a never lost to the other systems, and b and c never won against them.",
        "Only 2.7 effective prompts and 2.7 effective raters, counting each by its share of the votes: "
        "with fewer than 15, intervals are approximate.",
        "No interval for 1 of 2 pair win rates: too few different prompts or raters, or votes without any variation.",
        "No interval for 2 of 3 win rates against the field: "
        "too few different prompts or raters, or votes without any variation.",
    ]


def test_both_bad_is_counted_as_a_vote_and_rates_nobody() -> None:
    votes = table(
        ("p", "a", "b", "left", "r"),
        ("q", "b", "a", "left", "s"),
        ("p", "c", "a", "both_bad", "r"),
        ("p", "b", "a", "both_bad", "t"),
    )
    question = only(summarise(votes))
    assert question["votes"] == 4
    assert question["raters"] == 3
    last = question["systems"][-1]
    assert last["system"] == "c"
    assert last["votes"] == 1
    assert {key for key, value in last.items() if value is None} == set(last) - {"system", "votes", "simulated_votes"}
    assert [pair["both_bad"] for pair in question["pairs"]] == [1, 1]
    assert question["warnings"][:2] == [
        "Both-bad is not counted in any rating: 2 votes, 50% of all.",
        "Not rated, for want of a vote other than both-bad: c.",
    ]


def test_equal_systems_share_a_rank() -> None:
    votes = table(*((f"p{i}", a, b, "tie", f"r{i}") for i in range(2) for a, b in [("a", "b"), ("b", "c"), ("c", "a")]))
    assert [row["rank"] for row in only(summarise(votes))["systems"]] == [1, 1, 1]


def test_few_clusters_behind_some_numbers_are_told() -> None:
    """Thirty prompts and raters in all, but a handful behind one pair."""
    common = [(f"p{i}", "a", "b", ("left", "right", "tie")[i % 3], f"r{i}") for i in range(30)]
    rare = [(f"p{i}", "c", "a", ("left", "right")[i % 2], f"r{i}") for i in range(6)]
    warnings = only(summarise(table(*common, *rare)))["warnings"]
    approximate = "are approximate: they rest on fewer than 15 effective prompts or raters."
    assert f"The intervals of 1 of 2 pair win rates {approximate}" in warnings
    assert f"The intervals of 1 of 3 Bradley-Terry ratings {approximate}" in warnings


def test_settings_hold_everything_that_determines_the_numbers() -> None:
    assert summarise(table(), seed=5)["settings"] == {
        "version": 8,
        "seed": 5,
        "ties": "half",
        "both_bad": "not counted",
        "cluster": ["prompt", "rater"],
        "level": 0.95,
        "elo_k": 1,
        "elo_start": 1000,
        "elo_scale": 400,
        "elo_shuffles": 1000,
        "bt_scale": 400,
        "bt_base": 10,
        "bt_mean": 1000,
        "bt_side_intercept": "fitted",
    }


@pytest.mark.parametrize("ties", TIES)
def test_ties_are_counted_as_the_settings_say(ties: str) -> None:
    votes = Population().votes(np.random.default_rng(5), prompts=25, raters=12, per_prompt=12)
    summary = summarise(votes, ties=ties)
    assert summary["settings"]["ties"] == ties
    (question,) = summary["questions"].values()
    (halved,) = summarise(votes)["questions"].values()
    assert question["votes"] == len(votes)
    for row, other in zip(question["pairs"], halved["pairs"], strict=True):
        assert (row["ties"], row["votes"]) == (other["ties"], other["votes"]), "the counts are the same"
        decided = row["a_wins"] + row["b_wins"]
        expected = row["a_wins"] / decided if ties == "drop" else other["win_rate"]
        assert row["win_rate"] == pytest.approx(expected)
    if ties == "drop":
        decided_votes = votes.select(votes.outcome != TIE)
        assert question["agreement"] == only(summarise(decided_votes))["agreement"] != halved["agreement"]
    else:
        assert question["agreement"] == halved["agreement"]
    ratings = {row["system"]: row["bt"] for row in question["systems"]}
    assert (ratings == {row["system"]: row["bt"] for row in halved["systems"]}) == (ties == "half")
    assert any("Ties are left out" in warning for warning in question["warnings"]) == (ties == "drop")


def test_what_has_nothing_but_dropped_ties_is_counted_and_named() -> None:
    rows = [(f"p{i}", "a", "b", ("left", "right", "tie")[i % 3], f"r{i}", "simulated") for i in range(9)]
    rows += [("p0", "c", "a", "tie", "r0", "person"), ("p1", "d", "a", "both_bad", "r1", "person")]
    names = ("prompt_id", "system_left", "system_right", "outcome", "rater", "rater_kind")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    votes = VoteTable.from_columns({"question": ["q"] * len(rows), **columns})
    question = only(summarise(votes, ties="drop"))
    counts = ("a", "b", "votes", "simulated_votes", "a_wins", "b_wins", "ties", "both_bad", "win_rate", "p")
    assert [tuple(pair[name] for name in counts)[:-1] for pair in question["pairs"]] == [
        ("a", "b", 9, 9, 3, 3, 3, 0, 0.5),
        ("a", "c", 1, 0, 0, 0, 1, 0, None),
        ("a", "d", 1, 0, 0, 0, 0, 1, None),
    ]
    assert question["pairs"][1]["p_holm"] is None
    assert question["warnings"][:4] == [
        "9 of 11 votes are simulated: bots gave them, and they say nothing about what people prefer.",
        "Both-bad is not counted in any rating: 1 vote, 9% of all.",
        "Ties are left out of everything but counts of votes, raters and prompts: 4 votes, 36% of all.",
        "Not rated, for want of a vote other than a tie or both-bad: c and d.",
    ]
    counted = only(summarise(votes))
    assert "Not rated, for want of a vote other than both-bad: d." in counted["warnings"]
    assert [pair["votes"] for pair in counted["pairs"]] == [pair["votes"] for pair in question["pairs"]]


def test_names_that_only_look_the_same_are_pointed_out() -> None:
    composed, apart = "caf\u00e9", "cafe\u0301"
    votes = table(
        ("p", composed, "b", "left", "r1"), ("p ", apart, "b", "left", "r1\t"), (" p", "b", "c", "tie", "\u00a0r1")
    )
    summary = summarise(votes)
    assert summary["warnings"][0] == (
        "Names that differ only in blanks around them or in how accents are encoded are taken for different ones: "
        f'1 prompt ("p"), 1 system ("{composed}") and 1 rater ("r1"); '
        "where they are one, numbers and intervals are wrong."
    )
    assert [row["system"] for row in only(summary)["systems"]].count(composed) == 1
    others = summarise(table(("p", "a", "A", "left", "r 1"), ("p q", "a", "a b", "left", "r1")))
    assert not any("Names" in warning for warning in others["warnings"])


def test_a_rater_under_two_questions_is_looked_at_too() -> None:
    columns = {
        "question": ["one", "two", "one "],
        "prompt_id": ["p", "p", "p"],
        "system_left": ["a", "a", "a"],
        "system_right": ["b", "b", "b"],
        "outcome": ["left", "right", "tie"],
        "rater": ["zoe", "zoe ", "amy"],
    }
    assert '1 question ("one") and 1 rater ("zoe")' in summarise(VoteTable.from_columns(columns))["warnings"][0]


def test_excluded_votes_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [f"one,p{i},a,b,left,r,{excluded}" for i, excluded in enumerate(("true", "false", "", "true"))]
    rows += ["two,p,a,b,left,r,true", "two,q,a,b,left,r,", "three,p,a,b,left,r,true"]
    (tmp_path / "votes.csv").write_text("\n".join([",".join([*COLUMNS, "excluded"]), *rows]))
    votes = VoteTable.from_csv(tmp_path / "votes.csv")
    summary = summarise(votes)
    assert {name: question["votes"] for name, question in summary["questions"].items()} == {"one": 2, "two": 1}
    assert {name: question["warnings"][0] for name, question in summary["questions"].items()} == {
        "one": "2 of 4 votes are left out: they are marked as excluded.",
        "two": "1 of 2 votes is left out: it is marked as excluded.",
    }
    assert summary["warnings"][0] == 'All votes are marked as excluded, and left out, of the question "three".'
    alone = summarise(votes.split_by_question()["one"])
    assert alone["questions"]["one"] == summary["questions"]["one"]
    assert "excluded" not in str(alone["warnings"])
    assert "excluded" not in str(summarise(VoteTable.from_csv(tmp_path / "votes.csv", with_excluded=True)))
