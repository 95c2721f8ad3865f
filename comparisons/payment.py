"""What a platform's book and ours say of one person: where they differ, and what to pay. Pure.

Nobody is ever to be rejected for being screened out, or where the site may have failed them: whoever has nothing to
show is asked first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from comparisons.submissions import Theirs


class Ours(StrEnum):
    """How far somebody has come here."""

    COMPLETE = "complete"
    ALL_THERE_WAS = "complete with all that there was for them"
    SHORT = "complete with fewer answers than asked"
    SCREENED_OUT = "screened out"
    FAILED = "failed attention checks"
    ALL_JUDGED = "all judged, not ended"
    PARTLY = "stopped half-way"
    BEGUN = "no answers"
    MISSING = "never came"


class Payment(StrEnum):
    PAY = "pay"
    PARTLY = "pay partly"
    DECIDE = "decide"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Work:
    """What is stored here of one person."""

    ours: Ours
    answers: int = 0
    asked: int = 0
    checks: int = 0
    failed_checks: int = 0
    reports: int = 0


@dataclass(frozen=True)
class Verdict:
    payment: Payment
    reason: str


_HANDED_IN = {
    Ours.COMPLETE: Verdict(Payment.PAY, "all that was asked is here"),
    Ours.ALL_THERE_WAS: Verdict(
        Payment.PAY, "all that the site had for them is here, though others were asked for more"
    ),
    Ours.SHORT: Verdict(
        Payment.DECIDE,
        "they reported pairs, or the study was closed before they were through: no fault of theirs, look at both",
    ),
    Ours.ALL_JUDGED: Verdict(Payment.PAY, "all that was asked is here; only the last page was not opened"),
    Ours.SCREENED_OUT: Verdict(Payment.PARTLY, "what was agreed for being screened out, which is never rejected"),
    Ours.FAILED: Verdict(
        Payment.DECIDE, "after two failed checks or more you may ask for a return; the answers before that are here"
    ),
    Ours.PARTLY: Verdict(Payment.PARTLY, "for the answers that are here, or in full if the site failed them: ask"),
    Ours.BEGUN: Verdict(Payment.DECIDE, "ask them first: the site may have failed them, and that is never rejected"),
    Ours.MISSING: Verdict(
        Payment.DECIDE, "ask them first: the address may have lost its parameters, and that is never rejected"
    ),
}
_GIVEN_BACK = Verdict(
    Payment.DECIDE, "they gave the place back, but their answers count here: ask why; a bonus can pay for them"
)
_NOT_BACK = Verdict(Payment.NOTHING, "they gave the place back")
_RETURNED = {
    Ours.COMPLETE: _GIVEN_BACK,
    Ours.ALL_THERE_WAS: _GIVEN_BACK,
    Ours.SHORT: _GIVEN_BACK,
    Ours.ALL_JUDGED: _GIVEN_BACK,
    Ours.PARTLY: _GIVEN_BACK,
}
_TIMED_OUT = _HANDED_IN | {
    Ours.FAILED: Verdict(Payment.NOTHING, "nothing was handed in after the failed checks"),
    Ours.BEGUN: Verdict(Payment.NOTHING, "nothing was handed in, and no answer is here"),
    Ours.MISSING: Verdict(Payment.NOTHING, "nothing was handed in, and no answer is here"),
}
_TO_TAKE_BACK = Verdict(Payment.DECIDE, "their answers are here: take the rejection back, unless it has a reason")
_REJECTED = {
    Ours.COMPLETE: _TO_TAKE_BACK,
    Ours.ALL_THERE_WAS: _TO_TAKE_BACK,
    Ours.SHORT: _TO_TAKE_BACK,
    Ours.ALL_JUDGED: _TO_TAKE_BACK,
    Ours.PARTLY: _TO_TAKE_BACK,
    Ours.SCREENED_OUT: Verdict(
        Payment.PARTLY, "take the rejection back: being screened out is paid as agreed and never rejected"
    ),
    Ours.FAILED: Verdict(Payment.NOTHING, "rejected for the checks that they failed"),
    Ours.BEGUN: Verdict(Payment.NOTHING, "rejected, and no answer is here"),
    Ours.MISSING: Verdict(Payment.NOTHING, "rejected, and no answer is here"),
}
_PAID_AS_SCREENED_OUT = Verdict(Payment.NOTHING, "the platform has paid already what was agreed for being screened out")
_THE_REST = Verdict(Payment.PAY, "all that was asked is here: the rest of the reward, as a bonus")
_PERHAPS_A_BONUS = Verdict(Payment.DECIDE, "a bonus can pay for the answers that are here")
_TOPPED_UP = dict.fromkeys((Ours.COMPLETE, Ours.ALL_THERE_WAS, Ours.ALL_JUDGED), _THE_REST) | {
    Ours.SHORT: _PERHAPS_A_BONUS
}
_SCREENED_OUT = _TOPPED_UP | {
    Ours.PARTLY: Verdict(Payment.PARTLY, "a bonus can pay for the answers that are here"),
    Ours.FAILED: _PERHAPS_A_BONUS,
}
_PAID_IN_PART = Verdict(Payment.NOTHING, "the platform has paid a part already, and that stands")
_MAY_STILL_WORK = Verdict(Payment.NOTHING, "they may still be at work")
_AT_WORK = _HANDED_IN | dict.fromkeys((Ours.PARTLY, Ours.BEGUN, Ours.MISSING), _MAY_STILL_WORK)
_NOBODY_TO_PAY = Verdict(Payment.NOTHING, "they have handed nothing in")
_MISSING = dict.fromkeys(
    Ours, Verdict(Payment.DECIDE, "nobody in this file is to be paid for it: export the file anew, and look for them")
) | dict.fromkeys((Ours.PARTLY, Ours.BEGUN), _NOBODY_TO_PAY)
_RULES = {
    Theirs.HANDED_IN: _HANDED_IN,
    Theirs.APPROVED: dict.fromkeys(Ours, Verdict(Payment.PAY, "approved already, and that stands")),
    Theirs.APPROVED_IN_PART: dict.fromkeys(Ours, _PAID_IN_PART) | _TOPPED_UP,
    Theirs.REJECTED: _REJECTED,
    Theirs.RETURNED: dict.fromkeys(Ours, _NOT_BACK) | _RETURNED,
    Theirs.TIMED_OUT: _TIMED_OUT,
    Theirs.SCREENED_OUT: dict.fromkeys(Ours, _PAID_AS_SCREENED_OUT) | _SCREENED_OUT,
    Theirs.AT_WORK: _AT_WORK,
    Theirs.MISSING: _MISSING,
}
_AGREE = {
    Theirs.HANDED_IN: {Ours.COMPLETE, Ours.SCREENED_OUT, Ours.FAILED},
    Theirs.APPROVED: {Ours.COMPLETE, Ours.SCREENED_OUT, Ours.FAILED},
    Theirs.APPROVED_IN_PART: {Ours.SCREENED_OUT, Ours.FAILED, Ours.PARTLY},
    Theirs.REJECTED: {Ours.FAILED},
    Theirs.RETURNED: {Ours.SCREENED_OUT, Ours.FAILED, Ours.BEGUN},
    Theirs.TIMED_OUT: {Ours.BEGUN},
    Theirs.SCREENED_OUT: {Ours.SCREENED_OUT},
    Theirs.AT_WORK: {Ours.PARTLY, Ours.BEGUN},
}


def verdict(theirs: Theirs, ours: Ours) -> Verdict:
    return _RULES[theirs][ours]


def difference(theirs: Theirs, work: Work, platform: str) -> str:
    """One sentence; empty where the books agree."""
    if work.ours in _AGREE.get(theirs, set()):
        return ""
    said = f"Not in the book of {platform}" if theirs == Theirs.MISSING else f"{theirs.capitalize()} there"
    sentence = f"{said}, but {_said_here(work)}"
    is_replaced = theirs in {Theirs.RETURNED, Theirs.TIMED_OUT} and work.answers
    return f"{sentence}; the place has gone to somebody else." if is_replaced else f"{sentence}."


def _said_here(work: Work) -> str:
    checks = f"{work.failed_checks} of {work.checks} attention checks"
    reported = f", and {work.reports} reported as impossible to judge" if work.reports else ""
    sentences = {
        Ours.COMPLETE: f"complete here with all {work.asked} answers",
        Ours.ALL_THERE_WAS: (
            f"complete here with {work.answers} of {work.asked} answers, all that there was for them then"
        ),
        Ours.SHORT: f"complete here with {work.answers} of {work.asked} answers{reported}",
        Ours.SCREENED_OUT: "screened out here",
        Ours.FAILED: f"ended here after {work.answers} of {work.asked} answers, with {checks} failed",
        Ours.ALL_JUDGED: f"without an ending here, though all {work.asked} answers are",
        Ours.PARTLY: f"stopped here after {work.answers} of {work.asked} answers{reported}",
        Ours.BEGUN: "without any answer here",
        Ours.MISSING: "nobody with this id has taken part here",
    }
    return sentences[work.ours]


def code_difference(code: str, ending: str, means: str, work: Work) -> str:
    """One sentence; empty where the code that was handed in fits.

    `ending` is that of the session, empty where it has none; `means` is the ending that has this code, empty where
    none has.
    """
    if not code:
        return "No code was handed in." if ending else ""
    if not means:
        return f"The code {code!r} stands for no ending that they could have reached."
    if not ending:
        here = f"{work.answers} of {work.asked} are here" if work.asked else "none is here"
        return f"The code for {_spelt(means)} was handed in without the answers: {here}."
    if means != ending:
        return f"The code for {_spelt(means)} was handed in, and the ending here was {_spelt(ending)}."
    return ""


def _spelt(ending: str) -> str:
    return ending.replace("_", " ")
