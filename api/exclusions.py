"""What is left out of a study's numbers, and why; left out and taken back in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.db.models import QuerySet
from ninja import Query, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import AfterValidator, Field, model_validator

from api.access import ApiRequest, study_of
from api.paging import Page, Paging, cut
from api.problems import problems
from comparisons import exclusions
from comparisons.exclusions import LONGEST_REASON
from comparisons.models import Exclusion, RaterSession, Study, Vote
from people.rights import Right

router = Router(tags=["Exclusions"])


def _said(text: str) -> str:
    if not (said := text.replace("\0", "").strip()):
        raise ValueError("say why")
    return said


Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON), AfterValidator(_said)]


class ExclusionOut(Schema):
    id: int
    vote: int | None = Field(description="A `vote_id`; null where a whole session is left out.")
    session: UUID | None = Field(description="As in votes; null where one vote is left out.")
    reason: str
    rule: str = Field(description="Of the study's design; empty: somebody decided it.")
    made_by: str | None
    made_at: datetime
    restored_by: str | None
    restored_at: datetime | None = Field(description="Null: it is left out.")
    restored_because: str


class ExclusionPage(Page):
    items: list[ExclusionOut]


class ExclusionQuery(Paging):
    live: bool = Field(False, description="Only those that have not been restored.")


class ExclusionIn(Schema):
    """One of the two: a vote, or all of a session."""

    vote: int | None = Field(None, ge=0, le=2**53)
    session: UUID | None = None
    reason: Reason = Field(examples=["Answered in another language."])

    @model_validator(mode="after")
    def check_target(self) -> ExclusionIn:
        if (self.vote is None) == (self.session is None):
            raise ValueError("give a vote or a session, and not both")
        return self


class Because(Schema):
    reason: Reason


@router.get(
    "/studies/{slug:slug}/exclusions",
    response={200: ExclusionPage} | problems(),
    operation_id="list_exclusions",
    summary="What is left out, and was",
)
def list_exclusions(request: ApiRequest, slug: str, query: Query[ExclusionQuery]) -> ExclusionPage:
    """Scope: read:studies."""
    found = _all(study_of(request, slug, Right.SEE_PROGRESS))
    page, following = cut(found.filter(revoked_at=None) if query.live else found, query)
    return ExclusionPage(items=[_out(row) for row in page], next_cursor=following)


@router.post(
    "/studies/{slug:slug}/exclusions",
    response={201: ExclusionOut} | problems(400, 409, 413),
    operation_id="exclude",
    summary="Leave out a vote or a session",
)
def exclude(request: ApiRequest, slug: str, body: ExclusionIn) -> Status[ExclusionOut]:
    """Nothing is deleted: it can be restored. Scope: write:votes."""
    study = study_of(request, slug, Right.EXCLUDE)
    target = _target(study, body)
    if not exclusions.exclude(target, body.reason, request.auth.user):
        raise HttpError(409, "That is left out already.")
    named = {"session": target} if isinstance(target, RaterSession) else {"vote": target}
    return Status(201, _out(_all(study).get(revoked_at=None, **named)))


@router.post(
    "/studies/{slug:slug}/exclusions/{int:exclusion_id}/restore",
    response={200: ExclusionOut} | problems(400, 409, 413),
    operation_id="restore",
    summary="Count it again",
)
def restore(request: ApiRequest, slug: str, exclusion_id: int, body: Because) -> ExclusionOut:
    """The study's rules will not exclude it anew. Scope: write:votes."""
    rows = _all(study_of(request, slug, Right.EXCLUDE)).filter(pk=exclusion_id)
    if (found := rows.first()) is None:
        raise HttpError(404, f"Study {slug!r} has no exclusion {exclusion_id}.")
    if not exclusions.restore(found, body.reason, request.auth.user):
        raise HttpError(409, "That had been restored already.")
    return _out(rows.get())


def _all(study: Study) -> QuerySet[Exclusion]:
    return Exclusion.objects.of_study(study).select_related("session", "created_by", "revoked_by")


def _target(study: Study, body: ExclusionIn) -> RaterSession | Vote:
    if body.session is not None:
        target: RaterSession | Vote | None = study.sessions.filter(public_id=body.session).first()
        found = f"session {body.session}"
    else:
        target = Vote.objects.filter(assignment__session__study=study, pk=body.vote or 0).first()
        found = f"vote {body.vote}"
    if target is None:
        raise HttpError(404, f"Study {study.slug!r} has no {found}.")
    return target


def _out(row: Exclusion) -> ExclusionOut:
    return ExclusionOut(
        id=row.pk,
        vote=row.vote_id,
        session=row.session.public_id if row.session else None,
        reason=row.reason,
        rule=row.rule,
        made_by=row.created_by.get_username() if row.created_by else None,
        made_at=row.created_at,
        restored_by=row.revoked_by.get_username() if row.revoked_by else None,
        restored_at=row.revoked_at,
        restored_because=row.revoked_because,
    )
