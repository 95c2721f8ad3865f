"""Whatever is asked about a pair on one screen, its pictures stay where they are and as large as they are."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, consent, start_block
from tests.e2e.test_two_questions_on_one_screen import CURRENT

SIZES = {"phone": (390, 844), "small": (360, 640), "turned": (740, 360), "desk": (1280, 800)}
WORDINGS = ("Which of the two images follows the text?", "Which one is better drawn, taken alone?")
REPLACED = ("Which follows the text more closely?", "Which has the higher quality?")
FRAMES = """() => [...document.querySelectorAll("#pair .frame")].map((frame) => {
  const { x, y, width, height } = frame.getBoundingClientRect();
  return [x, y, width, height].map(Math.round);
})"""


def reword(route: Route) -> None:
    """Two wordings that fill a line of a phone, the first question without a tie and the second with all answers."""
    page = route.fetch()
    changed = page.text()
    for found, wording in zip(REPLACED, WORDINGS, strict=True):
        assert found in changed
        changed = changed.replace(found, wording)
    route.fulfill(response=page, body=changed)


@pytest.mark.parametrize(("width", "height"), SIZES.values(), ids=SIZES)
def test_the_second_question_moves_no_picture(page: Page, running: Running, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    consent(page, running.rate("arabic"))
    page.locator("#block-start[open]").wait_for()
    page.route("**/judge/", reword)  # not asked about a page that comes by a redirect
    page.reload()
    start_block(page)
    page.wait_for_selector(READY)
    expect(page.locator(CURRENT)).to_contain_text(WORDINGS[0])
    before = page.evaluate(FRAMES)
    page.keyboard.press("1")
    expect(page.locator(CURRENT)).to_contain_text(WORDINGS[1])
    expect(page.locator('#pair button[data-outcome="tie"]')).to_be_visible()
    assert page.evaluate(FRAMES) == before
