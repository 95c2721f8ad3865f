"""Studies: listed, made, changed, opened, closed, and how far they are."""

from __future__ import annotations

import tomllib
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from ninja import Query, Router, Schema, Status
from pydantic import Field

from analysis.overview import overviews
from api import drafts
from api.access import ApiRequest, Scope, need_scope, study_of
from api.drafts import JSON, TOML
from api.paging import Page, Paging, cut
from api.problems import problems
from comparisons.models import Study
from comparisons.progress import generation_progress, raters_active, rating_progress
from comparisons.studies import design_hash
from comparisons.study_text import study_table
from people import rights
from people.rights import Right
from studio import opening

router = Router(tags=["Studies"])
_EXAMPLE = """\
slug = "colours"
prompt_set = "words"
seed = 7
rating = { votes_wanted = 4 }
questions = [{ key = "quality", wording = "Which picture is better?" }]
systems = [{ catalogue = "sdxl-turbo", steps = [1, 4] }]
"""
_STUDY_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            TOML: {"schema": {"type": "string"}, "example": _EXAMPLE},
            JSON: {"schema": {"type": "object"}, "example": tomllib.loads(_EXAMPLE)},
        },
    }
}


class StudySummary(Schema):
    slug: str
    title: str
    state: Study.State
    design_hash: str = Field(description="SHA-256 of the canonical JSON of `design`; of a draft it may still change.")
    opened_at: datetime | None
    closed_at: datetime | None
    images_done: int
    images_waiting: int = Field(description="Queued or being made.")
    images_failed: int
    images_total: int
    votes: int
    votes_wanted: int
    simulated_votes: int


class StudyDetail(StudySummary):
    rights: list[Right] = Field(description="What this token may do in it.")
    prompts: int
    systems: list[str]
    raters_url: str = Field(description="Where raters begin.")
    design: dict[str, Any] = Field(description="All that decides what is asked and shown.")
    study_file: dict[str, Any] = Field(description="The same as a study file: it may be posted, with another slug.")


class StudyPage(Page):
    items: list[StudySummary]


class Opened(Schema):
    is_new: bool = Field(description="False: it was open already.")
    images_asked_for: int = Field(description="Newly, of the systems that can be made here.")
    awaiting_import: list[str] = Field(description="Systems whose images are made elsewhere.")
    trouble: str = Field(description="Why no worker was told; empty where all went well.")


class Closed(Schema):
    is_new: bool = Field(description="False: it was closed already.")


class FailureOut(Schema):
    which: str = Field(examples=["prompt 0 and 11 others"])
    reason: str


class SystemProgress(Schema):
    system: str
    total: int
    missing: int = Field(description="That nobody has asked for.")
    queued: int
    running: int
    done: int
    failed: int
    failures: list[FailureOut] = Field(description="The commonest reasons.")
    waits_for_import: bool
    per_second: float | None = Field(description="Over the last ten minutes, while images come.")


class QuestionProgress(Schema):
    question: str
    votes_wanted: int
    votes: int = Field(description="That came in time.")
    left: int


class Progress(Schema):
    images: list[SystemProgress]
    questions: list[QuestionProgress]
    raters_active: int


@router.get(
    "/studies",
    response={200: StudyPage} | problems(),
    operation_id="list_studies",
    summary="The studies in which you take part",
)
def list_studies(request: ApiRequest, paging: Query[Paging]) -> StudyPage:
    """The oldest first. Scope: read:studies."""
    need_scope(request, Scope.READ_STUDIES)
    page, following = cut(Study.objects.filter(rights.studies_of(request.auth.user)), paging)
    return StudyPage(items=_summaries(Study.objects.filter(pk__in=[study.pk for study in page])), next_cursor=following)


@router.post(
    "/studies",
    response={201: StudyDetail} | problems(409, 413, 415),
    operation_id="create_study",
    summary="Make a draft from a study file",
    openapi_extra=_STUDY_FILE,
)
def create_study(request: ApiRequest) -> Status[StudyDetail]:
    """As TOML, or as JSON of the same keys. You become its owner. Scope: write:studies."""
    need_scope(request, Scope.WRITE_STUDIES)
    return Status(201, _detail(request, drafts.create(drafts.spec_in(request), request.auth.user)))


@router.get(
    "/studies/{slug:slug}",
    response={200: StudyDetail} | problems(),
    operation_id="get_study",
    summary="A study with its design",
)
def get_study(request: ApiRequest, slug: str) -> StudyDetail:
    """Scope: read:studies."""
    return _detail(request, study_of(request, slug, Right.SEE_PROGRESS))


@router.put(
    "/studies/{slug:slug}",
    response={200: StudyDetail} | problems(409, 413, 415),
    operation_id="replace_study",
    summary="Give a draft another design",
    openapi_extra=_STUDY_FILE,
)
def replace_study(request: ApiRequest, slug: str) -> StudyDetail:
    """The design of a study that was opened is frozen: the same one is accepted, another is refused.

    Scope: write:studies.
    """
    study = study_of(request, slug, Right.EDIT_DESIGN)
    return _detail(request, drafts.replace(study, drafts.spec_in(request), request.auth.user))


@router.delete(
    "/studies/{slug:slug}",
    response={204: None} | problems(409),
    operation_id="delete_study",
    summary="Delete a draft",
)
def delete_study(request: ApiRequest, slug: str) -> HttpResponse:
    """A study that was opened stays. Scope: write:studies."""
    opening.delete(study_of(request, slug, Right.EDIT_DESIGN), request.auth.user)
    return HttpResponse(status=204)


@router.post(
    "/studies/{slug:slug}/open",
    response={200: Opened} | problems(409),
    operation_id="open_study",
    summary="Open a study",
)
def open_study(request: ApiRequest, slug: str) -> Opened:
    """Freezes the design, lets raters in, and asks for the images that can be made here. Scope: write:studies."""
    opened = opening.open_and_ask(study_of(request, slug, Right.OPEN_CLOSE), request.auth.user)
    return Opened(
        is_new=opened.is_new,
        images_asked_for=opened.images,
        awaiting_import=[system.slug for system in opened.awaited],
        trouble=opened.trouble,
    )


@router.post(
    "/studies/{slug:slug}/close",
    response={200: Closed} | problems(409),
    operation_id="close_study",
    summary="Close a study",
)
def close_study(request: ApiRequest, slug: str) -> Closed:
    """Hands out no more pairs; answers to pairs that raters hold are still kept. It stays closed.

    Scope: write:studies.
    """
    return Closed(is_new=opening.close(study_of(request, slug, Right.OPEN_CLOSE), request.auth.user))


@router.get(
    "/studies/{slug:slug}/progress",
    response={200: Progress} | problems(),
    operation_id="get_progress",
    summary="How far images and votes are",
)
def get_progress(request: ApiRequest, slug: str) -> Progress:
    """Scope: read:studies."""
    study = study_of(request, slug, Right.SEE_PROGRESS)
    questions = [
        QuestionProgress(question=row.key, votes_wanted=row.wanted, votes=row.votes, left=row.left)
        for row in rating_progress(study)
    ]
    images = [SystemProgress.from_orm(row) for row in generation_progress(study)]
    return Progress(images=images, questions=questions, raters_active=raters_active(study))


def _summaries(studies: QuerySet[Study]) -> list[StudySummary]:
    return [StudySummary(**_counts(row)) for row in overviews(studies.order_by("pk"))]


def _counts(row: Any) -> dict[str, Any]:
    """What is called otherwise on pages has its own name here."""
    named = {name: getattr(row, name) for name in StudySummary.model_fields if name != "images_waiting"}
    return named | {"images_waiting": row.images_wanted}


def _detail(request: ApiRequest, study: Study) -> StudyDetail:
    (row,) = overviews(Study.objects.filter(pk=study.pk))
    return StudyDetail(
        **_counts(row) | {"design_hash": design_hash(study)},
        rights=sorted(request.auth.rights_in(study)),
        prompts=study.prompt_set.prompts.count(),
        systems=list(study.systems.order_by("slug").values_list("slug", flat=True)),
        raters_url=request.build_absolute_uri(reverse("rate:landing", args=[study.key])),
        design=study.design,
        study_file=study_table(study.slug, study.design),
    )
