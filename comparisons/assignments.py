"""Which pair a session looks at, and which it will look at next."""

from __future__ import annotations

import random
from collections import Counter

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from comparisons import leases, sessions
from comparisons.extras import find_extra, find_practice
from comparisons.models import Assignment, Matchup, Question, RaterSession, Study
from comparisons.plan import Plan

State = Assignment.State
Kind = Assignment.Kind


def next_assignment(session: RaterSession, rng: random.Random) -> Assignment | None:
    """What the session is to judge now: what it took back, holds, or took ahead, else something new.

    None when there is nothing left for this session. Questions are asked in blocks: all of the first before any of
    the second.
    """
    if session.study.state != Study.State.OPEN or session.stage not in sessions.WITH_PAIRS:
        return None
    while True:
        held = _held(session)
        try:
            if current := held.get(State.UNDONE) or held.get(State.OPEN):
                return current
            if State.AHEAD in held:
                return _promote(held[State.AHEAD])
            return _lease_next(session, State.OPEN, rng)
        except leases.Overtaken:
            continue


def assignment_ahead(session: RaterSession, rng: random.Random) -> Assignment | None:
    """What will come after the current one, leased so that its images can be loaded meanwhile."""
    if session.study.state != Study.State.OPEN or session.stage != RaterSession.Stage.JUDGING:
        return None
    held = _held(session)
    try:
        return held.get(State.AHEAD) or _lease_next(session, State.AHEAD, rng)
    except leases.Overtaken:
        return _held(session).get(State.AHEAD)


def plans(session: RaterSession) -> list[tuple[Question, Plan]]:
    """What this session may be shown, in order; one entry for all questions where they are asked together."""
    return plans_of(session.study, str(session.public_id))


def plans_of(study: Study, seed: str) -> list[tuple[Question, Plan]]:
    checks = study.protocol.checks
    counts = comparisons_by_question(study)
    questions = list(study.questions.order_by("position"))
    found = []
    for question in questions if study.protocol.layout == "blocks" else questions[:1]:
        question.study = study
        count = counts.get(question.id, 0)
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


def comparisons_by_question(study: Study) -> dict[int, int]:
    wanted = Matchup.objects.filter(question__study=study).order_by().values_list("question")
    return {question: votes // study.votes_wanted for question, votes in wanted.annotate(Sum("votes_wanted"))}


def shown_by_kind(session: RaterSession) -> Counter[tuple[int, str, bool]]:
    """How many pairs this session has judged or holds, by question, kind and whether it was practice."""
    there = session.assignments.exclude(state__in=[State.EXPIRED, State.REPORTED]).order_by()
    rows = there.values_list("comparison__question", "kind", "is_practice").annotate(Count("id"))
    return Counter({(question, kind, is_practice): count for question, kind, is_practice, count in rows})


def _held(session: RaterSession) -> dict[str, Assignment]:
    """What this session has in hand, by state, renewed when it ran out but nobody has taken it back."""
    mine = session.assignments.filter(state__in=Assignment.VISIBLE, beside=None)
    held = {lease.state: lease for lease in mine.select_related("comparison__image_a__job__prompt")}
    now = timezone.now()
    for lease in held.values():
        lease.session = session
        if lease.state in Assignment.HELD and lease.expires_at < now:
            end = leases.lease_end()
            Assignment.objects.open().filter(Q(id=lease.id) | Q(beside=lease.id)).update(expires_at=end)
            lease.expires_at = end
    return held


def _promote(lease: Assignment) -> Assignment:
    ahead = Assignment.objects.filter(Q(id=lease.id) | Q(beside=lease.id), state=State.AHEAD)
    end = leases.lease_end()
    try:
        with transaction.atomic():
            moved = ahead.update(state=State.OPEN, expires_at=end)
    except IntegrityError as error:
        raise leases.Overtaken from error
    if not moved:
        raise leases.Overtaken
    lease.state, lease.expires_at = State.OPEN, end
    return lease


def _lease_next(session: RaterSession, state: str, rng: random.Random) -> Assignment | None:
    if session.stage == RaterSession.Stage.PRACTICE:
        practice = _lease_practice(session, rng)
        if practice or not sessions.advance(session):
            return practice
    shown = shown_by_kind(session)
    for question, plan in plans(session):
        done = {kind: shown[question.id, kind, False] for kind in Kind.values}
        judged, repeated = done.pop(Kind.JUDGEMENT), done.pop(Kind.REPEAT)
        kind = plan.following(judged, sum(done.values()), repeated)
        if kind not in {None, Kind.JUDGEMENT} and (extra := find_extra(session, question, kind, rng)):
            return leases.lease_extra(session, extra, state)
        if judged < plan.judgements and (lease := leases.lease_judgement(session, question, state, rng)):
            return lease
    return None


def _lease_practice(session: RaterSession, rng: random.Random) -> Assignment | None:
    shown = shown_by_kind(session)
    for question in session.study.questions.order_by("position"):
        for kind, count in Counter(question.practice).items():
            if shown[question.id, kind, True] < count and (extra := find_practice(session, question, kind, rng)):
                return leases.lease_extra(session, extra, State.OPEN, is_practice=True)
    return None
