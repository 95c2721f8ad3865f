"""Votes made elsewhere: a file's rows become votes of the study, all or none, and the numbers are those of the file."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from analysis.computing import compute
from analysis.exports import votes_csv
from analysis.kinds import KINDS, Kind
from analysis.models import Snapshot
from analysis.snapshots import newest, results
from analysis.vote_import import VoteImportError, import_file
from comparisons.importing_votes import Imported
from comparisons.models import Assignment, Comparison, Exclusion, Rater, RaterSession, Study, Vote
from comparisons.studies import close_study, create_study, open_study
from people.models import AuditEntry
from tests.analysis.vote_files import COLUMNS, make_rows, write
from tests.analysis.votes import cast_vote, cast_votes
from tests.comparisons.browsing import Browser, assert_counters_true
from tests.factories import make_draft, make_open_study, make_session, make_study_spec

pytestmark = pytest.mark.django_db

TYPED = {"system_right": "right", "answered_at": datetime(2026, 1, 5, tzinfo=UTC), "response_ms": 2500.0}


def bring(study: Study, path: Path) -> str:
    told = StringIO()
    call_command("import_votes", study.slug, str(path), stdout=told)
    assert_counters_true(study)
    return told.getvalue()


def stored() -> list[Any]:
    models = (Rater, RaterSession, Assignment, Comparison, Vote, Exclusion, AuditEntry)
    return [list(model.objects.order_by("pk").values()) for model in models]


def refusal(study: Study, path: Path) -> list[str]:
    """The lines that the command ends with; and no row has changed."""
    before = stored()
    with pytest.raises(CommandError) as refused:
        call_command("import_votes", study.slug, str(path))
    assert stored() == before
    return str(refused.value).splitlines()


def flat(content: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Each number by its place. Raters have other names in a copy, so that sums may be taken in another order."""
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from flat(value, f"{place}/{key}")
    else:
        yield place, pytest.approx(content, rel=1e-9) if isinstance(content, float) else content


@pytest.fixture
def study() -> Study:
    return make_open_study(slug="colours")


def test_every_row_becomes_a_vote_as_if_it_had_been_given_here(study: Study, tmp_path: Path) -> None:
    rows = make_rows(study)
    path = write(tmp_path / "votes.csv", rows)
    assert bring(study, path) == "24 votes imported, 0 were there already.\n"
    session = RaterSession.objects.select_related("rater").get()
    assert (session.rater.kind, session.rater.platform, session.stage) == ("person", "imported", "completed")
    assert (session.consent_version, session.rater.worker_hash) != ("", "")
    assert session.consented_at.isoformat() == "2026-01-05T10:00:27.750000+00:00"
    assert session.completed_at and session.completed_at.isoformat() == "2026-01-05T10:23:30.250000+00:00"
    vote = Vote.objects.select_related("assignment").earliest("id")
    assert (vote.response_ms, vote.late, vote.assignment.state) == (2500, False, "done")
    assert (vote.answered_at - vote.assignment.issued_at).total_seconds() == 2.5
    assert vote.assignment.probability == pytest.approx(1 / 3)
    exported = pd.read_csv(StringIO("".join(votes_csv(study))), dtype=str)[list(COLUMNS)]
    given = pd.DataFrame(rows).assign(rater=str(session.rater_id), answered_at=exported["answered_at"])
    assert exported.equals(given)
    assert set(pd.to_datetime(exported["answered_at"])) == set(pd.to_datetime(pd.DataFrame(rows)["answered_at"]))


def test_it_is_noted(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "votes.csv", make_rows(study))
    bring(study, path)
    entry = AuditEntry.objects.get()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (entry.verb, entry.study_slug) == ("imported", "colours")
    assert entry.details == {"votes": 24, "file": "votes.csv", "sha256": sha256}


def test_the_same_file_twice_changes_nothing(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "votes.csv", make_rows(study))
    bring(study, path)
    before = stored()
    assert bring(study, path) == "0 votes imported, 24 were there already.\n"
    assert stored() == before


def test_a_later_file_adds_to_the_same_rater(study: Study, tmp_path: Path) -> None:
    rows = make_rows(study)
    bring(study, write(tmp_path / "first.csv", rows[10:12]))
    assert bring(study, write(tmp_path / "second.csv", rows)) == "22 votes imported, 2 were there already.\n"
    session = RaterSession.objects.get()
    assert session.votes().count() == 24
    assert session.completed_at
    assert (session.consented_at.minute, session.completed_at.minute) == (0, 23)


def test_one_name_in_two_studies_is_two_raters(study: Study, tmp_path: Path) -> None:
    other = make_open_study(slug="shapes")
    for each in (study, other):
        bring(each, write(tmp_path / "votes.csv", make_rows(each)))
    assert Rater.objects.count() == RaterSession.objects.count() == 2


def test_what_a_row_may_say_besides(study: Study, tmp_path: Path) -> None:
    more = {"probability": "0.25", "rater_kind": "simulated", "excluded": "true", "late": "false", "note": "hello"}
    bring(study, write(tmp_path / "votes.csv", make_rows(study, **more)[:1]))
    vote = Vote.objects.select_related("assignment__session__rater").get()
    assert (vote.assignment.probability, vote.assignment.session.rater.kind) == (0.25, "simulated")
    assert Exclusion.objects.get().vote == vote
    assert Exclusion.objects.get().reason == "excluded in the imported file"


def test_a_late_vote_takes_no_place(study: Study, tmp_path: Path) -> None:
    rows = [
        make_rows(study, rater=name)[0] | {"late": late} for name, late in [("a", ""), ("b", "false"), ("c", "true")]
    ]
    bring(study, write(tmp_path / "votes.csv", rows))
    assert Comparison.objects.filter(done=2).count() == 1
    assert list(Vote.objects.order_by("id").values_list("late", flat=True)) == [False, False, True]


def test_a_table_with_types_is_read_too(study: Study, tmp_path: Path) -> None:
    frame = pd.DataFrame(make_rows(study))
    frame["answered_at"] = pd.to_datetime(frame["answered_at"]).dt.tz_convert("Asia/Tokyo")
    frame["response_ms"] = frame["response_ms"].astype(float)
    frame["prompt_id"] = frame["prompt_id"].astype(int)
    frame.assign(excluded=False).to_parquet(tmp_path / "votes.parquet")
    bring(study, tmp_path / "votes.parquet")
    assert Vote.objects.earliest("id").answered_at.isoformat() == "2026-01-05T10:00:30.250000+00:00"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_copy_of_a_study_gives_the_same_numbers(form: str, tmp_path: Path) -> None:
    """With late, excluded and simulated votes, into a study of the same design and images."""
    original = make_open_study(votes_wanted=30)
    cast_votes(original, raters=6, each=12)
    cast_votes(original, raters=2, each=12, seed=2, kind=Rater.Kind.SIMULATED)
    cast_vote(make_session(original), Comparison.objects.filter(question__study=original)[0], late=True)
    Exclusion.objects.create(vote=Vote.objects.all()[5], reason="asked for it")
    Exclusion.objects.create(session=RaterSession.objects.all()[2], reason="asked for it")
    close_study(original)
    path = tmp_path / f"votes.{form}"
    call_command("export_votes", original.slug, out=path, stdout=StringIO())

    copy, _ = create_study(make_study_spec(original.prompt_set.slug, votes_wanted=30))
    open_study(copy)
    assert bring(copy, path) == "97 votes imported, 0 were there already.\n"
    close_study(copy)
    for with_excluded in (False, True):
        numbers = dict(flat(results(copy, with_excluded=with_excluded)))
        assert numbers == dict(flat(results(original, with_excluded=with_excluded)))
    again = tmp_path / f"again.{form}"
    call_command("export_votes", copy.slug, out=again, stdout=StringIO())
    of_each = ["vote_id", "rater", "session"]
    read = pd.read_csv if form == "csv" else pd.read_parquet
    assert read(again).drop(columns=of_each).equals(read(path).drop(columns=of_each))


def test_numbers_that_were_stored_before_are_outdated(study: Study, tmp_path: Path) -> None:
    cast_votes(study, raters=1, each=3)
    compute(study, "results")
    Snapshot.objects.update(seen_to=10**9)  # as if a rater's vote of a higher number had been stored meanwhile
    bring_unchecked = write(tmp_path / "votes.csv", make_rows(study)[:2])
    import_file(study, bring_unchecked, by="ana")
    assert newest(study, "results").has_changed
    assert compute(study, "results")["questions"]["prompt-following"]["votes"] >= 2
    assert not newest(study, "results").is_stale


def test_what_is_computed_meanwhile_is_not_stored(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "votes.csv", make_rows(study))
    made = KINDS["results"].make

    def meanwhile(kind: Kind, study: Study) -> Any:
        content = made(study)
        if not Vote.objects.exists():
            import_file(study, path, by="ana")
        return content

    monkeypatch.setattr(Kind, "make", meanwhile)
    compute(study, "results")
    assert Snapshot.objects.get().computed_at is None
    assert sum(question["votes"] for question in compute(study, "results")["questions"].values()) == 24
    assert Snapshot.objects.get().votes == 24


WRONG = [
    ({"question": "beauty"}, 'question is "beauty"; allowed: prompt-following, quality'),
    ({"prompt_id": "4"}, "prompt_id is \"4\"; allowed: 0 to 3, a prompt's place in the study's prompt set"),
    ({"system_left": "delta@4"}, 'system_left is "delta@4"; allowed: alpha@4, beta@4, gamma@4'),
    ({"system_right": "x" * 99}, f'system_right is "{"x" * 60}…"; allowed: alpha@4, beta@4, gamma@4'),
    ({"outcome": "tie"}, 'outcome is "tie"; question prompt-following offers left, right'),
    ({"answered_at": "2999-01-01"}, "answered_at is 2999-01-01T00:00:00+00:00; allowed: from 2000 until now"),
    ({"answered_at": "1999-12-31"}, "answered_at is 1999-12-31T00:00:00+00:00; allowed: from 2000 until now"),
    ({"response_ms": "2147483648"}, 'response_ms is "2147483648"; allowed: milliseconds from 0 to 2147483647'),
]


@pytest.mark.parametrize(("change", "what"), WRONG, ids=[next(iter(change)) for change, _ in WRONG])
def test_a_wrong_row_is_named_with_what_is_allowed(
    change: dict[str, str], what: str, study: Study, tmp_path: Path
) -> None:
    rows = make_rows(study)
    assert rows[2]["question"] == "prompt-following"
    rows[2] |= change
    path = write(tmp_path / "votes.csv", rows)
    assert refusal(study, path) == ["votes.csv: nothing was imported, 1 problem:", f"  row 4: {what}"]


FLAWS = [
    ({"answered_at": ""}, 'answered_at is "" in row 4; allowed are times as ISO 8601 writes them.'),
    (
        {"answered_at": "yesterday"},
        'answered_at is "yesterday" in row 4; allowed are times as ISO 8601 writes them and ',
    ),
    ({"response_ms": ""}, 'response_ms is "" in row 4; allowed are numbers from 0.'),
    ({"response_ms": "-1"}, 'response_ms is "-1" in row 4; allowed are numbers from 0 and nothing.'),
    ({"late": "maybe"}, 'late is "maybe" in row 4; allowed are true, false and nothing.'),
    ({"probability": "0"}, 'probability is "0" in row 4; allowed are numbers above 0 and up to 1.'),
    ({"rater": " "}, "rater is empty in row 4; every vote needs one."),
]


@pytest.mark.parametrize(("change", "what"), FLAWS)
def test_a_wrong_value_is_told_as_the_analysis_does(
    change: dict[str, str], what: str, study: Study, tmp_path: Path
) -> None:
    rows = [row | {"late": "", "probability": "0.5"} for row in make_rows(study)]
    rows[2] |= change
    (line,) = refusal(study, write(tmp_path / "votes.csv", rows))
    assert line.startswith(f"Nothing was imported. votes.csv: {what}")


def test_all_problems_are_told_at_once_the_first_ones_with_their_rows(study: Study, tmp_path: Path) -> None:
    rows = make_rows(study)
    for number, row in enumerate(rows[:12]):
        row["question"] = f"new-{number}"
    for row in rows[12:18]:
        row["prompt_id"] = "-1"
    lines = refusal(study, write(tmp_path / "votes.csv", rows))
    assert lines[0] == "votes.csv: nothing was imported, 13 problems:"
    assert lines[1] == '  row 2: question is "new-0"; allowed: prompt-following, quality'
    assert len(lines) == 12 and lines[-1] == "  and 3 more"
    (first, *_), rest = [rows[12:18], rows[18:]]
    some = refusal(study, write(tmp_path / "some.csv", [first, *rows[13:18], *rest]))
    assert some[1].startswith('  rows 2, 3, 4 and 3 more: prompt_id is "-1"; allowed: 0 to 3')


def test_a_file_that_lacks_a_column(study: Study, tmp_path: Path) -> None:
    rows = make_rows(study)
    needed = "to be imported, each vote needs answered_at and response_ms."
    without = write(tmp_path / "a.csv", rows, COLUMNS[:-1])
    assert refusal(study, without) == [f'Nothing was imported. a.csv: no column "response_ms"; {needed}']
    without = write(tmp_path / "b.csv", rows, COLUMNS[:-2])
    assert refusal(study, without)[0].startswith(
        'Nothing was imported. b.csv: no columns "answered_at" and "response_ms"; '
    )
    without = write(tmp_path / "c.csv", rows, COLUMNS[1:])
    assert refusal(study, without)[0].startswith('Nothing was imported. c.csv: no column "question"; required are ')


def test_files_that_are_none(study: Study, tmp_path: Path) -> None:
    assert refusal(study, tmp_path / "absent.csv") == [
        "Nothing was imported. absent.csv: cannot be read: No such file or directory."
    ]
    empty = write(tmp_path / "empty.csv", [])
    assert refusal(study, empty) == ["Nothing was imported. empty.csv: there are no votes in it."]
    (tmp_path / "text.parquet").write_text("hello")
    assert refusal(study, tmp_path / "text.parquet") == ["Nothing was imported. text.parquet: not a Parquet file."]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_damaged_file_is_refused_in_a_sentence_or_read(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many of its bytes, each exchanged for others."""
    monkeypatch.setattr("analysis.vote_import.import_votes", lambda _, rows, note: Imported(len(rows), 0))
    path, draft, refused = tmp_path / f"votes.{form}", make_draft(), 0
    frame = pd.DataFrame([dict.fromkeys(COLUMNS, "left") | TYPED] * 3)
    frame.to_csv(path, index=False) if form == "csv" else frame.to_parquet(path)
    whole = path.read_bytes()
    assert import_file(draft, path, by="ana") == (3, 0)
    for place, byte in itertools.product(range(0, len(whole), len(whole) // 100), (0, 0x22, 0xFF)):
        path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
        try:
            import_file(draft, path, by="ana")
        except VoteImportError as error:
            refused += str(error).startswith("Nothing was imported. votes")
    assert refused > 100


def test_pages_say_what_was_made_elsewhere(study: Study, researcher: Client, tmp_path: Path) -> None:
    import_file(study, write(tmp_path / "votes.csv", make_rows(study)), by="ana")
    compute(study, "activity")
    said = "<strong>24 votes were made elsewhere</strong> and imported, out of 24."
    assert said in researcher.get("/studies/colours/").content.decode()
    session = RaterSession.objects.get()
    page = researcher.get(f"/studies/colours/raters/{session.id}/").content.decode()
    assert "Elsewhere" in page and "consent given elsewhere, first pair seen on" in page
    assert "Elsewhere" in researcher.get("/studies/colours/raters/").content.decode()
    browser = Browser(study).consent()
    browser.judge_all()
    own = RaterSession.objects.latest("id")
    assert "Elsewhere" not in researcher.get(f"/studies/colours/raters/{own.id}/").content.decode()


def test_whose_votes_were_imported_is_found_by_their_name(study: Study, researcher: Client, tmp_path: Path) -> None:
    raters, asks = "/studies/colours/raters/", "Their name in the imported file"
    assert asks not in researcher.get(raters).content.decode()
    import_file(study, write(tmp_path / "votes.csv", make_rows(study, rater="anna")), by="ana")
    assert asks in researcher.get(raters).content.decode()
    found = researcher.post(f"{raters}find/", {"worker": "anna"})
    assert found["Location"] == f"{raters}{RaterSession.objects.get().pk}/"
