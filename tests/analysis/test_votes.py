from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from analysis.votes import VoteRow, vote_rows, vote_table
from comparisons.models import Comparison, Exclusion, Rater, Study, Vote
from tests.analysis.votes import cast_vote, cast_votes
from tests.factories import make_open_study, make_session

pytestmark = pytest.mark.django_db


def first_comparison(study: Study) -> Comparison:
    return Comparison.objects.filter(question__study=study).order_by("id")[0]


def only_row(study: Study) -> VoteRow:
    (row,) = vote_rows(study)
    return row


@pytest.mark.parametrize("a_is_left", [True, False])
def test_systems_stand_where_they_were_seen(a_is_left: bool) -> None:
    study = make_open_study()
    comparison = first_comparison(study)
    cast_vote(make_session(study), comparison, "left", a_is_left)
    row = only_row(study)
    a, b = comparison.image_a.job.system.slug, comparison.image_b.job.system.slug
    assert (row.system_left, row.system_right) == ((a, b) if a_is_left else (b, a))
    assert row.outcome == "left"


def test_a_row_says_everything() -> None:
    study = make_open_study()
    comparison, session = first_comparison(study), make_session(study, Rater.Kind.SIMULATED)
    vote = cast_vote(session, comparison, "right", late=True)
    prompt = comparison.image_a.job.prompt
    assert only_row(study) == VoteRow(
        vote_id=vote.id,
        question=comparison.question.key,
        prompt_id=prompt.position,
        category="Things",
        challenge="Simple Detail",
        system_left=comparison.image_a.job.system.slug,
        system_right=comparison.image_b.job.system.slug,
        outcome="right",
        rater=session.rater_id,
        session=session.public_id,
        response_ms=1500,
        answered_at=vote.answered_at,
        late=True,
        rater_kind="simulated",
        excluded=False,
    )


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
    assert {row.vote_id: row.excluded for row in vote_rows(study)} == {kept.id: False, dropped.id: True}
    assert vote_table(study).optional["vote_id"].tolist() == [str(kept.id)]

    exclusion.revoked_at = timezone.now() + timedelta(seconds=1)
    exclusion.save()
    assert not any(row.excluded for row in vote_rows(study))
    assert len(vote_table(study)) == 2


def test_a_study_has_its_own_votes_only() -> None:
    study, other = make_open_study(), make_open_study()
    cast_vote(make_session(other), first_comparison(other))
    assert list(vote_rows(study)) == []
    assert len(vote_table(study)) == 0


def test_one_query_whatever_the_number(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    study = make_open_study()
    cast_votes(study, raters=1, each=1)
    with django_assert_num_queries(1):
        assert len(list(vote_rows(study))) == 1
    cast_votes(study, raters=10, each=8)
    with django_assert_num_queries(1):
        assert len(list(vote_rows(study))) == 81
