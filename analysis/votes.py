"""The one query that turns stored votes into rows: what was seen, by whom, and whether it counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from analysis.stats import VoteTable
from comparisons.models import Exclusion, Study, Vote

_CHUNK = 5000
_COMPARISON = "assignment__comparison__"
_PROMPT = f"{_COMPARISON}image_a__job__prompt__"
_SESSION = "assignment__session__"


class VoteRow(NamedTuple):
    """One vote as exported: the fields are the columns, in their order.

    `prompt_id` and `rater` are keys of the database and `session` is its public id: nothing says who somebody is.
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
    """Every vote, late and excluded ones too, oldest first; the rows are never all in memory."""
    for row in _query(study).iterator(chunk_size=_CHUNK):
        vote_id, question, prompt_id, category, challenge, a_is_left, system_a, system_b, *seen = row
        left, right = (system_a, system_b) if a_is_left else (system_b, system_a)
        yield VoteRow(vote_id, question, prompt_id, category, challenge, left, right, *seen)


def vote_table(study: Study) -> VoteTable:
    """The votes that count: all but the excluded ones."""
    counted = (row for row in vote_rows(study) if not row.excluded)
    columns = list(zip(*counted, strict=True)) or [()] * len(VoteRow._fields)
    return VoteTable.from_columns(dict(zip(VoteRow._fields, columns, strict=True)), source=study.slug)


def live_exclusions(study: Study) -> QuerySet[Exclusion]:
    """What is excluded from this study, votes and whole sessions, and not revoked."""
    return Exclusion.objects.filter(
        Q(session__study=study) | Q(vote__assignment__session__study=study), revoked_at=None
    )


def _query(study: Study) -> QuerySet[Vote, tuple[object, ...]]:
    live = Exclusion.objects.filter(revoked_at=None)
    excluded = Exists(live.filter(vote=OuterRef("pk"))) | Exists(live.filter(session=OuterRef("assignment__session")))
    return (
        Vote.objects.filter(assignment__session__study=study)
        .order_by("id")
        .annotate(is_excluded=excluded)
        .values_list(
            "id",
            f"{_COMPARISON}question__key",
            f"{_COMPARISON}image_a__job__prompt_id",
            f"{_PROMPT}category",
            f"{_PROMPT}challenge",
            "assignment__a_is_left",
            f"{_COMPARISON}image_a__job__system__slug",
            f"{_COMPARISON}image_b__job__system__slug",
            "outcome",
            f"{_SESSION}rater_id",
            f"{_SESSION}public_id",
            "response_ms",
            "answered_at",
            "late",
            f"{_SESSION}rater__kind",
            "is_excluded",
        )
    )
