"""What reconcile reads, and the one sentence about every file that it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from comparisons.models import Study
from comparisons.submissions import Theirs, read_book
from tests.comparisons.arriving import make_recruiting_study, prolific, take_part
from tests.comparisons.books import MTURK, PROLIFIC, prolific_row, write
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    return make_recruiting_study("prolific")


def test_a_study_without_a_platform_has_no_book_to_compare(tmp_path: Path) -> None:
    study = make_open_study(["a red fox"])
    file = write(tmp_path / "export.csv", PROLIFIC, [])
    assert refusal(study, file) == (
        f"Study {study.slug!r} recruits by link: only Prolific and Mechanical Turk keep a book to compare with."
    )


def test_the_file_of_another_platform_is_refused(study: Study, tmp_path: Path) -> None:
    file = write(tmp_path / "batch.csv", MTURK, [])
    assert refusal(study, file) == (
        f"This is a file of Mechanical Turk, and study {study.slug!r} recruits by Prolific."
    )


def refusal(study: Study, file: Path) -> str:
    out = file.with_name("out.csv")
    with pytest.raises(CommandError) as refused:
        call_command("reconcile", study.slug, str(file), "--out", str(out))
    assert not out.exists()
    return str(refused.value)


GOOD = ",".join(PROLIFIC) + "\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            "name,age\n",
            "row 1: found the columns name, age; allowed: Submission id, Participant id, Status, Completion code; or "
            "AssignmentId, WorkerId, AssignmentStatus, Answer.code or Answer.surveycode",
        ),
        (
            "",
            "row 1: found the columns of an empty file; allowed: Submission id, Participant id, Status, Completion "
            "code; or AssignmentId, WorkerId, AssignmentStatus, Answer.code or Answer.surveycode",
        ),
        ("Submission id,Participant id,Status\n", "row 1, column Completion code: found 0 times; allowed: once"),
        ("AssignmentId,WorkerId,Answer.code\n", "row 1, column AssignmentStatus: found 0 times; allowed: once"),
        (f"Status,{GOOD}", "row 1, column Status: found 2 times; allowed: once"),
        (
            f"{GOOD}s-1,p-1,LOST,,,C-DONE,31\n",
            "row 2, column Status: found 'LOST'; allowed: RESERVED, ACTIVE, AWAITING REVIEW, APPROVED, PARTIALLY "
            "APPROVED, REJECTED, RETURNED, TIMED-OUT, SCREENED OUT",
        ),
        (f"{GOOD}\ns-1,,APPROVED,,,,\n", "row 3, column Participant id: found nothing; allowed: an id"),
        (f"{GOOD} ,p-1,APPROVED,,,,\n", "row 2, column Submission id: found nothing; allowed: an id"),
        (f"{GOOD}s-1,p-1,APPROVED\n", "row 2: found 3 fields; allowed: 7, as in the header"),
        (f'{GOOD}s-1,"p-1,APPROVED\n', "row 2 is not valid CSV (unexpected end of data)"),
    ],
)
def test_a_bad_file_gets_one_sentence(study: Study, tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "export.csv"
    file.write_text(content)
    assert refusal(study, file) == f"export.csv: {sentence}. Nothing was written."


def test_a_file_that_is_no_text_gets_one_sentence(study: Study, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes(GOOD.encode() + "s-1,p-1,APPROVED,Zürich,,,\n".encode("latin-1"))
    assert refusal(study, file) == "export.csv: line 2 is not UTF-8 (byte 0xfc). Nothing was written."
    assert refusal(study, tmp_path / "no.csv") == (
        "no.csv: cannot be read (No such file or directory). Nothing was written."
    )


def test_the_platforms_file_is_never_overwritten(study: Study, tmp_path: Path) -> None:
    file = write(tmp_path / "export.csv", PROLIFIC, [])
    before = file.read_text()
    with pytest.raises(CommandError, match="the platform's file itself"):
        call_command("reconcile", study.slug, str(file), "--out", str(file))
    assert file.read_text() == before
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("reconcile", study.slug, str(file), "--out", str(tmp_path))


def test_each_status_that_prolific_writes_is_read(tmp_path: Path) -> None:
    """As its documentation of submissions lists them."""
    statuses = "RESERVED", "ACTIVE", "TIMED-OUT", "AWAITING REVIEW", "APPROVED", "PARTIALLY APPROVED", "RETURNED"
    rows = [prolific_row(f"p-{n}", status) for n, status in enumerate((*statuses, "REJECTED", "SCREENED OUT"))]
    book = read_book(write(tmp_path / "export.csv", PROLIFIC, rows))
    assert {submission.state for submission in book.submissions} == set(Theirs) - {Theirs.MISSING}


def test_a_byte_order_mark_and_any_order_of_columns_are_read(study: Study, tmp_path: Path) -> None:
    take_part(study, prolific("p-1"))
    file = tmp_path / "export.csv"
    text = "Status,COMPLETION CODE,Participant ID,Submission ID\nAPPROVED,C-DONE,p-1,submission-of-p-1\n"
    file.write_text(text, encoding="utf-8-sig")
    call_command("reconcile", study.slug, str(file))
