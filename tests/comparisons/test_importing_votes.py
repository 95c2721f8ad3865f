"""Votes made elsewhere beside raters who judge here: places, identities, caps, books, erasure, and others at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comparisons import importing_votes, storing_imported
from comparisons.erasure import find_by_worker
from comparisons.imported_raters import CONSENT, name_hash
from comparisons.importing_votes import Imported, VotesRefused, import_votes
from comparisons.models import Assignment, Comparison, Exclusion, Matchup, Rater, RaterSession, Study, Vote
from comparisons.protocol import Checks, Gold, Protocol, Recruitment, Rules
from comparisons.reconciling import reconcile
from comparisons.rules import apply_rules
from comparisons.storing_imported import VoteRow
from comparisons.studies import StudyError, close_study, open_study
from comparisons.study_file import QuestionSpec
from comparisons.submissions import Book
from tests.comparisons.arriving import all_that_is_stored
from tests.comparisons.browsing import Browser, assert_counters_true, at_once
from tests.comparisons.imported import ROW, make_rows
from tests.factories import make_draft, make_open_study

WITH_GOLD = (QuestionSpec("quality", "Which?", tie=True, both_bad=False, checks=("gold",)),)
NAME = "alpha@4 and beta@4 for prompt 0 under quality"


def bring(study: Study, *rows: VoteRow) -> Imported:
    done = import_votes(study, rows, lambda _: None)
    assert_counters_true(study)
    return done


def refused(study: Study, *rows: VoteRow) -> dict[str, Any]:
    with pytest.raises(VotesRefused) as refusal:
        bring(study, *rows)
    assert_counters_true(study)
    return dict(refusal.value.problems)


def by(name: str, **changes: Any) -> VoteRow:
    return ROW._replace(rater=name, **changes)


@pytest.fixture
def study(db: None) -> Study:
    return make_open_study(["a red fox"], slug="colours")


def test_an_imported_vote_takes_a_place(study: Study) -> None:
    assert bring(study, by("a")) == (1, 0)
    comparison = Comparison.objects.get(done=1)
    assert bring(study, by("b", system_left="beta@4", system_right="alpha@4", outcome="right")) == (1, 0)
    comparison.refresh_from_db()
    assert (comparison.done, comparison.taken) == (2, comparison.votes_wanted)
    matchup = Matchup.objects.get(id=comparison.matchup_id)
    assert (matchup.a_left, matchup.b_left) == (1, 1)


def test_no_more_than_the_places_left(study: Study) -> None:
    what = f"{NAME} has 2 of 2 places left, and here are 3 new"
    assert refused(study, by("a"), by("b"), by("c")) == {what: [0, 1, 2]}
    bring(study, by("a"))
    what = f"{NAME} has 1 of 2 places left, and here are 2 new"
    assert refused(study, by("a"), by("b"), by("c")) == {what: [1, 2]}
    assert Vote.objects.count() == 1


def all_places_held(study: Study) -> None:
    """Six raters with two pairs each: one that they see, and the next."""
    for _ in range(6):
        Browser(study).consent().judge()
    assert not Comparison.objects.exclude(open_leases=2).exists()


def test_a_pair_that_raters_hold_has_no_place_left(study: Study) -> None:
    all_places_held(study)
    assert refused(study, by("a")) == {f"{NAME} has 0 of 2 places left, and here are 1 new": [0]}


def test_places_of_leases_that_ran_out_are_free_again(study: Study) -> None:
    all_places_held(study)
    past = datetime(2020, 1, 1, tzinfo=UTC)
    Assignment.objects.update(issued_at=past, expires_at=past.replace(hour=1))
    assert bring(study, by("a"), by("b")) == (2, 0)


def test_raters_are_given_only_what_is_left(study: Study) -> None:
    bring(study, by("a"), by("b"))
    for _ in range(2):
        Browser(study).consent().judge_all()
    assert_counters_true(study)
    assert list(Comparison.objects.values_list("done", flat=True)) == [2] * 6
    assert Vote.objects.count() == 12


def test_an_answer_beside_a_known_pair_is_refused(db: None) -> None:
    gold = Gold("quality", "a red fox", "alpha@4", "beta@4")
    study = make_open_study(["a red fox"], protocol=Protocol(checks=Checks(every=2, gold=(gold,))), questions=WITH_GOLD)
    what = f"{NAME} takes no votes: it is an attention check, or shown to raters with its answer"
    assert refused(study, by("a"), by("b", late=True)) == {what: [0, 1]}


def test_a_vote_never_changes(study: Study) -> None:
    bring(study, by("a"))
    exchanged = by("a", system_left="beta@4", system_right="alpha@4")
    there = f'the vote of rater "a" on {NAME} is there already with alpha@4 on the left and outcome left'
    assert refused(study, by("a", outcome="tie"), by("b")) == {f"{there}; a vote never changes": [0]}
    assert refused(study, exchanged) == {f"{there}; a vote never changes": [0]}
    assert bring(study, by("a", response_ms=9, answered_at=ROW.answered_at.replace(hour=1))) == (0, 1)
    assert Vote.objects.get().response_ms == 2500


def test_one_vote_of_each_rater_on_a_comparison(study: Study) -> None:
    what = f'rater "a" judges {NAME} more than once; allowed: one vote of each rater on a comparison'
    assert refused(study, by("a"), by("b"), by("a", outcome="tie")) == {what: [0, 2]}


def test_a_rater_is_of_one_kind(study: Study) -> None:
    other = by("a", question="prompt-following", kind="simulated")
    what = 'rater "a" is simulated, and person in other votes; allowed: one rater_kind for each rater'
    assert refused(study, by("a"), other) == {what: [1]}
    bring(study, by("a"))
    assert refused(study, other) == {what: [0]}


def test_a_study_that_is_not_open(study: Study) -> None:
    draft = make_draft(slug="draft")
    with pytest.raises(StudyError, match="'draft' is a draft: open it first with open_study draft"):
        bring(draft, ROW)
    close_study(study)
    with pytest.raises(StudyError, match="'colours' is closed: only an open study takes votes"):
        bring(study, ROW)


def test_images_that_are_missing(db: None) -> None:
    study = make_draft(["a red fox"], slug="waiting")
    open_study(study)
    what = "as an image is missing: make it with generate waiting, or bring it with import_images waiting"
    assert refused(study, by("a")) == {f"{NAME} cannot be compared yet, {what}": [0]}


def test_nobody_s_place_or_book_is_touched(db: None) -> None:
    recruitment = Recruitment(platform="prolific", max_raters=1, complete_code="DONE", pay="1 pound")
    study = make_open_study(["a red fox"], protocol=Protocol(recruitment=recruitment))
    bring(study, by("a"), by("b"))
    study.refresh_from_db()
    assert study.admitted == 0
    found = reconcile(study, Book("prolific", []))
    assert (list(found.lines), found.sessions, found.erased) == ([], 0, 0)
    assert set(RaterSession.objects.values_list("stage", "consent_version")) == {("completed", CONSENT)}


def test_rules_are_those_of_all(db: None) -> None:
    study = make_open_study(["a red fox"], protocol=Protocol(rules=Rules(response_floor_ms=1000)))
    bring(study, by("a"), by("b", response_ms=0))
    assert apply_rules(study).excluded == 1
    excluded = Exclusion.objects.get()
    assert excluded.vote and excluded.vote.response_ms == 0


def test_a_rater_is_erased_by_name_or_session(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="knows nobody's id"):
        call_command("erase_rater", study.slug, "a")
    bring(study, by("a"), by("b"))
    call_command("erase_rater", study.slug, "nobody")
    assert "Nothing was changed" in capsys.readouterr().out
    call_command("erase_rater", study.slug, "a")
    assert "Study colours: 1 vote(s) stay" in capsys.readouterr().out
    assert not Rater.objects.filter(worker_hash=name_hash(study, "a")).exists()
    assert Rater.objects.filter(worker_hash=name_hash(study, "b")).exists()
    assert Vote.objects.count() == 2


@given(name=st.text(min_size=6, max_size=80).filter(lambda name: len(name.strip()) >= 6))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_is_kept(name: str, study: Study) -> None:
    with transaction.atomic():
        assert bring(study, by(name)) == (1, 0)
        assert bring(study, by(f" {name.strip()}")) == (0, 1)
        assert name.strip() not in all_that_is_stored()
        found = find_by_worker(study, name)
        assert found and found.platform == "imported"
        transaction.set_rollback(True)


def test_nothing_is_stored_where_the_note_fails(study: Study) -> None:
    def fail(new: int) -> None:
        assert new == 1
        raise RuntimeError

    with pytest.raises(RuntimeError):
        import_votes(study, [ROW], fail)
    assert not Rater.objects.exists()
    assert_counters_true(study)


def test_as_many_queries_for_many_votes_as_for_few(study: Study) -> None:
    rows = make_rows(study, ["a", "b"])
    counts = []
    for some in (rows[:1], rows[2:]):
        with CaptureQueriesContext(connection) as captured:
            assert bring(study, *some).new == len(some)
        counts.append(len(captured))
    assert counts[1] <= counts[0] + 5  # the counters of more matchups


def test_a_place_that_is_taken_meanwhile_is_told(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between what was read and the first write of the transaction."""
    works = storing_imported._works

    def meanwhile(entries: Sequence[storing_imported.Entry]) -> Any:
        monkeypatch.setattr(storing_imported, "_works", works)
        bring(study, by("b"), by("c"))
        return works(entries)

    monkeypatch.setattr(storing_imported, "_works", meanwhile)
    assert refused(study, by("a")) == {f"{NAME} has 0 of 2 places left, and here are 1 new": [0]}
    assert Vote.objects.count() == 2


def test_a_study_that_is_closed_meanwhile_takes_none(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between what was read and the transaction."""

    def closed_first(*arguments: Any) -> None:
        close_study(study)
        storing_imported.store(*arguments)

    monkeypatch.setattr(importing_votes, "store", closed_first)
    with pytest.raises(StudyError, match="is closed: only an open study takes votes"):
        bring(study, ROW)
    assert not Vote.objects.exists()


def test_whoever_is_always_slower_is_told(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object) -> None:
        raise storing_imported.Taken

    monkeypatch.setattr(importing_votes, "store", taken)
    with pytest.raises(StudyError, match="each of 3 times others were faster"):
        bring(study, ROW)


@pytest.mark.django_db(transaction=True)
def test_one_file_four_times_at_once_is_there_once() -> None:
    study = make_open_study(votes_wanted=5)
    rows = make_rows(study, ["a", "b", "c"])
    done = at_once([partial(import_votes, study, rows, lambda _: None)] * 4)
    assert sorted(done) == [(0, 72)] * 3 + [(72, 0)]
    assert_counters_true(study)


@pytest.mark.django_db(transaction=True)
def test_raters_judge_while_votes_come() -> None:
    study = make_open_study(votes_wanted=6)
    rows = make_rows(study, ["a", "b"])
    browsers = [Browser(study).consent() for _ in range(4)]
    calls: list[Callable[[], object]] = [each.judge_all for each in browsers]
    calls.append(partial(import_votes, study, rows, lambda _: None))
    at_once(calls)
    assert_counters_true(study)
    assert set(Comparison.objects.values_list("done", flat=True)) == {6}
    assert Vote.objects.filter(assignment__session__rater__platform="imported").count() == 48
