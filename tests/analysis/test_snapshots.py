from __future__ import annotations

import json

import pytest
from django.db import IntegrityError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from analysis import snapshots
from analysis.models import Snapshot
from analysis.stats import VoteTable
from analysis.votes import vote_table
from comparisons.models import Exclusion, RaterSession, Study, Vote
from tests.analysis.votes import cast_votes
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db


def votes_counted(study: Study) -> int:
    return sum(question["votes"] for question in snapshots.results(study)["questions"].values())


def test_the_same_inputs_are_computed_once() -> None:
    study = make_open_study()
    cast_votes(study)
    snapshots.results(study)
    Snapshot.objects.update(results='{"questions": {}, "warnings": ["kept"]}')
    assert snapshots.results(study)["warnings"] == ["kept"]


def test_what_is_stored_is_what_was_computed() -> None:
    study = make_open_study()
    cast_votes(study)
    computed = json.dumps(snapshots.results(study))
    assert Snapshot.objects.get().results == computed
    assert json.dumps(snapshots.results(study)) == computed


def test_a_study_without_votes_has_empty_results() -> None:
    assert snapshots.results(make_open_study())["questions"] == {}


def test_votes_and_exclusions_make_new_inputs_and_revoking_makes_the_old_ones_again() -> None:
    study = make_open_study()
    cast_votes(study, raters=2, each=5)
    assert votes_counted(study) == 10
    cast_votes(study, raters=1, each=5, seed=2)
    assert votes_counted(study) == 15
    all_votes = snapshots.inputs_hash(study)

    exclusion = Exclusion.objects.create(vote=Vote.objects.all()[0], reason="asked for it")
    assert votes_counted(study) == 14
    Exclusion.objects.create(session=RaterSession.objects.latest("id"), reason="asked for it")
    assert votes_counted(study) == 9
    Exclusion.objects.exclude(id=exclusion.id).update(revoked_at=timezone.now())
    assert votes_counted(study) == 14
    exclusion.revoked_at = timezone.now()
    exclusion.save()
    assert snapshots.inputs_hash(study) == all_votes
    assert Snapshot.objects.count() == 4


def test_another_version_of_the_statistics_makes_new_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_open_study()
    before = snapshots.inputs_hash(study)
    monkeypatch.setattr(snapshots, "VERSION", -1)
    assert snapshots.inputs_hash(study) != before


def test_votes_elsewhere_change_nothing() -> None:
    study, other = make_open_study(), make_open_study()
    before = snapshots.inputs_hash(study)
    cast_votes(other)
    Exclusion.objects.create(vote=Vote.objects.all()[0], reason="asked for it")
    assert snapshots.inputs_hash(study) == before


def test_results_are_not_stored_under_inputs_that_changed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_open_study()
    cast_votes(study, raters=1, each=5)

    def read_after_a_vote_came(study: Study, *, with_excluded: bool) -> VoteTable:
        cast_votes(study, raters=1, each=1)
        return vote_table(study, with_excluded=with_excluded)

    monkeypatch.setattr(snapshots, "vote_table", read_after_a_vote_came)
    assert votes_counted(study) == 6
    assert not Snapshot.objects.exists()


def test_one_snapshot_per_inputs() -> None:
    study = make_open_study()
    Snapshot.objects.create(study=study, inputs_hash="same", results="{}")
    with pytest.raises(IntegrityError):
        Snapshot.objects.create(study=study, inputs_hash="same", results="{}")


def test_stored_results_take_three_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    study = make_open_study()
    cast_votes(study)
    snapshots.results(study)
    with django_assert_num_queries(3):
        snapshots.results(study)
