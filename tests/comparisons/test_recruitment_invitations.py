"""Invitations: addresses that are told once, of which each is one person's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from comparisons.models import Invitation, Rater, RaterSession, Study
from comparisons.studies import close_study
from tests.comparisons.arriving import all_that_is_stored, make_recruiting_study
from tests.comparisons.browsing import Browser
from tests.factories import make_draft, make_open_study

pytestmark = pytest.mark.django_db

Invite = Callable[..., list[str]]


@pytest.fixture
def study() -> Study:
    return make_recruiting_study("invitation")


@pytest.fixture
def invite(capsys: pytest.CaptureFixture[str]) -> Invite:
    def invite(study: Study, count: int, *options: str) -> list[str]:
        call_command("invite", study.slug, "--count", str(count), *options)
        return capsys.readouterr().out.splitlines()

    return invite


def test_it_prints_an_address_for_each_person(study: Study, invite: Invite) -> None:
    addresses = invite(study, 3, "--url", "https://evalsite.example/")
    assert len(set(addresses)) == Invitation.objects.count() == 3
    assert {address.split("=")[0] for address in addresses} == {f"https://evalsite.example/r/{study.key}/?invitation"}
    assert invite(study, 1)[0].startswith(f"/r/{study.key}/?invitation=")


def test_tokens_are_told_once_and_stored_as_hashes(study: Study, invite: Invite) -> None:
    token = invite(study, 1)[0].split("=")[1]
    assert len(token) >= 16
    assert token not in all_that_is_stored()


def test_an_invitation_is_one_participation_in_every_browser(study: Study, invite: Invite) -> None:
    (address,) = invite(study, 1)
    first = Browser(study)
    assert "I agree, begin" in first.client.get(address).content.decode()
    first.client.post(address, {"consent": "1"})
    payload = first.judge()
    second = Browser(study)
    assert second.client.get(address).headers["Location"] == f"/r/{study.key}/judge/"
    assert second.judge() == payload
    assert RaterSession.objects.count() == 1


def test_the_way_ends_with_a_code(study: Study, invite: Invite) -> None:
    (address,) = invite(study, 1)
    browser = Browser(study)
    browser.client.post(address, {"consent": "1"})
    browser.judge_all()
    assert RaterSession.objects.get().completion_code in browser.get("thanks/").content.decode()


def test_nobody_else_comes_in(study: Study, invite: Invite) -> None:
    another = make_recruiting_study("invitation")
    token = invite(another, 1)[0].split("=")[1]
    for query, sentence in {
        "": "This study is by invitation.",
        "?invitation=": "This study is by invitation.",
        "?invitation=guessed": "This invitation is not known.",
        f"?invitation={token}": "This invitation is not known.",
    }.items():
        page = Browser(study).client.post(f"/r/{study.key}/{query}", {"consent": "1"}).content.decode()
        assert sentence in page
    assert not Rater.objects.exists()


def refusal(study: Study, count: int = 1) -> str:
    with pytest.raises(CommandError) as refused:
        call_command("invite", study.slug, "--count", str(count))
    assert not Invitation.objects.exists()
    return str(refused.value)


def test_only_an_open_study_by_invitation_invites(study: Study) -> None:
    link = make_open_study(["a red fox"])
    assert refusal(link) == (
        f'Study {link.slug!r} recruits by link: only one with recruitment.platform = "invitation" invites.'
    )
    close_study(study)
    assert refusal(study) == f"Study {study.slug!r} is closed: people are invited to open studies only."
    draft = make_draft()
    Study.objects.filter(id=draft.id).update(design=study.design)
    assert refusal(draft) == f"Study {draft.slug!r} is draft: people are invited to open studies only."


@pytest.mark.parametrize("count", [0, -1, 10_001])
def test_the_number_of_invitations_is_sensible(study: Study, count: int) -> None:
    assert refusal(study, count) == f"The number of people is {count}; allowed: a whole number from 1 to 10000."
