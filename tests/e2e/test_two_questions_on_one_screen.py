"""Both questions about a pair on one screen: it shows which is asked, and a reload or a step back loses nothing.

The study speaks Arabic, so that the page is right-to-left too.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, begin, colours, payload, press
from tests.e2e.test_raters_session import check_access

CURRENT = '#questions li[aria-current="step"]'
FIRST, SECOND = "Which follows the text more closely?", "Which has the higher quality?"


@pytest.fixture
def rater(page: Page, running: Running) -> Page:
    begin(page, running.rate("arabic"))
    return page


def test_the_screen_shows_and_says_which_question_is_asked(rater: Page) -> None:
    expect(rater.locator("#questions li")).to_have_text([FIRST, SECOND], use_inner_text=True)
    expect(rater.locator(CURRENT)).to_contain_text(FIRST)
    expect(rater.locator("#announcement")).to_contain_text(FIRST)
    rater.keyboard.press("ArrowLeft")
    expect(rater.locator(CURRENT)).to_contain_text(SECOND)
    expect(rater.locator("#questions li").first).to_have_text(f"{FIRST} الصورة اليسرى", use_inner_text=True)
    check_access(rater)
    expect(rater.locator("#announcement")).to_have_text(f"السؤال 2 من 2. {SECOND}")


def test_a_turned_phone_says_anew_where_the_chosen_picture_lies(rater: Page) -> None:
    rater.set_viewport_size({"width": 390, "height": 844})
    rater.keyboard.press("ArrowUp")
    chosen = rater.locator('#questions [data-given="yes"]')
    expect(chosen).to_have_text("الصورة العليا")
    rater.set_viewport_size({"width": 844, "height": 390})
    expect(chosen).to_have_text("الصورة اليسرى")
    expect(rater.locator("#pair img").first).to_have_attribute("alt", "الصورة اليسرى")


def test_a_reload_between_the_questions_keeps_the_first_answer(rater: Page) -> None:
    seen = colours(rater)
    rater.wait_for_timeout(300)
    rater.keyboard.press("ArrowLeft")
    expect(rater.locator(CURRENT)).to_contain_text(SECOND)
    rater.reload()
    if rater.locator("#block-start").is_visible():
        rater.keyboard.press("Enter")
    rater.wait_for_selector(READY)
    assert colours(rater) == seen
    expect(rater.locator(CURRENT)).to_contain_text(SECOND)
    posted = press(rater, "0")
    assert (posted["outcome"], [other["outcome"] for other in posted["also"]]) == ("left", ["tie"])
    assert posted["response_ms"] >= 300
    rater.wait_for_selector(READY)
    expect(rater.locator(CURRENT)).to_contain_text(FIRST)
    assert rater.evaluate("() => Object.keys(localStorage)") == []


def test_undo_at_the_second_question_leads_back_to_the_first(rater: Page, running: Running) -> None:
    press_both(rater)
    following = colours(rater)
    rater.keyboard.press("ArrowLeft")
    expect(rater.locator(CURRENT)).to_contain_text(SECOND)
    rater.keyboard.press("u")
    expect(rater.locator(CURRENT)).to_contain_text(FIRST)
    expect(rater.locator("#count")).to_contain_text("1")
    assert colours(rater) == following
    rater.keyboard.press("ArrowRight")
    posted = press(rater, "0")
    assert (posted["outcome"], [other["outcome"] for other in posted["also"]]) == ("right", ["tie"])
    assert running.votes(posted["assignment"]) == [("right",)]


def test_the_first_pair_of_all_has_an_undo_at_its_second_question(rater: Page) -> None:
    undo = rater.locator("#undo")
    expect(undo).to_be_hidden()
    rater.keyboard.press("ArrowLeft")
    undo.press("Enter")
    expect(rater.locator(CURRENT)).to_contain_text(FIRST)
    expect(undo).to_be_hidden()
    rater.wait_for_timeout(100)
    assert rater.evaluate("() => document.activeElement.id") == "pair"
    press_both(rater)


def test_undo_of_a_pair_asks_both_questions_again(rater: Page) -> None:
    assignment = payload(rater)["assignment"]
    press_both(rater)
    rater.keyboard.press("u")
    expect(rater.locator("#count")).to_contain_text("0")
    rater.wait_for_selector(READY)
    expect(rater.locator(CURRENT)).to_contain_text(FIRST)
    assert press_both(rater) == assignment


def press_both(page: Page) -> str:
    """Answer both questions; the assignment."""
    page.keyboard.press("ArrowLeft")
    expect(page.locator(CURRENT)).to_contain_text(SECOND)
    posted = press(page, "0")
    page.wait_for_selector(READY)
    return str(posted["assignment"])
