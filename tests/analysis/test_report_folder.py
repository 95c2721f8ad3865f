"""The report's files: all there, hashed, and replaced by the next report."""

from __future__ import annotations

import hashlib
import re
import zipfile
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from django.core.management import call_command

from analysis.reporting.folder import write_report, zipped
from comparisons.models import Study, Vote
from comparisons.study_file import QuestionSpec
from people.models import AuditEntry
from tests.analysis.reported import source_of
from tests.analysis.votes import cast_votes
from tests.factories import PROMPTS, make_draft, make_open_study

pytestmark = pytest.mark.django_db

ALONE = {
    "report.html",
    "report.pdf",
    "votes.csv",
    "votes.parquet",
    "prompts.csv",
    "summary.json",
    "breakdowns.json",
    "leaderboard.csv",
    "combined.csv",
    "win_rates.csv",
    "SHA256SUMS",
}


@pytest.fixture
def study() -> Study:
    """Small: every chart takes its time."""
    study = make_open_study(texts=PROMPTS[:2], questions=(QuestionSpec("quality", "Which?", tie=True, both_bad=True),))
    cast_votes(study)
    return study


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_everything_is_there_and_hashed(study: Study, tmp_path: Path) -> None:
    said = StringIO()
    call_command("report", study.slug, out=tmp_path / "report", stdout=said)
    made = files(tmp_path / "report")
    assert {name for name in made if "/" not in name} == ALONE
    assert {"tables/quality_leaderboard.tex", "tables/systems.tex", "tables/reporting_list.tex"} <= made
    assert {"figures/quality-ratings.svg", "figures/quality-ratings.pdf"} <= made
    assert {line.removeprefix(f"Wrote {tmp_path / 'report'}/") for line in said.getvalue().splitlines()} == made
    lines = (tmp_path / "report" / "SHA256SUMS").read_text().splitlines()
    sums = {name: sha256 for sha256, name in (line.split("  ") for line in lines)}
    assert sums.keys() == made - {"SHA256SUMS"}
    for name, sha256 in sums.items():
        assert hashlib.sha256((tmp_path / "report" / name).read_bytes()).hexdigest() == sha256
    assert AuditEntry.objects.get().details == {"file": "report"}


def test_votes_come_in_both_forms(study: Study, tmp_path: Path) -> None:
    write_report(source_of(study), tmp_path)
    assert len(pd.read_csv(tmp_path / "votes.csv")) == Vote.objects.count()
    assert len(pd.read_parquet(tmp_path / "votes.parquet")) == Vote.objects.count()
    assert pd.read_csv(tmp_path / "prompts.csv")["Prompt"].tolist() == [p.text for p in study.prompt_set.prompts.all()]


def test_the_next_report_takes_away_what_it_does_not_make_and_nothing_else(study: Study, tmp_path: Path) -> None:
    write_report(source_of(study), tmp_path)
    (tmp_path / "figures" / "mine.svg").write_text("kept")
    (tmp_path / "figures" / "old.svg").write_text("of an earlier report")
    outside = tmp_path.parent / "outside.txt"
    outside.write_text("kept")
    with (tmp_path / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  figures/old.svg\n{'0' * 64}  ../outside.txt\n{'0' * 64}  {outside}\n")
    write_report(source_of(study), tmp_path)
    assert "figures/old.svg" not in files(tmp_path)
    assert "figures/mine.svg" in files(tmp_path)
    assert outside.exists()
    assert "old.svg" not in (tmp_path / "SHA256SUMS").read_text()


def test_every_table_can_be_set_and_every_drawing_is_one(study: Study, tmp_path: Path) -> None:
    write_report(source_of(study), tmp_path)
    for path in (tmp_path / "tables").iterdir():
        made = path.read_text()
        columns = re.search(r"\{([lr]+)\}\n", made)
        assert columns
        rows = [line for line in made.splitlines() if line.endswith(r" \\")]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows if "caption" not in row} == {len(columns[1])}
    for path in (tmp_path / "figures").glob("*.pdf"):
        assert path.read_bytes().startswith(b"%PDF-")


def test_all_of_it_goes_into_one_file(study: Study, tmp_path: Path) -> None:
    made = {path.relative_to(tmp_path) for path in write_report(source_of(study), tmp_path).files}
    with zipped(source_of(study)) as file, zipfile.ZipFile(file) as archive:
        assert {Path(name) for name in archive.namelist()} == {Path(f"{study.slug}-report") / name for name in made}
        assert archive.testzip() is None


@pytest.mark.parametrize("title", ["Which picture?", "Which picture \U00050000?"])
def test_letters_that_no_font_has_are_said(title: str, tmp_path: Path) -> None:
    warned = StringIO()
    call_command("report", make_draft(title=title).slug, out=tmp_path, stdout=StringIO(), stderr=warned)
    assert ("shows some characters as boxes" in warned.getvalue()) == ("\U00050000" in title)
