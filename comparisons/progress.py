"""How far a study is: images made, votes given. Each is one query, whatever the study's size."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from comparisons.models import Comparison, Rater, Study, Vote
from comparisons.studies import image_jobs
from generation.models import ImageJob


@dataclass(frozen=True)
class GenerationProgress:
    system: str
    total: int
    queued: int
    running: int
    done: int
    failed: int
    error: str


@dataclass(frozen=True)
class RatingProgress:
    key: str
    wording: str
    wanted: int
    votes: int
    late: int
    simulated: int


def generation_progress(study: Study) -> list[GenerationProgress]:
    counts = image_jobs(study).counts_by_system()
    errors = dict(
        image_jobs(study).filter(state=ImageJob.State.FAILED).order_by("-id").values_list("system_id", "error")
    )
    prompts = study.prompt_set.prompts.count()
    return [
        GenerationProgress(
            system=system.slug,
            total=prompts,
            **{state: counts.get(system.id, {}).get(state, 0) for state in ImageJob.State.values},
            error=errors.get(system.id, ""),
        )
        for system in study.systems.order_by("slug")
    ]


def rating_progress(study: Study) -> list[RatingProgress]:
    wanted = Comparison.objects.filter(question__study=study).values("question").annotate(n=Sum("votes_wanted"))
    wanted_by_question = dict(wanted.values_list("question", "n"))
    of_question = "assignment__comparison__question"
    counts = {
        question: (votes, late, simulated)
        for question, votes, late, simulated in Vote.objects.filter(**{f"{of_question}__study": study})
        .values(of_question)
        .annotate(
            votes=Count("id", filter=Q(late=False)),
            late=Count("id", filter=Q(late=True)),
            simulated=Count("id", filter=Q(assignment__session__rater__kind=Rater.Kind.SIMULATED)),
        )
        .values_list(of_question, "votes", "late", "simulated")
    }
    return [
        RatingProgress(
            key=question.key,
            wording=question.wording,
            wanted=wanted_by_question.get(question.id, 0),
            votes=votes,
            late=late,
            simulated=simulated,
        )
        for question in study.questions.order_by("position")
        for votes, late, simulated in [counts.get(question.id, (0, 0, 0))]
    ]
