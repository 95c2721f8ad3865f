"""The votes that somebody has chosen, a page at a time, and everything about one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from analysis.kinds import newest_vote
from analysis.provenance import Section, compared
from analysis.raters import AnswerRow, answer_rows
from analysis.vote_filters import FEW, chosen_votes, expected_count
from comparisons.models import Assignment, Exclusion, Study, Vote
from generation.models import Image

PER_PAGE = 50
WINDOW = 15_000  # ids that one request looks through for votes that may be rare
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class VotePage:
    rows: list[AnswerRow]
    count: str  # in words; empty where counting takes too long
    older: int | None  # the votes that follow have lower ids
    is_unfinished: bool  # what was looked through held less than a page


@dataclass(frozen=True)
class Side:
    """One of the two pictures, where the rater saw it."""

    name: str
    image: Image
    size: str  # of its address
    shown: str  # the system, and what a check did to its picture
    is_chosen: bool


@dataclass(frozen=True)
class VoteDetail:
    row: AnswerRow
    sides: list[Side]
    answers: list[Vote]  # all to this question about this pair by this rater, the last one standing
    exclusions: list[Exclusion]  # of this answer, revoked ones too, the latest first
    provenance: list[Section]


def vote_page(study: Study, chosen: Mapping[str, Any], before: int | None) -> VotePage:
    """The newest of the chosen votes whose id is below `before`.

    Few votes are found by what they are about, whatever their age. Of many, some come soon on the way back from the
    newest, and no more than WINDOW ids are looked through: a request takes no longer, however rare they are.
    """
    votes = chosen_votes(study, chosen)
    top = before or newest_vote() + 1
    if expected_count(study, chosen) <= FEW:
        by_age = -(F("id") + 0)  # no index has it: the rows are found first, and sorted then
        ids = list(votes.filter(id__lt=top).order_by(by_age).values_list("id", flat=True)[: MOST_COUNTED + 1])
        count, floor = len(ids) if before is None else None, 0
    else:
        count, floor = None, max(0, top - WINDOW)
        window = votes.filter(id__lt=top, id__gte=floor).order_by("-id")
        ids = list(window.values_list("id", flat=True)[: PER_PAGE + 1])
    is_full = len(ids) > PER_PAGE
    return VotePage(
        rows=answer_rows(study, ids[:PER_PAGE]),
        count=_in_words(count),
        older=ids[PER_PAGE - 1] if is_full else floor or None,
        is_unfinished=not is_full and floor > 0,
    )


def _in_words(count: int | None) -> str:
    if count is None:
        return ""
    return f"more than {MOST_COUNTED:,}" if count > MOST_COUNTED else f"{count:,}"


def vote_detail(study: Study, vote_id: int) -> VoteDetail | None:
    """Of any answer of the study, also one to a check or one that was taken back."""
    if not Vote.objects.filter(assignment__session__study=study, id=vote_id).exists():
        return None
    (row,) = answer_rows(study, [vote_id])
    sides = _sides(row)
    exclusions = Exclusion.objects.filter(vote=vote_id).select_related("created_by", "revoked_by")
    return VoteDetail(
        row=row,
        sides=sides,
        answers=list(row.assignment.votes.order_by("id")),
        exclusions=list(exclusions.order_by("-id")),
        provenance=compared(*(side.image.provenance() for side in sides)),
    )


def _sides(row: AnswerRow) -> list[Side]:
    assignment = row.assignment
    spoils = assignment.kind == Assignment.Kind.CORRUPTED
    a, b = assignment.comparison.image_a_id, assignment.stand_in_id or assignment.comparison.image_b_id
    images = Image.objects.select_related("job__system", "job__prompt").in_bulk([a, b])
    placed = [(images[a], "display"), (images[b], "spoilt" if spoils else "display")]
    ordered = placed if assignment.a_is_left else placed[::-1]
    return [
        Side(name, image, size, shown, is_chosen=row.vote.outcome == name)
        for name, (image, size), shown in zip(("left", "right"), ordered, (row.left, row.right), strict=True)
    ]
