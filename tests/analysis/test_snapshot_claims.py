"""Of all who could compute a snapshot one does; a dead one's claim lapses; a failure is told and stays alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from analysis import computing, kinds, numbers, snapshots
from analysis.models import Snapshot
from analysis.stats import Summary
from comparisons.models import Exclusion, Study, Vote
from tests.analysis.votes import cast_votes
from tests.factories import make_draft, make_open_study

pytestmark = pytest.mark.django_db


def study_with_votes() -> Study:
    study = make_open_study()
    cast_votes(study, raters=2, each=5)
    return study


def claimed(study: Study, until: timedelta) -> Snapshot:
    return Snapshot.objects.create(
        study=study, kind="results", claim="somebody", lease_expires_at=timezone.now() + until
    )


def test_nobody_computes_what_somebody_else_does() -> None:
    study = study_with_votes()
    snapshot = claimed(study, until=timedelta(seconds=30))
    with pytest.raises(computing.ComputedElsewhere):
        computing.compute(study, "results")
    snapshots.compute_due()
    snapshot.refresh_from_db()
    assert (snapshot.claim, snapshot.computed_at) == ("somebody", None)
    assert snapshots.newest(study, "results").is_computed_now


def test_a_claim_that_has_lapsed_is_taken_over() -> None:
    study = study_with_votes()
    claimed(study, until=-timedelta(seconds=1))
    snapshots.compute_due()
    snapshot = Snapshot.objects.get()
    assert snapshot.computed_at
    assert (snapshot.claim, snapshot.lease_expires_at) == ("", None)


def test_who_has_lost_the_claim_stores_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_with_votes()

    def overtaken(study: Study) -> Summary:
        Snapshot.objects.update(claim="another")
        return numbers.results(study)

    monkeypatch.setattr(kinds.Kind, "make", lambda kind, study: overtaken(study))
    computing.compute(study, "results")
    assert Snapshot.objects.get().computed_at is None
    assert Snapshot.objects.get().claim == "another"


def test_a_report_is_made_though_a_worker_is_at_it() -> None:
    study = study_with_votes()
    claimed(study, until=timedelta(seconds=30))
    assert sum(question["votes"] for question in snapshots.results(study)["questions"].values()) == 10
    assert Snapshot.objects.get().computed_at is None


def test_votes_that_come_meanwhile_are_newer_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_with_votes()

    def slowly(kind: kinds.Kind, study: Study) -> Any:
        cast_votes(study, raters=1, each=1, seed=Vote.objects.count())
        return {"made": True}

    monkeypatch.setattr(kinds.Kind, "make", slowly)
    computing.compute(study, "results")
    found = snapshots.newest(study, "results")
    assert (found.content, found.newer_votes) == ({"made": True}, 1)


def test_an_exclusion_that_comes_meanwhile_has_it_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_with_votes()
    rounds: list[int] = []

    def slowly(kind: kinds.Kind, study: Study) -> Any:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            Exclusion.objects.create(vote=Vote.objects.all()[0], reason="asked for it")
        return {"round": len(rounds)}

    monkeypatch.setattr(kinds.Kind, "make", slowly)
    computing.compute(study, "results")
    found = snapshots.newest(study, "results")
    assert (found.content, found.is_stale) == ({"round": 2}, False)


def test_what_changes_all_the_time_is_stored_as_outdated(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_with_votes()
    rounds: list[int] = []

    def slowly(kind: kinds.Kind, study: Study) -> Any:
        rounds.append(len(rounds))
        Exclusion.objects.create(vote=Vote.objects.all()[len(rounds)], reason="asked for it")
        return {"round": len(rounds)}

    monkeypatch.setattr(kinds.Kind, "make", slowly)
    computing.compute(study, "results")
    found = snapshots.newest(study, "results")
    assert (found.content, found.has_changed, found.is_due) == ({"round": 2}, True, True)
    Exclusion.objects.all().delete()  # even what it was at first is not what was computed
    assert snapshots.newest(study, "results").has_changed


def test_a_failure_is_told_and_keeps_the_other_studies_from_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = study_with_votes(), study_with_votes()
    made = kinds.Kind.make

    def broken(kind: kinds.Kind, study: Study) -> Any:
        if study.id == bad.id:
            raise ZeroDivisionError("by nought")
        return made(kind, study)

    monkeypatch.setattr(kinds.Kind, "make", broken)
    snapshots.compute_due()
    found = snapshots.newest(bad, "results")
    assert (found.content, found.error) == (None, "ZeroDivisionError: by nought")
    assert f"{bad.slug}: no results" in caplog.text
    assert snapshots.newest(good, "results").content

    caplog.clear()
    snapshots.compute_due()  # the claim has not lapsed, so that it is not tried at once
    assert caplog.text == ""
    monkeypatch.setattr(kinds.Kind, "make", made)
    Snapshot.objects.filter(study=bad).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    snapshots.compute_due()
    assert (snapshots.newest(bad, "results").error, bool(snapshots.newest(bad, "results").content)) == ("", True)


def test_of_every_opened_study_the_results_are_made_and_of_the_rest_what_was_asked_for() -> None:
    study, other = study_with_votes(), study_with_votes()
    make_draft()
    snapshots.newest(other, "breakdowns")
    snapshots.compute_due()
    rows = Snapshot.objects.exclude(computed_at=None).values_list("study", "kind")
    assert set(rows) == {(study.id, "results"), (other.id, "results"), (other.id, "breakdowns")}


def test_nothing_is_computed_twice_for_the_same_inputs() -> None:
    study_with_votes()
    snapshots.compute_due()
    first = Snapshot.objects.get().computed_at
    snapshots.compute_due()
    assert Snapshot.objects.get().computed_at == first


def test_a_kind_that_is_no_more_is_left_alone() -> None:
    study = study_with_votes()
    Snapshot.objects.create(study=study, kind="forgotten")
    snapshots.compute_due()
    snapshots.compute_asked(study.id, "forgotten")
    assert Snapshot.objects.get(kind="forgotten").computed_at is None


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("one_snapshot_per_kind", {"kind": "results"}),
        ("snapshot_computed_iff_inputs_known", {"kind": "other", "inputs_hash": "known"}),
        ("snapshot_lease_iff_claimed", {"kind": "other", "claim": "somebody"}),
    ],
)
def test_the_database_keeps_its_rules(rule: str, values: dict[str, Any]) -> None:
    study = make_draft()
    Snapshot.objects.create(study=study, kind="results")
    with pytest.raises(IntegrityError), transaction.atomic():
        Snapshot.objects.create(study=study, **values)
