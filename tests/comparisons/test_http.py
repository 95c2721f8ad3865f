"""What the rater's addresses accept, what they refuse, and what they say about it."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from comparisons.models import Question, RaterSession, Study, Vote
from comparisons.protocol import Protocol
from comparisons.studies import close_study
from tests.comparisons.browsing import Browser, make_answer
from tests.factories import make_draft, make_open_study

pytestmark = pytest.mark.django_db

CSP = {
    "default-src 'self'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
}
UUID = "6a1c8f0e-5c0b-4f0e-9a57-1d2d3f4a5b6c"


@pytest.fixture
def rater() -> Browser:
    return Browser(make_open_study(["a red fox"])).consent()


@pytest.fixture
def payload(rater: Browser) -> dict[str, Any]:
    shown = rater.judge()
    assert shown
    return shown


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("", "GET, POST"), ("judge/", "GET"), ("answer/", "POST"), ("thanks/", "GET"), (f"i/{UUID}/", "GET")],
)
def test_only_these_methods_are_allowed(rater: Browser, path: str, allowed: str) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        response = rater.client.generic(method, rater.url + path)
        assert (response.status_code == 405) == (method not in allowed), method
        assert response.headers.get("Allow") == (None if method in allowed else allowed)


@pytest.mark.parametrize("path", ["", "judge/", "answer/", "thanks/", f"i/{UUID}/"])
def test_an_unknown_study_is_not_found(path: str) -> None:
    method = "POST" if path == "answer/" else "GET"
    assert Client().generic(method, f"/r/no-such-key/{path}").status_code == 404


def test_a_study_is_not_found_under_its_slug(rater: Browser) -> None:
    assert Client().get(f"/r/{rater.study.slug}/").status_code == 404


def test_posts_need_the_token_of_the_page() -> None:
    study = make_open_study(["a red fox"])
    rater = Browser(study, Client(enforce_csrf_checks=True))
    assert rater.client.post(rater.url, {"consent": "1"}).status_code == 403
    assert not RaterSession.objects.exists()
    token = rater.get().context["csrf_token"]
    rater.client.post(rater.url, {"consent": "1", "csrfmiddlewaretoken": str(token)})
    payload = rater.judge()
    assert payload
    assert rater.post(make_answer(payload)).status_code == 403
    assert not Vote.objects.exists()
    header = {"X-CSRFToken": str(rater.get("judge/").context["csrf_token"])}
    answer = json.dumps(make_answer(payload))
    reply = rater.client.post(f"{rater.url}answer/", answer, "application/json", headers=header)
    assert reply.status_code == 200
    assert Vote.objects.count() == 1


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("de", "ltr"), ("ar", "rtl")])
def test_a_stale_form_is_answered_in_the_studys_language(language: str, direction: str) -> None:
    study = make_open_study(["a red fox"], protocol=Protocol(language=language, theme="dark"))
    page = Client(enforce_csrf_checks=True).post(f"/r/{study.key}/", {"consent": "1"})
    assert page.status_code == 403
    content = page.content.decode()
    assert f'<html lang="{language}" dir="{direction}" data-theme="dark">' in content
    with translation.override(language):
        assert f"<h1>{gettext('This was not stored.')}</h1>" in content
    elsewhere = Client(enforce_csrf_checks=True).post("/login/", {"username": "ana"})
    assert elsewhere.status_code == 403 and "This was not stored." in elsewhere.content.decode()


def test_without_a_session_there_is_no_answer(payload: dict[str, Any], rater: Browser) -> None:
    response = Browser(rater.study).post(make_answer(payload))
    assert response.status_code == 403
    assert response.json() == {"error": "This browser has no session in this study."}


def test_a_pair_of_another_session_is_refused(payload: dict[str, Any], rater: Browser) -> None:
    stranger = Browser(rater.study).consent()
    response = stranger.post(make_answer(payload))
    assert response.status_code == 403, "unlike an answer that nobody can ever give"
    assert response.json() == {"error": "This pair was not given to this session."}
    assert not Vote.objects.exists()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        pytest.param(b"", "The answer is not JSON.", id="nothing"),
        pytest.param(b"outcome=left", "The answer is not JSON.", id="a form"),
        pytest.param(b'{"outcome": "left"', "The answer is not JSON.", id="half"),
        pytest.param(b"\xff\xfe\x00", "The answer is not JSON.", id="no text"),
        pytest.param(b"[" * 100_000, "The answer is not JSON.", id="too deep"),
        pytest.param(b'{"response_ms": ' + b"9" * 5000 + b"}", "The answer is not JSON.", id="too long a number"),
        *(
            pytest.param(
                body, "An answer is a JSON object with assignment, key, outcome and response_ms.", id=body.decode()
            )
            for body in (b"[]", b"null", b'"left"', b"7")
        ),
    ],
)
def test_what_is_no_answer_is_refused(rater: Browser, body: bytes, sentence: str) -> None:
    response = rater.post(body)
    assert (response.status_code, response.json()) == (400, {"error": sentence})


OUTCOMES = "allowed: left, right, tie, both_bad."
MILLISECONDS = "allowed: whole milliseconds from 0."


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"outcome": "neither"}, f"outcome is 'neither'; {OUTCOMES}"),
        ({"outcome": "LEFT"}, f"outcome is 'LEFT'; {OUTCOMES}"),
        ({"outcome": None}, f"outcome is None; {OUTCOMES}"),
        ({"outcome": ["left"]}, f"outcome is ['left']; {OUTCOMES}"),
        ({"outcome": {"left": 1}}, f"outcome is {{'left': 1}}; {OUTCOMES}"),
        ({"outcome": "tie"}, "outcome is 'tie'; this question offers left, right."),
        ({"outcome": "both_bad"}, "outcome is 'both_bad'; this question offers left, right."),
        ({"response_ms": -1}, f"response_ms is -1; {MILLISECONDS}"),
        ({"response_ms": 1.5}, f"response_ms is 1.5; {MILLISECONDS}"),
        ({"response_ms": True}, f"response_ms is True; {MILLISECONDS}"),
        ({"response_ms": "1500"}, f"response_ms is '1500'; {MILLISECONDS}"),
        ({"response_ms": None}, f"response_ms is None; {MILLISECONDS}"),
        ({"response_ms": 2**31}, f"response_ms is 2147483648; {MILLISECONDS}"),
        ({"response_ms": float("nan")}, f"response_ms is nan; {MILLISECONDS}"),
        ({"assignment": "x"}, "assignment is 'x'; allowed: a UUID."),
        ({"assignment": None}, "assignment is None; allowed: a UUID."),
        ({"assignment": 7}, "assignment is 7; allowed: a UUID."),
        ({"key": "x\0"}, "key is 'x\\x00'; allowed: a UUID."),
        ({"key": [UUID]}, f"key is ['{UUID}']; allowed: a UUID."),
    ],
)
def test_a_wrong_answer_is_refused(
    rater: Browser, payload: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    response = rater.post(make_answer(payload, **changes))
    assert (response.status_code, response.json()) == (400, {"error": sentence})
    assert not Vote.objects.exists()
    assert rater.judge() == payload, "the pair is still there to be judged"


@pytest.mark.parametrize("name", ["assignment", "key", "outcome", "response_ms"])
def test_an_answer_without_one_of_its_parts_is_refused(rater: Browser, payload: dict[str, Any], name: str) -> None:
    answer = make_answer(payload)
    del answer[name]
    response = rater.post(answer)
    assert response.status_code == 400
    assert response.json()["error"].startswith(f"{name} is None; allowed: ")


def test_every_offered_outcome_is_stored(rater: Browser) -> None:
    outcomes = iter(["left", "right", "left", "tie", "both_bad", "right"])
    payload = rater.judge()
    while payload:
        payload = rater.answer(payload, next(outcomes), response_ms=0)["next"]
    stored = list(Vote.objects.order_by("id").values_list("outcome", flat=True))
    assert stored == ["left", "right", "left", "tie", "both_bad", "right"]


def test_a_key_that_belongs_to_another_pair_is_refused(rater: Browser, payload: dict[str, Any]) -> None:
    key = str(uuid.uuid4())
    following = rater.answer(payload, key=key)["next"]
    response = rater.post(make_answer(following, key=key))
    assert response.status_code == 400
    assert response.json() == {"error": "This key belongs to the answer to another pair."}
    assert rater.judge() == following


def test_a_repeated_answer_gets_the_first_receipt(rater: Browser, payload: dict[str, Any]) -> None:
    first = rater.answer(payload, "right")
    assert rater.answer(payload, "left") == first
    assert Vote.objects.get().outcome == "right"


def test_a_draft_has_not_begun() -> None:
    assert_unavailable(make_draft(), "This study has not begun yet.")


def test_a_closed_study_is_closed() -> None:
    study = make_open_study(["a red fox"])
    close_study(study)
    assert_unavailable(study, "This study is closed. Thank you for your interest.")


def test_an_open_study_without_images_has_nothing_to_judge() -> None:
    study = make_draft()
    Study.objects.update(state="open", opened_at=study.created_at, design_hash="x")
    assert_unavailable(study, "There is nothing to judge at the moment. Please come back later.")


def assert_unavailable(study: Study, sentence: str) -> None:
    rater = Browser(study)
    for response in (rater.get(), rater.client.post(rater.url, {"consent": "1"})):
        assert response.status_code == 200
        assert f'<p class="lead">{sentence}</p>' in response.content.decode()
        assert "I agree, begin" not in response.content.decode()
    assert rater.get("judge/").headers["Location"] == rater.url
    assert not RaterSession.objects.exists()


def test_a_study_whose_votes_are_all_given_says_so_to_newcomers() -> None:
    study = make_open_study(["a red fox"], votes_wanted=1)
    Browser(study).consent().judge_all()
    page = Browser(study).get("").content.decode()
    assert "I agree" not in page
    assert "There is nothing to judge at the moment. Please come back later." in page


def test_every_page_has_a_strict_content_security_policy(rater: Browser, payload: dict[str, Any]) -> None:
    pages = ["", "judge/", "thanks/", payload["left"], "/", "/login/", "/no-such-page/", f"i/{UUID}/"]
    for path in pages:
        response = rater.get(path)
        assert set(response.headers["Content-Security-Policy"].split("; ")) == CSP, path
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Referrer-Policy"] == "same-origin"


def test_pages_obey_their_own_policy(rater: Browser) -> None:
    for path in ("judge/", "/", "/login/"):
        page = rater.get(path).content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
        scripts = page.count("<script")
        assert scripts == page.count('<script type="module" src="/static/') + page.count('type="application/json"')


def test_texts_cannot_become_markup() -> None:
    markup = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    study = make_open_study([f"a red fox {markup}"], title=f"Which? {markup}", introduction=markup, consent=markup)
    Question.objects.update(wording=f"Better? {markup}")
    rater = Browser(study)
    pages = [rater.get().content.decode(), rater.consent().get("judge/").content.decode()]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    payload = rater.judge()
    assert payload
    assert (payload["prompt"], payload["question"]["wording"]) == (f"a red fox {markup}", f"Better? {markup}")


def test_rater_pages_are_not_stored_by_anybody(rater: Browser, payload: dict[str, Any]) -> None:
    for path in ("", "judge/", "thanks/", payload["left"]):
        assert "no-store" in rater.get(path).headers["Cache-Control"], path


def test_cookies_are_for_the_server_alone_and_for_one_study(rater: Browser) -> None:
    rater.get("judge/")
    cookies = rater.client.cookies
    assert set(cookies) == {"session_key", "csrftoken"}
    session = cookies["session_key"]
    assert (session["httponly"], session["samesite"], session["path"]) == (True, "Lax", rater.url)
    assert (cookies["csrftoken"]["httponly"], cookies["csrftoken"]["samesite"]) == (True, "Lax")


def test_a_session_is_unknown_in_another_study(rater: Browser) -> None:
    other = Browser(make_open_study(["a paper boat"]), rater.client)
    cookie = rater.client.cookies["session_key"].value
    other.client.cookies["session_key"] = cookie
    assert other.get("judge/").headers["Location"] == other.url
    assert other.get("thanks/").headers["Location"] == other.url


def test_two_studies_in_one_browser_keep_their_own_sessions() -> None:
    client = Client()
    studies = [make_open_study(["a red fox"]), make_open_study(["a paper boat"])]
    paths = [Browser(study, client).consent().client.cookies["session_key"]["path"] for study in studies]
    assert paths == [f"/r/{study.key}/" for study in studies]


def test_cookies_are_sent_by_https_alone_where_the_site_has_it(settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    rater = Browser(make_open_study(["a red fox"])).consent()
    assert rater.client.cookies["session_key"]["secure"] is True
