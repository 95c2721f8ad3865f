from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analysis import votes
from analysis.votes import VOTES, vote_batches, vote_table
from comparisons.models import Comparison, Exclusion, Rater, RaterSession, Study, Vote
from tests.analysis.votes import cast_vote, cast_votes
from tests.factories import make_open_study, make_session

pytestmark = pytest.mark.django_db


def first_comparison(study: Study) -> Comparison:
    return Comparison.objects.filter(question__study=study).order_by("id")[0]


def vote_rows(study: Study) -> list[dict[str, Any]]:
    return [row for batch in vote_batches(study) for row in batch.to_pylist()]


def only_row(study: Study) -> dict[str, Any]:
    (row,) = vote_rows(study)
    return row


@pytest.mark.parametrize("a_is_left", [True, False])
def test_systems_stand_where_they_were_seen(a_is_left: bool) -> None:
    study = make_open_study()
    comparison = first_comparison(study)
    cast_vote(make_session(study), comparison, "left", a_is_left)
    row = only_row(study)
    a, b = comparison.image_a.job.system.slug, comparison.image_b.job.system.slug
    assert (row["system_left"], row["system_right"]) == ((a, b) if a_is_left else (b, a))
    assert row["outcome"] == "left"


def test_a_row_says_everything() -> None:
    study = make_open_study()
    comparison, session = first_comparison(study), make_session(study, Rater.Kind.SIMULATED)
    vote = cast_vote(session, comparison, "right", late=True)
    prompt = comparison.image_a.job.prompt
    assert only_row(study) == {
        "vote_id": vote.id,
        "question": comparison.question.key,
        "prompt_id": prompt.position,
        "category": "Things",
        "challenge": "Simple Detail",
        "system_left": comparison.image_a.job.system.slug,
        "system_right": comparison.image_b.job.system.slug,
        "outcome": "right",
        "rater": session.rater_id,
        "session": str(session.public_id),
        "response_ms": 1500,
        "answered_at": vote.answered_at.replace(microsecond=vote.answered_at.microsecond // 1000 * 1000),
        "late": True,
        "probability": 0.5,
        "rater_kind": "simulated",
        "excluded": False,
    }


@pytest.mark.parametrize("microsecond", [0, 5, 120_000, 999_999])
def test_times_are_cut_to_the_millisecond(microsecond: int) -> None:
    study = make_open_study()
    moment = datetime(2026, 3, 29, 1, 30, 59, microsecond, tzinfo=UTC)
    cast_vote(make_session(study), first_comparison(study), answered_at=moment)
    assert only_row(study)["answered_at"] == moment.replace(microsecond=microsecond // 1000 * 1000)


def test_late_votes_count() -> None:
    study = make_open_study()
    cast_vote(make_session(study), first_comparison(study), late=True)
    assert len(vote_table(study)) == 1


def exclude_vote(vote: Vote) -> Exclusion:
    return Exclusion.objects.create(vote=vote, reason="asked for it")


def exclude_session(vote: Vote) -> Exclusion:
    return Exclusion.objects.create(session=vote.assignment.session, reason="asked for it")


@pytest.mark.parametrize("exclude", [exclude_vote, exclude_session])
def test_an_exclusion_marks_the_row_and_leaves_it_out_of_the_table(exclude: Callable[[Vote], Exclusion]) -> None:
    study = make_open_study()
    kept = cast_vote(make_session(study), first_comparison(study))
    dropped = cast_vote(make_session(study), first_comparison(study))
    exclusion = exclude(dropped)
    assert {row["vote_id"]: row["excluded"] for row in vote_rows(study)} == {kept.id: False, dropped.id: True}
    assert vote_table(study).optional["vote_id"].tolist() == [str(kept.id)]

    exclusion.revoked_at = timezone.now() + timedelta(seconds=1)
    exclusion.save()
    assert not any(row["excluded"] for row in vote_rows(study))
    assert len(vote_table(study)) == 2


def test_a_study_has_its_own_votes_only() -> None:
    study, other = make_open_study(), make_open_study()
    cast_vote(make_session(other), first_comparison(other))
    assert list(vote_rows(study)) == []
    assert len(vote_table(study)) == 0


def test_given_votes_alone_are_told() -> None:
    study = make_open_study()
    cast_votes(study, raters=2, each=3)
    chosen = votes.standing_votes(study).filter(id__in=[vote.id for vote in Vote.objects.order_by("id")[1:5:2]])
    (batch,) = vote_batches(study, chosen)
    assert set(batch["vote_id"].to_pylist()) == set(chosen.values_list("id", flat=True))


def test_batches_hold_what_one_would(monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_open_study()
    cast_votes(study, raters=3, each=8)
    Exclusion.objects.create(session=RaterSession.objects.latest("id"), reason="asked for it")
    at_once = vote_rows(study)
    assert [row["vote_id"] for row in at_once] == sorted(row["vote_id"] for row in at_once)
    assert sum(row["excluded"] for row in at_once) == 8
    monkeypatch.setattr(votes, "_FETCHED", 1)
    monkeypatch.setattr(votes, "_TOGETHER", 5)
    assert [batch.num_rows for batch in vote_batches(study)] == [5, 5, 5, 5, 4]
    assert {batch.schema for batch in vote_batches(study)} == {VOTES}
    assert vote_rows(study) == at_once
    assert len(vote_table(study)) == 16
    assert len(vote_table(study, with_excluded=True)) == 24


def test_as_many_queries_whatever_the_number() -> None:
    study = make_open_study()
    cast_votes(study, raters=1, each=1)
    with CaptureQueriesContext(connection) as few:
        assert len(vote_rows(study)) == 1
    cast_votes(study, raters=10, each=8)
    with CaptureQueriesContext(connection) as many:
        assert len(vote_rows(study)) == 81
    assert len(few) == len(many) == 6  # votes, comparisons, systems, images, sessions, exclusions
