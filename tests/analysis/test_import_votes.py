"""Votes made elsewhere: a file's rows become votes of the study, all or none, and the numbers are those of the file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from analysis.computing import compute
from analysis.exports import votes_csv, write_votes_parquet
from analysis.kinds import KINDS, Kind
from analysis.models import Snapshot
from analysis.snapshots import newest, results
from analysis.vote_import import import_file
from comparisons.models import Comparison, Exclusion, Rater, RaterSession, Study, Vote
from comparisons.studies import close_study, create_study, open_study
from people.models import AuditEntry
from tests.analysis.vote_files import COLUMNS, make_rows, stored, write
from tests.analysis.votes import cast_vote, cast_votes
from tests.comparisons.browsing import Browser, assert_counters_true
from tests.factories import make_open_study, make_session, make_study_spec

pytestmark = pytest.mark.django_db


def bring(study: Study, path: Path) -> str:
    told = StringIO()
    call_command("import_votes", study.slug, str(path), stdout=told)
    assert_counters_true(study)
    return told.getvalue()


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


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_study_s_own_votes_are_refused_and_taken_elsewhere_once(study: Study, form: str, tmp_path: Path) -> None:
    other = make_open_study(slug="shapes")
    Browser(study).consent().judge_all()
    path = tmp_path / f"votes.{form}"
    with path.open("wb") as file:
        write_votes_parquet(study, file) if form == "parquet" else file.write("".join(votes_csv(study)).encode())
    before = stored()
    with pytest.raises(CommandError, match=rf"votes\.{form}: these are this study's own votes, by their session: rows"):
        bring(study, path)
    assert stored() == before
    assert bring(other, path) == "24 votes imported, 0 were there already.\n"
    assert bring(other, path) == "0 votes imported, 24 were there already.\n"


def test_a_later_file_adds_to_the_same_rater(study: Study, tmp_path: Path) -> None:
    rows = make_rows(study)
    bring(study, write(tmp_path / "first.csv", rows[10:12]))
    assert bring(study, write(tmp_path / "second.csv", rows)) == "22 votes imported, 2 were there already.\n"
    session = RaterSession.objects.get()
    assert Vote.objects.of_session(session).count() == 24
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


def test_pages_say_what_was_made_elsewhere(study: Study, researcher: Client, tmp_path: Path) -> None:
    import_file(study, write(tmp_path / "votes.csv", make_rows(study)), by="ana")
    compute(study, "activity")
    said = "<strong>24 of 24 votes were made elsewhere</strong> and imported."
    assert said in researcher.get("/studies/colours/").content.decode()
    session = RaterSession.objects.get()
    page = researcher.get(f"/studies/colours/raters/{session.id}/").content.decode()
    assert "Elsewhere" in page and "consent given elsewhere, first pair seen on" in page
    assert "Elsewhere" in researcher.get("/studies/colours/raters/").content.decode()
    browser = Browser(study).consent()
    browser.judge_all()
    own = RaterSession.objects.latest("id")
    assert "Elsewhere" not in researcher.get(f"/studies/colours/raters/{own.id}/").content.decode()


@pytest.mark.parametrize("address", ["", "results/", "results/?excluded=with"])
def test_how_many_were_made_elsewhere_is_said_out_of_all_that_came(
    address: str, study: Study, researcher: Client, tmp_path: Path
) -> None:
    cast_votes(study, raters=1, each=3)
    rows = make_rows(study)
    for row in rows[:23]:
        row["late"] = "true"
    call_command("compute_results", "colours")
    page = f"/studies/colours/{address}"
    assert "made elsewhere" not in researcher.get(page).content.decode()
    import_file(study, write(tmp_path / "votes.csv", [{"late": "false"} | row for row in rows]), by="ana")
    call_command("compute_results", "colours")
    assert "<strong>24 of 27 votes were made elsewhere</strong> and imported." in researcher.get(page).content.decode()


def test_what_was_made_elsewhere_is_said_where_the_page_computes_it(
    study: Study, researcher: Client, tmp_path: Path
) -> None:
    import_file(study, write(tmp_path / "votes.csv", make_rows(study)), by="ana")
    page = researcher.post("/studies/colours/results/compute/", follow=True).content.decode()
    assert "<strong>24 of 24 votes were made elsewhere</strong> and imported." in page


def test_the_pace_is_that_of_votes_given_here(study: Study, tmp_path: Path) -> None:
    cast_vote(make_session(study), Comparison.objects.latest("id"))
    before = KINDS["activity"].make(study)["stretches"]
    import_file(study, write(tmp_path / "votes.csv", make_rows(study)), by="ana")
    made = KINDS["activity"].make(study)
    assert (made["stretches"], sum(count for _, count in before), made["imported"]) == (before, 1, 24)


def test_whose_votes_were_imported_is_found_by_their_name(study: Study, researcher: Client, tmp_path: Path) -> None:
    raters, asks = "/studies/colours/raters/", "Their name in the imported file"
    assert asks not in researcher.get(raters).content.decode()
    import_file(study, write(tmp_path / "votes.csv", make_rows(study, rater="anna")), by="ana")
    assert asks in researcher.get(raters).content.decode()
    found = researcher.post(f"{raters}find/", {"worker": "anna"})
    assert found["Location"] == f"{raters}{RaterSession.objects.get().pk}/"
