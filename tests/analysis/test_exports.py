from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.exports import leaderboard_csv, votes_csv, win_rates_csv
from analysis.snapshots import results
from comparisons.models import Comparison, Exclusion, Vote
from tests.analysis.votes import cast_vote, cast_votes
from tests.factories import make_open_study, make_session

pytestmark = pytest.mark.django_db

HEADER = (
    "vote_id,question,prompt_id,category,challenge,system_left,system_right,outcome,rater,session,response_ms,"
    "answered_at,late,rater_kind,excluded\n"
)


def test_a_study_without_votes_has_the_header() -> None:
    assert list(votes_csv(make_open_study())) == [HEADER]


def test_values_are_written_for_other_programs() -> None:
    study = make_open_study()
    vote = cast_vote(make_session(study), Comparison.objects.filter(question__study=study)[0])
    Exclusion.objects.create(vote=vote, reason="asked for it")
    (row,) = csv.DictReader(votes_csv(study))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", row["answered_at"])
    assert (row["late"], row["rater_kind"], row["excluded"]) == ("false", "person", "true")
    assert row["vote_id"] == str(vote.id)


def test_the_command_writes_every_vote_and_replaces_the_file(tmp_path: Path) -> None:
    study, out = make_open_study(), tmp_path / "new" / "votes.csv"
    for raters in (1, 2):
        cast_votes(study, raters)
        call_command("export_votes", study.slug, out=out, stdout=StringIO())
        with out.open(newline="") as file:
            assert len(list(csv.DictReader(file))) == Vote.objects.count()
    assert [path.name for path in out.parent.iterdir()] == ["votes.csv"]


def test_an_export_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, out = make_open_study(), tmp_path / "votes.csv"
    out.write_text("old")

    def broken(_: object) -> object:
        yield HEADER
        raise RuntimeError

    monkeypatch.setattr("analysis.management.commands.export_votes.votes_csv", broken)
    with pytest.raises(RuntimeError):
        call_command("export_votes", study.slug, out=out)
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["votes.csv"]


@pytest.mark.parametrize("command", ["export_votes", "report"])
def test_an_unknown_study_names_the_existing_ones(command: str, tmp_path: Path) -> None:
    make_open_study(slug="first")
    make_open_study(slug="second")
    with pytest.raises(CommandError, match=re.escape("There is no study 'third'; existing: first, second.")):
        call_command(command, "third", out=tmp_path / "out")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    study, file = make_open_study(), tmp_path / "file"
    file.write_text("")
    with pytest.raises(CommandError, match=f"^{tmp_path}: cannot be written: Is a directory.$"):
        call_command("export_votes", study.slug, out=tmp_path)
    with pytest.raises(CommandError, match=f"^{file}: cannot be written: File exists.$"):
        call_command("report", study.slug, out=file)


def test_results_go_out_as_they_are_stored() -> None:
    study = make_open_study()
    cast_votes(study)
    summary = results(study)
    systems = {name: question["systems"] for name, question in summary["questions"].items()}
    pairs = {name: question["pairs"] for name, question in summary["questions"].items()}
    assert list(csv.DictReader(leaderboard_csv(summary))) == as_text(systems)
    assert list(csv.DictReader(win_rates_csv(summary))) == as_text(pairs)


def as_text(by_question: Mapping[str, Sequence[Mapping[str, object]]]) -> list[dict[str, str]]:
    return [
        {"question": name} | {key: "" if value is None else str(value) for key, value in row.items()}
        for name, rows in by_question.items()
        for row in rows
    ]
