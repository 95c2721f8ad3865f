"""Who has come to a study and how far they are. Sessions are counted, never votes."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from comparisons import sessions
from comparisons.models import Invitation, Rater, RaterSession, Study

LATELY = timedelta(hours=1)
LATEST = 500  # of those who completed it, whose time is looked at
NAMES = {"link": "By the link", "invitation": "Invited", "prolific": "Prolific", "mturk": "Mechanical Turk"}
Stage = RaterSession.Stage


@dataclass
class Crowd:
    """Those who came by one way; bots apart from people."""

    name: str
    is_simulated: bool = False
    stages: Counter[str] = field(default_factory=Counter)
    lately: int = 0

    @property
    def total(self) -> int:
        return self.stages.total()


@dataclass(frozen=True)
class Attendance:
    crowds: Sequence[Crowd]
    stages: Sequence[tuple[str, Sequence[int]]]  # each with how many of every crowd are there
    timed: int  # people who completed it last, LATEST at most
    minutes: float | None  # their median, from consent to the last page


@dataclass(frozen=True)
class Invitations:
    used: int
    unused: int


def attendance(study: Study) -> Attendance:
    crowds = _crowds(study)
    own = [*sessions.stages(study), *RaterSession.ENDINGS]
    shown = [stage for stage in Stage if stage in own or any(crowd.stages[stage] for crowd in crowds)]
    rows = [(name(stage), [crowd.stages[stage] for crowd in crowds]) for stage in shown]
    minutes = _minutes(study)
    return Attendance(crowds, rows, len(minutes), statistics.median(minutes) if minutes else None)


def invitations(study: Study) -> Invitations:
    """Of the invited who were erased, nobody knows any more that their invitation was used: it can be used anew."""
    here = RaterSession.objects.filter(study=study, rater__platform="invitation")
    used = here.exclude(rater__worker_hash="").count()
    return Invitations(used, Invitation.objects.filter(study=study).count() - used)


def name(stage: str) -> str:
    return stage.replace("_", " ").capitalize()


def _crowds(study: Study) -> list[Crowd]:
    """In one query: people by the study's own way first, then by other ways, then bots."""
    rows = (
        study.sessions.order_by("rater__platform")
        .values_list("rater__platform", "rater__kind", "stage")
        .annotate(count=Count("id"), lately=Count("id", filter=Q(consented_at__gte=timezone.now() - LATELY)))
    )
    own = study.protocol.recruitment.platform
    people, bots = {own: Crowd(NAMES[own])}, Crowd("Simulated", is_simulated=True)
    for platform, kind, stage, count, lately in rows:
        way = Crowd(NAMES.get(platform, platform.capitalize()))
        crowd = bots if kind == Rater.Kind.SIMULATED else people.setdefault(platform, way)
        crowd.stages[stage] += count
        crowd.lately += lately
    return [*people.values(), *([bots] if bots.total else [])]


def _minutes(study: Study) -> list[float]:
    """Of each of the people whom the study's own way led to its end, the latest first."""
    people = Q(rater__kind=Rater.Kind.PERSON, rater__platform=study.protocol.recruitment.platform)
    completed = study.sessions.filter(people, stage=Stage.COMPLETED).order_by("-completed_at")
    times = completed.values_list("consented_at", "completed_at")[:LATEST]
    return [(end - start).total_seconds() / 60 for start, end in times if end]
