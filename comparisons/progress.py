"""How far a study is: images made, votes given. In a few queries, whatever the study's size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, IntegerField, Max, Min, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone

from comparisons.models import Assignment, Matchup, Study
from comparisons.studies import image_jobs
from generation.backends import missing_backend
from generation.models import Image, ImageJob, ImageJobQuerySet


@dataclass(frozen=True)
class Failure:
    """Images of one system that failed for the same reason."""

    system: str
    which: str  # "prompt 3", "prompt 0 and 11 others"
    reason: str


@dataclass(frozen=True)
class GenerationProgress:
    system: str
    total: int
    queued: int
    running: int
    done: int
    failed: int
    failures: list[Failure]  # the commonest reasons
    other_reasons: int
    waits_for_import: bool
    per_second: float | None  # over RECENT, while images of this system come
    pace: str  # the same, in the unit that fits; empty where nobody knows
    left: str  # time for the rest at that pace, to be read; empty where nobody knows

    @property
    def missing(self) -> int:
        """Images that nobody has asked for."""
        return self.total - self.queued - self.running - self.done - self.failed


@dataclass(frozen=True)
class RatingProgress:
    key: str
    wording: str
    wanted: int
    votes: int  # that came in time

    @property
    def left(self) -> int:
        return max(0, self.wanted - self.votes)


RECENT = timedelta(minutes=10)
MOST_MISSED = 3  # batches that should have come by now, after which there is no pace to speak of
MOST_REASONS = 3  # shown for each system
_BATCH_SIZE = Cast(KeyTextTransform("batch_size", "environment"), IntegerField())


def generation_progress(study: Study) -> list[GenerationProgress]:
    counts = image_jobs(study).counts_by_system()
    failed = failures(image_jobs(study))
    paces = _paces(study) if any(_waiting(by_state) for by_state in counts.values()) else {}
    prompts = study.prompt_set.prompts.count()
    rows = []
    for system in study.systems.order_by("slug"):
        by_state = {state: counts.get(system.id, {}).get(state, 0) for state in ImageJob.State.values}
        waiting = _waiting(by_state)
        per_second = paces.get(system.id) if waiting else None
        is_made_elsewhere = missing_backend(system.parsed_spec()) is not None
        reasons = [failure for failure in failed if failure.system == system.slug]
        rows.append(
            GenerationProgress(
                system=system.slug,
                total=prompts,
                **by_state,
                failures=reasons[:MOST_REASONS],
                other_reasons=len(reasons[MOST_REASONS:]),
                waits_for_import=by_state[ImageJob.State.DONE] < prompts and is_made_elsewhere,
                per_second=per_second,
                pace=_pace_in_words(per_second) if per_second else "",
                left=duration_in_words(waiting / per_second) if per_second else "",
            )
        )
    return rows


def _waiting(by_state: dict[str, int]) -> int:
    return by_state.get(ImageJob.State.QUEUED, 0) + by_state.get(ImageJob.State.RUNNING, 0)


def failures(jobs: ImageJobQuerySet) -> list[Failure]:
    """Why images failed, in one query: by system, the commonest reason first."""
    rows = (
        jobs.filter(state=ImageJob.State.FAILED)
        .values_list("system__slug", "error")
        .annotate(count=Count("id"), first=Min("prompt__position"))
        .order_by("system__slug", "-count", "first")
    )
    return [Failure(slug, _which(first, count), error.removeprefix(f"{slug}: ")) for slug, error, count, first in rows]


def _which(first: int, count: int) -> str:
    others = f" and {count - 1} other{'' if count == 2 else 's'}" if count > 1 else ""
    return f"prompt {first}{others}"


def _paces(study: Study) -> dict[int, float]:
    """Images a second by system over the last minutes, while they come. Imported ones have no pace.

    A batch's images come at once, so those of the first batch say nothing: only when it ended.
    """
    now = timezone.now()
    recent = (
        Image.objects.made_here()
        .filter(job__in=image_jobs(study), created_at__gte=now - RECENT)
        .order_by()
        .values_list("job__system_id")
        .annotate(Count("id"), Min("created_at"), Max("created_at"), batch=Max(_BATCH_SIZE))
    )
    paces = {}
    for system, count, first, last, batch in recent:
        size, duration = batch or 1, (last - first).total_seconds()
        if count <= size or not duration:
            continue
        per_second = (count - size) / duration
        if (now - last).total_seconds() <= MOST_MISSED * size / per_second:
            paces[system] = per_second
    return paces


def _pace_in_words(per_second: float) -> str:
    if per_second >= 1:
        return f"{per_second:.1f}/s"
    return f"{per_second * 60:.1f}/min" if per_second >= 1 / 60 else f"{per_second * 3600:.1f}/h"


def duration_in_words(seconds: float) -> str:
    minutes, hours = math.ceil(seconds / 60), math.ceil(seconds / 3600)
    if minutes < 60:
        return f"{minutes} min" if seconds >= 60 else "under 1 min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 48 * 60 else f"{hours // 24} days {hours % 24} h"


def rating_progress(study: Study) -> list[RatingProgress]:
    """From the counters of matchups: counting a million votes takes a second."""
    counted = _totals(study)
    held = _held(study)
    return [
        RatingProgress(
            key=question.key,
            wording=question.wording,
            wanted=wanted,
            votes=taken - held.get(question.id, 0),
        )
        for question in study.ordered_questions
        for wanted, taken in [counted.get(question.id, (0, 0))]
    ]


def _totals(study: Study) -> dict[int, tuple[int, int]]:
    """By question: the votes wanted, and how many of those are given or being given."""
    rows = Matchup.objects.filter(question__study=study).order_by().values_list("question")
    sums = rows.annotate(Sum("votes_wanted"), taken=Sum(F("a_left") + F("b_left")))
    return {question: (wanted, taken) for question, wanted, taken in sums}


def _held(study: Study) -> dict[int, int]:
    """By question: the votes that are being given."""
    rows = Assignment.objects.open().counting().filter(comparison__question__study=study)
    return dict(rows.order_by().values_list("comparison__question").annotate(Count("id")))


def raters_active(study: Study) -> int:
    """Who holds a pair now, and has not let its lease lapse."""
    held = Assignment.objects.open().filter(session__study=study, expires_at__gt=timezone.now())
    return int(held.aggregate(raters=Count("session", distinct=True))["raters"])
