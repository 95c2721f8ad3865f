"""A lease from the moment it is given: kept, run out, renewed, taken back, answered late."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as site
from django.utils import timezone

from comparisons import leases
from comparisons.leases import release_expired
from comparisons.models import Assignment, Comparison, Study, Vote
from comparisons.studies import close_study
from comparisons.study_file import QuestionSpec
from evalsite.celery import app
from tests.comparisons.browsing import Browser, assert_counters_true
from tests.factories import make_open_study, make_session, make_system_spec

pytestmark = pytest.mark.django_db


def make_pair_study(votes_wanted: int = 1) -> Study:
    """One comparison and no more."""
    systems = (make_system_spec("alpha"), make_system_spec("beta"))
    question = QuestionSpec("quality", "Which has the higher quality?", tie=False, both_bad=False)
    return make_open_study(["a red fox"], systems=systems, questions=(question,), votes_wanted=votes_wanted)


def run_out() -> None:
    """Let every open lease end an hour ago."""
    now = timezone.now()
    Assignment.objects.open().update(issued_at=now - timedelta(hours=2), expires_at=now - timedelta(hours=1))


def counts(study: Study) -> tuple[int, int]:
    assert_counters_true(study)
    comparison = Comparison.objects.get(question__study=study)
    return comparison.open_leases, comparison.done


def test_a_reload_shows_the_same_pair() -> None:
    study = make_open_study()
    browser = Browser(study).consent()
    shown = browser.judge()
    assert shown == browser.judge() == browser.another_tab().judge()
    assert Assignment.objects.filter(state="open").count() == 1


def test_a_lease_lasts_as_long_as_the_settings_say(settings: Any) -> None:
    settings.ASSIGNMENT_LEASE_SECONDS = 45
    before = timezone.now()
    Browser(make_pair_study()).consent().judge()
    lease = Assignment.objects.get()
    assert before <= lease.issued_at <= timezone.now()
    assert abs(lease.expires_at - lease.issued_at - timedelta(seconds=45)) < timedelta(seconds=1)


def test_nobody_else_gets_a_pair_whose_last_vote_is_being_given() -> None:
    study = make_pair_study()
    first, second = Browser(study).consent(), Browser(study).consent()
    assert first.judge()
    assert second.judge() is None
    assert counts(study) == (1, 0)


def test_a_newcomer_is_let_in_when_the_last_lease_has_run_out() -> None:
    study = make_pair_study()
    Browser(study).consent().judge()
    newcomer = Browser(study)
    assert "I agree" not in newcomer.get("").content.decode()
    run_out()
    assert newcomer.consent().judge()
    assert counts(study) == (1, 0)


def test_a_lease_that_ran_out_gives_capacity_and_side_back() -> None:
    study = make_pair_study()
    Browser(study).consent().judge()
    assert counts(study) == (1, 0)
    assert release_expired() == 0, "it has not run out yet"
    run_out()
    assert release_expired() == 1
    assert release_expired() == 0
    assert counts(study) == (0, 0)
    assert Assignment.objects.get().state == Assignment.State.EXPIRED


def test_leases_are_taken_back_in_portions_the_oldest_first() -> None:
    study = make_open_study()
    for _ in range(3):
        Browser(study).consent().judge()
    run_out()
    every = Assignment.objects.count()
    assert every == 6, "what three raters look at, and what comes next for each"
    oldest = Assignment.objects.earliest("id")
    Assignment.objects.filter(pk=oldest.pk).update(expires_at=timezone.now() - timedelta(minutes=90))
    assert release_expired(limit=1) == 1
    oldest.refresh_from_db()
    assert oldest.state == Assignment.State.EXPIRED
    assert release_expired() == every - 1
    assert_counters_true(study)


def test_the_periodic_tasks_take_leases_back_and_build_comparisons() -> None:
    names = {entry["task"] for entry in site.CELERY_BEAT_SCHEDULE.values()}
    app.loader.import_default_modules()
    assert names <= set(app.tasks)
    study = make_pair_study()
    Browser(study).consent().judge()
    run_out()
    app.tasks["comparisons.release_expired_assignments"]()
    assert counts(study) == (0, 0)
    Assignment.objects.all().delete()
    Comparison.objects.all().delete()
    app.tasks["comparisons.build_comparisons"]()
    assert counts(study) == (0, 0)


def test_the_next_rater_takes_over_what_ran_out() -> None:
    study = make_pair_study()
    first, second = Browser(study).consent(), Browser(study).consent()
    lost = first.judge()
    run_out()
    taken = second.judge()
    assert lost
    assert taken
    assert taken["assignment"] != lost["assignment"]
    assert counts(study) == (1, 0)


def test_a_rater_who_comes_back_before_anybody_else_keeps_the_pair() -> None:
    study = make_pair_study()
    browser = Browser(study).consent()
    before = browser.judge()
    run_out()
    assert browser.judge() == before
    assert Assignment.objects.get().expires_at > timezone.now()
    assert release_expired() == 0
    assert counts(study) == (1, 0)


def test_a_lease_that_is_taken_back_while_it_is_renewed_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_open_study()
    browser = Browser(study).consent()
    before = browser.judge()
    run_out()
    lease_end = leases.lease_end

    def meanwhile() -> datetime:
        """Between the look at the lease and its new end."""
        monkeypatch.setattr(leases, "lease_end", lease_end)
        assert release_expired() == 2
        return lease_end()

    monkeypatch.setattr(leases, "lease_end", meanwhile)
    payload = browser.judge()
    assert before
    assert payload
    assert payload["assignment"] != before["assignment"]
    assert [browser.get(payload[side]).status_code for side in ("left", "right")] == [200, 200]
    assert_counters_true(study)


def test_an_answer_after_the_end_counts_while_nobody_has_taken_the_pair_back() -> None:
    study = make_pair_study()
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    run_out()
    assert browser.answer(payload)["receipt"]["late"] is False
    assert counts(study) == (0, 1)


def test_a_late_answer_is_kept_outside_the_quota() -> None:
    study = make_pair_study()
    first, second = Browser(study).consent(), Browser(study).consent()
    lost = first.judge()
    run_out()
    taken = second.judge()
    assert lost
    assert taken
    reply = first.answer(lost, "right")
    assert reply["receipt"]["late"] is True
    assert reply["next"] is None
    assert counts(study) == (1, 0), "the late answer moves no counter"
    assert second.answer(taken)["receipt"]["late"] is False
    assert counts(study) == (0, 1)
    assert set(Vote.objects.values_list("outcome", "late")) == {("right", True), ("left", False)}


def test_a_late_answer_is_kept_when_the_quota_is_full() -> None:
    study = make_pair_study()
    first, second = Browser(study).consent(), Browser(study).consent()
    lost = first.judge()
    run_out()
    second.judge_all()
    assert lost
    assert first.answer(lost)["receipt"]["late"] is True
    assert counts(study) == (0, 1)
    assert Vote.objects.count() == 2


def test_a_late_answer_posted_twice_is_one_vote() -> None:
    study = make_pair_study()
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    run_out()
    release_expired()
    first = browser.answer(payload, "right")
    assert browser.answer(payload, "left")["receipt"] == first["receipt"]
    assert Vote.objects.get().outcome == "right"
    assert counts(study) == (0, 0)


def test_a_pair_that_was_lost_is_not_shown_to_the_same_rater_again() -> None:
    study = make_pair_study(votes_wanted=3)
    browser = Browser(study).consent()
    browser.judge()
    run_out()
    release_expired()
    assert browser.judge() is None
    assert counts(study) == (0, 0)


def test_a_late_answer_leads_back_to_the_pair_on_the_other_page() -> None:
    study = make_open_study()
    browser = Browser(study).consent()
    lost = browser.judge()
    run_out()
    release_expired()
    current = browser.judge()
    assert lost
    assert current
    assert current["assignment"] != lost["assignment"]
    following = browser.answer(lost)["next"]
    assert following["assignment"] == current["assignment"]
    assert_counters_true(study)


def test_late_answers_are_never_more_than_the_progress_bar_holds() -> None:
    question = QuestionSpec("quality", "Which has the higher quality?", tie=False, both_bad=False)
    browser = Browser(make_open_study(questions=(question,), judgements_per_question=2)).consent()
    browser.judge()
    lost = list(Assignment.objects.values_list("public_id", flat=True))
    run_out()
    assert release_expired() == len(lost) == 2
    payload, bars = browser.judge(), []
    for public_id in lost:
        payload = browser.answer({"assignment": str(public_id)})["next"]
    while payload:
        bars.append(payload["progress"])
        payload = browser.answer(payload)["next"]
    assert bars == [{"done": 2, "total": 4}, {"done": 3, "total": 4}]


def test_closing_the_study_keeps_outstanding_answers() -> None:
    study = make_open_study()
    browser, lost = Browser(study).consent(), Browser(study).consent()
    payload, late = browser.judge(), lost.judge()
    assert payload
    assert late
    Assignment.objects.filter(public_id=late["assignment"]).update(
        issued_at=timezone.now() - timedelta(hours=2), expires_at=timezone.now() - timedelta(hours=1)
    )
    close_study(study)
    assert release_expired() == 1
    reply = browser.answer(payload)
    assert reply["receipt"]["late"] is False
    assert reply["next"] is None
    assert lost.answer(late)["receipt"]["late"] is True
    assert Vote.objects.count() == 2
    assert set(Assignment.objects.open().values_list("state", flat=True)) == {"ahead"}
    assert_counters_true(study)


def test_who_loses_all_that_were_offered_is_offered_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where as many others as there are offers have read the same ones, and are faster."""
    systems = (make_system_spec("alpha"), make_system_spec("beta"))
    question = QuestionSpec("quality", "Which is better?", tie=False, both_bad=False)
    texts = [f"{number} foxes" for number in range(leases.CONTENDERS + 1)]
    study = make_open_study(texts, systems=systems, questions=(question,), votes_wanted=1)
    offers = leases._proposals

    def overtaken(*asked: Any) -> list[tuple[Any, Comparison, bool]]:
        found = list(offers(*asked))
        if len(found) == leases.CONTENDERS:
            Comparison.objects.filter(id__in=[comparison.id for _, comparison, _ in found]).update(open_leases=1)
        return found

    monkeypatch.setattr(leases, "_proposals", overtaken)
    lease = leases.lease_judgement(make_session(study), study.ordered_questions[0], "open", random.Random(1))
    assert lease is not None
    assert Comparison.objects.filter(open_leases=1).count() == leases.CONTENDERS + 1
