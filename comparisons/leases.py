"""Leases: taken without locks, and given back when they run out.

An assignment that counts, a judgement, takes capacity of its comparison and a side of its matchup by conditional
updates; practice, checks and repeats take neither. Where a study asks all questions about a pair on one screen, the
assignments of the other questions stand beside the first one's, and all move together.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from comparisons.extras import Extra
from comparisons.matchmaking import STRATEGIES, Candidate, Draw
from comparisons.models import (
    Assignment,
    AssignmentQuerySet,
    Comparison,
    ComparisonQuerySet,
    Matchup,
    Question,
    RaterSession,
    Study,
)
from comparisons.statements import Insertion, Statement, given_id

CONTENDERS = 8  # comparisons of one pair of systems that are tried before the next pair: others may take the first
State = Assignment.State
Kind = Assignment.Kind
_WITH_ROOM = Statement(
    lambda: (
        Matchup.objects.filter(question=given_id("question"), votes_wanted__gt=F("a_left") + F("b_left"))
        .order_by("id")
        .values_list("id", "a_left", "b_left")
    )
)
_TO_TRY = Statement(lambda: _heads(Comparison.objects.all()))
_TO_TRY_TOGETHER = Statement(lambda: _heads(Comparison.objects.with_room_beside()))
_TAKE = Statement(
    lambda: Comparison.objects.filter(id=given_id("comparison"), taken__lt=F("votes_wanted")),
    open_leases=F("open_leases") + 1,
)
_PUT_LEFT = {
    True: Statement(
        lambda: Matchup.objects.filter(id=given_id("matchup"), a_left__lte=F("b_left")), a_left=F("a_left") + 1
    ),
    False: Statement(
        lambda: Matchup.objects.filter(id=given_id("matchup"), b_left__lte=F("a_left")), b_left=F("b_left") + 1
    ),
}
_INSERT = Insertion(Assignment)
_WITH_COMPARISON = ("comparison__matchup", "comparison__image_a__job")


class Overtaken(Exception):
    """Another request of the same session was faster: what it leased is there."""


class _NoCapacity(Exception):
    """Somebody else took it."""


def has_room(study: Study) -> bool:
    """Whether a newcomer could get a pair, once the leases that ran out are given back."""
    release_expired(limit=CONTENDERS)
    matchups = Matchup.objects.filter(question__study=study, votes_wanted__gt=F("a_left") + F("b_left"))
    if not study.protocol.asks_together:
        return matchups.exists()
    leading = Comparison.objects.filter(matchup__in=matchups.filter(question=study.ordered_questions[0]))
    return leading.filter(taken__lt=F("votes_wanted")).with_room_beside().exists()


def release_expired(limit: int = 1000) -> int:
    """Give the capacity of unanswered leases back, each by its own conditional update."""
    return sum(give_back(lease, State.EXPIRED) for lease in _first_ones(Assignment.objects.expired_leases())[:limit])


def release_ahead(session: RaterSession) -> None:
    """What an ended session will not look at."""
    for lease in _first_ones(session.assignments.filter(state=State.AHEAD)):
        give_back(lease, State.EXPIRED)


def give_back(lease: Assignment, state: str) -> bool:
    """Move an unanswered lease, and those beside it, to this state, with what they took. False: it was answered."""
    with transaction.atomic():
        if not Assignment.objects.open().filter(id=lease.id, expires_at=lease.expires_at).update(state=state):
            return False
        lease.companions.filter(state__in=Assignment.HELD).update(state=state)
        if lease.kind == Kind.JUDGEMENT:
            _give_capacity_back((lease, *lease.companions.order_by("id").select_related(*_WITH_COMPARISON)))
    return True


def lease_extra(session: RaterSession, extra: Extra, state: str, *, is_practice: bool = False) -> Assignment:
    try:
        with transaction.atomic():
            shown = {"kind": extra.kind, "stand_in": extra.stand_in, "is_practice": is_practice}
            lease = _insert(session, extra.comparison, state, extra.a_is_left, **shown)
            for comparison in () if is_practice else _beside(session, extra.comparison):
                _insert(session, comparison, state, extra.a_is_left, beside=lease, **shown)
            return lease
    except IntegrityError as error:
        raise Overtaken from error


def lease_judgement(session: RaterSession, question: Question, state: str, rng: random.Random) -> Assignment | None:
    """None where there is nothing left for this session, and nothing was lost to others: whoever wins takes capacity,
    so that all who try again come to an end.
    """
    while True:
        has_lost = False
        for draw, comparison, side in _proposals(session, question, rng):
            try:
                return _lease(session, comparison, draw, state, side)
            except _NoCapacity:
                has_lost = True
            except IntegrityError as error:  # one open lease, each pair once
                raise Overtaken from error
        if not release_expired(limit=CONTENDERS) and not has_lost:
            return None


def _proposals(
    session: RaterSession, question: Question, rng: random.Random
) -> Iterator[tuple[Draw, Comparison, bool]]:
    """Comparisons of this question to try, in the order in which the study's matchmaking draws their pairs, each with
    the side to try first: whether system a's turn is on the left, by a coin where the sides are even.

    Reads the counters of the question's matchups, a few rows, then the head of an index: as fast in a large study.
    """
    sides = {id_: (a_left, b_left) for id_, a_left, b_left in _WITH_ROOM.rows(question=question.id)}
    to_try = _TO_TRY_TOGETHER if session.study.protocol.asks_together else _TO_TRY
    candidates = [Candidate(id_, sum(left)) for id_, left in sides.items()]
    for draw in STRATEGIES[session.study.matchmaking](candidates, rng):
        a_left, b_left = sides[draw.matchup_id]
        a_is_due = a_left < b_left or (a_left == b_left and rng.random() < 0.5)
        for comparison in to_try.each(matchup=draw.matchup_id, session=session.id):
            yield draw, comparison, a_is_due


def _lease(session: RaterSession, comparison: Comparison, draw: Draw, state: str, a_is_due: bool) -> Assignment:
    """Take capacity and a side and write the lease, and those of the other questions on the screen: all or nothing."""
    with transaction.atomic():
        others = _beside(session, comparison)
        for wanted in (comparison, *others):
            if not _TAKE.update(comparison=wanted.id):
                raise _NoCapacity
        a_is_left = _take_side(comparison, a_is_due)
        lease = _insert(session, comparison, state, a_is_left, probability=draw.probability)
        for other in others:
            _count_side(other, a_is_left=a_is_left, by=1)  # both have the same images in the same order
            _insert(session, other, state, a_is_left, probability=draw.probability, beside=lease)
        return lease


def _insert(session: RaterSession, comparison: Comparison, state: str, a_is_left: bool, **fields: object) -> Assignment:
    now = timezone.now()
    values = {"probability": 1.0, "issued_at": now, "expires_at": lease_end()} | fields
    return _INSERT.row(session=session, comparison=comparison, state=state, a_is_left=a_is_left, **values)


def _beside(session: RaterSession, comparison: Comparison) -> Sequence[Comparison]:
    """The other questions' comparisons of the same images, where all are asked on one screen."""
    if not session.study.protocol.asks_together:
        return ()
    same = Comparison.objects.filter(image_a=comparison.image_a_id, image_b=comparison.image_b_id)
    mine = same.filter(question__study=session.study).exclude(id=comparison.id)
    return list(mine.with_systems().order_by("question__position"))


def _take_side(comparison: Comparison, a_is_due: bool) -> bool:
    """True: image a is left. The system that was left less often goes left, whatever was due when it was read.

    Both updates state the balance that they rely on, so concurrent leases cannot both follow one stale count.
    """
    while True:
        for system_a_left in (a_is_due, not a_is_due):
            if _PUT_LEFT[system_a_left].update(matchup=comparison.matchup_id):
                return system_a_left == comparison.is_in_system_order()


def _count_side(comparison: Comparison, *, a_is_left: bool, by: int) -> None:
    side = "a_left" if a_is_left == comparison.is_in_system_order() else "b_left"
    Matchup.objects.filter(id=comparison.matchup_id).update(**{side: F(side) + by})


def _give_capacity_back(assignments: Sequence[Assignment]) -> None:
    """In the order in which leases take it, so that none waits for another in a circle."""
    for assignment in assignments:
        Comparison.objects.filter(id=assignment.comparison_id).update(open_leases=F("open_leases") - 1)
    for assignment in assignments:
        _count_side(assignment.comparison, a_is_left=assignment.a_is_left, by=-1)


def _heads(comparisons: ComparisonQuerySet) -> ComparisonQuerySet:
    """What a session is offered of a matchup: the first that others have taken least."""
    of_matchup = comparisons.filter(matchup=given_id("matchup")).open_to(given_id("session"))
    return of_matchup.with_systems().order_by("taken", "shuffle")[:CONTENDERS]


def _first_ones(held: AssignmentQuerySet) -> AssignmentQuerySet:
    return held.filter(beside=None).order_by("expires_at").select_related(*_WITH_COMPARISON)


def lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.ASSIGNMENT_LEASE_SECONDS)
