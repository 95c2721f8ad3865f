"""What a browser keeps for a session: nobody else's page posts or deletes it, and nothing needs it to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, begin, payload, press

if TYPE_CHECKING:
    from playwright._impl._api_structures import SetCookieParam

ANSWERS = "**/answer/"
KEPT = "() => Object.keys(localStorage).filter((slot) => slot.startsWith('evalsite.answer '))"
DENIED = """() => Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("denied", "SecurityError"); },
})"""


def cookies(context: BrowserContext) -> list[SetCookieParam]:
    """To be given back later."""
    return [cast("SetCookieParam", cookie) for cookie in context.cookies()]


def leave_unsent(page: Page, running: Running) -> str:
    """Answer a pair without a network, and go away; the assignment."""
    begin(page, running.rate("long"))
    assignment: str = payload(page)["assignment"]
    page.route(ANSWERS, lambda route: route.abort())
    page.keyboard.press("ArrowRight")
    expect(page.locator("#status")).to_contain_text("Your answer is kept on this device")
    page.unroute(ANSWERS)
    page.goto("about:blank")
    return assignment


@pytest.mark.usefixtures("broken_network")
def test_an_answer_waits_on_a_shared_computer_until_its_session_is_back(
    page: Page, context: BrowserContext, running: Running
) -> None:
    assignment = leave_unsent(page, running)
    mine = cookies(context)
    context.clear_cookies()
    begin(page, running.rate("long"))
    (slot,) = page.evaluate(KEPT)
    assert assignment in slot
    assert press(page, "ArrowLeft")["assignment"] != assignment
    page.wait_for_selector(READY)
    assert page.evaluate(KEPT) == [slot]
    assert running.votes(assignment) == []

    context.clear_cookies()
    context.add_cookies(mine)
    page.goto(running.rate("long"))
    page.wait_for_selector(READY)
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    assert running.votes(assignment) == [("right",)]
    assert page.evaluate(KEPT) == []


@pytest.mark.usefixtures("broken_network")
def test_a_page_that_is_left_open_keeps_its_answer_when_somebody_else_has_begun(
    page: Page, context: BrowserContext, running: Running
) -> None:
    begin(page, running.rate("long"))
    assignment, mine = payload(page)["assignment"], cookies(context)
    context.clear_cookies()
    other = context.new_page()
    begin(other, running.rate("long"))
    context.add_cookies([cookie for cookie in mine if cookie["name"] == "csrftoken"])
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#refusal-reason")).to_have_text("This pair was not given to this session.")
    page.keyboard.press("Enter")
    page.locator("#block-start[open]").wait_for()
    (slot,) = page.evaluate(KEPT)
    assert assignment in slot

    context.add_cookies(mine)
    page.goto(running.rate("long"))
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    assert running.votes(assignment) == [("left",)]


@pytest.mark.usefixtures("broken_network")
def test_where_nothing_can_be_kept_the_answers_are_still_sent(page: Page, running: Running) -> None:
    page.add_init_script(f"({DENIED})()")
    begin(page, running.rate("brief"))
    assignment = payload(page)["assignment"]
    page.route(ANSWERS, lambda route: route.abort())
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#status")).to_have_text(
        "Connection lost. Please leave this page open; trying to send your answer again…"
    )
    page.unroute(ANSWERS)
    expect(page.locator("#count")).to_have_text("1 of 4 judged")
    assert running.votes(assignment) == [("left",)]
    for _ in range(3):
        page.wait_for_selector(f"{READY}, #block-start[open]")
        if page.locator("#block-start").is_visible():
            page.keyboard.press("Enter")
            page.wait_for_selector(READY)
        press(page, "1")
    page.wait_for_url("**/thanks/")
    expect(page.locator("#code")).to_be_visible()
