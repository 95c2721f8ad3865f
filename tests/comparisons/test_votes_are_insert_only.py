from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from comparisons.models import Comparison, InsertOnlyError, Vote
from tests.analysis.votes import cast_vote
from tests.factories import make_open_study, make_session

pytestmark = pytest.mark.django_db

SENTENCE = "votes are insert-only"


@pytest.fixture
def vote() -> Vote:
    study = make_open_study(["a red fox"])
    return cast_vote(make_session(study), Comparison.objects.earliest("id"), outcome="left")


@pytest.fixture(autouse=True)
def stays(vote: Vote, db: None) -> object:
    yield
    assert Vote.objects.values_list("outcome", flat=True).get() == "left"


def test_a_queryset_refuses_to_update(vote: Vote) -> None:
    with pytest.raises(InsertOnlyError, match=f"^{SENTENCE}: exclude them instead$"):
        Vote.objects.filter(pk=vote.pk).update(outcome="right")


def test_a_queryset_refuses_to_update_in_bulk(vote: Vote) -> None:
    vote.outcome = "right"
    with pytest.raises(InsertOnlyError, match=SENTENCE), transaction.atomic():
        Vote.objects.bulk_update([vote], ["outcome"])


def test_a_queryset_refuses_to_delete(vote: Vote) -> None:
    with pytest.raises(InsertOnlyError, match=f"^{SENTENCE}: exclude them instead$"):
        Vote.objects.all().delete()


def test_a_vote_cannot_be_saved_again(vote: Vote) -> None:
    vote.outcome = "right"
    with pytest.raises(IntegrityError, match=SENTENCE), transaction.atomic():
        vote.save()


def test_a_vote_cannot_be_deleted(vote: Vote) -> None:
    with pytest.raises(IntegrityError, match=SENTENCE), transaction.atomic():
        vote.delete()


def test_a_vote_cannot_be_inserted_over_another(vote: Vote) -> None:
    vote.outcome = "right"
    with pytest.raises(IntegrityError, match=SENTENCE), transaction.atomic():
        Vote.objects.bulk_create([vote], update_conflicts=True, update_fields=["outcome"], unique_fields=["id"])


@pytest.mark.parametrize("statement", ["UPDATE comparisons_vote SET outcome = 'right'", "DELETE FROM comparisons_vote"])
def test_the_database_refuses_plain_sql(vote: Vote, statement: str) -> None:
    with pytest.raises(IntegrityError, match=SENTENCE), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
