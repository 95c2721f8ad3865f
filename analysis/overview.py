"""Studies as the list and the head of a study's page show them: how far images and votes are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, QuerySet, Sum
from django.urls import reverse

from comparisons.models import Matchup, Rater, Study, Vote
from generation.models import ImageJob

State = ImageJob.State


@dataclass(frozen=True)
class StudyOverview:
    slug: str
    title: str
    state: str
    get_state_display: str
    opened_at: datetime | None
    closed_at: datetime | None
    design_hash: str
    images_done: int
    images_wanted: int  # queued or being made
    images_failed: int
    images_total: int
    votes: int
    votes_wanted: int
    simulated_votes: int
    url: str

    @property
    def simulation(self) -> str:
        """What its label says; empty where people have given all votes."""
        if not self.simulated_votes:
            return ""
        return "Simulated votes" if self.simulated_votes == self.votes else "Partly simulated votes"


def overviews(chosen: QuerySet[Study]) -> list[StudyOverview]:
    """In as many queries for a thousand studies as for one."""
    studies = list(
        chosen.prefetch_related("systems").annotate(prompt_count=Count("prompt_set__prompts", distinct=True))
    )
    wanted = dict(
        Matchup.objects.filter(question__study__in=studies)
        .order_by()
        .values_list("question__study")
        .annotate(Sum("votes_wanted"))
    )
    votes = _votes_by_kind(studies)
    images = _jobs_by_state(studies)
    return [
        StudyOverview(
            slug=study.slug,
            title=study.title,
            state=study.state,
            get_state_display=study.get_state_display(),
            opened_at=study.opened_at,
            closed_at=study.closed_at,
            design_hash=study.design_hash,
            images_done=images[study.id, State.DONE],
            images_wanted=images[study.id, State.QUEUED] + images[study.id, State.RUNNING],
            images_failed=images[study.id, State.FAILED],
            images_total=len(study.systems.all()) * study.prompt_count,
            votes=sum(votes[study.id, kind] for kind in Rater.Kind.values),
            votes_wanted=wanted.get(study.id, 0),
            simulated_votes=votes[study.id, Rater.Kind.SIMULATED],
            url=reverse("studies:detail", args=[study.slug]),
        )
        for study in studies
    ]


def _votes_by_kind(studies: Collection[Study]) -> Counter[tuple[int, str]]:
    session = "assignment__session__"
    rows = (
        Vote.objects.standing()
        .filter(assignment__session__study__in=studies)
        .values_list(f"{session}study_id", f"{session}rater__kind")
        .annotate(Count("id"))
    )
    return Counter({(study_id, kind): votes for study_id, kind, votes in rows})


def _jobs_by_state(studies: Collection[Study]) -> Counter[tuple[int, str]]:
    """Image jobs by study and state, by the rule of comparisons.studies.image_jobs for all of them at once."""
    ids = [study.id for study in studies]
    wanted = Study.objects.filter(
        id__in=ids,
        systems__jobs__prompt__prompt_set=F("prompt_set"),
        systems__jobs__seed=F("seed") + F("systems__jobs__prompt__position"),
    )
    rows = wanted.order_by().values_list("id", "systems__jobs__state").annotate(Count("systems__jobs"))
    return Counter({(study_id, state): count for study_id, state, count in rows})
