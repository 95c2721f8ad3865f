"""A rater can always leave a pair: when its images do not come, without a network, and by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, begin, consent, payload, press, start_block
from tests.e2e.test_raters_session import check_access

FOCUSED = "() => document.activeElement.id"
IMAGES = "**/i/*/"


@pytest.mark.usefixtures("broken_network")
@pytest.mark.parametrize("name", ["Report", "Report this pair"], ids=["tool", "beside the message"])
def test_a_pair_whose_images_do_not_load_is_reported_and_another_comes(page: Page, running: Running, name: str) -> None:
    page.route(IMAGES, lambda route: route.abort())
    consent(page, running.rate("long"))
    start_block(page)
    expect(page.locator("#trouble")).to_be_visible()
    check_access(page)
    assignment = payload(page)["assignment"]
    page.get_by_role("button", name="Help").click()
    expect(page.locator("#help")).to_be_visible()
    page.get_by_role("button", name="Close").click()

    page.get_by_role("button", name=name, exact=True).press("Enter")
    expect(page.get_by_label("An image is broken or does not load")).to_be_checked()
    page.unroute(IMAGES)
    with page.expect_response("**/report/") as arrived:
        page.get_by_role("button", name="Send the report").press("Enter")
    assert arrived.value.json()["next"]["assignment"] != assignment
    page.wait_for_selector(READY)
    expect(page.locator("#trouble")).to_be_hidden()
    assert page.evaluate(FOCUSED) in {"pair", "problem"}, "nothing that is hidden now"
    press(page, "ArrowLeft")
    assert running.votes(assignment) == []


@pytest.mark.usefixtures("broken_network")
def test_a_practice_pair_whose_images_do_not_load_is_left_too(page: Page, running: Running) -> None:
    page.goto(running.rate("staged"))
    for button in ("I agree, begin", "I have read this, go on"):
        page.get_by_role("button", name=button).click()
    page.get_by_label("two").check()
    page.route(IMAGES, lambda route: route.abort())
    page.get_by_role("button", name="Check my answers").click()
    start_block(page)
    page.get_by_role("button", name="Report this pair").click()
    page.unroute(IMAGES)
    page.get_by_role("button", name="Send the report").click()
    page.wait_for_selector(READY)
    expect(page.locator("#part")).to_have_text("Practice, not counted")


@pytest.mark.usefixtures("broken_network")
def test_without_a_network_nothing_is_said_to_be_taken_back(
    page: Page, context: BrowserContext, running: Running
) -> None:
    begin(page, running.rate("long"))
    press(page, "ArrowLeft")
    page.wait_for_selector(READY)
    context.set_offline(True)
    page.keyboard.press("u")
    expect(page.locator("#status")).to_have_text(
        "Connection lost. Your answer could not be taken back yet; trying again…"
    )
    context.set_offline(False)
    expect(page.locator("#count")).to_have_text("0 of 24 judged")
    page.wait_for_selector(READY)


@pytest.mark.usefixtures("broken_network")
def test_without_a_network_a_report_waits(page: Page, context: BrowserContext, running: Running) -> None:
    begin(page, running.rate("long"))
    page.get_by_role("button", name="Report").click()
    context.set_offline(True)
    page.get_by_role("button", name="Send the report").click()
    expect(page.locator("#status")).to_have_text("Connection lost. Your report could not be sent yet; trying again…")
    with page.expect_response("**/report/"):
        context.set_offline(False)
    page.wait_for_selector(READY)
    expect(page.locator("#status")).to_be_hidden()


def test_the_focus_stays_with_the_pair_when_the_button_for_undo_goes(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    press(page, "ArrowLeft")
    page.wait_for_selector(READY)
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator("#count")).to_have_text("0 of 24 judged")
    page.wait_for_selector(READY)
    page.wait_for_timeout(100)
    assert page.evaluate(FOCUSED) == "pair"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.dataset.outcome") == "left"


def test_a_break_is_offered_once_though_an_answer_is_taken_back_across_it(page: Page, running: Running) -> None:
    page.goto(running.rate("staged"))
    for button in ("I agree, begin", "I have read this, go on"):
        page.get_by_role("button", name=button).click()
    page.get_by_label("two").check()
    page.get_by_role("button", name="Check my answers").click()
    start_block(page)
    page.wait_for_selector(READY)
    press(page, "1")
    page.locator("#feedback[open]").wait_for()
    page.keyboard.press("Enter")
    start_block(page)
    for _ in range(5):
        page.wait_for_selector(READY)
        press(page, "1")
    page.locator("#break[open]").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_selector(READY)
    page.keyboard.press("u")
    expect(page.locator("#count")).to_have_text("4 of 16 judged")
    page.wait_for_selector(READY)
    press(page, "2")
    expect(page.locator("#count")).to_have_text("5 of 16 judged")
    page.wait_for_selector(READY)
    expect(page.locator("#break")).to_be_hidden()
