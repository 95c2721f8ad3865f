"""Rows of votes that were given elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from comparisons.models import Comparison, Study
from comparisons.storing_imported import VoteRow

ROW = VoteRow(
    question="quality",
    prompt_id="0",
    system_left="alpha@4",
    system_right="beta@4",
    outcome="left",
    rater="r-1",
    kind="person",
    answered_at=datetime(2026, 1, 5, 10, tzinfo=UTC),
    response_ms=2500,
    probability=None,
    late=False,
    is_excluded=False,
)


def make_rows(study: Study, raters: Iterable[str]) -> list[VoteRow]:
    """Each rater on every comparison, image a on the left."""
    related = ("question", "image_a__job__system", "image_b__job__system", "image_a__job__prompt")
    comparisons = Comparison.objects.filter(question__study=study).select_related(*related).order_by("id")
    return [
        ROW._replace(
            question=each.question.key,
            prompt_id=str(each.image_a.job.prompt.position),
            system_left=each.image_a.job.system.slug,
            system_right=each.image_b.job.system.slug,
            rater=rater,
        )
        for each in comparisons
        for rater in raters
    ]
