"""Keys that answer by mistake: single ones can be switched off, and an arrow that scrolls or moves is no answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, begin, press, start_block
from tests.e2e.test_raters_session import check_access, transforms

PAUSE_MS = 300  # an answer would have shown by then
SINGLE = "Answer with single keys"


@pytest.fixture
def rater(page: Page, running: Running) -> Page:
    begin(page, running.rate("long"))
    return page


def switch(page: Page, *, on: bool) -> None:
    page.get_by_role("button", name="Help").click()
    page.get_by_label(SINGLE).set_checked(on)
    page.get_by_role("button", name="Close").click()


def check_nothing_answers(page: Page, *keys: str) -> None:
    before = page.locator("#count").text_content() or ""
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_timeout(PAUSE_MS)
    expect(page.locator("#count")).to_have_text(before)
    expect(page.locator("#pair [aria-pressed=true]")).to_have_count(0)


def test_single_keys_are_switched_off_and_on_again_without_a_reload(rater: Page) -> None:
    press(rater, "1")
    rater.wait_for_selector(READY)
    switch(rater, on=False)
    check_nothing_answers(rater, "1", "2", "0", "b", "u", "+", "=", "-")
    assert set(transforms(rater)) == {"matrix(1, 0, 0, 1, 0, 0)"}
    expect(rater.locator(".judging kbd.single:visible")).to_have_count(0)
    assert press(rater, "ArrowRight")["outcome"] == "right"
    rater.wait_for_selector(READY)
    switch(rater, on=True)
    expect(rater.locator("#zoom kbd")).to_be_visible()
    assert press(rater, "2")["outcome"] == "right"


def test_the_browser_remembers_that_single_keys_are_off(rater: Page) -> None:
    switch(rater, on=False)
    rater.reload()
    start_block(rater)
    rater.wait_for_selector(READY)
    check_nothing_answers(rater, "1", "2")
    rater.get_by_role("button", name="Help").click()
    expect(rater.get_by_label(SINGLE)).not_to_be_checked()
    check_access(rater)
    rater.get_by_label(SINGLE).check()
    assert rater.evaluate("() => Object.keys(localStorage)") == []


def test_single_keys_can_be_switched_off_where_nothing_can_be_stored(page: Page, running: Running) -> None:
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied') } })")
    begin(page, running.rate("long"))
    switch(page, on=False)
    check_nothing_answers(page, "1", "2")
    press(page, "ArrowLeft")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)], ids=["beside", "stacked"])
def test_arrows_scroll_a_long_prompt_and_answer_beside_it(
    page: Page, running: Running, width: int, height: int
) -> None:
    def lengthen(route: Route) -> None:
        response = route.fetch()
        body = response.text().replace('"prompt": "', '"prompt": "' + 400 * "a red fox ")
        route.fulfill(response=response, body=body)

    page.set_viewport_size({"width": width, "height": height})
    begin(page, running.rate("long"))
    page.route("**/judge/", lengthen)
    page.reload()
    start_block(page)
    page.wait_for_selector(READY)
    prompt = page.locator("#prompt")
    prompt.focus()
    check_nothing_answers(page, "ArrowDown", "ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight")
    assert prompt.evaluate("(prompt) => prompt.scrollTop") > 0
    press(page, "1")  # the next prompt is short
    page.wait_for_selector(READY)
    press(page, "ArrowLeft")


def test_arrows_on_the_way_through_the_tools_answer_nothing(rater: Page) -> None:
    expect(rater.get_by_role("group", name="Tools")).to_be_visible()
    for name in ("Zoom", "Report", "Help"):
        rater.get_by_role("button", name=name).focus()
        check_nothing_answers(rater, "ArrowLeft", "ArrowRight")


def test_the_zoom_tool_keeps_the_focus_and_shift_with_an_arrow_still_moves(rater: Page) -> None:
    rater.locator("#zoom").press("Enter")
    before = transforms(rater)
    rater.keyboard.press("Shift+ArrowRight")
    assert transforms(rater) != before
    rater.keyboard.press("Enter")
    expect(rater.locator("#zoom")).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize("is_by_pointer", [True, False], ids=["pointer", "keyboard"])
def test_after_a_tool_was_used_the_next_arrow_answers(rater: Page, is_by_pointer: bool) -> None:
    def use(tool: str) -> None:
        rater.locator(tool).click() if is_by_pointer else rater.locator(tool).press("Enter")

    for tool, key in (("#help-button", "Enter"), ("#problem", "Escape")):
        use(tool)
        rater.keyboard.press(key)
        press(rater, "ArrowLeft")
        rater.wait_for_selector(READY)
    with rater.expect_response("**/undo/"):
        use("#undo")
    rater.wait_for_selector(READY)
    press(rater, "ArrowRight")
    rater.wait_for_selector(READY)
    if is_by_pointer:
        use("#zoom")
        press(rater, "ArrowLeft")
