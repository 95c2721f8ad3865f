"""How much of each kind a session has been shown: counted once a request, for its plan and its progress bar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from django.db.models import Count

from comparisons.models import Assignment, RaterSession
from comparisons.statements import Statement, given_id

Kind = Assignment.Kind
State = Assignment.State
MET = {State.DONE, State.UNDONE, State.REPORTED}
_COUNTED = Statement(
    lambda: (
        Assignment.objects.filter(session=given_id("session"), beside=None)
        .order_by()
        .values_list("comparison__question", "kind", "is_practice", "state")
        .annotate(Count("id"))
    )
)


class Shown:
    """Assignments beside another on one screen are not counted: they are one pair."""

    def __init__(self, session: RaterSession) -> None:
        counted = {tuple(key): count for *key, count in _COUNTED.rows(session=session.id)}
        self._counts: Counter[tuple[int, str, bool, str]] = Counter(counted)

    def note(self, lease: Assignment) -> None:
        """One that was leased since."""
        self._counts[lease.comparison.question_id, lease.kind, lease.is_practice, lease.state] += 1

    def taken(self, question_id: int, kind: str, *, is_practice: bool = False) -> int:
        """Answered, in hand, or reported, unless another pair comes in the place of a reported one. None comes for a
        check or a repeat: whoever reports each spoilt picture would see nothing else.
        """
        is_replaced = is_practice or kind == Kind.JUDGEMENT
        gone = {State.EXPIRED, State.REPORTED} if is_replaced else {State.EXPIRED}
        return self._sum(lambda q, k, p, state: (q, k, p) == (question_id, kind, is_practice) and state not in gone)

    def done(self, *, is_practice: bool = False) -> int:
        return self._sum(lambda q, k, p, state: p == is_practice and state == State.DONE)

    def in_hand(self, *, is_practice: bool = False) -> int:
        return self._sum(lambda q, k, p, state: p == is_practice and state in Assignment.VISIBLE)

    def has_met(self, question_id: int, *, is_practice: bool) -> bool:
        """Whether somebody has looked at a pair under this question, and so has read it."""
        return self._sum(lambda q, k, p, state: (q, p) == (question_id, is_practice) and state in MET) > 0

    def _sum(self, belongs: Callable[[int, str, bool, str], bool]) -> int:
        return sum(count for key, count in self._counts.items() if belongs(*key))
