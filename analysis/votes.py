"""The one query that turns stored votes into rows: what was seen, by whom, and whether it counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When

from analysis.stats import VoteTable
from comparisons.models import Exclusion, Study, Vote

_CHUNK = 5000
_COMPARISON = "assignment__comparison__"
_PROMPT = f"{_COMPARISON}image_a__job__prompt"
_SESSION = "assignment__session__"


class VoteRow(NamedTuple):
    """One vote as exported: the fields are the columns, in their order.

    `prompt_id` is the prompt's position in its set, as in a manifest of images. `rater` is a key of the database and
    `session` is its public id: nothing says who somebody is.
    """

    vote_id: int
    question: str
    prompt_id: int
    category: str
    challenge: str
    system_left: str
    system_right: str
    outcome: str
    rater: int
    session: UUID
    response_ms: int
    answered_at: datetime
    late: bool
    rater_kind: str
    excluded: bool


def vote_rows(study: Study) -> Iterator[VoteRow]:
    """Every judgement that stands, late and excluded ones too, oldest first; the rows are never all in memory."""
    return map(VoteRow._make, _query(study).iterator(chunk_size=_CHUNK))


def vote_table(study: Study, *, with_excluded: bool = False) -> VoteTable:
    """The votes that count: all but the excluded ones, or those too."""
    *names, _ = VoteRow._fields
    counted = [row for row in vote_rows(study) if with_excluded or not row.excluded]
    columns = {name: [row[i] for row in counted] for i, name in enumerate(names)}
    return VoteTable.from_columns(columns, source=study.slug)


def live_exclusions(study: Study) -> QuerySet[Exclusion]:
    """What is excluded from this study, votes and whole sessions, and not revoked."""
    return Exclusion.objects.of_study(study).filter(revoked_at=None)


def excluded_votes(study: Study) -> QuerySet[Vote]:
    return Vote.objects.standing().filter(_is_excluded(), assignment__session__study=study)


def _query(study: Study) -> QuerySet[Vote, tuple[Any, ...]]:
    """In the order of VoteRow's fields."""
    return (
        Vote.objects.standing()
        .filter(assignment__session__study=study)
        .annotate(excluded=_is_excluded())
        .order_by("id")
        .values_list(
            "id",
            f"{_COMPARISON}question__key",
            f"{_PROMPT}__position",
            f"{_PROMPT}__category",
            f"{_PROMPT}__challenge",
            _system(a_is_shown_if=True),
            _system(a_is_shown_if=False),
            "outcome",
            f"{_SESSION}rater_id",
            f"{_SESSION}public_id",
            "response_ms",
            "answered_at",
            "late",
            f"{_SESSION}rater__kind",
            "excluded",
        )
    )


def _is_excluded() -> Q:
    """Of a vote: whether it, or its whole session, is out of the analysis."""
    live = Exclusion.objects.filter(revoked_at=None)
    excludes_vote = Exists(live.filter(vote=OuterRef("pk")))
    excludes_session = Exists(live.filter(session=OuterRef("assignment__session")))
    return excludes_vote | excludes_session


def _system(a_is_shown_if: bool) -> Case:
    """The name of the system on one side: that of image a if a_is_left has this value, else that of image b."""
    system_a, system_b = (F(f"{_COMPARISON}{image}__job__system__slug") for image in ("image_a", "image_b"))
    return Case(When(assignment__a_is_left=a_is_shown_if, then=system_a), default=system_b)
