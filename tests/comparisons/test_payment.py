"""What to pay, by what the platform says and what is here: each case of the table, and what none of them may say."""

from __future__ import annotations

import pytest

from comparisons.payment import Ours, Payment, Work, code_difference, difference, verdict
from comparisons.submissions import Theirs

WORKS = {
    Ours.COMPLETE: Work(Ours.COMPLETE, answers=6, asked=6),
    Ours.ALL_THERE_WAS: Work(Ours.ALL_THERE_WAS, answers=6, asked=12),
    Ours.SHORT: Work(Ours.SHORT, answers=4, asked=6, reports=1),
    Ours.SCREENED_OUT: Work(Ours.SCREENED_OUT, asked=6),
    Ours.FAILED: Work(Ours.FAILED, answers=3, asked=6, checks=4, failed_checks=2),
    Ours.ALL_JUDGED: Work(Ours.ALL_JUDGED, answers=6, asked=6),
    Ours.PARTLY: Work(Ours.PARTLY, answers=2, asked=6),
    Ours.BEGUN: Work(Ours.BEGUN, asked=6),
    Ours.MISSING: Work(Ours.MISSING),
}
HERE = list(WORKS)
PAY, PARTLY, DECIDE, NOTHING = Payment.PAY, Payment.PARTLY, Payment.DECIDE, Payment.NOTHING
TO_PAY = {  # in the order of HERE
    Theirs.HANDED_IN: [PAY, PAY, DECIDE, PARTLY, DECIDE, PAY, PARTLY, DECIDE, DECIDE],
    Theirs.APPROVED: [PAY, PAY, PAY, PAY, PAY, PAY, PAY, PAY, PAY],
    Theirs.APPROVED_IN_PART: [PAY, PAY, DECIDE, NOTHING, NOTHING, PAY, NOTHING, NOTHING, NOTHING],
    Theirs.REJECTED: [DECIDE, DECIDE, DECIDE, PARTLY, NOTHING, DECIDE, DECIDE, NOTHING, NOTHING],
    Theirs.RETURNED: [DECIDE, DECIDE, DECIDE, NOTHING, NOTHING, DECIDE, DECIDE, NOTHING, NOTHING],
    Theirs.TIMED_OUT: [PAY, PAY, DECIDE, PARTLY, NOTHING, PAY, PARTLY, NOTHING, NOTHING],
    Theirs.SCREENED_OUT: [PAY, PAY, DECIDE, NOTHING, DECIDE, PAY, PARTLY, NOTHING, NOTHING],
    Theirs.AT_WORK: [PAY, PAY, DECIDE, PARTLY, DECIDE, PAY, NOTHING, NOTHING, NOTHING],
    Theirs.MISSING: [DECIDE, DECIDE, DECIDE, DECIDE, DECIDE, DECIDE, NOTHING, NOTHING, DECIDE],
}
AGREEING = {  # all others differ
    Theirs.HANDED_IN: {Ours.COMPLETE, Ours.SCREENED_OUT, Ours.FAILED},
    Theirs.APPROVED: {Ours.COMPLETE, Ours.SCREENED_OUT, Ours.FAILED},
    Theirs.APPROVED_IN_PART: {Ours.SCREENED_OUT, Ours.FAILED, Ours.PARTLY},
    Theirs.REJECTED: {Ours.FAILED},
    Theirs.RETURNED: {Ours.SCREENED_OUT, Ours.FAILED, Ours.BEGUN},
    Theirs.TIMED_OUT: {Ours.BEGUN},
    Theirs.SCREENED_OUT: {Ours.SCREENED_OUT},
    Theirs.AT_WORK: {Ours.PARTLY, Ours.BEGUN},
    Theirs.MISSING: set(),
}


@pytest.mark.parametrize("theirs", Theirs)
def test_what_to_pay(theirs: Theirs) -> None:
    assert [verdict(theirs, ours).payment for ours in HERE] == TO_PAY[theirs]


@pytest.mark.parametrize("theirs", Theirs)
def test_where_the_books_agree(theirs: Theirs) -> None:
    assert {ours for ours in HERE if not difference(theirs, WORKS[ours], "Prolific")} == AGREEING[theirs]


def test_nobody_is_to_be_rejected() -> None:
    reasons = {verdict(theirs, ours).reason for theirs in Theirs for ours in Ours}
    told = [reason for reason in reasons if "reject" in reason]
    allowed = ("never rejected", "take the rejection back", "rejected, and no answer", "rejected for the checks")
    assert [reason for reason in told if not any(words in reason for words in allowed)] == []
    assert "never rejected" in verdict(Theirs.HANDED_IN, Ours.SCREENED_OUT).reason
    assert "never rejected" in verdict(Theirs.HANDED_IN, Ours.BEGUN).reason
    assert "take the rejection back" in verdict(Theirs.REJECTED, Ours.SCREENED_OUT).reason


@pytest.mark.parametrize(
    ("theirs", "ours", "sentence"),
    [
        (Theirs.REJECTED, Ours.COMPLETE, "Rejected there, but complete here with all 6 answers."),
        (
            Theirs.RETURNED,
            Ours.COMPLETE,
            "Returned there, but complete here with all 6 answers; the place has gone to somebody else.",
        ),
        (
            Theirs.TIMED_OUT,
            Ours.PARTLY,
            "Timed out there, but stopped here after 2 of 6 answers; the place has gone to somebody else.",
        ),
        (Theirs.TIMED_OUT, Ours.SCREENED_OUT, "Timed out there, but screened out here."),
        (
            Theirs.SCREENED_OUT,
            Ours.ALL_JUDGED,
            "Screened out there, but without an ending here, though all 6 answers are.",
        ),
        (
            Theirs.AT_WORK,
            Ours.FAILED,
            "Still at work there, but ended here after 3 of 6 answers, with 2 of 4 attention checks failed.",
        ),
        (
            Theirs.HANDED_IN,
            Ours.SHORT,
            "Handed in there, but complete here with 4 of 6 answers, and 1 reported as impossible to judge.",
        ),
        (
            Theirs.HANDED_IN,
            Ours.ALL_THERE_WAS,
            "Handed in there, but complete here with 6 of 12 answers, all that there was for them then.",
        ),
        (Theirs.RETURNED, Ours.MISSING, "Returned there, but nobody with this id has taken part here."),
        (Theirs.MISSING, Ours.BEGUN, "Not in the book of Prolific, but without any answer here."),
    ],
)
def test_a_difference_is_one_sentence(theirs: Theirs, ours: Ours, sentence: str) -> None:
    assert difference(theirs, WORKS[ours], "Prolific") == sentence


@pytest.mark.parametrize(
    ("code", "ending", "means", "sentence"),
    [
        ("A", "completed", "completed", ""),
        ("", "completed", "", "No code was handed in."),
        ("", "", "", ""),
        ("B", "completed", "failed", "The code for failed was handed in, and the ending here was completed."),
        ("B", "failed", "", "The code 'B' stands for no ending that they could have reached."),
        ("A", "", "completed", "The code for completed was handed in without the answers: 2 of 6 are here."),
    ],
)
def test_a_code_fits_its_ending(code: str, ending: str, means: str, sentence: str) -> None:
    assert code_difference(code, ending, means, WORKS[Ours.PARTLY]) == sentence
