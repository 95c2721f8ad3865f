"""What lies where on desks and phones, and what phones are told."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, FloatRect, Page, Route, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, begin, start_block


def box(page: Page, selector: str) -> FloatRect:
    found = page.locator(selector).first.bounding_box()
    assert found
    return found


def bottom(area: FloatRect) -> float:
    return area["y"] + area["height"]


def go_to_comprehension(page: Page, running: Running) -> None:
    page.goto(running.rate("staged"))
    for button in ("I agree, begin", "I have read this, go on"):
        page.get_by_role("button", name=button).click()
    page.locator("form .options").first.wait_for()


@pytest.mark.parametrize("better", ["left", "right"])
@pytest.mark.parametrize(
    ("width", "height", "sides"),
    [
        (1280, 800, {"left": "on the left", "right": "on the right"}),
        (740, 360, {"left": "on the left", "right": "on the right"}),
        (390, 844, {"left": "at the top", "right": "at the bottom"}),
    ],
    ids=["desk", "turned", "phone"],
)
def test_both_pictures_stay_in_view_while_practice_is_explained(
    page: Page, running: Running, width: int, height: int, sides: dict[str, str], better: str
) -> None:
    def miss(route: Route) -> None:
        content = route.fetch().json()
        route.fulfill(json=content | {"feedback": {"right": False, "answers": ["both_bad", better]}})

    page.set_viewport_size({"width": width, "height": height})
    go_to_comprehension(page, running)
    page.get_by_label("two").check()
    page.get_by_role("button", name="Check my answers").click()
    start_block(page)
    page.wait_for_selector(READY)
    page.route("**/answer/", miss)
    page.keyboard.press("1")
    expect(page.locator("#feedback-verdict")).to_have_text(
        f"Look again: the better answer is the image {sides[better]}."
    )
    verdict = box(page, "#feedback")
    pictures = [box(page, f'.frame[data-side="{side}"] img') for side in ("left", "right")]
    assert all(bottom(verdict) <= each["y"] or bottom(each) <= verdict["y"] for each in pictures)


def test_groups_of_options_are_set_apart(page: Page, running: Running) -> None:
    go_to_comprehension(page, running)
    page.evaluate("""() => { const one = document.querySelector("form .options"); one.after(one.cloneNode(true)); }""")
    first, second = (area.bounding_box() for area in page.locator("form .options").all())
    assert first
    assert second
    assert second["y"] - bottom(first) >= 20
    begin(page, running.rate("long"))
    page.get_by_role("button", name="Report").click()
    assert box(page, "#report legend")["y"] - bottom(box(page, "#report-title")) >= 12


@pytest.mark.parametrize(("width", "height"), [(320, 640), (740, 360), (1280, 800)], ids=["phone", "turned", "desk"])
@pytest.mark.parametrize("words", [("Bottom", "Both bad"), ("Unten", "Beide schlecht")], ids=["en", "de"])
def test_no_word_touches_the_edge_of_its_button(
    page: Page, running: Running, width: int, height: int, words: tuple[str, str]
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    begin(page, running.rate("long"))
    gaps = page.evaluate(
        """(words) => {
             document.querySelector("#pair").dataset.neutral = "two";
             return ["right", "both_bad"].flatMap((outcome, place) => {
               const button = document.querySelector(`[data-outcome="${outcome}"]`);
               button.hidden = false;
               const parts = [...button.children].filter((part) => part.offsetWidth);
               parts.find((part) => part.textContent.length > 1).textContent = words[place];
               const outer = button.getBoundingClientRect();
               return parts.map((part) => part.getBoundingClientRect()).flatMap((inner) => [
                 inner.left - outer.left, outer.right - inner.right,
                 inner.top - outer.top, outer.bottom - inner.bottom]);
             });
           }""",
        words,
    )
    assert min(gaps) >= 4, gaps


def test_a_phone_shows_the_time_left(page: Page, running: Running) -> None:
    """At first, as much as the first page promises."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(running.rate("long"))
    expect(page.locator(".particulars")).to_contain_text("About 3 minutes")
    begin(page, running.rate("long"))
    expect(page.locator("#time")).to_have_text("about 3 min left")
    assert box(page, "#time")["width"] > 50
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_phone_is_told_to_tap(browser: Browser, running: Running) -> None:
    page = browser.new_page(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    page.goto(running.url + running.rate("long"))
    expect(page.locator("main")).to_contain_text("with the buttons, or on a keyboard with the arrow keys or 1 2.")
    begin(page, running.url + running.rate("long"))
    page.locator("#help-button").tap()
    expect(page.get_by_text("Tap the button at an image")).to_be_visible()
    expect(page.locator("#help .key-list")).to_be_hidden()
    page.close()


def test_a_desk_is_told_the_keys(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    page.locator("#help-button").click()
    expect(page.locator("#help .key-list")).to_be_visible()
    expect(page.get_by_text("Tap the button at an image")).to_be_hidden()


def test_the_copy_button_says_what_the_page_gives_it_to_say(page: Page, running: Running) -> None:
    page.goto(running.rate("long"))
    page.evaluate(
        """() => {
             const button = document.createElement("button");
             Object.assign(button.dataset, { copy: "how", copied: "Kopiert", selected: "Markiert" });
             button.id = "copy";
             document.body.append(button);
             return import("/static/js/copy.js");
           }"""
    )
    page.locator("#copy").press("Enter")
    expect(page.locator("#copy")).to_have_text(re.compile("^(Kopiert|Markiert)$"))
