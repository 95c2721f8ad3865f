"""Leases: which comparison a session looks at, for how long, and which image is on the left."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from comparisons.matchmaking import STRATEGIES, Candidate, Draw
from comparisons.models import (
    Assignment,
    Comparison,
    Matchup,
    Question,
    RaterSession,
    Study,
)

CONTENDERS = 8  # comparisons of one pair of systems that are tried before the next pair: others may take the first


def next_assignment(session: RaterSession, rng: random.Random) -> Assignment | None:
    """The session's open lease, else a new one; None when there is nothing left for this session to judge.

    Questions are asked in blocks: all of the first before any of the second.
    """
    if session.study.state != Study.State.OPEN or session.completed_at:
        return None
    current = _own_lease(session)
    if current:
        return current
    release_expired(limit=CONTENDERS)
    for question in _questions_left(session):
        for draw, comparison in _proposals(session, question, rng):
            try:
                assignment = _lease(session, comparison, draw, rng)
            except IntegrityError:  # another request of this session was faster: one open lease, each pair once
                assignment = _own_lease(session)
            if assignment:
                return assignment
    return None


def has_room(study: Study) -> bool:
    """Whether a newcomer could get a pair, once the leases that ran out are given back."""
    release_expired(limit=CONTENDERS)
    return Matchup.objects.filter(question__study=study, votes_wanted__gt=F("a_left") + F("b_left")).exists()


def release_expired(limit: int = 1000) -> int:
    """Give the capacity of unanswered leases back, each by its own conditional update."""
    expired = Assignment.objects.expired_leases().order_by("expires_at")
    related = ("comparison__matchup", "comparison__image_a__job")
    return sum(_release(assignment) for assignment in expired.select_related(*related)[:limit])


def _own_lease(session: RaterSession) -> Assignment | None:
    """The open lease, renewed when it ran out but nobody has taken it back: the rater is looking at it."""
    opened = Assignment.objects.open().filter(session=session)
    opened.filter(expires_at__lt=timezone.now()).update(expires_at=_lease_end())
    return opened.select_related("comparison__question", "comparison__image_a__job__prompt").first()


def _questions_left(session: RaterSession) -> list[Question]:
    """The questions in order, without those this session has answered as often as the study asks of one rater."""
    questions = list(session.study.questions.order_by("position"))
    limit = session.study.judgements_per_question
    if limit is None:
        return questions
    done = Assignment.objects.filter(session=session, state=Assignment.State.DONE)
    answered = Counter(done.values_list("comparison__question_id", flat=True))
    return [question for question in questions if answered[question.id] < limit]


def _proposals(session: RaterSession, question: Question, rng: random.Random) -> Iterator[tuple[Draw, Comparison]]:
    """Comparisons of this question to try, in the order in which the study's matchmaking draws their pairs.

    Reads the counters of the question's matchups, a few rows, then the head of an index: as fast in a large study.
    """
    matchups = Matchup.objects.filter(question=question, votes_wanted__gt=F("a_left") + F("b_left"))
    candidates = [Candidate(matchup.id, taken=matchup.a_left + matchup.b_left) for matchup in matchups]
    for draw in STRATEGIES[session.study.matchmaking](candidates, rng):
        comparisons = Comparison.objects.filter(matchup_id=draw.matchup_id).open_to(session).with_systems()
        for comparison in comparisons.order_by("taken", "shuffle")[:CONTENDERS]:
            yield draw, comparison


def _lease(session: RaterSession, comparison: Comparison, draw: Draw, rng: random.Random) -> Assignment | None:
    """Take capacity and a side and write the lease, or leave all as it was and return None."""
    now = timezone.now()
    with transaction.atomic():
        capacity = Comparison.objects.filter(id=comparison.id, taken__lt=F("votes_wanted"))
        if not capacity.update(open_leases=F("open_leases") + 1):
            return None
        return Assignment.objects.create(
            session=session,
            comparison=comparison,
            a_is_left=_take_side(comparison, rng),
            probability=draw.probability,
            issued_at=now,
            expires_at=_lease_end(),
        )


def _take_side(comparison: Comparison, rng: random.Random) -> bool:
    """True: image a is left. The system that was left less often goes left; a coin decides when they are even.

    Both updates state the balance that they rely on, so concurrent leases cannot both follow one stale count.
    """
    matchup = Matchup.objects.filter(id=comparison.matchup_id)
    coin = rng.random() < 0.5
    while True:
        for system_a_left in (coin, not coin):
            mine, other = ("a_left", "b_left") if system_a_left else ("b_left", "a_left")
            if matchup.filter(**{f"{mine}__lte": F(other)}).update(**{mine: F(mine) + 1}):
                return system_a_left == comparison.is_in_system_order()


def _release(assignment: Assignment) -> bool:
    with transaction.atomic():
        if not Assignment.objects.expired_leases().filter(id=assignment.id).update(state=Assignment.State.EXPIRED):
            return False
        comparison = assignment.comparison
        Comparison.objects.filter(id=comparison.id).update(open_leases=F("open_leases") - 1)
        system_a_left = assignment.a_is_left == comparison.is_in_system_order()
        side = "a_left" if system_a_left else "b_left"
        Matchup.objects.filter(id=comparison.matchup_id).update(**{side: F(side) - 1})
    return True


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.ASSIGNMENT_LEASE_SECONDS)
