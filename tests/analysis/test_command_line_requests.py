"""What python -m analysis shows besides, where it is asked for: in its JSON, in its table, and every mistake told."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from analysis.options import parse
from analysis.stats.asked import Asked
from analysis.stats.fragility import rated_above
from analysis.stats.outcomes import VoteTable

GOLDEN = Path(__file__).parents[1] / "golden"
START = datetime(2026, 1, 1, tzinfo=UTC)
FIXED = {
    "": "questions headline_elo settings warnings",
    "question": "votes raters prompts systems pairs position_bias agreement design_effect effective_votes "
    "effective_prompts effective_raters",
    "system": "system votes bt bt_low bt_high rank rank_low rank_high elo elo_order_sd win_rate win_rate_low "
    "win_rate_high",
    "pair": "a b votes a_wins b_wins ties both_bad win_rate low high p p_holm",
    "position_bias": "left_share low high",
}
"""Keys that others' scripts read."""
CONCLUSION = ("sdxl-turbo@1", "lcm-xl@1")


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    """The golden votes, with categories, times and probabilities, in the order of their times."""
    rows = list(csv.DictReader((GOLDEN / "votes.csv").read_text().splitlines()))
    rng = random.Random(1)
    rng.shuffle(rows)
    for number, row in enumerate(rows):
        row["category"] = "animals" if int(row["prompt_id"][1:]) % 2 else "places"
        row["response_ms"] = str(rng.randint(1500, 9000)) if number % 40 else ""
        row["probability"] = rng.choice(["0.1", "0.2", "0.3"])
        row["answered_at"] = (START + timedelta(minutes=number)).isoformat()
    file = tmp_path / "votes.csv"
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def run(votes: Path, *arguments: str) -> dict[str, Any]:
    out = votes.with_name("out.json")
    assert main([str(votes), "--question", "quality", "--json", str(out), *arguments]) == 0
    summary: dict[str, Any] = json.loads(out.read_text())
    return summary


def test_the_keys_that_scripts_read_are_there_whatever_is_asked_for(votes: Path) -> None:
    wishes = ["--covariates", "category", "--weights", "probability", "--ridge", "1", "--bootstrap", "prompts"]
    for arguments in ([], ["--quiet", *wishes, "--planned-votes", "200"]):
        summary = run(votes, *arguments)
        question = summary["questions"]["quality"]
        found = {"": summary, "question": question, "position_bias": question["position_bias"]}
        found |= {"system": question["systems"][0], "pair": question["pairs"][0]}
        for name, keys in FIXED.items():
            assert [key for key in found[name] if key in keys.split()] == keys.split(), name


def test_what_is_asked_for_adds_to_the_rest_and_changes_nothing(votes: Path) -> None:
    plain = run(votes, "--quiet")
    wishes = ["--covariates", "category,response_time", "--weights", "probability", "--ridge", "0.5"]
    more = run(votes, "--quiet", *wishes, "--planned-votes", "200", "--looks", "4")
    added = {"ridge", "weighted", "contextual", "planned_looks"}
    was, now = (summary["questions"]["quality"] for summary in (plain, more))
    assert now.keys() - was.keys() == added
    assert {key: value for key, value in now.items() if key not in added} == was
    settings = {"covariates": ["category", "response_time"], "weights": "probability", "ridge": 0.5}
    assert more["settings"] == plain["settings"] | settings | {"planned_votes": 200, "looks": 4}


def test_ratings_with_a_ridge_are_printed(votes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = run(votes, "--ridge", "4")["questions"]["quality"]["ridge"]
    lines = capsys.readouterr().out.splitlines()
    assert part["prior_sd"] == pytest.approx(86.86, abs=0.01)
    start = lines.index("With a ridge")
    assert lines[start + 1].startswith("Ridge 4: a normal prior with a standard deviation of 87 points,")
    assert lines[start + 3].split() == [part["systems"][0]["system"], f"{part['systems'][0]['bt']:.0f}"]


def test_weighted_and_contextual_ratings_are_printed(votes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(votes, "--covariates", "category, response_time", "--weights", "probability")
    printed = capsys.readouterr().out
    assert "\nWeighted by inverse probability\nBy the column probability; " in printed
    assert "Bradley-Terry by category and response_time; weighted by inverse probability.\n" in printed
    assert "than its mean" in printed
    assert "Where an answer takes twice as long, differences count" in printed
    assert "Warning: 5 votes without a response time above 0 left out." in printed


def test_planned_looks_are_printed(votes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = run(votes, "--planned-votes", "200", "--looks", "4")["questions"]["quality"]["planned_looks"]
    printed = capsys.readouterr().out
    assert "Look 3 of 4, at 150 of 200 planned votes; the next is at 200. First place: none;" in printed
    assert [look["votes"] for look in part["looks"]] == [50, 100, 150]
    assert "Valid at every look" not in printed
    ended = run(votes, "--planned-votes", "200", "--looks", "4", "--ended")["questions"]["quality"]["planned_looks"]
    assert [look["votes"] for look in ended["looks"]] == [50, 100, 150, 160]
    assert "Look 4 of 4, at 160 of 200 planned votes; the last." in capsys.readouterr().out


def test_before_the_first_look_the_rest_is_shown_with_a_sentence(
    votes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = run(votes, "--planned-votes", "4000", "--looks", "4")
    sentence = "The first of 4 looks is due at 1000 votes; there are 160."
    assert summary["questions"]["quality"]["planned_looks"] == sentence
    assert sentence in capsys.readouterr().out


def test_a_stated_conclusion_is_as_fragile_as_it_is(votes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = run(votes, "--conclusion", *CONCLUSION)["questions"]["quality"]["conclusion"]
    table = VoteTable.from_csv(votes).split_by_question()["quality"]
    assert list(part) == ["rated_above", "preferred", "significantly_preferred"]
    assert part["rated_above"]["rater"]["number"] == rated_above(table, *CONCLUSION, unit="rater").number
    assert part["preferred"]["vote"]["number"] == 14 - 5, "as many as it won more than it lost"
    assert part["significantly_preferred"]["vote"].startswith("sdxl-turbo@1 is not significantly preferred")
    assert "sdxl-turbo@1 is preferred to lcm-xl@1: leaving out 9 votes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--covariates", "colour"], 'covariates hold "colour"; allowed are category, challenge and response_time'),
        (["--covariates", ""], 'covariates hold ""; allowed are category'),
        (["--covariates", "category,category"], 'covariates are "category,category"; each may be named once'),
        (["--covariates", "category,challenge"], "allowed is one of category and challenge at a time"),
        (["--ridge", "0"], 'ridge is "0"; allowed are numbers above 0'),
        (["--ridge", "much"], 'ridge is "much"; allowed are numbers above 0'),
        (["--ridge", "nan"], 'ridge is "nan"; allowed are numbers above 0'),
        (["--looks", "4"], "--looks needs --planned-votes"),
        (["--looks", "0", "--planned-votes", "9"], 'looks are "0"; allowed are whole numbers from 1'),
        (["--looks", "1001", "--planned-votes", "2000"], 'looks are "1001"; allowed are whole numbers from 1 to 1,000'),
        (["--planned-votes", "9" * 400], "allowed are whole numbers from 1 to 1,000,000,000,000"),
        (["--planned-votes", "9" * 5000], "allowed are whole numbers from 1 to 1,000,000,000,000"),
        (["--looks", "10", "--planned-votes", "9"], "--looks is 10; allowed with --planned-votes 9: from 1 to 9"),
        (["--planned-votes", "9", "--ended"], "--ended says something of --looks, which is not given"),
        (["--conclusion", "a", "a"], '--conclusion is about "a" twice; allowed are two systems'),
        (["--weights", "speed"], "argument --weights: invalid choice: 'speed'"),
    ],
)
def test_a_wish_that_cannot_be_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(GOLDEN / "votes.csv"), *arguments])
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "column", "option"),
    [
        (["--covariates", "challenge"], "challenge", "covariates"),
        (["--covariates", "response_time"], "response_ms", "covariates"),
        (["--weights", "probability"], "probability", "weights"),
    ],
)
def test_a_column_that_a_wish_needs_is_named(
    capsys: pytest.CaptureFixture[str], arguments: list[str], column: str, option: str
) -> None:
    assert main([str(GOLDEN / "votes.csv"), *arguments]) == 2
    sentence = f'votes.csv: no column "{column}", which --{option} needs; its optional columns are vote_id.\n'
    assert capsys.readouterr() == ("", sentence)


def test_weights_need_a_probability_in_every_vote(votes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header, *rows = votes.read_text().splitlines()
    assert header.endswith(",probability,answered_at")
    rows[:2] = [",".join([*row.split(",")[:-2], "", row.split(",")[-1]]) for row in rows[:2]]
    votes.write_text("\n".join([header, *rows]))
    assert main([str(votes), "--quiet"]) == 0
    assert main([str(votes), "--weights", "probability"]) == 2
    assert capsys.readouterr().err == "votes.csv: probability is empty in 2 votes; --weights needs it in each.\n"


def test_a_conclusion_on_a_system_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(GOLDEN / "votes.csv"), "--conclusion", "sdxl@50", "sdxl"]) == 2
    known = '"lcm-xl@1", "sdxl-turbo@1", "sdxl-turbo@4" and "sdxl@50"'
    sentence = f'votes.csv: no system "sdxl", which --conclusion names; the file has {known}.\n'
    assert capsys.readouterr() == ("", sentence)


def test_every_wish_has_an_option_that_help_explains(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    for name in Asked.__dataclass_fields__:
        assert f"--{name.replace('_', '-')} " in printed
