"""What is stored, what decides it, and what a page learns of its age."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import DjangoAssertNumQueries

from analysis import ages, kinds, snapshots
from analysis.models import Snapshot
from comparisons.models import Exclusion, RaterSession, Study, Vote
from comparisons.sessions import end
from comparisons.studies import close_study
from tests.analysis.votes import cast_votes
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

sent: list[tuple[Any, ...]] = []


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Takes every message, and nobody reads them."""

    def send(name: str, args: list[Any], **options: Any) -> None:
        sent.append((name, *args))

    monkeypatch.setattr(current_app, "send_task", send)
    yield
    sent.clear()


def votes_counted(study: Study) -> int:
    return sum(question["votes"] for question in snapshots.results(study)["questions"].values())


def study_with_votes() -> Study:
    study = make_open_study()
    cast_votes(study)
    return study


def make_older(study: Study, by: timedelta) -> None:
    """As if all had been computed, or asked for, that much earlier."""
    for snapshot in study.snapshots.all():
        snapshot.computed_at = snapshot.computed_at and snapshot.computed_at - by
        snapshot.asked_at = snapshot.asked_at and snapshot.asked_at - by
        snapshot.save()


def test_the_same_inputs_are_computed_once() -> None:
    study = study_with_votes()
    snapshots.results(study)
    Snapshot.objects.update(results='{"questions": {}, "warnings": ["kept"]}')
    assert snapshots.results(study)["warnings"] == ["kept"]


def test_what_is_stored_is_what_was_computed() -> None:
    study = study_with_votes()
    computed = json.dumps(snapshots.results(study))
    assert Snapshot.objects.get().results == computed
    assert json.dumps(snapshots.results(study)) == computed
    assert json.dumps(snapshots.newest(study, "results").content) == computed


def test_a_study_without_votes_has_empty_results() -> None:
    assert snapshots.results(make_open_study())["questions"] == {}


def test_votes_and_exclusions_make_new_inputs_and_revoking_makes_the_old_ones_again() -> None:
    study = make_open_study()
    cast_votes(study, raters=2, each=5)
    assert votes_counted(study) == 10
    cast_votes(study, raters=1, each=5, seed=2)
    assert votes_counted(study) == 15
    all_votes = kinds.inputs(study, "results")

    exclusion = Exclusion.objects.create(vote=Vote.objects.all()[0], reason="asked for it")
    assert votes_counted(study) == 14
    Exclusion.objects.create(session=RaterSession.objects.latest("id"), reason="asked for it")
    assert votes_counted(study) == 9
    Exclusion.objects.exclude(id=exclusion.id).update(revoked_at=timezone.now())
    assert votes_counted(study) == 14
    exclusion.revoke(None, because="a mistake")
    assert kinds.inputs(study, "results") == all_votes
    assert votes_counted(study) == 15


def test_another_version_of_the_statistics_or_of_a_kind_makes_new_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_open_study()
    found = {kinds.inputs(study, "results").hash}
    monkeypatch.setattr(kinds, "VERSION", -1)
    found.add(kinds.inputs(study, "results").hash)
    monkeypatch.setitem(kinds.KINDS, "results", kinds.KINDS["results"]._replace(version=2))
    found.add(kinds.inputs(study, "results").hash)
    assert len(found) == 3


def test_votes_elsewhere_change_nothing() -> None:
    study, other = make_open_study(), make_open_study()
    before = kinds.inputs(study, "results").hash
    cast_votes(other)
    Exclusion.objects.create(vote=Vote.objects.all()[0], reason="asked for it")
    assert kinds.inputs(study, "results").hash == before


def test_closing_makes_new_inputs_since_other_intervals_are_shown() -> None:
    study = study_with_votes()
    watched = snapshots.results(study)
    close_study(study)
    fixed = snapshots.results(study)
    assert "always_valid" in watched["questions"]["quality"]
    assert "always_valid" not in fixed["questions"]["quality"]


def test_what_raters_do_after_the_last_vote_makes_a_closed_studys_report_new() -> None:
    study = study_with_votes()
    close_study(study)
    before = kinds.inputs(study, "report").hash, kinds.inputs(study, "results").hash
    end(study.sessions.latest("id"), RaterSession.Stage.COMPLETED)
    report, results = kinds.inputs(study, "report").hash, kinds.inputs(study, "results").hash
    assert (report != before[0], results) == (True, before[1])


def test_what_raters_do_beside_voting_is_in_an_open_studys_report_as_it_is() -> None:
    study = study_with_votes()
    before = snapshots.current(study, "report")["raters"]["stages"]
    end(RaterSession.objects.filter(stage="judging").earliest("id"), RaterSession.Stage.FAILED)
    assert not snapshots.newest(study, "report").is_stale
    after = snapshots.current(study, "report")["raters"]["stages"]
    assert (after["failed"], after["judging"]) == (before.get("failed", 0) + 1, before["judging"] - 1)


def test_a_page_finds_nothing_at_first_and_asks_a_worker_once() -> None:
    study = study_with_votes()
    found = [snapshots.newest(study, "results") for _ in range(3)]
    assert [each.content for each in found] == [None] * 3
    assert sent == [("analysis.compute_snapshot", study.id, "results")]
    snapshots.compute_asked(study.id, "results")
    assert snapshots.newest(study, "results").content["questions"]["quality"]["votes"]
    assert len(sent) == 1


def test_a_page_shows_the_older_numbers_and_how_many_votes_are_newer() -> None:
    study = study_with_votes()
    snapshots.compute_due()  # which makes what is always wanted
    before = snapshots.newest(study, "results")
    assert (before.is_stale, before.newer_votes) == (False, 0)
    cast_votes(study, raters=1, each=7)
    found = snapshots.newest(study, "results")
    assert (found.is_stale, found.newer_votes, found.content) == (True, 7, before.content)


def test_newer_votes_of_others_are_not_counted_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    study, other = study_with_votes(), make_open_study()
    snapshots.compute_due()
    seen_to = Snapshot.objects.get(study=study).seen_to
    monkeypatch.setattr(snapshots, "FAR_BEHIND", 5)
    cast_votes(other, raters=1, each=10)
    assert not snapshots.newest(study, "results").is_stale
    snapshots.compute_due()
    assert Snapshot.objects.get(study=study).seen_to > seen_to
    cast_votes(study, raters=1, each=3)
    assert snapshots.newest(study, "results").newer_votes == 3


def test_a_vote_whose_transaction_ended_late_is_newer_though_its_id_is_not() -> None:
    """Ids are given out when rows are made, and rows are seen when their transaction ends."""
    study = study_with_votes()
    late = Vote.objects.latest("id").id
    snapshots.compute_due()
    cast_votes(make_open_study(), raters=1, each=1)  # a higher id, seen before
    snapshot = Snapshot.objects.get(study=study)
    as_if_unseen = {"votes": snapshot.votes - 1, "seen_last": snapshot.seen_last - 1, "seen_to": late + 1}
    Snapshot.objects.filter(study=study).update(
        **as_if_unseen, inputs_hash=kinds.inputs_hash(study, "results", snapshot.votes - 1)
    )
    found = snapshots.newest(study, "results")
    assert (found.newer_votes, found.has_changed) == (1, False)


def test_newer_votes_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_with_votes()
    snapshots.compute_due()
    cast_votes(study, raters=1, each=9)
    monkeypatch.setattr(ages, "MOST_COUNTED", 5)
    found = snapshots.newest(study, "results")
    assert (found.newer_votes, found.newer_in_words) == (6, "more than 5")


def test_an_exclusion_makes_numbers_due_at_once_and_votes_only_after_the_pause() -> None:
    study = study_with_votes()
    snapshots.compute_due()
    Snapshot.objects.update(took_ms=60_000)
    cast_votes(study, raters=1, each=2)
    assert not snapshots.newest(study, "results").is_due
    make_older(study, by=timedelta(minutes=11))
    assert snapshots.newest(study, "results").is_due
    make_older(study, by=-timedelta(minutes=11))
    Exclusion.objects.create(vote=Vote.objects.all()[0], reason="asked for it")
    assert snapshots.newest(study, "results").is_due


def test_a_page_says_when_nobody_takes_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(current_app, "send_task", refuse)
    study = study_with_votes()
    assert not snapshots.newest(study, "results").is_neglected
    assert not snapshots.newest(study, "results").is_neglected
    make_older(study, by=timedelta(minutes=2))
    assert snapshots.newest(study, "results").is_neglected
    snapshots.compute_due()
    assert not snapshots.newest(study, "results").is_neglected


def test_a_page_takes_as_many_queries_for_many_votes_as_for_few(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    study = make_open_study()
    for raters in (1, 12):
        cast_votes(study, raters)
        snapshots.results(study)
        with django_assert_num_queries(3):
            snapshots.newest(study, "results")


def test_every_kind_can_be_made_and_stored() -> None:
    study = study_with_votes()
    for kind in kinds.KINDS:
        made = snapshots.current(study, kind)
        assert snapshots.newest(study, kind).content == json.loads(json.dumps(made))
