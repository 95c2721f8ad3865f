"""The platform's book beside ours: every difference has a sentence, and every row says what to pay."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from comparisons.erasure import erase
from comparisons.models import Assignment, Rater, Report, Study
from comparisons.studies import close_study
from tests.comparisons.arriving import come, end_as, make_recruiting_study, mturk, prolific, take_part
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

PROLIFIC = ["Submission id", "Participant id", "Status", "Started at", "Completed at", "Completion code", "Age"]
MTURK = ["HITId", "Title", "AssignmentId", "WorkerId", "AssignmentStatus", "Input.x", "Answer.code", "Answer.ending"]
Outcome = tuple[str, str]  # the sentence about the difference, and what to pay


@pytest.fixture
def study() -> Study:
    return make_recruiting_study("prolific", votes_wanted=9)


def write(file: Path, header: list[str], rows: list[list[str]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([header, *rows])
    return file


def prolific_row(worker: str, status: str, code: str = "", submission: str = "") -> list[str]:
    times = ["2026-01-02T10:00:00Z", "2026-01-02T10:09:00Z"]
    return [submission or f"submission-of-{worker}", worker, status, *times, code, "31"]


def mturk_row(worker: str, status: str, code: str, assignment: str = "") -> list[str]:
    return ["h-1", "Pictures", assignment or f"assignment-of-{worker}", worker, status, "", code, "completed"]


@pytest.fixture
def compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict[str, str]]]:
    """Run the command; return the lines of the file that it writes."""

    def compare(study: Study, rows: list[list[str]], header: list[str] = PROLIFIC) -> list[dict[str, str]]:
        file, out = write(tmp_path / "submissions.csv", header, rows), tmp_path / "out.csv"
        call_command("reconcile", study.slug, str(file), "--out", str(out))
        with out.open(newline="", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))

    return compare


Compare = Callable[..., list[dict[str, str]]]


def outcome(line: dict[str, str]) -> Outcome:
    return line["difference"], line["payment"]


def test_where_the_books_agree_there_is_only_something_to_pay(
    study: Study, compare: Compare, capsys: pytest.CaptureFixture[str]
) -> None:
    session = take_part(study, prolific("p-1"))
    end_as(study, prolific("p-2"), "screened_out")
    lines = compare(
        study,
        [prolific_row("p-1", "AWAITING REVIEW", "C-DONE"), prolific_row("p-2", "AWAITING REVIEW", "C-SCREENED")],
    )
    assert lines[0] == {
        "row": "2",
        "participant": "p-1",
        "submission": "submission-of-p-1",
        "theirs": "handed in",
        "session": str(session.public_id),
        "ours": "completed",
        "answers": "6",
        "asked": "6",
        "difference": "",
        "payment": "pay",
        "reason": "all that was asked is here",
    }
    assert outcome(lines[1]) == ("", "pay partly")
    assert lines[1]["reason"] == "what was agreed for being screened out, which is never rejected"
    assert capsys.readouterr().out.splitlines() == [
        "2 row(s) in the book of Prolific, 2 session(s) here.",
        "The books agree.",
        "To pay: pay 1, pay partly 1, decide 0, nothing 0.",
    ]


@pytest.mark.parametrize(
    ("status", "code", "difference", "payment"),
    [
        ("AWAITING REVIEW", "C-DONE", "", "pay"),
        ("APPROVED", "C-DONE", "", "pay"),
        ("awaiting review", "", "No code was handed in.", "pay"),
        ("AWAITING REVIEW", "NOCODE", "No code was handed in.", "pay"),
        (
            "AWAITING REVIEW",
            "C-SCREENED",
            "The code for screened out was handed in, and the ending here was completed.",
            "pay",
        ),
        ("AWAITING REVIEW", "c-done?", "The code 'c-done?' stands for no ending that they could have reached.", "pay"),
        ("REJECTED", "C-DONE", "Rejected there, but complete here with all 6 answers.", "decide"),
        (
            "RETURNED",
            "",
            "Returned there, but complete here with all 6 answers; the place has gone to somebody else.",
            "decide",
        ),
        (
            "TIMED-OUT",
            "",
            "Timed out there, but complete here with all 6 answers; the place has gone to somebody else.",
            "pay",
        ),
        ("SCREENED OUT", "", "Screened out there, but complete here with all 6 answers.", "pay"),
        ("ACTIVE", "", "Still at work there, but complete here with all 6 answers.", "pay"),
    ],
)
def test_who_is_complete_here(
    study: Study, compare: Compare, status: str, code: str, difference: str, payment: str
) -> None:
    take_part(study, prolific("p-1"))
    assert [outcome(line) for line in compare(study, [prolific_row("p-1", status, code)])] == [(difference, payment)]


@pytest.mark.parametrize(
    ("answers", "status", "code", "difference", "payment"),
    [
        (
            2,
            "AWAITING REVIEW",
            "C-DONE",
            "Handed in there, but stopped here after 2 of 6 answers. "
            "The code for completed was handed in without the answers: 2 of 6 are here.",
            "pay partly",
        ),
        (0, "AWAITING REVIEW", "", "Handed in there, but without any answer here.", "decide"),
        (
            6,
            "AWAITING REVIEW",
            "",
            "Handed in there, but without an ending here, though all 6 answers are.",
            "pay",
        ),
        (
            2,
            "TIMED-OUT",
            "",
            "Timed out there, but stopped here after 2 of 6 answers; the place has gone to somebody else.",
            "pay partly",
        ),
        (
            2,
            "RETURNED",
            "",
            "Returned there, but stopped here after 2 of 6 answers; the place has gone to somebody else.",
            "decide",
        ),
        (0, "RETURNED", "", "", "nothing"),
        (0, "TIMED-OUT", "", "", "nothing"),
        (2, "ACTIVE", "", "", "nothing"),
        (0, "RESERVED", "", "", "nothing"),
        (0, "REJECTED", "", "Rejected there, but without any answer here.", "nothing"),
    ],
)
def test_who_has_not_ended_here(
    study: Study, compare: Compare, answers: int, status: str, code: str, difference: str, payment: str
) -> None:
    take_part(study, prolific("p-1"), answers)
    assert [outcome(line) for line in compare(study, [prolific_row("p-1", status, code)])] == [(difference, payment)]


@pytest.mark.parametrize(
    ("status", "code", "difference", "payment"),
    [
        ("AWAITING REVIEW", "C-SCREENED", "", "pay partly"),
        ("SCREENED OUT", "C-SCREENED", "", "nothing"),
        ("RETURNED", "", "", "nothing"),
        ("REJECTED", "C-SCREENED", "Rejected there, but screened out here.", "pay partly"),
        ("TIMED-OUT", "", "Timed out there, but screened out here.", "pay partly"),
        (
            "AWAITING REVIEW",
            "C-DONE",
            "The code for completed was handed in, and the ending here was screened out.",
            "pay partly",
        ),
    ],
)
def test_who_was_screened_out_is_never_to_be_rejected(
    study: Study, compare: Compare, status: str, code: str, difference: str, payment: str
) -> None:
    end_as(study, prolific("p-1"), "screened_out")
    assert [outcome(line) for line in compare(study, [prolific_row("p-1", status, code)])] == [(difference, payment)]


@pytest.mark.parametrize(
    ("status", "code", "difference", "payment"),
    [
        ("AWAITING REVIEW", "C-CHECKS", "", "decide"),
        ("REJECTED", "C-CHECKS", "", "nothing"),
        ("RETURNED", "", "", "nothing"),
        (
            "TIMED-OUT",
            "",
            "Timed out there, but ended here after 0 of 6 answers, with 0 of 0 attention checks failed.",
            "nothing",
        ),
    ],
)
def test_who_failed_the_checks(
    study: Study, compare: Compare, status: str, code: str, difference: str, payment: str
) -> None:
    end_as(study, prolific("p-1"), "failed")
    assert [outcome(line) for line in compare(study, [prolific_row("p-1", status, code)])] == [(difference, payment)]


def test_who_is_complete_with_fewer_answers_than_asked_is_shown_with_what_they_reported(
    study: Study, compare: Compare
) -> None:
    browser = come(study, prolific("p-1"))
    payload = browser.judge()
    assert payload
    browser.answer(payload)
    Report.objects.create(assignment=Assignment.objects.get(state="open"), problem="broken", note="black")
    close_study(study)
    browser.get("thanks/")
    (line,) = compare(study, [prolific_row("p-1", "AWAITING REVIEW", "C-DONE")])
    assert outcome(line) == (
        "Handed in there, but complete here with 1 of 6 answers, and 1 reported as impossible to judge.",
        "decide",
    )
    assert line["reason"].startswith("the site had no pair left for them, which is no fault of theirs")


def test_who_is_in_their_book_and_not_in_ours(study: Study, compare: Compare) -> None:
    never_came = "but nobody with this id has taken part here."
    lines = compare(
        study,
        [
            prolific_row("p-1", "AWAITING REVIEW", "C-DONE"),
            prolific_row("p-2", "AWAITING REVIEW"),
            prolific_row("p-3", "RETURNED"),
            prolific_row("p-4", "APPROVED", "C-DONE"),
        ],
    )
    no_answers = "The code for completed was handed in without the answers: none is here."
    assert [outcome(line) for line in lines] == [
        (f"Handed in there, {never_came} {no_answers}", "decide"),
        (f"Handed in there, {never_came}", "decide"),
        (f"Returned there, {never_came}", "nothing"),
        (f"Approved there, {never_came} {no_answers}", "pay"),
    ]


def test_who_is_in_our_book_and_not_in_theirs(study: Study, compare: Compare) -> None:
    complete = take_part(study, prolific("p-1"))
    half_way = take_part(study, prolific("p-2"), 2)
    lines = compare(study, [])
    assert [(line["row"], line["participant"], line["session"], *outcome(line)) for line in lines] == [
        (
            "",
            "",
            str(complete.public_id),
            "Not in the book of Prolific, but complete here with all 6 answers.",
            "decide",
        ),
        (
            "",
            "",
            str(half_way.public_id),
            "Not in the book of Prolific, but stopped here after 2 of 6 answers.",
            "nothing",
        ),
    ]


def test_one_participation_is_paid_once(study: Study, compare: Compare) -> None:
    take_part(study, prolific("p-1", "s-2"))
    rows = [
        prolific_row("p-1", "AWAITING REVIEW", "C-DONE", "s-1"),
        prolific_row("p-1", "AWAITING REVIEW", "C-DONE", "s-2"),
        prolific_row("p-1", "AWAITING REVIEW", "C-DONE", "s-2"),
        prolific_row("p-1", "APPROVED", "C-DONE", "s-3"),
        prolific_row("p-1", "TIMED-OUT", "", "s-4"),
    ]
    lines = compare(study, rows)
    another, same = "The same person has another submission in row 3.", "The same submission is in row 3."
    assert [outcome(line) for line in lines] == [
        (another, "nothing"),
        ("", "pay"),
        (same, "nothing"),
        (another, "pay"),
        (another, "nothing"),
    ]
    assert lines[0]["reason"].endswith("and row 3 counts: ask them to return this one, and do not reject it")


def test_a_submission_that_did_not_come_here_is_told(study: Study, compare: Compare) -> None:
    take_part(study, prolific("p-1", "s-1"))
    (line,) = compare(study, [prolific_row("p-1", "AWAITING REVIEW", "C-DONE", "s-2")])
    assert outcome(line) == ("They came here with another submission than this.", "pay")


def test_simulated_raters_are_in_neither_book(study: Study, compare: Compare) -> None:
    take_part(study, prolific("p-1"))
    Rater.objects.update(kind="simulated")
    assert compare(study, []) == []


def test_the_erased_are_counted(study: Study, compare: Compare, capsys: pytest.CaptureFixture[str]) -> None:
    erase(take_part(study, prolific("p-1")).rater)
    (line,) = compare(study, [prolific_row("p-1", "AWAITING REVIEW", "C-DONE")])
    assert line["payment"] == "decide"
    said = "1 erased here: their rows look like those of people who never came."
    assert said in capsys.readouterr().out.splitlines()


def test_mechanical_turks_file_is_known_by_its_columns(compare: Compare, capsys: pytest.CaptureFixture[str]) -> None:
    study = make_recruiting_study("mturk", votes_wanted=9)
    codes = [take_part(study, mturk(worker)).completion_code for worker in ("w-1", "w-2")]
    screened = end_as(study, mturk("w-3"), "screened_out")
    lines = compare(
        study,
        [
            mturk_row("w-1", "Submitted", codes[0]),
            mturk_row("w-2", "Approved", codes[0]),
            mturk_row("w-3", "Submitted", screened.code),
            mturk_row("w-4", "Submitted", codes[1]),
            mturk_row("w-5", "Rejected", "{}"),
        ],
        MTURK,
    )
    never_came = "but nobody with this id has taken part here."
    assert [outcome(line) for line in lines] == [
        ("", "pay"),
        (f"The code {codes[0]!r} is that of somebody else's session.", "pay"),
        ("", "pay partly"),
        (f"Handed in there, {never_came} The code {codes[1]!r} is that of somebody else's session.", "decide"),
        (f"Rejected there, {never_came}", "nothing"),
    ]
    assert capsys.readouterr().out.startswith("5 row(s) in the book of Mechanical Turk, 3 session(s) here.\n")


def test_differences_are_printed_with_what_to_pay(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = take_part(study, prolific("p-1"))
    file = write(tmp_path / "export.csv", PROLIFIC, [prolific_row("p-2", "RETURNED")])
    call_command("reconcile", study.slug, str(file))
    assert capsys.readouterr().out.splitlines() == [
        "1 row(s) in the book of Prolific, 1 session(s) here.",
        "row 2, p-2: Returned there, but nobody with this id has taken part here. "
        "To pay: nothing (they gave the place back).",
        f"session {session.public_id}: Not in the book of Prolific, but complete here with all 6 answers. "
        "To pay: decide (nobody in this file is to be paid for it: export the file anew, and look for them).",
        "To pay: pay 0, pay partly 0, decide 1, nothing 1.",
    ]
    assert list(tmp_path.iterdir()) == [file]


def test_what_people_typed_is_no_formula(study: Study, compare: Compare) -> None:
    (line,) = compare(study, [prolific_row("=HYPERLINK(1)", "RETURNED")])
    assert line["participant"] == "'=HYPERLINK(1)"


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
            "row 2, column Status: found 'LOST'; allowed: RESERVED, ACTIVE, AWAITING REVIEW, APPROVED, REJECTED, "
            "RETURNED, TIMED-OUT, SCREENED OUT",
        ),
        (f"{GOOD}\ns-1,,APPROVED,,,,\n", "row 3, column Participant id: found nothing; allowed: an id"),
        (f"{GOOD} ,p-1,APPROVED,,,,\n", "row 2, column Submission id: found nothing; allowed: an id"),
        (f"{GOOD}s-1,p-1,APPROVED\n", "row 2: found 3 fields; allowed: 7, as in the header"),
        (f'{GOOD}s-1,"p-1,APPROVED\n', "row 2: found no valid CSV (unexpected end of data)"),
    ],
)
def test_a_bad_file_gets_one_sentence(study: Study, tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "export.csv"
    file.write_text(content)
    assert refusal(study, file) == f"export.csv: {sentence}. Nothing was written."


def test_a_file_that_is_no_text_gets_one_sentence(study: Study, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes(GOOD.encode() + "s-1,p-1,APPROVED,Zürich,,,\n".encode("latin-1"))
    assert refusal(study, file) == "export.csv: line 2: found byte 0xfc; allowed: text in UTF-8. Nothing was written."
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


def test_a_byte_order_mark_and_any_order_of_columns_are_read(study: Study, tmp_path: Path) -> None:
    take_part(study, prolific("p-1"))
    file = tmp_path / "export.csv"
    text = "Status,COMPLETION CODE,Participant ID,Submission ID\nAPPROVED,C-DONE,p-1,submission-of-p-1\n"
    file.write_text(text, encoding="utf-8-sig")
    call_command("reconcile", study.slug, str(file))
