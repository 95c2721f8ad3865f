"""An answer is given up only on the site's own word: a proxy's pages and an old token decide nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, begin, payload, press

ANSWERS = "**/answer/"
KEPT = "() => Object.keys(localStorage).filter((slot) => slot.startsWith('evalsite.answer '))"
STALE = "This browser no longer lets the page prove who you are. Are cookies allowed?"

pytestmark = pytest.mark.usefixtures("broken_network")


def challenge(route: Route) -> None:
    route.fulfill(status=403, content_type="text/html", body="<h1>Are you a robot?</h1>")


def loads_of(page: Page) -> list[str]:
    """The addresses of the pages that it asks for, from now on."""
    asked: list[str] = []

    def on_request(request: Request) -> None:
        if request.is_navigation_request():
            asked.append(request.url)

    page.on("request", on_request)
    return asked


def answer_without_network(page: Page, running: Running) -> str:
    """Begin, and answer the first pair; the assignment."""
    begin(page, running.rate("long"))
    assignment: str = payload(page)["assignment"]
    page.route(ANSWERS, lambda route: route.abort())
    page.keyboard.press("ArrowRight")
    expect(page.locator("#status")).to_contain_text("Your answer is kept on this device")
    return assignment


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (404, "text/plain", "404 page not found"),
        (404, "application/json", '{"error": "Not Found"}'),
        (401, "text/html", "<h1>Sign in to the network</h1>"),
        (407, "text/html", "<h1>Proxy authentication required</h1>"),
        (400, "text/html", "<h1>Bad Request (400)</h1>"),
        (400, "application/json", '{"error": {"code": 400}}'),
        (200, "application/json", "{}"),
    ],
)
def test_what_a_proxy_says_is_no_decision(
    page: Page, running: Running, status: int, content_type: str, body: str
) -> None:
    begin(page, running.rate("long"))
    assignment = payload(page)["assignment"]
    posts: list[Any] = []

    def interfere(route: Route) -> None:
        posts.append(route.request.post_data_json)
        if len(posts) == 1:
            route.fulfill(status=status, content_type=content_type, body=body)
        else:
            route.continue_()

    page.route(ANSWERS, interfere)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#status")).to_contain_text("Connection lost. Your answer is kept on this device")
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    assert posts == [posts[0]] * 2
    assert running.votes(assignment) == [("left",)]
    assert page.evaluate(KEPT) == []


def test_an_answer_of_an_earlier_page_outlives_the_token_of_this_one(
    page: Page, context: BrowserContext, running: Running
) -> None:
    assignment = answer_without_network(page, running)
    page.reload()
    expect(page.locator("#status")).to_contain_text("Your answer is kept on this device")
    loads = loads_of(page)
    context.clear_cookies(name="csrftoken")
    page.unroute(ANSWERS)
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    assert len(loads) == 1
    assert running.votes(assignment) == [("right",)]
    assert page.evaluate(KEPT) == []


def test_a_page_that_may_not_post_is_replaced_once_and_then_says_so(
    page: Page, context: BrowserContext, running: Running
) -> None:
    assignment = answer_without_network(page, running)
    page.unroute(ANSWERS)
    page.route(ANSWERS, challenge)
    loads = loads_of(page)
    page.reload()
    expect(page.locator("#refusal-reason")).to_have_text(STALE)
    page.wait_for_timeout(500)
    assert len(loads) == 2, "one more than was asked for"

    page.keyboard.press("Enter")
    expect(page.locator("#refusal-reason")).to_be_hidden()
    expect(page.locator("#refusal-reason")).to_have_text(STALE)
    page.wait_for_timeout(500)
    assert len(loads) == 3, "one more, as the rater asked"
    (slot,) = page.evaluate(KEPT)
    assert assignment in slot
    assert running.votes(assignment) == []

    page.unroute(ANSWERS)
    page.keyboard.press("Enter")
    page.wait_for_selector(READY)
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    assert running.votes(assignment) == [("right",)]
    assert page.evaluate(KEPT) == []

    context.clear_cookies(name="csrftoken")
    with page.expect_request(ANSWERS) as asked:
        page.keyboard.press("ArrowLeft")
    expect(page.locator("#count")).to_have_text("2 of 24 judged")
    assert len(loads) == 5, "one on Enter, and one without a word, now that posting has worked again"
    assert running.votes(json.loads(asked.value.post_data or "")["assignment"]) == [("left",)]


def test_the_code_waits_for_an_answer_that_this_page_may_not_post(page: Page, running: Running) -> None:
    begin(page, running.rate("brief"))
    for _ in range(3):
        press(page, "1")
        page.wait_for_selector(f"{READY}, #block-start[open]")
        if page.locator("#block-start").is_visible():
            page.keyboard.press("Enter")
            page.wait_for_selector(READY)
    with page.expect_request(ANSWERS) as asked:
        page.keyboard.press("1")
    page.wait_for_url("**/thanks/")
    expect(page.locator("#code")).to_be_visible()
    keep_again(page, json.loads(asked.value.post_data or ""))

    page.route(ANSWERS, challenge)
    loads = loads_of(page)
    page.reload()
    expect(page.locator("#status")).to_have_text(STALE)
    page.wait_for_timeout(500)
    assert len(loads) == 2, "one more than was asked for"
    expect(page.locator("#code-part")).to_be_hidden()
    assert len(page.evaluate(KEPT)) == 1

    page.unroute(ANSWERS)
    page.reload()
    expect(page.locator("#code")).to_be_visible()
    expect(page.locator("#status")).to_have_text("")
    assert page.evaluate(KEPT) == []


def keep_again(page: Page, answer: dict[str, Any]) -> None:
    """As if the page had lost the receipt: by what the page itself keeps answers under."""
    page.evaluate(
        """(answer) => {
          const { answerUrl, session } = document.getElementById("ending").dataset;
          localStorage.setItem(`evalsite.answer ${answerUrl} ${session} ${answer.assignment}`, JSON.stringify(answer));
        }""",
        answer,
    )
