"""Results by the API: the numbers of the pages, reports and bundle."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from typing import Any, NotRequired, get_origin, get_type_hints

import pytest

from analysis import snapshots
from analysis.computing import compute
from analysis.stats import rows
from analysis.stats.folder import as_json
from api import results as api_results
from comparisons.models import Comparison, Study
from comparisons.studies import close_study
from people.models import AuditEntry
from tests.analysis.votes import cast_vote
from tests.api.conftest import Caller, Program
from tests.factories import make_session

KINDS = ("results", "breakdowns", "report", "report-page")
OF_RESULTS = {
    "summary.json",
    "breakdowns.json",
    "leaderboard.csv",
    "combined.csv",
    "win_rates.csv",
    "tables/headline.tex",
    "tables/quality_leaderboard.tex",
    "figures/ratings.svg",
}
STALE = "Something has changed since"


def test_the_numbers_are_the_stored_ones(program: Caller, study: Study) -> None:
    asking = program("analyst")
    before = asking.get("studies/colours/results").json()
    assert before["results"] is None and before["computed_at"] is None and before["is_stale"]
    close_study(study)
    compute(study, "results")
    found = asking.get("studies/colours/results").json()
    assert found["results"] == json.loads(as_json(snapshots.results(study)))
    assert not found["is_stale"]
    cast_vote(make_session(study), Comparison.objects.filter(question__study=study)[0])
    later = asking.get("studies/colours/results").json()
    assert (later["is_stale"], later["newer_votes"]) == (True, 1) and later["results"] == found["results"]


def test_of_an_open_study_they_are_those_that_may_be_watched(program: Caller, study: Study) -> None:
    compute(study, "results")
    stored = json.loads(as_json(snapshots.results(study)))
    found = program("analyst").get("studies/colours/results").json()["results"]
    for parts, there in ((found["questions"][key], stored["questions"][key]) for key in stored["questions"]):
        watched = parts["always_valid"]
        assert watched == there["always_valid"]
        estimates = {row["system"]: row for row in watched["estimates"]}
        ranks = {row["system"]: row for row in watched["systems"]}
        for row, once in zip(parts["systems"], there["systems"], strict=True):
            ends = {"bt_low", "bt_high", "win_rate_low", "win_rate_high"}
            assert {name: row[name] for name in ends} == {name: estimates[row["system"]][name] for name in ends}
            assert row["rank_low"] == ranks[row["system"]]["rank_low"]
            assert (row["bt"], row["bt_low"] != once["bt_low"]) == (once["bt"], True)
        of_pairs = [[pair[name] for name in ("low", "high", "p", "p_holm")] for pair in parts["pairs"]]
        assert of_pairs == [[pair[name] for name in ("low", "high", "p", "p_holm")] for pair in watched["pairs"]]
    assert "always_valid" in found["combined"]
    of_all = zip(found["combined"]["systems"], stored["combined"]["systems"], strict=True)
    assert all(row["bt"] == once["bt"] and row["bt_low"] != once["bt_low"] for row, once in of_all)


def test_with_what_is_excluded(program: Caller, study: Study) -> None:
    asking = program("analyst")
    session = str(study.sessions.earliest("id").public_id)
    assert asking.post("studies/colours/exclusions", {"session": session, "reason": "asleep"}).status_code == 201
    for kind in ("results", "results-with-excluded"):
        compute(study, kind)
    counts = [
        sum(question["votes"] for question in answer["results"]["questions"].values())
        for answer in (asking.get("studies/colours/results", with_excluded=yes).json() for yes in (False, True))
    ]
    assert counts == [24, 32]


@pytest.mark.parametrize(
    ("described", "real"),
    [
        (api_results.SystemRow, rows.SystemRow),
        (api_results.PairRow, rows.PairRow),
        (api_results.CombinedRow, rows.CombinedRow),
        (api_results.Agreement, rows.AgreementRow),
        (api_results.PositionBias, rows.PositionBias),
    ],
)
def test_the_description_has_all_columns(described: Any, real: type) -> None:
    types = get_type_hints(described)
    assert [(name, types[name]) for name in described.model_fields] == list(get_type_hints(real).items())


def test_the_description_has_all_of_a_question_but_what_one_asks_for() -> None:
    types = get_type_hints(rows.QuestionSummary, include_extras=True)
    always = [name for name, kind in types.items() if get_origin(kind) is not NotRequired]
    assert list(api_results.QuestionSummary.model_fields) == [*always, "always_valid"]
    assert list(api_results.Summary.model_fields) == list(rows.Summary.__annotations__)


def test_hidden_results_stay_hidden_until_the_study_is_closed(program: Caller, study: Study) -> None:
    study.design["protocol"]["hide_results_until_closed"] = True
    study.save(update_fields=["design"])
    study = Study.objects.get(id=study.id)  # its protocol is read once
    for kind in KINDS:
        compute(study, kind)
    asking = program("owner")
    assert asking.get("studies/colours/results").status_code == 403
    assert "hidden until it is closed" in asking.get("studies/colours/results").json()["error"]
    assert asking.get("studies/colours/results", with_excluded=True).status_code == 403
    assert asking.get("studies/colours/bundle.zip").status_code == 409
    report = asking.get("studies/colours/report.html").content.decode()
    assert "hidden until it is closed" in report
    assert not OF_RESULTS & files_of_report(asking)
    asking.post("studies/colours/close")
    assert asking.get("studies/colours/results").status_code == 200
    assert asking.get("studies/colours/bundle.zip").getvalue()
    assert files_of_report(asking) >= OF_RESULTS


def files_of_report(asking: Program) -> set[str]:
    with zipfile.ZipFile(io.BytesIO(asking.get("studies/colours/report.zip").getvalue())) as archive:
        return {name.removeprefix("colours-report/") for name in archive.namelist()}


def test_a_report_says_how_old_its_numbers_are(program: Caller, study: Study) -> None:
    asking = program("analyst")
    for kind in KINDS:
        compute(study, kind)
    assert STALE not in asking.get("studies/colours/report.html").content.decode()
    cast_vote(make_session(study), Comparison.objects.filter(question__study=study)[0])
    assert STALE in asking.get("studies/colours/report.html").content.decode()


def test_a_page_that_is_kept_as_a_file_leads_nowhere(program: Caller, study: Study) -> None:
    for kind in KINDS:
        compute(study, kind)
    page = program("analyst").get("studies/colours/report.html").text
    assert '<a href="#' in page and "<nav" not in page.partition("<h1")[0]
    assert {address[0] for address in re.findall(r'(?:href|src)="([^"]*)"', page)} == {"#", "d"}  # d: data:,


def test_reports_wait_for_their_numbers(program: Caller, study: Study) -> None:
    asking = program("owner")
    for form in ("html", "pdf", "zip"):
        response = asking.get(f"studies/colours/report.{form}")
        assert response.status_code == 409 and "ask again in a minute" in response.json()["error"]
    for kind in KINDS:
        compute(study, kind)
    assert b"<html" in asking.get("studies/colours/report.html").content
    assert asking.get("studies/colours/report.pdf").content.startswith(b"%PDF")
    with zipfile.ZipFile(io.BytesIO(asking.get("studies/colours/report.zip").getvalue())) as archive:
        assert "colours-report/report.html" in archive.namelist()
    noted = AuditEntry.objects.filter(verb="exported").order_by("id").values_list("details", flat=True)
    assert [entry["file"] for entry in noted] == ["report.html", "report.pdf", "report.zip"]


def test_votes_and_bundle_as_files(program: Caller, study: Study) -> None:
    asking = program("owner", "read:votes")
    lines = asking.get("studies/colours/votes.csv").getvalue().decode().splitlines()
    assert len(list(csv.DictReader(lines))) == 32
    assert asking.get("studies/colours/votes.parquet").getvalue().startswith(b"PAR1")
    with zipfile.ZipFile(io.BytesIO(asking.get("studies/colours/bundle.zip").getvalue())) as archive:
        assert "votes.parquet" in archive.namelist()
    noted = AuditEntry.objects.filter(verb="exported").order_by("id").values_list("details", flat=True)
    assert [entry["file"] for entry in noted] == ["votes.csv", "votes.parquet", "bundle.zip"]
