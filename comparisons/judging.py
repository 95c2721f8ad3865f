"""What the judging page gets: the pair, its questions, how far the session is, and the bytes of the two images."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q
from django.urls import reverse

from comparisons import assignments
from comparisons.extras import passing
from comparisons.models import Assignment, Question, RaterSession, Study
from comparisons.padding import padded
from generation import storage

State = Assignment.State
_SEEN = (State.DONE, State.UNDONE, State.REPORTED)
SECONDS_PER_JUDGEMENT = 8  # for "about N minutes" on the landing page


def payload(assignment: Assignment) -> dict[str, Any]:
    """One judgement, as the page needs it. Random tokens stand for the images; nothing else is said of them.

    Practice alone says that it is what it is: a check or a repeat looks like every other pair.
    """
    session = assignment.session
    questions = list(session.study.questions.order_by("position"))
    question = next(each for each in questions if each.id == assignment.comparison.question_id)
    shown = _Shown(session, questions)
    return {
        **addresses(assignment),
        "assignment": str(assignment.public_id),
        "prompt": assignment.comparison.image_a.job.prompt.text,
        "question": _worded(question),
        "also": _also(assignment, questions),
        "block": {
            "number": question.position + 1,
            "of": len(questions),
            "first": not shown.in_question(question, is_practice=assignment.is_practice),
        },
        "practice": assignment.is_practice,
        "pause": shown.is_time_for_a_break(assignment),
        "undoable": not assignment.is_practice and assignment.state != State.UNDONE and shown.done > 0,
        "progress": shown.progress(is_practice=assignment.is_practice),
        "image_px": session.study.display_px,
    }


def addresses(assignment: Assignment) -> dict[str, str]:
    """Of the two images."""
    key = assignment.session.study.key
    return {
        "left": reverse("rate:image", args=[key, assignment.left_token]),
        "right": reverse("rate:image", args=[key, assignment.right_token]),
    }


def feedback(assignment: Assignment, outcome: str) -> dict[str, Any] | None:
    """After practice: whether the answer was right, and which was."""
    if not assignment.is_practice:
        return None
    right = passing(assignment)
    return {"right": outcome in right, "answers": sorted(right)}


class _Shown:
    """How far a session is. What it answered counts, checks and repeats included."""

    def __init__(self, session: RaterSession, questions: list[Question]) -> None:
        self._session, self._questions = session, questions
        seen = session.assignments.filter(state__in=_SEEN, beside=None)
        rows = list(seen.values_list("comparison__question_id", "is_practice", "state"))
        self._seen = [(question, is_practice) for question, is_practice, _ in rows]
        self._done = [is_practice for _, is_practice, state in rows if state == State.DONE]

    @property
    def done(self) -> int:
        return self._done.count(False)

    def is_time_for_a_break(self, assignment: Assignment) -> bool:
        every = self._session.study.protocol.break_every
        is_new = not assignment.is_practice and assignment.state == State.OPEN
        return every is not None and is_new and self.done > 0 and self.done % every == 0

    def in_question(self, question: Question, *, is_practice: bool) -> int:
        return self._seen.count((question.id, is_practice))

    def progress(self, *, is_practice: bool) -> dict[str, int]:
        if is_practice:
            total = sum(len(question.practice) for question in self._questions)
            return {"done": self._done.count(True), "total": total}
        return {"done": self.done, "total": sum(plan.total for _, plan in assignments.plans(self._session))}


def _worded(question: Question) -> dict[str, Any]:
    return {
        "key": question.key,
        "wording": question.wording,
        "help": question.help,
        "tie": question.offers_tie,
        "both_bad": question.offers_both_bad,
    }


def _also(assignment: Assignment, questions: list[Question]) -> list[dict[str, Any]]:
    if assignment.session.study.protocol.layout != "together":
        return []
    beside = {other.comparison.question_id: other for other in assignment.companions.select_related("comparison")}
    return [
        {"assignment": str(beside[question.id].public_id), "question": _worded(question)}
        for question in questions
        if question.id in beside
    ]


def introduction(study: Study) -> dict[str, Any]:
    """What the pages before judging say of the study."""
    plans = assignments.plans_of(study, seed="")
    total = sum(plan.total for _, plan in plans)
    questions = list(study.questions.order_by("position"))
    return {
        "study": study,
        "recruitment": study.protocol.recruitment,
        "questions": questions,
        "practice": sum(len(question.practice) for question in questions),
        "judgements": total,
        "minutes": minutes(total),
    }


def answers_given(session: RaterSession) -> int:
    """Practice and answers that were taken back left out."""
    return session.votes().filter(assignment__is_practice=False, superseded_by=None).count()


def minutes(judgements: int) -> int:
    return max(1, round(judgements * SECONDS_PER_JUDGEMENT / 60))


def image_bytes(session: RaterSession, token: uuid.UUID) -> bytes | None:
    """The image behind a token of this session's lease; None for anybody else's, and when the lease is over.

    All images of a study have the same number of bytes.
    """
    held = session.assignments.filter(state__in=Assignment.VISIBLE)
    related = ("comparison__image_a", "comparison__image_b", "stand_in")
    assignment = held.filter(Q(left_token=token) | Q(right_token=token)).select_related(*related).first()
    if assignment is None:
        return None
    is_a = (assignment.left_token == token) == assignment.a_is_left
    comparison, study = assignment.comparison, session.study
    image = comparison.image_a if is_a else assignment.stand_in or comparison.image_b
    is_spoilt = not is_a and assignment.kind == Assignment.Kind.CORRUPTED
    with storage.open_display(image.sha256, study.display_px, spoilt=is_spoilt) as handle:
        return padded(handle.read(), study.padded_bytes)
