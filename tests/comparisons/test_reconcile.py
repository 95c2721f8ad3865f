"""The platform's book beside ours: every difference has a sentence, and every row says what to pay."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command

from comparisons import voting
from comparisons.erasure import erase
from comparisons.models import Assignment, Comparison, Question, Rater, Study
from comparisons.studies import build_comparisons, close_study
from tests.comparisons.arriving import come, end_as, make_recruiting_study, mturk, prolific, take_part
from tests.comparisons.books import MTURK, PROLIFIC, mturk_row, prolific_row, write

pytestmark = pytest.mark.django_db

Outcome = tuple[str, str]  # the sentence about the difference, and what to pay


@pytest.fixture
def study() -> Study:
    return make_recruiting_study("prolific", votes_wanted=9)


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


def test_how_far_somebody_has_come_here_is_told(study: Study, compare: Compare) -> None:
    take_part(study, prolific("p-1"), 2)
    take_part(study, prolific("p-2"), 6)
    take_part(study, prolific("p-3"), 0)
    end_as(study, prolific("p-4"), "failed")
    rows = [prolific_row(f"p-{number}", "AWAITING REVIEW") for number in range(1, 4)]
    lines = compare(study, [*rows, prolific_row("p-4", "TIMED-OUT"), prolific_row("p-5", "AWAITING REVIEW")])
    assert [outcome(line) for line in lines] == [
        ("Handed in there, but stopped here after 2 of 6 answers.", "pay partly"),
        ("Handed in there, but without an ending here, though all 6 answers are.", "pay"),
        ("Handed in there, but without any answer here.", "decide"),
        ("Timed out there, but ended here after 0 of 6 answers, with 0 of 0 attention checks failed.", "nothing"),
        ("Handed in there, but nobody with this id has taken part here.", "decide"),
    ]


@pytest.mark.parametrize(
    ("code", "difference"),
    [
        ("C-DONE", ""),
        ("", "No code was handed in."),
        ("NOCODE", "No code was handed in."),
        ("C-SCREENED", "The code for screened out was handed in, and the ending here was completed."),
        ("c-done?", "The code 'c-done?' stands for no ending that they could have reached."),
    ],
)
def test_answers_are_paid_whatever_the_code(study: Study, compare: Compare, code: str, difference: str) -> None:
    take_part(study, prolific("p-1"))
    lines = compare(study, [prolific_row("p-1", "awaiting review", code)])
    assert [outcome(line) for line in lines] == [(difference, "pay")]


def test_a_code_without_the_votes_is_told(study: Study, compare: Compare) -> None:
    take_part(study, prolific("p-1"), 2)
    (line,) = compare(study, [prolific_row("p-1", "AWAITING REVIEW", "C-DONE")])
    assert outcome(line) == (
        "Handed in there, but stopped here after 2 of 6 answers. "
        "The code for completed was handed in without the answers: 2 of 6 are here.",
        "pay partly",
    )


def test_who_is_complete_with_fewer_answers_than_asked_is_shown_with_what_they_reported(
    study: Study, compare: Compare
) -> None:
    browser = come(study, prolific("p-1"))
    payload = browser.judge()
    assert payload
    browser.answer(payload)
    lease = Assignment.objects.get(state="open")
    voting.report(lease.session, lease.public_id, "broken", "black")
    close_study(study)
    browser.get("thanks/")
    (line,) = compare(study, [prolific_row("p-1", "AWAITING REVIEW", "C-DONE")])
    assert outcome(line) == (
        "Handed in there, but complete here with 1 of 6 answers, and 1 reported as impossible to judge.",
        "decide",
    )
    assert line["reason"].startswith("they reported pairs, or the study was closed before they were through: no fault")


def test_who_is_complete_before_all_pairs_are_there_is_paid(study: Study, compare: Compare) -> None:
    late = Comparison.objects.filter(image_a__job__prompt__position=1)
    late.delete()
    Question.objects.filter(study=study).update(comparison_count=3)
    take_part(study, prolific("early"))
    assert build_comparisons(study) == 3
    take_part(study, prolific("late"))
    rows = [prolific_row(worker, "AWAITING REVIEW", "C-DONE") for worker in ("early", "late")]
    early, on_time = compare(study, rows)
    assert outcome(early) == (
        "Handed in there, but complete here with 3 of 6 answers, all that there was for them then.",
        "pay",
    )
    assert early["reason"] == "all that the site had for them is here, though others were asked for more"
    assert outcome(on_time) == ("", "pay")
    close_study(study)
    assert outcome(compare(study, rows)[0])[1] == "pay", "they were through before"


def test_whom_the_closing_stopped_is_to_be_decided(study: Study, compare: Compare) -> None:
    browser = come(study, prolific("p-1"))
    payload = browser.judge()
    assert payload
    browser.answer(payload)
    close_study(study)
    browser.get("thanks/")
    (line,) = compare(study, [prolific_row("p-1", "AWAITING REVIEW", "C-DONE")])
    assert outcome(line) == ("Handed in there, but complete here with 1 of 6 answers.", "decide")


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
        prolific_row("p-1", "TIMED-OUT", "", "s-4"),
    ]
    lines = compare(study, rows)
    another, same = "The same person has another submission in row 3.", "The same submission is in row 3."
    assert [outcome(line) for line in lines] == [
        (another, "nothing"),
        ("", "pay"),
        (same, "nothing"),
        (another, "nothing"),
    ]
    assert lines[0]["reason"].endswith("and row 3 counts: ask them to return this one, and do not reject it")


@pytest.mark.parametrize(
    ("paid", "ending", "payments", "reason"),
    [
        ("APPROVED", "completed", ["pay", "nothing"], "approved already, and that stands"),
        (
            "PARTIALLY APPROVED",
            "completed",
            ["pay", "nothing"],
            "all that was asked is here: the rest of the reward, as",
        ),
        ("SCREENED OUT", "completed", ["pay", "nothing"], "all that was asked is here: the rest of the reward, as"),
        ("SCREENED OUT", "screened_out", ["nothing", "nothing"], "the platform has paid already"),
        ("REJECTED", "completed", ["nothing", "pay"], "one participation is paid once, and row 3 counts"),
        ("RETURNED", "completed", ["nothing", "pay"], "one participation is paid once, and row 3 counts"),
    ],
)
def test_nothing_is_paid_on_top_of_what_is_paid(
    study: Study, compare: Compare, paid: str, ending: str, payments: list[str], reason: str
) -> None:
    came = prolific("p-1", "s-2")
    code = "C-DONE"
    if ending == "completed":
        take_part(study, came)
    else:
        end_as(study, came, ending)
        code = "C-SCREENED"
    rows = [prolific_row("p-1", paid, code, "s-1"), prolific_row("p-1", "AWAITING REVIEW", code, "s-2")]
    lines = compare(study, rows)
    assert [line["payment"] for line in lines] == payments
    assert lines[0]["reason"].startswith(reason)


def test_what_is_approved_by_itself_is_all_that_is_paid(compare: Compare) -> None:
    """Mechanical Turk approves an assignment that nobody has looked at for some days."""
    study = make_recruiting_study("mturk", votes_wanted=9)
    code = take_part(study, mturk("w-1", "a-2")).code
    rows = [mturk_row("w-1", "Approved", code, "a-1"), mturk_row("w-1", "Submitted", code, "a-2")]
    assert [outcome(line) for line in compare(study, rows, MTURK)] == [
        ("They came here with another submission than this.", "pay"),
        ("The same person has another submission in row 2.", "nothing"),
    ]
    rows += [mturk_row("w-1", "Approved", code, "a-3")]
    assert [line["payment"] for line in compare(study, rows, MTURK)] == ["pay", "nothing", "pay"], "both stand"


def test_a_submission_that_did_not_come_here_is_told(study: Study, compare: Compare) -> None:
    take_part(study, prolific("p-1", "s-1"))
    (line,) = compare(study, [prolific_row("p-1", "AWAITING REVIEW", "C-DONE", "s-2")])
    assert outcome(line) == ("They came here with another submission than this.", "pay")


def test_simulated_raters_are_in_neither_book(study: Study, compare: Compare) -> None:
    take_part(study, prolific("p-1"))
    Rater.objects.update(kind="simulated")
    assert compare(study, []) == []


def test_the_erased_are_counted(study: Study, compare: Compare, capsys: pytest.CaptureFixture[str]) -> None:
    erase(take_part(study, prolific("p-1")).rater, by="a test")
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
