"""Invitations made in the browser: told once, each one person's, noted in the log."""

from __future__ import annotations

import html
import re
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import User
from django.test import Client

from comparisons.erasure import erase
from comparisons.models import Invitation, RaterSession, Study
from comparisons.studies import close_study
from people.models import AuditEntry, Membership
from tests.analysis.members import browser_of
from tests.comparisons.arriving import all_that_is_stored, make_recruiting_study
from tests.comparisons.browsing import Browser

pytestmark = pytest.mark.django_db

_MADE = re.compile(r'<pre class="invitations"[^>]*>(.*?)</pre>', re.DOTALL)


@pytest.fixture
def study() -> Study:
    return make_recruiting_study("invitation")


@pytest.fixture
def operator(study: Study) -> Client:
    return browser_of("operator", study)


def invite(client: Client, study: Study, count: str) -> tuple[int, str]:
    response = client.post(f"/studies/{study.slug}/recruitment/invite/", {"count": count})
    return response.status_code, response.content.decode()


def made(page: str) -> list[str]:
    found = _MADE.search(page)
    assert found
    return html.unescape(found[1]).split()


def test_each_address_lets_one_person_in(study: Study, operator: Client) -> None:
    status, page = invite(operator, study, " 3 ")
    addresses = made(page)
    assert (status, len(set(addresses)), Invitation.objects.count()) == (200, 3, 3)
    for address in addresses:
        path = address.removeprefix("http://testserver")
        assert path.startswith(f"/r/{study.key}/?invitation=")
        assert Browser(study).client.post(path, {"consent": "1"}).status_code == 302
    assert RaterSession.objects.count() == 3


def test_the_file_has_what_the_page_shows(study: Study, operator: Client) -> None:
    _status, page = invite(operator, study, "2")
    link = re.search(r'href="data:text/plain;charset=utf-8,([^"]*)" download="([^"]*)"', page)
    assert link
    assert unquote(link[1]) == "".join(f"{address}\n" for address in made(page))
    assert link[2] == f"{study.slug}-invitations.txt"


def test_they_are_told_once_and_kept_by_no_cache(study: Study, operator: Client) -> None:
    response = operator.post(f"/studies/{study.slug}/recruitment/invite/", {"count": "1"})
    (address,) = made(response.content.decode())
    assert "no-store" in response["Cache-Control"]
    token = address.partition("=")[2]
    assert len(token) >= 16
    assert token not in all_that_is_stored()
    assert token not in operator.get(f"/studies/{study.slug}/recruitment/").content.decode()


def test_who_invited_is_noted_and_whom_is_not(study: Study, operator: Client) -> None:
    invite(operator, study, "4")
    (entry,) = AuditEntry.objects.all()
    assert (entry.who, entry.verb, entry.study_slug, entry.details) == (
        "operator",
        "invited",
        study.slug,
        {"people": 4},
    )


def test_those_that_are_used_are_counted(study: Study, operator: Client) -> None:
    def counted() -> str:
        page = operator.get(f"/studies/{study.slug}/recruitment/").content.decode()
        found = re.search(r"\d+ used, \d+ not yet", page)
        assert found
        return found[0]

    another = make_recruiting_study("invitation")
    assert counted() == "0 used, 0 not yet"
    address = made(invite(operator, study, "3")[1])[0]
    Browser(study).client.get(address)
    assert counted() == "0 used, 3 not yet"
    Browser(study).client.post(address, {"consent": "1"})
    Browser(study).client.post(address, {"consent": "1"})
    assert counted() == "1 used, 2 not yet"
    erase(RaterSession.objects.get().rater, by="a test")
    assert counted() == "0 used, 3 not yet"
    assert not another.invitations.exists()


@pytest.mark.parametrize("count", ["", "0", "-1", "1001", "0001001", "many", "2.5", "²", "1\0", "9" * 5000])
def test_a_number_that_makes_no_sense_gets_one_sentence(count: str, study: Study, operator: Client) -> None:
    status, page = invite(operator, study, count)
    assert status == 422
    found = re.search(r'role="alert" id="count-problem">Found (.*?); allowed: a whole number from 1 to 1000\.<', page)
    assert found
    assert not Invitation.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_thousand_at_once(study: Study, operator: Client) -> None:
    assert len(made(invite(operator, study, "1000")[1])) == Invitation.objects.count() == 1000


def test_only_an_open_study_by_invitation_invites(study: Study, operator: Client) -> None:
    close_study(study)
    status, page = invite(operator, study, "1")
    assert status == 422
    assert "is closed: people are invited to open studies only." in html.unescape(page)
    assert "Make invitations" not in page
    link = make_recruiting_study("link")
    Membership.objects.create(user=User.objects.get(), study=link, role="operator")
    status, page = invite(operator, link, "1")
    assert status == 422
    assert "recruits by link: only one with recruitment.platform" in html.unescape(page)
    assert not Invitation.objects.exists()


def test_an_analyst_invites_nobody(study: Study, operator: Client) -> None:
    Membership.objects.update(role="analyst")
    assert invite(operator, study, "1")[0] == 403
    page = operator.get(f"/studies/{study.slug}/").content.decode()
    assert ">Recruitment</a>" not in page
    assert not Invitation.objects.exists()
