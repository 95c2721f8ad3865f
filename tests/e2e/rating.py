"""What a person does on the judging page, and what they see there."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page

READY = '#pair[aria-busy="false"] button[data-outcome="left"][aria-disabled="false"]'
# The colour of each picture, as painted: beside its stripe.
COLOURS = """() => Object.fromEntries([...document.querySelectorAll("#pair .frame")].map((frame) => {
  const image = frame.querySelector("img");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const paint = canvas.getContext("2d");
  paint.drawImage(image, 0, 0);
  return [frame.dataset.side, [...paint.getImageData(canvas.width / 8, canvas.height / 2, 1, 1).data].slice(0, 3)];
}))"""


def consent(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("button[name=consent]").click()
    page.wait_for_url("**/judge/", wait_until="commit")


def begin(page: Page, url: str) -> None:
    """Consent and go on to the first pair."""
    consent(page, url)
    start_block(page)
    page.wait_for_selector(READY)


def start_block(page: Page) -> None:
    page.locator("#block-start[open]").wait_for()
    page.keyboard.press("Enter")
    page.locator("#block-start[open]").wait_for(state="hidden")


def payload(page: Page) -> dict[str, Any]:
    """What the server put into the page; later pairs come with the replies to answers."""
    content: dict[str, Any] = json.loads(page.locator("#judgement").text_content() or "")
    return content


def press(page: Page, key: str) -> dict[str, Any]:
    """Answer with a key; return what was posted, once the server has stored it."""
    with page.expect_response("**/answer/") as arrived:
        page.keyboard.press(key)
    assert arrived.value.ok
    posted: dict[str, Any] = json.loads(arrived.value.request.post_data or "")
    return posted


def colours(page: Page) -> dict[str, list[int]]:
    seen: dict[str, list[int]] = page.evaluate(COLOURS)
    return seen
