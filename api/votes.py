"""The judgements that stand, page by page, as exports have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from ninja import File, Query, Router, Schema, UploadedFile
from ninja.errors import HttpError
from pydantic import Field

from analysis.kinds import newest_vote
from analysis.vote_filters import FEW, VoteFilterForm, chosen_votes, expected_count
from analysis.vote_import import VoteImportError, import_upload
from analysis.vote_pages import WINDOW
from analysis.votes import is_excluded
from api.access import ApiRequest, study_of
from api.paging import Page, Paging
from api.problems import problems
from comparisons.models import Outcome, Rater, Study, Vote
from people import audit
from people.audit import Verb
from people.rights import Right

router = Router(tags=["Votes"])
_PAIR, _SESSION = "assignment__comparison__", "assignment__session__"
_PROMPT = f"{_PAIR}image_a__job__prompt__"
_OWN = ("outcome", "response_ms", "answered_at", "late", "excluded")
_COLUMNS = {
    "vote_id": F("id"),
    "question": F(f"{_PAIR}question__key"),
    "prompt_id": F(f"{_PROMPT}position"),
    "category": F(f"{_PROMPT}category"),
    "challenge": F(f"{_PROMPT}challenge"),
    "a": F(f"{_PAIR}image_a__job__system__slug"),
    "b": F(f"{_PAIR}image_b__job__system__slug"),
    "a_is_left": F("assignment__a_is_left"),
    "probability": F("assignment__probability"),
    "rater": F(f"{_SESSION}rater_id"),
    "rater_kind": F(f"{_SESSION}rater__kind"),
    "session": F(f"{_SESSION}public_id"),
}


class VoteOut(Schema):
    vote_id: int
    question: str
    prompt_id: int = Field(description="The prompt's position in its set, from 0.")
    category: str
    challenge: str
    system_left: str
    system_right: str
    outcome: Outcome
    rater: int = Field(description="A number that says nothing of the person.")
    session: str
    response_ms: int
    answered_at: datetime
    late: bool
    probability: float = Field(description="Of the draw of the pair of systems.")
    rater_kind: Rater.Kind
    excluded: bool = Field(description="Left out of every number, with its rater or by itself.")


class VotePage(Page):
    items: list[VoteOut]


class Imported(Schema):
    new: int
    there_already: int = Field(description="Of the same raters, with the same sides and outcomes.")


class VoteQuery(Paging):
    question: str = Field("", description="Its key.")
    system: str = Field("", description="On either side.")
    opponent: str = Field("", description="On the other side.")
    outcome: str = Field("", description="left, right, tie, both_bad; or won or lost, with `system`.")
    category: str = ""
    challenge: str = ""
    prompt: str = Field("", description="A `prompt_id`.")
    late: str = Field("", description="yes or no")
    excluded: str = Field("", description="yes or no")


@router.get(
    "/studies/{slug:slug}/votes",
    response={200: VotePage} | problems(),
    operation_id="list_votes",
    summary="Votes by their number",
)
def list_votes(request: ApiRequest, slug: str, query: Query[VoteQuery]) -> VotePage:
    """The oldest first; answers that were taken back, and those to checks, are not among them.

    A page looks through 15,000 votes of the site at most, so that it may hold fewer than `limit`, or none, and still
    have a `next_cursor`. Each page is noted in the study's activity as an export. All at once: votes.csv and
    votes.parquet. Scope: read:votes.

    To follow an open study, give the last `vote_id` less 1000 as `cursor` later, and pass over those that you have:
    votes of the same moment may be stored in another order than that of their numbers. After an import, which the
    study's activity shows, ask for all of them.
    """
    study = study_of(request, slug, Right.EXPORT)
    ids, following = _ids(study, _chosen(study, query), query)
    if ids:
        details = {"file": "votes by the API", "votes": f"{ids[0]} to {ids[-1]}"}
        audit.record(Verb.EXPORTED, study=study, actor=request.auth.user, details=details)
    return VotePage(items=_rows(ids), next_cursor=following)


@router.post(
    "/studies/{slug:slug}/votes",
    response={200: Imported} | problems(400, 409, 413),
    operation_id="import_votes",
    summary="Bring votes that were given elsewhere",
)
def import_votes(request: ApiRequest, slug: str, votes: File[UploadedFile]) -> Imported:
    """On the study's own images, all votes of the file or none; the same file again adds nothing.

    CSV, or Parquet where its name ends in .parquet or .pq, with the columns of votes.csv: question, prompt_id,
    system_left, system_right, outcome, rater, answered_at, response_ms, and perhaps probability, rater_kind, late and
    excluded. They take places of the votes wanted, late ones none. Scope: write:votes.
    """
    study = study_of(request, slug, Right.IMPORT_VOTES)
    try:
        done = import_upload(study, votes, request.auth.user)
    except VoteImportError as error:
        raise HttpError(422, " ".join(line.strip() for line in str(error).splitlines())) from None
    return Imported(new=done.new, there_already=done.there_already)


def _chosen(study: Study, query: VoteQuery) -> Mapping[str, Any]:
    """By the form of the page of votes, which says of a wrong value what is allowed."""
    form = VoteFilterForm(study, query.dict())
    if not form.is_valid():
        raise HttpError(422, " ".join(str(sentence) for found in form.errors.values() for sentence in found))
    return form.cleaned_data


def _ids(study: Study, chosen: Mapping[str, Any], paging: Paging) -> tuple[list[int], int | None]:
    """As the page of votes finds them: few by what they are about, many by their number within a window."""
    votes: QuerySet[Vote] = chosen_votes(study, chosen).filter(id__gt=paging.cursor)
    if expected_count(study, chosen) <= FEW:
        by_age = F("id") + 0  # no index has it: the rows are found first, and sorted then
        last, newest = 0, 0
        votes = votes.order_by(by_age)
    else:
        last, newest = paging.cursor + WINDOW, newest_vote()
        votes = votes.filter(id__lte=last).order_by("id")
    ids = list(votes.values_list("id", flat=True)[: paging.limit + 1])
    if len(ids) > paging.limit:
        return ids[: paging.limit], ids[paging.limit - 1]
    return ids, last if last < newest else None


def _rows(ids: Sequence[int]) -> list[VoteOut]:
    """What exports make of whole studies, of a few votes: there every comparison of the study is read first."""
    rows = Vote.objects.filter(id__in=ids).annotate(excluded=is_excluded()).order_by("id")
    return [_out(**row) for row in rows.values(*_OWN, **_COLUMNS)]


def _out(a: str, b: str, a_is_left: bool, answered_at: datetime, session: UUID, **same: Any) -> VoteOut:
    left, right = (a, b) if a_is_left else (b, a)
    to_the_ms = answered_at.replace(microsecond=answered_at.microsecond // 1000 * 1000)
    return VoteOut(system_left=left, system_right=right, answered_at=to_the_ms, session=str(session), **same)
