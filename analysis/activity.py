"""How a study's votes come in: by day and question, and how fast while raters are at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.db.models.functions import TruncDay, TruncMinute
from django.utils import timezone

from comparisons.imported_raters import PLATFORM
from comparisons.models import Assignment, Study, Vote
from comparisons.progress import RatingProgress, duration_in_words

STRETCH = timedelta(minutes=10)
MOST_STRETCHES = 36  # the last six hours in which anybody judged
FEWEST_STRETCHES = 2
LOOK_BACK = timedelta(days=14)


@dataclass(frozen=True)
class MadeElsewhere:
    """Imported votes, out of all that have come: late and excluded ones too."""

    votes: int
    of: int


@dataclass(frozen=True)
class Finish:
    """What the votes still wanted will take at the pace of the last stretches in which votes came."""

    votes_left: int
    per_hour: float
    hours: float  # of judging, not of the clock
    stretches: int
    at: datetime | None  # where votes come now, if they go on to

    @property
    def duration(self) -> str:
        return duration_in_words(3600 * self.hours)


def make(study: Study) -> dict[str, Any]:
    """Votes by day and question, late ones, those made elsewhere, and of those that were not, by stretch of STRETCH
    over the last that had any; for a snapshot.
    """
    votes = _first_votes(study)
    days = votes.annotate(day=TruncDay("answered_at")).order_by("day", "assignment__comparison__question__position")
    by_day = days.values_list("day", "assignment__comparison__question__key").annotate(Count("id"))
    late = votes.filter(late=True).order_by().values_list("assignment__comparison__question__key")
    return {
        "days": [[day.date().isoformat(), question, count] for day, question, count in by_day],
        "late": dict(late.annotate(Count("id"))),
        "stretches": _stretches(votes.filter(late=False).exclude(assignment__session__rater__platform=PLATFORM)),
        "imported": votes.filter(assignment__session__rater__platform=PLATFORM).count(),
        "raters": votes.aggregate(raters=Count("assignment__session", distinct=True))["raters"],
    }


def made_elsewhere(content: dict[str, Any] | None) -> MadeElsewhere | None:
    """None where no votes were imported, and before anything is counted."""
    if content is None or not content["imported"]:
        return None
    return MadeElsewhere(content["imported"], sum(count for _, _, count in content["days"]))


def finish(content: dict[str, Any], rating: Sequence[RatingProgress], now: datetime | None = None) -> Finish | None:
    """None where nothing is left, or where too few stretches are over to tell a pace."""
    now = now or timezone.now()
    left = sum(row.left for row in rating)
    over = [count for start, count in content["stretches"] if datetime.fromisoformat(start) + STRETCH <= now]
    if not left or len(over) < FEWEST_STRETCHES:
        return None
    per_hour = sum(over) / len(over) * (timedelta(hours=1) / STRETCH)
    last = datetime.fromisoformat(content["stretches"][-1][0])
    hours = left / per_hour
    is_going_on = now - last <= 2 * STRETCH
    return Finish(left, per_hour, hours, len(over), now + timedelta(hours=hours) if is_going_on else None)


def _first_votes(study: Study) -> QuerySet[Vote]:
    """One for each judgement: what supersedes an answer is not another vote."""
    return Vote.objects.filter(
        assignment__session__study=study,
        assignment__kind=Assignment.Kind.JUDGEMENT,
        assignment__is_practice=False,
        supersedes=None,
    )


def _stretches(votes: QuerySet[Vote]) -> list[list[Any]]:
    last = votes.aggregate(last=Max("answered_at"))["last"]
    if last is None:
        return []
    recent = votes.filter(answered_at__gte=last - LOOK_BACK).annotate(minute=TruncMinute("answered_at")).order_by()
    counts: Counter[datetime] = Counter()
    for minute, count in recent.values_list("minute").annotate(Count("id")):
        counts[minute - (minute - minute.min.replace(tzinfo=minute.tzinfo)) % STRETCH] += count
    return [[start.isoformat(), counts[start]] for start in sorted(counts)[-MOST_STRETCHES:]]
