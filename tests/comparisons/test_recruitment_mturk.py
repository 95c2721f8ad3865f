"""Mechanical Turk's people: a preview takes nothing, the study opens in a window, and the work is posted at the end."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from pytest_django import Settings

from comparisons.models import Assignment, Rater, RaterSession, Study
from comparisons.recruitment import hashed
from comparisons.studies import close_study
from tests.comparisons.arriving import address, all_that_is_stored, come, make_recruiting_study, mturk, take_part
from tests.comparisons.browsing import Browser
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

PREVIEW = {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "hitId": "h-1"}


@pytest.fixture
def study() -> Study:
    return make_recruiting_study("mturk")


def policy(page: str, client: Client) -> dict[str, str]:
    parts = client.get(page).headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


def test_its_pages_may_show_the_task_in_a_frame(study: Study) -> None:
    client = Client()
    for query in (PREVIEW, mturk("w-1"), {}):
        assert policy(address(study, query), client)["frame-ancestors"] == "https://*.mturk.com"
        assert "X-Frame-Options" not in client.get(address(study, query)).headers


def test_its_work_may_be_posted_to_it(study: Study) -> None:
    browser = come(study, mturk("w-1"))
    assert policy(f"{browser.url}judge/", browser.client)["form-action"] == "'self' https://*.mturk.com"


def test_other_studies_stay_closed_to_its_frames() -> None:
    client = Client()
    for other in (make_open_study(["a red fox"]), make_recruiting_study("prolific")):
        found = policy(address(other, mturk("w-1")), client)
        assert (found["frame-ancestors"], found["form-action"]) == ("'none'", "'self'")
        assert client.get(address(other, mturk("w-1"))).headers["X-Frame-Options"] == "DENY"


def test_a_preview_takes_neither_session_nor_lease(study: Study) -> None:
    client = Client()
    for query in (PREVIEW, PREVIEW | {"window": "1"}):
        for response in (client.get(address(study, query)), client.post(address(study, query), {"consent": "1"})):
            page = response.content.decode()
            assert "This is a preview." in page
            assert "I agree, begin" not in page
            assert "Open the study" not in page
            assert not response.cookies
    assert not Rater.objects.exists()
    assert not Assignment.objects.exists()


def test_a_preview_leads_nobody_on(study: Study) -> None:
    browser = come(study, mturk("w-1"))
    assert "This is a preview." in browser.client.get(address(study, PREVIEW)).content.decode()


def test_the_frame_has_a_link_to_a_window_and_no_consent(study: Study) -> None:
    client = Client()
    for response in (
        client.get(address(study, mturk("w-1"))),
        client.post(address(study, mturk("w-1")), {"consent": "1"}),
    ):
        page = response.content.decode()
        link = re.search(r'<a class="button" href="([^"]+)" target="_blank" rel="noopener">', page)
        assert link
        window = client.get(f"/r/{study.key}/{unescape(link[1])}").content.decode()
        assert "I agree, begin" in window
    assert not Rater.objects.exists()


def test_the_window_leads_through_the_study_to_the_form(study: Study) -> None:
    browser = come(study, mturk("w-1", "a-1"))
    assert len(browser.judge_all()) == 6
    page = browser.get("thanks/").content.decode()
    session = RaterSession.objects.get()
    assert re.findall(r'<form action="([^"]+)" method="(\w+)">', page) == [
        ("https://www.mturk.com/mturk/externalSubmit", "post")
    ]
    form = page[page.index("<form") : page.index("</form>")]
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', form))
    assert fields == {"assignmentId": "a-1", "code": session.completion_code, "ending": "completed"}
    assert "csrf" not in form, "the token of this site is for this site"


def test_the_sandbox_gets_its_work_back(study: Study) -> None:
    browser = come(study, mturk("w-1", turkSubmitTo="https://workersandbox.mturk.com"))
    browser.judge_all()
    page = browser.get("thanks/").content.decode()
    assert '<form action="https://workersandbox.mturk.com/mturk/externalSubmit"' in page


@pytest.mark.parametrize(
    "host",
    [
        "",
        "mturk.com",
        "https://evil.example",
        "https://www.mturk.com.evil.example",
        "https://evil.example/www.mturk.com",
        "https://www.mturk.com@evil.example",
        "https://[",
        "javascript:alert(1)",
    ],
)
def test_work_is_posted_to_nobody_else(study: Study, host: str) -> None:
    query = mturk("w-1", turkSubmitTo=host) | {"window": "1"}
    for response in (Client().get(address(study, query)), Client().post(address(study, query), {"consent": "1"})):
        assert "This address does not say where Mechanical Turk waits" in response.content.decode()
    assert not Rater.objects.exists()


@pytest.mark.parametrize("name", ["assignmentId", "workerId"])
def test_an_address_without_its_parameters_begins_nothing(study: Study, name: str) -> None:
    query = mturk("w-1") | {"window": "1"}
    del query[name]
    page = Client().post(address(study, query), {"consent": "1"}).content.decode()
    assert f"This address lacks what Mechanical Turk adds to it ({name})." in page
    assert not Rater.objects.exists()


def test_the_browser_alone_keeps_what_the_form_needs(study: Study) -> None:
    browser = come(study, mturk("worker-5f3c", "assignment-77aa"))
    cookie = browser.client.cookies["way_back"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", browser.url)
    assert cookie["max-age"] == browser.client.cookies["session_key"]["max-age"]
    stored = all_that_is_stored()
    assert "worker-5f3c" not in stored
    assert "assignment-77aa" not in stored


def test_a_cookie_that_somebody_wrote_themselves_is_ignored(study: Study) -> None:
    browser = come(study, mturk("w-1"))
    browser.judge_all()
    browser.client.cookies["way_back"] = '{"assignmentId": "a-9", "turkSubmitTo": "https://evil.example"}'
    page = browser.get("thanks/").content.decode()
    assert "externalSubmit" not in page
    assert RaterSession.objects.get().completion_code in page


def test_who_comes_again_finds_the_window_and_their_place(study: Study) -> None:
    browser = come(study, mturk("w-1"))
    payload = browser.judge()
    again = Browser(study)
    assert "Open the study" in again.client.get(address(study, mturk("w-1"))).content.decode()
    response = again.client.get(address(study, mturk("w-1") | {"window": "1"}))
    assert response.headers["Location"] == f"/r/{study.key}/judge/"
    assert again.judge() == payload
    assert RaterSession.objects.count() == 1


def test_a_task_that_was_taken_again_is_the_one_that_is_handed_in(study: Study) -> None:
    browser = come(study, mturk("w-1", "a-1"))
    come(study, mturk("w-1", "a-2"), browser)
    assert RaterSession.objects.get().submission_hash == hashed("mturk", "a-2")
    browser.judge_all()
    assert 'name="assignmentId" value="a-2"' in browser.get("thanks/").content.decode()
    come(study, mturk("w-1", "a-3"), browser)
    assert RaterSession.objects.get().submission_hash == hashed("mturk", "a-2"), "it ended with that one"


def test_another_worker_on_the_same_computer_hands_in_their_own(study: Study) -> None:
    browser = come(study, mturk("w-1", "a-1"))
    come(study, mturk("w-2", "a-2"), browser)
    browser.judge_all()
    assert 'name="assignmentId" value="a-2"' in browser.get("thanks/").content.decode()
    assert RaterSession.objects.count() == 2


def test_a_closed_study_says_so_in_the_frame(study: Study) -> None:
    close_study(study)
    for query in (PREVIEW, mturk("w-1")):
        page = Client().get(address(study, query)).content.decode()
        assert "This study is closed. Thank you for your interest." in page
        assert ("Please give your place back on Mechanical Turk." in page) == (query != PREVIEW)


def test_a_code_tells_nothing_of_the_others_without_the_sites_secret(study: Study, settings: Settings) -> None:
    session = take_part(study, mturk("w-1"), 0)
    complete, *others = [session.code_of(ending) for ending in RaterSession.ENDINGS]
    assert len({complete, *others}) == 3
    assert all(re.fullmatch(r"[0-9A-F]{8}", code) for code in (complete, *others))
    settings.SECRET_KEY = "that of another site"
    elsewhere = [session.code_of(ending) for ending in RaterSession.ENDINGS]
    assert elsewhere[0] == complete
    assert not set(elsewhere) & set(others)
