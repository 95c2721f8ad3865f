"""Studies as the list and the head of a study's page show them: how far images and votes are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, QuerySet, Sum
from django.urls import reverse

from comparisons.models import Assignment, Matchup, Rater, RaterSession, Study, Vote
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
    votes: int  # that came in time: late ones are outside the quota
    votes_wanted: int
    simulated_votes: int  # of those votes
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
    wanted, votes = _votes(studies)
    simulated = _simulated_votes(studies, votes)
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
            votes=votes[study.id],
            votes_wanted=wanted[study.id],
            simulated_votes=simulated[study.id],
            url=reverse("studies:detail", args=[study.slug]),
        )
        for study in studies
    ]


def _votes(studies: Collection[Study]) -> tuple[Counter[int], Counter[int]]:
    """By study: the votes wanted, and those that came in time. From counters: counting a million takes a second."""
    rows = Matchup.objects.filter(question__study__in=studies).order_by().values_list("question__study")
    totals = list(rows.annotate(Sum("votes_wanted"), taken=Sum(F("a_left") + F("b_left"))))
    held = Assignment.objects.open().counting().filter(session__study__in=studies)
    given = Counter({study_id: taken for study_id, _, taken in totals})
    given.subtract(_by_study(held, "session"))
    return Counter({study_id: wanted for study_id, wanted, _ in totals}), given


def _simulated_votes(studies: Collection[Study], votes: Mapping[int, int]) -> Counter[int]:
    """All of a study that only bots have rated; votes are counted where people have, too."""
    rows = RaterSession.objects.filter(study__in=studies).order_by().values_list("study", "rater__kind").distinct()
    kinds: dict[int, set[str]] = {}
    for study_id, kind in rows:
        kinds.setdefault(study_id, set()).add(kind)
    bots = {study_id for study_id, found in kinds.items() if Rater.Kind.SIMULATED in found}
    mixed = {study_id for study_id in bots if len(kinds[study_id]) > 1}
    of_bots = Vote.objects.standing().filter(late=False, assignment__session__rater__kind=Rater.Kind.SIMULATED)
    counted = _by_study(of_bots.filter(assignment__session__study__in=mixed), "assignment__session")
    return Counter({study_id: votes[study_id] for study_id in bots - mixed} | counted)


def _by_study(rows: QuerySet[Any], session: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(f"{session}__study").annotate(Count("id")))


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
