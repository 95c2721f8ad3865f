"""What the judging page gets: the pair, its question, how far the session is, and the bytes of the two images."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q, Sum
from django.urls import reverse

from comparisons.models import Assignment, Matchup, RaterSession, Study
from generation import storage

SECONDS_PER_JUDGEMENT = 8  # for "about N minutes" on the landing page


def payload(assignment: Assignment) -> dict[str, Any]:
    """One judgement, as the page needs it. Random tokens stand for the images; nothing else is said of them."""
    session, comparison = assignment.session, assignment.comparison
    study, question = session.study, comparison.question
    answered = _answered_by_question(session)
    return {
        "assignment": str(assignment.public_id),
        "left": reverse("rate:image", args=[study.key, assignment.left_token]),
        "right": reverse("rate:image", args=[study.key, assignment.right_token]),
        "prompt": comparison.image_a.job.prompt.text,
        "question": {
            "key": question.key,
            "wording": question.wording,
            "tie": question.offers_tie,
            "both_bad": question.offers_both_bad,
        },
        "block": {
            "number": question.position + 1,
            "of": study.questions.count(),
            "first": question.id not in answered,
        },
        "progress": {"done": sum(answered.values()), "total": judgements_offered(study)},
        "image_px": study.display_px,
    }


def _answered_by_question(session: RaterSession) -> dict[int, int]:
    done = session.assignments.filter(state=Assignment.State.DONE)
    answered: dict[int, int] = {}
    for question_id in done.values_list("comparison__question_id", flat=True):
        answered[question_id] = answered.get(question_id, 0) + 1
    return answered


def judgements_offered(study: Study) -> int:
    """How many judgements one rater can give: every comparison once, up to the study's limit for each question."""
    wanted = Matchup.objects.filter(question__study=study).values("question").annotate(votes=Sum("votes_wanted"))
    comparisons = [row["votes"] // study.votes_wanted for row in wanted]
    limit = study.judgements_per_question
    return sum(min(count, limit or count) for count in comparisons)


def minutes(judgements: int) -> int:
    return max(1, round(judgements * SECONDS_PER_JUDGEMENT / 60))


def image_bytes(session: RaterSession, token: uuid.UUID) -> bytes | None:
    """The image behind a token of this session's open lease; None for anybody else's, and when the lease is over."""
    assignments = Assignment.objects.open().filter(session=session)
    assignment = (
        assignments.filter(Q(left_token=token) | Q(right_token=token))
        .select_related("comparison__image_a", "comparison__image_b")
        .first()
    )
    if assignment is None:
        return None
    is_left = assignment.left_token == token
    comparison = assignment.comparison
    image = comparison.image_a if is_left == assignment.a_is_left else comparison.image_b
    with storage.open_display(image.sha256, session.study.display_px) as handle:
        return handle.read()
