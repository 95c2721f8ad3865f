"""Recording what a rater answered: one lease, one vote, whatever is posted twice."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F

from comparisons.models import Assignment, Comparison, RaterSession, Vote

MAX_RESPONSE_MS = 2**31 - 1


class AnswerError(ValueError):
    """The answer cannot be a vote, now or later: the page should show the sentence and not try again."""


@dataclass(frozen=True)
class Answer:
    assignment: uuid.UUID
    key: uuid.UUID
    outcome: str
    response_ms: int


def parse_answer(content: object) -> Answer:
    """The answer in a posted JSON object."""
    if not isinstance(content, dict):
        raise AnswerError("An answer is a JSON object with assignment, key, outcome and response_ms.")
    outcome, response_ms = content.get("outcome"), content.get("response_ms")
    if outcome not in Vote.Outcome.values:
        raise AnswerError(f"outcome is {outcome!r}; allowed: {', '.join(Vote.Outcome.values)}.")
    if not isinstance(response_ms, int) or isinstance(response_ms, bool) or not 0 <= response_ms <= MAX_RESPONSE_MS:
        raise AnswerError(f"response_ms is {response_ms!r}; allowed: whole milliseconds from 0.")
    return Answer(_uuid(content, "assignment"), _uuid(content, "key"), outcome, response_ms)


def record_vote(session: RaterSession, answer: Answer) -> Vote:
    """The vote for this answer: stored now, or the one stored before for the same lease.

    The first answer to a lease is its vote. Whatever comes after, with the same key or another, changes nothing and
    gets the same receipt. An answer to a lease that was given back is kept and marked late.
    """
    assignment = _assignment(session, answer)
    earlier = Vote.objects.filter(assignment=assignment).first()
    if earlier:
        return earlier
    try:
        with transaction.atomic():
            late = _finish_lease(assignment)
            return Vote.objects.create(
                assignment=assignment,
                client_key=answer.key,
                outcome=answer.outcome,
                response_ms=answer.response_ms,
                late=late,
            )
    except IntegrityError:
        stored = Vote.objects.filter(assignment=assignment).first()
        if stored is None:
            raise AnswerError("This key belongs to the answer to another pair.") from None
        return stored


def _assignment(session: RaterSession, answer: Answer) -> Assignment:
    found = Assignment.objects.select_related("comparison__question").filter(
        public_id=answer.assignment, session=session
    )
    assignment = found.first()
    if assignment is None:
        raise AnswerError("This pair was not given to this session.")
    offered = assignment.comparison.question.outcomes()
    if answer.outcome not in offered:
        raise AnswerError(f"outcome is {answer.outcome!r}; this question offers {', '.join(offered)}.")
    return assignment


def _finish_lease(assignment: Assignment) -> bool:
    """Turn the lease into a done one and move its capacity; True when it had been given back before."""
    lease = Assignment.objects.filter(id=assignment.id)
    if lease.filter(state=Assignment.State.OPEN).update(state=Assignment.State.DONE):
        counters = {"open_leases": F("open_leases") - 1, "done": F("done") + 1}
        Comparison.objects.filter(id=assignment.comparison_id).update(**counters)
        return False
    return bool(lease.filter(state=Assignment.State.EXPIRED).update(state=Assignment.State.DONE))


def _uuid(content: dict[str, object], name: str) -> uuid.UUID:
    try:
        return uuid.UUID(str(content.get(name)))
    except ValueError:
        raise AnswerError(f"{name} is {content.get(name)!r}; allowed: a UUID.") from None
