"""Enlarged pages: nothing lies over anything else, and nobody has to scroll in two directions (WCAG 1.4.10)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, consent, start_block

# A desk of 1280 x 1024 at 400%, and one of 1280 x 800 at 200%.
SIZES = {"400%": (320, 256), "200%": (640, 400)}
# What people may set themselves (WCAG 1.4.12).
SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
p { margin-block-end: 2em !important }"""


@pytest.fixture(params=["long", "arabic"])
def slug(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def space(page: Page) -> None:
    page.evaluate(
        """(text) => {
             const sheet = new CSSStyleSheet();
             sheet.replaceSync(text);
             document.adoptedStyleSheets = [sheet];
           }""",
        SPACED,
    )


def widths(page: Page, selector: str) -> tuple[int, int]:
    """Of the content, and of what can be seen of it."""
    wanted, there = page.locator(selector).evaluate("(each) => [each.scrollWidth, each.clientWidth]")
    return int(wanted), int(there)


def check_reflow(page: Page, selector: str = "html") -> None:
    wanted, there = widths(page, selector)
    assert wanted <= there, selector


def is_whole(page: Page, selector: str) -> bool:
    """Whether all of a dialog can be scrolled to."""
    inside: float = page.locator(selector).evaluate(
        "(each) => Math.min(...[...each.children].map((one) => one.getBoundingClientRect().top)) + each.scrollTop"
    )
    return inside >= 0


@pytest.mark.parametrize(("width", "height"), SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("is_spaced", [False, True], ids=["plain", "spaced"])
def test_everything_can_be_reached_on_an_enlarged_page(
    page: Page, running: Running, slug: str, width: int, height: int, is_spaced: bool
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    consent(page, running.rate(slug))
    if is_spaced:
        space(page)
    page.locator("#block-start[open]").wait_for()
    check_reflow(page, "#block-start")
    assert is_whole(page, "#block-start")
    start_block(page)
    page.wait_for_selector(READY)
    check_reflow(page)
    for button in page.locator(".tool:enabled, .answer:not([hidden])").all():
        button.click(trial=True, timeout=2_000)
    for opener, dialog in (("#help-button", "#help"), ("#problem", "#report")):
        page.locator(opener).click()
        check_reflow(page, dialog)
        page.keyboard.press("Escape")
    expect(page.locator("#count")).to_contain_text("0")


def test_undo_moves_nothing_when_it_comes(page: Page, running: Running) -> None:
    page.set_viewport_size({"width": 844, "height": 390})
    consent(page, running.rate("arabic"))
    start_block(page)
    page.wait_for_selector(READY)
    places = "() => [...document.querySelectorAll('.tool, .frame')].map((each) => each.getBoundingClientRect().x)"
    before = page.evaluate(places)
    expect(page.locator("#undo")).to_be_hidden()
    page.keyboard.press("1")
    expect(page.locator("#undo")).to_be_visible()
    assert page.evaluate(places) == before
