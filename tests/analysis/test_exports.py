from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from analysis import exports
from analysis.exports import leaderboard_csv, votes_csv, win_rates_csv, write_votes_parquet
from analysis.snapshots import results
from analysis.stats import VoteTable
from analysis.stats.rows import PairRow
from analysis.votes import vote_table
from analysis.watched import shown
from comparisons.models import Comparison, Exclusion, Vote
from comparisons.studies import close_study
from people.models import AuditEntry
from tests.analysis.votes import cast_vote, cast_votes
from tests.factories import make_open_study, make_session

pytestmark = pytest.mark.django_db

HEADER = (
    "vote_id,question,prompt_id,category,challenge,system_left,system_right,outcome,rater,session,response_ms,"
    "answered_at,late,probability,rater_kind,excluded\n"
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
    assert not AuditEntry.objects.exists()
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["votes.csv"]


AWKWARD = st.text(st.characters(codec="utf-8") | st.sampled_from(',"\r\n; '), max_size=12)


@given(names=st.lists(AWKWARD, max_size=4))
def test_whatever_names_hold_a_reader_finds_it(names: list[str]) -> None:
    line = ",".join(map(exports._quoted, ["first", *names])) + "\n"
    assert list(csv.reader(StringIO(line, newline=""))) == [["first", *names]]


def test_categories_may_hold_anything() -> None:
    study = make_open_study()
    category = 'of "two", lines\nand; more'
    study.prompt_set.prompts.update(category=category)
    cast_votes(study, raters=1, each=4)
    lines = StringIO("".join(votes_csv(study)), newline="")
    assert [row["category"] for row in csv.DictReader(lines)] == [category] * 4


def test_parquet_holds_the_same_rows_with_their_types(tmp_path: Path) -> None:
    study, files = make_open_study(), [tmp_path / "votes.csv", tmp_path / "votes.parquet"]
    cast_votes(study, raters=3)
    Exclusion.objects.create(vote=Vote.objects.all()[0], reason="asked for it")
    for out in files:
        call_command("export_votes", study.slug, out=out, stdout=StringIO())
    by_csv, by_parquet = pd.read_csv(files[0], parse_dates=["answered_at"]), pd.read_parquet(files[1])
    assert str(by_parquet["answered_at"].dtype) == "datetime64[ms, UTC]"
    assert by_parquet["excluded"].sum() == 1
    for name in by_csv.columns:
        assert by_csv[name].tolist() == by_parquet[name].tolist()
    tables = [*map(VoteTable.from_file, files), vote_table(study)]
    assert len({(table.questions, table.prompts, table.raters, table.systems) for table in tables}) == 1
    for codes in ("question", "prompt", "rater", "system_left", "system_right", "outcome"):
        assert len({getattr(table, codes).tobytes() for table in tables}) == 1


def test_a_study_without_votes_has_parquet_s_columns(tmp_path: Path) -> None:
    write_votes_parquet(make_open_study(), tmp_path / "votes.parquet")
    assert pd.read_parquet(tmp_path / "votes.parquet").columns.tolist() == HEADER.strip().split(",")


@pytest.mark.parametrize(
    ("name", "options", "is_parquet"),
    [
        ("votes.csv", {}, False),
        ("votes.PARQUET", {}, True),
        ("votes.pq", {}, True),
        ("votes", {}, False),
        ("votes.csv", {"format": "parquet"}, True),
        ("votes.parquet", {"format": "csv"}, False),
    ],
)
def test_the_name_or_the_option_says_the_format(
    name: str, options: dict[str, str], is_parquet: bool, tmp_path: Path
) -> None:
    call_command("export_votes", make_open_study().slug, out=tmp_path / name, stdout=StringIO(), **options)
    assert (tmp_path / name).read_bytes().startswith(b"PAR1") == is_parquet


def test_an_export_is_in_the_log(tmp_path: Path) -> None:
    study = make_open_study()
    call_command("export_votes", study.slug, out=tmp_path / "votes.csv", stdout=StringIO())
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.study_slug, entry.details) == ("exported", study.slug, {"file": "votes.csv"})


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


@pytest.mark.parametrize("is_open", [True, False])
def test_results_go_out_as_pages_show_them(is_open: bool) -> None:
    study = make_open_study()
    cast_votes(study)
    if not is_open:
        close_study(study)
    summary = results(study)
    rows = {name: shown(question) for name, question in summary["questions"].items()}
    pairs = {name: [columns_of(pair, PairRow) for pair in now.pairs] for name, now in rows.items()}
    assert list(csv.DictReader(leaderboard_csv(summary))) == as_text({name: rows[name].systems for name in rows})
    assert list(csv.DictReader(win_rates_csv(summary))) == as_text(pairs)
    assert [now.systems == summary["questions"][name]["systems"] for name, now in rows.items()] == [not is_open] * 2


def columns_of(row: Mapping[str, object], kind: type) -> dict[str, object]:
    return {name: row[name] for name in kind.__annotations__}


def as_text(by_question: Mapping[str, Sequence[Mapping[str, object]]]) -> list[dict[str, str]]:
    return [
        {"question": name} | {key: "" if value is None else str(value) for key, value in row.items()}
        for name, rows in by_question.items()
        for row in rows
    ]
