"""From a number to its votes, to one vote with its two pictures, and to what a researcher decides about it."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Running
from tests.e2e.research import sign_in

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PREPARE = """
import django, json
django.setup()
from comparisons.models import Study
from tests.analysis.votes import cast_votes
cast_votes(Study.objects.get(slug="short"), raters=2, each=4)
print(json.dumps(True))
"""


@pytest.fixture(scope="module")
def voted(running: Running) -> Running:
    assert json.loads(running.site.python("-c", PREPARE))
    return running


def test_votes_are_filtered_by_keyboard_and_lead_to_their_pictures(page: Page, voted: Running) -> None:
    sign_in(page, "/studies/short/votes/")
    page.get_by_label("Question").focus()
    page.keyboard.type("quality")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Show").press("Enter")
    page.wait_for_url("**question=quality**")
    expect(page.get_by_role("heading", name="Votes on quality")).to_be_visible()
    page.locator("table.votes tbody th a").first.click()
    expect(page.get_by_role("heading", name="As the rater saw it")).to_be_attached()
    pictures = page.locator(".pair img")
    expect(pictures).to_have_count(2)
    for picture in pictures.all():
        picture.evaluate("picture => picture.decode()")
        assert picture.evaluate("picture => picture.naturalWidth") == 64
    assert page.locator("tr.differs").count() > 0


def test_a_vote_is_left_out_and_counted_again(page: Page, voted: Running) -> None:
    sign_in(page, "/studies/short/votes/")
    page.locator("table.votes tbody th a").first.click()
    page.get_by_label("Leave this vote out of every number, because").fill("slipped")
    page.get_by_role("button", name="Exclude").click()
    expect(page.get_by_text("Left out of every number from now on.")).to_be_visible()
    page.get_by_label("Count it again, because").fill("it was meant")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("This vote counts.")).to_be_visible()


@pytest.mark.parametrize("path", ["gallery/", "prompts/0/", "votes/", "quality/", "exports/", ""])
def test_pages_are_accessible_and_fit_a_phone(page: Page, voted: Running, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    sign_in(page, f"/studies/short/{path}")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_picture_of_the_gallery_leads_to_how_it_was_made(page: Page, voted: Running) -> None:
    sign_in(page, "/studies/short/gallery/")
    page.get_by_role("img", name="a red fox, by alpha@4").click()
    expect(page.get_by_role("heading", name="alpha@4")).to_be_visible()
    expect(page.get_by_role("row", name="seed")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Original").click()
    assert download.value.suggested_filename == "short-0-alpha@4.png"
