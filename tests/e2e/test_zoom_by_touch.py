"""Two fingers on the pictures zoom both of them, and never the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from tests.e2e.conftest import Running
from tests.e2e.rating import begin
from tests.e2e.test_raters_session import transforms

STEPS = 8


class Finger(NamedTuple):
    x: float
    y: float


@pytest.fixture
def phone(browser: Browser, running: Running) -> Iterator[Page]:
    page = browser.new_page(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    begin(page, running.url + running.rate("long"))
    yield page
    page.close()


def between(begin: Finger, end: Finger, share: float) -> Finger:
    return Finger(begin.x + (end.x - begin.x) * share, begin.y + (end.y - begin.y) * share)


def touch(session: CDPSession, kind: str, *fingers: Finger) -> None:
    points = [{"x": finger.x, "y": finger.y, "id": number} for number, finger in enumerate(fingers)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def pinch(page: Page, begin: tuple[Finger, Finger], end: tuple[Finger, Finger]) -> None:
    """The fingers come down one after the other and move evenly."""
    session = page.context.new_cdp_session(page)
    touch(session, "touchStart", begin[0])
    touch(session, "touchStart", *begin)
    for step in range(1, STEPS + 1):
        touch(session, "touchMove", *(between(*ends, step / STEPS) for ends in zip(begin, end, strict=True)))
    touch(session, "touchEnd")
    page.evaluate("() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))")


def middle(page: Page, side: str) -> Finger:
    area = page.locator(f'.frame[data-side="{side}"]').bounding_box()
    assert area
    return Finger(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)


def scales(page: Page) -> set[float]:
    return {round(float(each.removeprefix("matrix(").split(",")[0]), 1) for each in transforms(page)}


def test_a_pinch_zooms_both_pictures_and_not_the_page(phone: Page) -> None:
    x, y = middle(phone, "left")
    near, far = (Finger(x, y - 20), Finger(x, y + 20)), (Finger(x, y - 80), Finger(x, y + 80))
    pinch(phone, near, far)
    assert scales(phone) == {4.0}
    pinch(phone, far, near)
    assert scales(phone) == {1.0}
    assert phone.evaluate("visualViewport.scale") == 1


def test_a_pinch_may_begin_with_a_finger_on_each_picture(phone: Page) -> None:
    upper, lower = middle(phone, "left"), middle(phone, "right")
    x, y, apart = upper.x, (upper.y + lower.y) / 2, (lower.y - upper.y) / 2
    near = (Finger(x, y - apart / 2), Finger(x, y + apart / 2))
    pinch(phone, near, (upper, lower))
    assert scales(phone) == {2.0}
    pinch(phone, (upper, lower), near)
    assert scales(phone) == {1.0}
    assert phone.evaluate("visualViewport.scale") == 1
