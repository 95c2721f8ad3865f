"""A Statement does what the queryset that it was written from does, whatever values it is given."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import Count, F
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comparisons.models import Assignment, Comparison, Outcome, Study, Vote
from comparisons.statements import Insertion, Statement, given_id, given_text, given_time, given_uuid
from tests.comparisons.browsing import Browser
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

BY_ID = Statement(lambda: Assignment.objects.filter(id=given_id("id")).select_related("comparison__question"))
BY_PUBLIC_ID = Statement(lambda: Assignment.objects.filter(public_id=given_uuid("public_id"))[:1])
COUNTED = Statement(
    lambda: (
        Assignment.objects.filter(session__study__slug=given_text("slug"))
        .order_by("state")
        .values_list("state")
        .annotate(Count("id"))
    )
)
EXPIRED = Statement(lambda: Assignment.objects.filter(expires_at__lt=given_time("now")).order_by("id"))
TAKE = Statement(
    lambda: Comparison.objects.filter(id=given_id("id"), taken__lt=F("votes_wanted")),
    open_leases=F("open_leases") + 1,
)
MOVE = Statement(
    lambda: Assignment.objects.filter(id=given_id("id"), state=Assignment.State.OPEN), expires_at=given_time("end")
)
IN_ORDER = Statement(lambda: Comparison.objects.filter(votes_wanted__gte=given_id("least")).order_by("id"))
INSERT = Insertion(Vote)


@pytest.fixture
def study() -> Study:
    study = make_open_study(["a red fox", "a paper boat"], votes_wanted=2)
    for _ in range(2):
        Browser(study).consent().judge()
    return study


def test_rows_are_those_of_the_queryset_for_each_value(study: Study) -> None:
    for assignment in Assignment.objects.all():
        (found,) = BY_ID.rows(id=assignment.id)
        assert (found, found.public_id) == (assignment, assignment.public_id)
        assert BY_PUBLIC_ID.first(public_id=assignment.public_id) == assignment
    assert BY_ID.rows(id=0) == []
    assert BY_PUBLIC_ID.first(public_id=uuid.uuid4()) is None


def test_related_rows_come_along_and_belong_to_their_row(study: Study) -> None:
    for assignment in Assignment.objects.select_related("comparison__question"):
        (found,) = BY_ID.rows(id=assignment.id)
        with CaptureQueriesContext(connection) as captured:
            assert found.comparison.question == assignment.comparison.question
        assert not captured.captured_queries


def test_tuples_counts_and_times(study: Study) -> None:
    other = make_open_study(["a lighthouse"])
    wanted = Assignment.objects.order_by("state").values_list("state").annotate(Count("id"))
    assert COUNTED.rows(slug=study.slug) == list(wanted) != []
    assert COUNTED.rows(slug=other.slug) == []
    ends = sorted(Assignment.objects.values_list("expires_at", flat=True))
    assert EXPIRED.rows(now=ends[0]) == []
    assert EXPIRED.rows(now=ends[-1]) == list(Assignment.objects.filter(expires_at__lt=ends[-1]).order_by("id")) != []


def test_an_update_changes_the_rows_that_fit_and_says_how_many(study: Study) -> None:
    comparison = Comparison.objects.filter(taken=0).first()
    assert comparison
    assert [TAKE.update(id=comparison.id) for _ in range(3)] == [1, 1, 0]
    comparison.refresh_from_db()
    assert comparison.open_leases == 2
    lease, end = Assignment.objects.filter(state="open").first(), timezone.now() + timedelta(days=1)
    assert lease and MOVE.update(id=lease.id, end=end) == 1
    lease.refresh_from_db()
    assert lease.expires_at == end


def test_a_value_that_was_not_given_is_an_error(study: Study) -> None:
    with pytest.raises(KeyError):
        BY_ID.rows(number=1)
    with pytest.raises(KeyError):
        TAKE.update()


def test_rows_are_new_objects_each_time(study: Study) -> None:
    first = Assignment.objects.values_list("id", flat=True)[0]
    (before,) = BY_ID.rows(id=first)
    Assignment.objects.filter(id=first).update(state=Assignment.State.EXPIRED)
    (after,) = BY_ID.rows(id=first)
    assert (before.state, after.state) == ("open", "expired")


def test_a_row_that_nobody_comes_to_is_not_made_into_an_object(study: Study) -> None:
    wanted, made = list(Comparison.objects.filter(votes_wanted__gte=2).order_by("id")), []

    def note(instance: Comparison, **_: object) -> None:
        made.append(instance)

    post_init.connect(note, Comparison)
    try:
        rows = IN_ORDER.each(least=2)
        assert (next(rows), len(made)) == (wanted[0], 1)
        assert IN_ORDER.rows(least=3) == []
        assert list(rows) == wanted[1:] != []
    finally:
        post_init.disconnect(note, Comparison)


def test_an_inserted_row_is_what_create_makes_of_the_same_values(study: Study) -> None:
    first, second = Assignment.objects.filter(state="open")
    values = {"outcome": Outcome.TIE, "response_ms": 1200, "answered_at": timezone.now()}
    keys = uuid.uuid4(), uuid.uuid4()
    new = INSERT.row(assignment=first, client_key=keys[0], **values)
    created = Vote.objects.create(assignment=second, client_key=keys[1], **values)
    with CaptureQueriesContext(connection) as captured:
        assert (new.assignment, new.supersedes, new.late) == (first, None, False)
    assert not captured.captured_queries
    columns = [field.attname for field in Vote._meta.concrete_fields if field.name not in {"id", "assignment"}]
    stored, other = (
        Vote.objects.filter(id=new.id).values(*columns).get(),
        Vote.objects.values(*columns).get(id=created.id),
    )
    assert stored | {"client_key": keys[1]} == other
    assert stored == {column: getattr(new, column) for column in columns}
    assert Vote.objects.get(assignment=first) == new


def test_an_inserted_row_has_the_models_defaults_and_keeps_its_constraints(study: Study) -> None:
    lease = Assignment.objects.filter(state="open")[0]
    before = timezone.now()
    new = INSERT.row(assignment=lease, client_key=uuid.uuid4(), outcome="left", response_ms=1)
    assert before <= new.answered_at <= timezone.now()
    with pytest.raises(IntegrityError), transaction.atomic():
        INSERT.row(assignment=lease, client_key=uuid.uuid4(), outcome="left", response_ms=1)
    assert Vote.objects.get(assignment=lease) == new


@pytest.mark.django_db(transaction=True)
def test_threads_do_not_read_each_others_values(study: Study) -> None:
    ids = list(Assignment.objects.values_list("id", flat=True))
    wrong: list[int] = []

    def read(id_: int) -> None:
        wrong.extend(id_ for _ in range(50) if [row.id for row in BY_ID.rows(id=id_)] != [id_])
        connections.close_all()

    threads = [threading.Thread(target=read, args=[id_]) for id_ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) > 1 and wrong == []
