"""Forgetting a person: nothing points to them afterwards, their votes stay, and what is left out has a reason."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from comparisons.models import Assignment, Exclusion, Rater, RaterSession, Report, Study, Vote
from comparisons.recruitment import hashed
from tests.comparisons.arriving import (
    all_that_is_stored,
    come,
    make_recruiting_study,
    mturk,
    prolific,
    take_part,
)
from tests.comparisons.browsing import Browser
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

Erase = Callable[..., list[str]]
FILES = "Files that were exported before still have the session's former id."
ERASED = "Erased: all that pointed to this person."


@pytest.fixture
def study() -> Study:
    return make_recruiting_study("prolific")


@pytest.fixture
def erase(capsys: pytest.CaptureFixture[str]) -> Erase:
    def erase(study: Study, *arguments: str) -> list[str]:
        call_command("erase_rater", study.slug, *arguments)
        return capsys.readouterr().out.splitlines()

    return erase


def test_all_that_pointed_to_the_person_is_gone(study: Study, erase: Erase) -> None:
    session = take_part(study, prolific("p-1"))
    Report.objects.create(assignment=Assignment.objects.latest("id"), problem="other", note="I am Ada, call me")
    secrets = (
        hashed("prolific", "p-1"),
        hashed("prolific", "submission-of-p-1"),
        session.public_id.hex,
        session.completion_code,
        "I am Ada",
    )
    before = all_that_is_stored().replace("-", "")
    assert [secret for secret in secrets if secret not in before] == []
    told = erase(study, "p-1")
    after = all_that_is_stored().replace("-", "")
    assert [secret for secret in secrets if secret in after] == []
    assert told == [ERASED, f"Study {study.slug}: 6 vote(s) stay; 1 note(s) removed.", FILES]
    assert Rater.objects.get().erased_at


def test_votes_stay_as_they_were(study: Study, erase: Erase) -> None:
    take_part(study, prolific("p-1"))
    votes = list(Vote.objects.values())
    erase(study, "p-1")
    assert list(Vote.objects.values()) == votes
    assert len(votes) == 6
    assert not Exclusion.objects.exists()
    assert Report.objects.count() == 0


def test_a_report_stays_without_its_words(study: Study, erase: Erase) -> None:
    take_part(study, prolific("p-1"))
    Report.objects.create(assignment=Assignment.objects.latest("id"), problem="offensive", note="mine")
    erase(study, "p-1")
    assert Report.objects.values_list("problem", "note").get() == ("offensive", "")


def test_others_keep_theirs(study: Study, erase: Erase) -> None:
    take_part(study, prolific("p-1"))
    other = take_part(study, prolific("p-2"))
    Report.objects.create(assignment=Assignment.objects.latest("id"), problem="other", note="theirs")
    erase(study, "p-1")
    kept = RaterSession.objects.get(id=other.id)
    assert (kept.public_id, kept.submission_hash) == (other.public_id, other.submission_hash)
    assert kept.rater.worker_hash == hashed("prolific", "p-2")
    assert Report.objects.get().note == "theirs"


def test_erasing_again_changes_nothing(study: Study, erase: Erase) -> None:
    take_part(study, prolific("p-1"))
    erase(study, "p-1")
    stored = all_that_is_stored()
    assert erase(study, "p-1") == [
        f"Nothing was changed: nobody with this id is known to study {study.slug}. "
        "They never took part, or have been erased."
    ]
    assert all_that_is_stored() == stored


def test_the_browser_of_an_erased_person_knows_nothing_more(study: Study, erase: Erase) -> None:
    browser = come(study, prolific("p-1"))
    payload = browser.judge()
    assert payload
    erase(study, "p-1")
    assert browser.get("judge/").headers["Location"] == browser.url
    assert browser.post({"assignment": payload["assignment"]}).status_code == 403


def test_an_erased_person_who_comes_again_is_a_new_rater(study: Study, erase: Erase) -> None:
    browser = come(study, prolific("p-1"))
    erase(study, "p-1")
    come(study, prolific("p-1"), browser)
    assert browser.judge()
    assert RaterSession.objects.count() == Rater.objects.count() == 2
    assert Rater.objects.filter(erased_at=None).get().worker_hash == hashed("prolific", "p-1")


def test_a_person_is_forgotten_in_every_study(study: Study, erase: Erase) -> None:
    take_part(study, prolific("p-1"))
    other = make_recruiting_study("prolific")
    take_part(other, prolific("p-1"), 2)
    assert erase(study, "p-1") == [
        ERASED,
        f"Study {study.slug}: 6 vote(s) stay; 0 note(s) removed.",
        f"Study {other.slug}: 2 vote(s) stay; 0 note(s) removed.",
        FILES,
    ]
    assert not RaterSession.objects.exclude(submission_hash="").exists()


def test_a_person_of_another_platform_is_left_alone(study: Study, erase: Erase) -> None:
    other = make_recruiting_study("mturk")
    take_part(other, mturk("p-1"))
    assert erase(study, "p-1")[0].startswith("Nothing was changed")
    assert erase(other, "p-1")[0] == ERASED


def test_a_rater_by_link_is_found_by_their_session(erase: Erase) -> None:
    study = make_open_study(["a red fox"])
    browser = Browser(study).consent()
    browser.judge_all()
    public_id = str(RaterSession.objects.get().public_id)
    assert erase(study, "--session", public_id)[:2] == [
        ERASED,
        f"Study {study.slug}: 6 vote(s) stay; 0 note(s) removed.",
    ]
    assert str(RaterSession.objects.get().public_id) != public_id
    assert erase(study, "--session", public_id)[0].startswith("Nothing was changed")


def test_a_session_of_another_study_is_left_alone(study: Study, erase: Erase) -> None:
    public_id = str(take_part(study, prolific("p-1")).public_id)
    assert erase(make_open_study(["a red fox"]), "--session", public_id)[0].startswith("Nothing was changed")
    assert Rater.objects.get().erased_at is None


def test_votes_are_left_out_for_a_reason(study: Study, erase: Erase) -> None:
    session = take_part(study, prolific("p-1"))
    told = erase(study, "p-1", "--exclude", "--reason", "Asked to be forgotten.")
    assert told[1] == f"Study {study.slug}: 6 vote(s) stay, newly left out of the numbers; 0 note(s) removed."
    exclusion = Exclusion.objects.get()
    assert (exclusion.session_id, exclusion.reason, exclusion.rule) == (session.id, "Asked to be forgotten.", "")


def test_who_was_erased_can_be_left_out_later(study: Study, erase: Erase) -> None:
    take_part(study, prolific("p-1"))
    erase(study, "p-1")
    public_id = str(RaterSession.objects.get().public_id)
    erased_at = Rater.objects.get().erased_at
    for newly in (", newly left out of the numbers", ""):
        told = erase(study, "--session", public_id, "--exclude", "--reason", "A bot, after all.")
        assert told[:2] == [
            "This person had been erased before.",
            f"Study {study.slug}: 6 vote(s) stay{newly}; 0 note(s) removed.",
        ]
    assert Rater.objects.get().erased_at == erased_at
    assert str(RaterSession.objects.get().public_id) == public_id
    assert Exclusion.objects.get().reason == "A bot, after all."


def test_what_a_rule_left_out_stays_out(study: Study, erase: Erase) -> None:
    """A rule takes back what it left out when its breach is gone."""
    session = take_part(study, prolific("p-1"))
    by_rule = Exclusion.objects.create(session=session, reason="agreement", rule="agreement")
    erase(study, "p-1", "--exclude", "--reason", "Asked for it.")
    by_rule.refresh_from_db()
    assert by_rule.revoked_because == "Replaced: Asked for it."
    assert Exclusion.objects.get(revoked_at=None).rule == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Say who: either WORKER, the platform's id of the person, or --session ID."),
        (
            ["p-1", "--session", str(uuid.uuid4())],
            "Say who: either WORKER, the platform's id of the person, or --session ID.",
        ),
        (["--session", "7"], "--session is '7'; allowed: a session's id, as in the column of votes.csv."),
        (["p-1", "--exclude"], "--exclude and --reason TEXT go together: what is left out is left out for a reason."),
        (
            ["p-1", "--reason", "x"],
            "--exclude and --reason TEXT go together: what is left out is left out for a reason.",
        ),
    ],
)
def test_it_wants_to_know_exactly(study: Study, arguments: list[str], sentence: str) -> None:
    take_part(study, prolific("p-1"), 1)
    with pytest.raises(CommandError) as refused:
        call_command("erase_rater", study.slug, *arguments)
    assert str(refused.value) == sentence
    assert Rater.objects.get().erased_at is None


def test_a_study_by_link_knows_nobodys_id() -> None:
    study = make_open_study(["a red fox"])
    with pytest.raises(CommandError) as refused:
        call_command("erase_rater", study.slug, "p-1")
    assert str(refused.value) == f"Study {study.slug!r} recruits by link and knows nobody's id: use --session ID."
