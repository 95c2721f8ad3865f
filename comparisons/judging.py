"""What the judging page gets: the pair, its questions, how far the session is, and the bytes of the two images."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q
from django.urls import reverse

from comparisons import assignments
from comparisons.extras import passing
from comparisons.models import Assignment, Question, RaterSession, Study, Vote
from comparisons.padding import padded
from comparisons.shown import Shown
from generation import storage

State = Assignment.State
SECONDS_PER_JUDGEMENT = 8  # for "about N minutes" on the landing page


def payload(assignment: Assignment, shown: Shown, ahead: Assignment | None) -> dict[str, Any]:
    """One judgement, as the page needs it. Random tokens stand for the images; nothing else is said of them.

    `ahead`: what comes after it. Practice alone says that it is what it is: a check or a repeat looks like every other.
    """
    session, is_practice = assignment.session, assignment.is_practice
    questions = session.study.ordered_questions
    question = next(each for each in questions if each.id == assignment.comparison.question_id)
    return {
        **addresses(assignment),
        "assignment": str(assignment.public_id),
        "prompt": assignment.comparison.image_a.job.prompt.text,
        "question": worded(question),
        "also": _also(assignment, questions),
        "block": {
            "number": question.position + 1,
            "of": len(questions),
            "first": not shown.has_met(question.id, is_practice=is_practice),
        },
        "practice": is_practice,
        "pause": _is_time_for_a_break(assignment, shown),
        "undoable": not is_practice and assignment.state != State.UNDONE and shown.done() > 0,
        "progress": _progress(assignment, shown, ahead),
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


def _progress(assignment: Assignment, shown: Shown, ahead: Assignment | None) -> dict[str, int]:
    """The total is what was planned, and what came besides, as a late answer does; where nothing else can be had, only
    what was done and what is in hand.
    """
    session, is_practice = assignment.session, assignment.is_practice
    done = shown.done(is_practice=is_practice)
    so_far = done + shown.in_hand(is_practice=is_practice)
    if is_practice:
        planned = sum(len(question.practice) for question in session.study.ordered_questions)
    elif ahead:
        planned = sum(plan.total for _, plan in assignments.plans(session))
    else:
        planned = 0
    return {"done": done, "total": max(planned, so_far)}


def _is_time_for_a_break(assignment: Assignment, shown: Shown) -> bool:
    every, done = assignment.session.study.protocol.break_every, shown.done()
    is_new = not assignment.is_practice and assignment.state == State.OPEN
    return every is not None and is_new and done > 0 and done % every == 0


def worded(question: Question) -> dict[str, Any]:
    """As the page asks it."""
    return {
        "key": question.key,
        "wording": question.wording,
        "help": question.help,
        "tie": question.offers_tie,
        "both_bad": question.offers_both_bad,
    }


def _also(assignment: Assignment, questions: list[Question]) -> list[dict[str, Any]]:
    if not assignment.session.study.protocol.asks_together:
        return []
    beside = {other.comparison.question_id: other for other in assignment.companions.select_related("comparison")}
    return [
        {"assignment": str(beside[question.id].public_id), "question": worded(question)}
        for question in questions
        if question.id in beside
    ]


def introduction(study: Study) -> dict[str, Any]:
    """What the pages before judging say of the study: of how many pairs, each under all questions where those are asked
    together.
    """
    total = sum(plan.total for _, plan in assignments.plans_of(study, seed=""))
    questions = study.ordered_questions
    decisions = total * len(questions) if study.protocol.asks_together else total
    return {
        "study": study,
        "recruitment": study.protocol.recruitment,
        "questions": questions,
        "practice": sum(len(question.practice) for question in questions),
        "judgements": total,
        "minutes": max(1, round(decisions * SECONDS_PER_JUDGEMENT / 60)),
    }


def answers_given(session: RaterSession) -> int:
    """Practice and answers that were taken back left out."""
    return Vote.objects.of_session(session).filter(assignment__is_practice=False, superseded_by=None).count()


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
    return padded_display(study, image.sha256, spoilt=is_spoilt)


def padded_display(study: Study, sha256: str, *, spoilt: bool = False) -> bytes:
    """A picture as raters get it: of the study's size and length."""
    with storage.open_display(sha256, study.display_px, spoilt=spoilt) as handle:
        return padded(handle.read(), study.padded_bytes)
