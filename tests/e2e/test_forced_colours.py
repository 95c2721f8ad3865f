"""Where the system chooses the colours (WCAG 1.4.11): what is asked, pressed and done can be told without ours."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import begin


def style(page: Page, selector: str, name: str) -> Any:
    return page.locator(selector).evaluate("(each, name) => getComputedStyle(each)[name]", name)


def test_the_current_question_and_what_is_pressed_stand_out(page: Page, running: Running) -> None:
    page.emulate_media(forced_colors="active")
    begin(page, running.rate("arabic"))
    page.keyboard.press("+")
    page.keyboard.press("1")
    current, other = '#questions li[aria-current="step"]', "#questions li:not([aria-current])"
    expect(page.locator(current)).to_contain_text("higher quality")
    assert style(page, current, "borderInlineStartStyle") == "solid"
    assert style(page, other, "borderInlineStartStyle") == "none"
    assert page.locator("#zoom").get_attribute("aria-pressed") == "true"
    assert style(page, "#zoom", "backgroundColor") != style(page, "#problem", "backgroundColor")
