"""Votes for tests, cast without pages."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from comparisons.models import Assignment, Comparison, Matchup, Rater, RaterSession, Study, Vote
from tests.factories import make_session


def cast_vote(
    session: RaterSession,
    comparison: Comparison,
    outcome: str = "left",
    a_is_left: bool = True,
    late: bool = False,
    answered_at: datetime | None = None,
) -> Vote:
    now = answered_at or timezone.now()
    assignment = Assignment.objects.create(
        session=session,
        comparison=comparison,
        a_is_left=a_is_left,
        probability=0.5,
        state=Assignment.State.DONE,
        issued_at=now,
        expires_at=now + timedelta(minutes=10),
    )
    if not late:
        is_a = comparison.image_a.job.system_id == comparison.matchup.system_a_id
        counter = "a_left" if is_a == a_is_left else "b_left"
        Matchup.objects.filter(id=comparison.matchup_id).update(**{counter: F(counter) + 1})
    return Vote.objects.create(
        assignment=assignment,
        client_key=uuid.uuid4(),
        outcome=outcome,
        response_ms=1500,
        late=late,
        answered_at=now,
    )


def cast_votes(study: Study, raters: int = 6, each: int = 8, seed: int = 1, kind: str = Rater.Kind.PERSON) -> None:
    """Random votes in which systems later in the alphabet win more often, on both sides and with every outcome."""
    rng = random.Random(seed)
    chosen = Comparison.objects.filter(question__study=study).order_by("id")
    comparisons = list(chosen.select_related("question", "matchup", "image_a__job__system", "image_b__job__system"))
    for _ in range(raters):
        session = make_session(study, kind)
        for comparison in rng.sample(comparisons, min(each, len(comparisons))):
            a_is_left = rng.random() < 0.5
            a_is_better = comparison.image_a.job.system.slug > comparison.image_b.job.system.slug
            better, worse = ("left", "right") if a_is_better == a_is_left else ("right", "left")
            weights = {better: 6, worse: 2, "tie": 1, "both_bad": 1}
            offered = comparison.question.outcomes()
            outcome = rng.choices(offered, [weights[name] for name in offered])[0]
            cast_vote(session, comparison, outcome, a_is_left)
