"""Whatever the network and the fingers do, an answer is what the rater gave to a pair that they saw, stored once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, begin, consent, payload, press, start_block

ANSWERS = "**/answer/"
IMAGES = "**/i/*/"
KEPT = "() => Object.keys(localStorage).filter((slot) => slot.startsWith('evalsite.answer '))"


def hold_back(page: Page, pattern: str, *, after: int = 0) -> Callable[[], None]:
    """All requests but the first `after` wait until the returned function is called."""
    seen: list[Route] = []
    released: list[bool] = []

    def hold(route: Route) -> None:
        seen.append(route)
        if released or len(seen) <= after:
            route.continue_()

    def release() -> None:
        released.append(True)
        for route in seen[after:]:
            route.continue_()

    page.route(pattern, hold)
    return release


def fail_after_the_first(page: Page, pattern: str) -> None:
    seen: list[Route] = []

    def fail(route: Route) -> None:
        seen.append(route)
        if len(seen) > 1:
            route.abort()
        else:
            route.continue_()

    page.route(pattern, fail)


def test_nothing_shows_and_nothing_counts_before_both_images_are_there(page: Page, running: Running) -> None:
    release = hold_back(page, IMAGES, after=1)
    consent(page, running.rate("long"))
    for key in ("ArrowLeft", "1", "ArrowRight"):
        page.keyboard.press(key)
    start_block(page)
    page.wait_for_timeout(600)
    expect(page.locator("#pair")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#pair img")).to_have_count(0)
    expect(page.locator("#status")).to_have_text("Loading the images…")
    for key in ("ArrowLeft", "ArrowRight", "1", "2"):
        page.keyboard.press(key)
    page.locator('button[data-outcome="left"]').click(force=True)

    release()
    page.wait_for_selector(READY)
    expect(page.locator("#pair img")).to_have_count(2)
    expect(page.locator("#count")).to_have_text("0 of 24 judged")
    assert running.votes(payload(page)["assignment"]) == []
    assert press(page, "ArrowRight")["response_ms"] < 30_000
    assert running.votes(payload(page)["assignment"]) == [("right",)]


def test_the_clock_starts_when_the_pair_is_shown(page: Page, running: Running) -> None:
    release = hold_back(page, IMAGES, after=1)
    consent(page, running.rate("long"))
    start_block(page)
    page.wait_for_timeout(2_000)
    release()
    page.wait_for_selector(READY)
    page.wait_for_timeout(300)
    before = page.evaluate("performance.now()")
    posted = press(page, "ArrowLeft")
    assert 250 <= posted["response_ms"] < before - 2_000


@pytest.mark.usefixtures("broken_network")
def test_an_answer_outlives_a_lost_network_and_a_reload(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    assignment = payload(page)["assignment"]
    page.route(ANSWERS, lambda route: route.abort())
    page.keyboard.press("ArrowRight")
    expect(page.locator("#status")).to_contain_text("Connection lost. Your answer is kept on this device")
    page.keyboard.press("ArrowLeft")
    (slot,) = page.evaluate(KEPT)
    assert assignment in slot
    assert running.votes(assignment) == []

    page.reload()
    expect(page.locator("#status")).to_contain_text("Connection lost. Your answer is kept on this device")
    page.unroute(ANSWERS)
    page.wait_for_selector(READY)
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    assert running.votes(assignment) == [("right",)]
    assert page.evaluate(KEPT) == []
    expect(page.locator("#status")).to_have_text("")


@pytest.mark.usefixtures("broken_network")
def test_an_answer_outlives_its_page(page: Page, context: BrowserContext, running: Running) -> None:
    begin(page, running.rate("long"))
    assignment = payload(page)["assignment"]
    page.route(ANSWERS, lambda route: route.abort())
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#status")).to_contain_text("Connection lost")
    page.close()
    another = context.new_page()
    another.goto(running.rate("long"))
    another.wait_for_selector(READY)
    expect(another.locator("#count")).to_have_text("1 of 24 judged")
    assert running.votes(assignment) == [("left",)]


@pytest.mark.usefixtures("broken_network")
def test_an_offline_browser_sends_its_answer_when_it_is_back(
    page: Page, context: BrowserContext, running: Running
) -> None:
    begin(page, running.rate("long"))
    assignment = payload(page)["assignment"]
    context.set_offline(True)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#status")).to_contain_text("Connection lost")
    context.set_offline(False)
    page.wait_for_selector(READY)
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    assert running.votes(assignment) == [("left",)]


@pytest.mark.usefixtures("broken_network")
def test_a_lost_receipt_is_asked_for_again_and_the_vote_stored_once(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    assignment = payload(page)["assignment"]
    posts: list[Any] = []

    def lose_reply(route: Route) -> None:
        posts.append(route.request.post_data_json)
        if len(posts) == 1:
            assert route.fetch().ok
            route.abort()
        elif len(posts) == 2:
            route.fulfill(status=502, body="<html>Bad gateway</html>")
        else:
            route.continue_()

    page.route(ANSWERS, lose_reply)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    page.wait_for_selector(READY)
    assert [post["key"] for post in posts] == [posts[0]["key"]] * 3
    assert running.votes(assignment) == [("left",)]


@pytest.mark.usefixtures("broken_network")
def test_a_refused_answer_says_why_and_the_rater_goes_on(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    assignment = payload(page)["assignment"]
    refusal = json.dumps({"error": "No more answers today."})
    page.route(ANSWERS, lambda route: route.fulfill(status=400, content_type="application/json", body=refusal))
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#refusal-reason")).to_have_text("No more answers today.")
    assert page.evaluate(KEPT) == []
    page.unroute(ANSWERS)
    page.keyboard.press("Enter")
    page.locator("#block-start[open]").wait_for()
    start_block(page)
    page.wait_for_selector(READY)
    assert payload(page)["assignment"] == assignment
    press(page, "ArrowRight")
    assert running.votes(assignment) == [("right",)]


@pytest.mark.usefixtures("broken_network")
def test_an_answer_outlives_the_token_of_its_page(page: Page, context: BrowserContext, running: Running) -> None:
    """As when the same browser signs in somewhere else on the site."""
    begin(page, running.rate("long"))
    assignment = payload(page)["assignment"]
    context.clear_cookies(name="csrftoken")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    assert running.votes(assignment) == [("right",)]
    assert page.evaluate(KEPT) == []


@pytest.mark.usefixtures("broken_network")
def test_an_image_that_fails_is_no_answer_and_can_be_asked_for_again(page: Page, running: Running) -> None:
    fail_after_the_first(page, IMAGES)
    consent(page, running.rate("long"))
    start_block(page)
    expect(page.locator("#trouble")).to_be_visible()
    expect(page.locator("#pair img")).to_have_count(0)
    for key in ("ArrowLeft", "ArrowRight", "1", "2"):
        page.keyboard.press(key)
    page.unroute(IMAGES)
    page.get_by_role("button", name="Load them again").click()
    page.wait_for_selector(READY)
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#count")).to_have_text("0 of 24 judged")
    assert running.votes(payload(page)["assignment"]) == []
    press(page, "ArrowLeft")
    assert running.votes(payload(page)["assignment"]) == [("left",)]


def test_the_first_of_two_keys_counts_for_this_pair_and_the_second_for_none(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    assignment = payload(page)["assignment"]
    release = hold_back(page, ANSWERS)
    page.evaluate(
        """() => ["ArrowLeft", "ArrowLeft", "ArrowRight"].forEach(
             (key) => dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })))"""
    )
    for key in ("ArrowRight", "2"):
        page.keyboard.press(key)
    page.locator('button[data-outcome="right"]').click(force=True)
    release()
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    page.wait_for_selector(READY)
    page.wait_for_timeout(300)
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    assert running.votes(assignment) == [("left",)]


def test_a_double_click_is_one_answer(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    assignment = payload(page)["assignment"]
    page.get_by_role("button", name="Right").dblclick()
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    page.wait_for_selector(READY)
    page.wait_for_timeout(300)
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    assert running.votes(assignment) == [("right",)]


def test_a_key_held_down_answers_one_pair(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    page.keyboard.down("ArrowLeft")
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    page.wait_for_selector(READY)
    page.keyboard.down("ArrowLeft")
    page.keyboard.down("ArrowLeft")
    page.wait_for_timeout(300)
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    page.keyboard.up("ArrowLeft")
    press(page, "ArrowLeft")
    expect(page.locator("#count")).to_have_text("2 of 24 judged")


def test_enter_held_down_on_a_button_answers_one_pair(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    page.locator('button[data-outcome="left"]').focus()
    page.keyboard.down("Enter")
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    for _ in range(5):
        page.wait_for_selector(READY)
        page.keyboard.down("Enter")
        page.wait_for_timeout(100)
    page.keyboard.up("Enter")
    expect(page.locator("#count")).to_have_text("1 of 24 judged")
    press(page, "Enter")
    expect(page.locator("#count")).to_have_text("2 of 24 judged")


def test_two_tabs_of_one_rater_give_one_vote(page: Page, context: BrowserContext, running: Running) -> None:
    begin(page, running.rate("long"))
    other = context.new_page()
    other.goto(running.rate("long"))
    start_block(other)
    other.wait_for_selector(READY)
    assignment = payload(page)["assignment"]
    assert payload(other)["assignment"] == assignment
    press(page, "ArrowLeft")
    press(other, "ArrowRight")
    other.wait_for_selector(READY)
    expect(other.locator("#count")).to_have_text("1 of 24 judged")
    assert running.votes(assignment) == [("left",)]
