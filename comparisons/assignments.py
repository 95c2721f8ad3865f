"""Which pair a session looks at, and which it will look at next."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from django.db import IntegrityError
from django.db.models import Q
from django.utils import timezone

from comparisons import leases, sessions
from comparisons.extras import find_extra, find_practice
from comparisons.models import Assignment, Question, RaterSession, Study
from comparisons.plan import Plan
from comparisons.shown import Shown
from comparisons.statements import Statement, given_id, given_time

State = Assignment.State
Kind = Assignment.Kind
_IN_HAND = Statement(
    lambda: Assignment.objects.filter(
        session=given_id("session"), state__in=Assignment.VISIBLE, beside=None
    ).with_prompt()
)
_OPEN = Statement(
    lambda: Assignment.objects.filter(Q(id=given_id("lease")) | Q(beside=given_id("lease")), state=State.AHEAD),
    state=State.OPEN,
    expires_at=given_time("end"),
)


@dataclass
class Turn:
    """What a session judges now, what comes after it, and what it has been shown."""

    shown: Shown
    current: Assignment | None = None
    ahead: Assignment | None = None


def take_turn(session: RaterSession, rng: random.Random, *, look_ahead: bool = True) -> Turn:
    """What the session took back, holds, or took ahead, else something new; and one more, leased so that its images
    can be loaded meanwhile. Nothing where there is nothing left for this session.

    Questions are asked in blocks: all of the first before any of the second.
    """
    while True:
        turn = Turn(Shown(session))
        if session.study.state != Study.State.OPEN or session.stage not in sessions.WITH_PAIRS:
            return turn
        try:
            held = _held(session)
            ahead = held.get(State.AHEAD)
            turn.current = held.get(State.UNDONE) or held.get(State.OPEN)
            if turn.current is None and ahead:
                turn.current, ahead = _promote(ahead), None
            turn.current = turn.current or _lease_next(session, turn.shown, State.OPEN, rng)
            if turn.current and look_ahead and session.stage == RaterSession.Stage.JUDGING:
                turn.ahead = ahead or _lease_next(session, turn.shown, State.AHEAD, rng)
        except leases.Overtaken:
            continue
        return turn


def next_assignment(session: RaterSession, rng: random.Random) -> Assignment | None:
    """What the session judges now; None when nothing is left."""
    return take_turn(session, rng, look_ahead=False).current


def plans(session: RaterSession) -> list[tuple[Question, Plan]]:
    """What this session may be shown, in order; one entry for all questions where they are asked together."""
    return plans_of(session.study, str(session.public_id))


def plans_of(study: Study, seed: str) -> list[tuple[Question, Plan]]:
    checks = study.protocol.checks
    questions = study.ordered_questions
    found = []
    for question in questions if study.protocol.layout == "blocks" else questions[:1]:
        count = question.comparison_count
        plan = Plan(
            seed=f"{seed}:{question.key}",
            judgements=min(count, study.judgements_per_question or count),
            check_kinds=tuple(question.checks),
            every=checks.every,
            golds=sum(gold.question == question.key for gold in checks.gold),
            repeats=checks.repeats,
        )
        found.append((question, plan))
    return found


def _held(session: RaterSession) -> dict[str, Assignment]:
    """What this session has in hand, by state, renewed when it ran out but nobody has taken it back."""
    held = {lease.state: lease for lease in _IN_HAND.rows(session=session.id)}
    now = timezone.now()
    for lease in held.values():
        lease.session = session
        if lease.state in Assignment.HELD and lease.expires_at < now:
            end = leases.lease_end()
            if not Assignment.objects.open().filter(Q(id=lease.id) | Q(beside=lease.id)).update(expires_at=end):
                raise leases.Overtaken
            lease.expires_at = end
    return held


def _promote(lease: Assignment) -> Assignment:
    end = leases.lease_end()
    try:
        moved = _OPEN.update(lease=lease.id, end=end)
    except IntegrityError as error:
        raise leases.Overtaken from error
    if not moved:
        raise leases.Overtaken
    lease.state, lease.expires_at = State.OPEN, end
    return lease


def _lease_next(session: RaterSession, shown: Shown, state: str, rng: random.Random) -> Assignment | None:
    if session.stage == RaterSession.Stage.PRACTICE:
        practice = _lease_practice(session, shown, rng)
        if practice or not sessions.advance(session):
            return practice
    for question, plan in plans(session):
        lease = _lease_for(session, question, plan, shown, state, rng)
        if lease:
            shown.note(lease)
            return lease
    return None


def _lease_for(
    session: RaterSession, question: Question, plan: Plan, shown: Shown, state: str, rng: random.Random
) -> Assignment | None:
    for kind in plan.following({kind: shown.taken(question.id, kind) for kind in Kind.values}):
        if kind == Kind.JUDGEMENT:
            return leases.lease_judgement(session, question, state, rng)
        if extra := find_extra(session, question, kind, rng):
            return leases.lease_extra(session, extra, state)
    return None


def _lease_practice(session: RaterSession, shown: Shown, rng: random.Random) -> Assignment | None:
    for question in session.study.ordered_questions:
        for kind, count in Counter(question.practice).items():
            taken = shown.taken(question.id, kind, is_practice=True)
            if taken < count and (extra := find_practice(session, question, kind, rng)):
                return leases.lease_extra(session, extra, State.OPEN, is_practice=True)
    return None
