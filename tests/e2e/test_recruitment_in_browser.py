"""Recruiting in the browser: what is copied, what is downloaded once, and pages that everybody can use."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.comparisons.books import PROLIFIC, prolific_row, write
from tests.e2e.conftest import Running
from tests.e2e.research import sign_in

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PREPARE = """
import django, itertools, json
from django.test.utils import setup_test_environment
django.setup()
setup_test_environment()
from tests import factories
from tests.comparisons.arriving import make_recruiting_study, prolific, take_part
factories._numbers = itertools.count(100)  # the site has studies already
studies = {platform: make_recruiting_study(platform, max_raters=20) for platform in ("prolific", "mturk", "invitation")}
take_part(studies["prolific"], prolific("p-1"))
factories.make_session(studies["prolific"], "simulated")
print(json.dumps({platform: study.slug for platform, study in studies.items()}))
"""


@pytest.fixture(scope="module")
def slugs(running: Running) -> dict[str, str]:
    """Of a study for each platform; somebody has completed that of Prolific."""
    found: dict[str, str] = json.loads(running.site.python("-c", PREPARE))
    return found | {"link": "long", "none": "draft"}


def check_looks(page: Page) -> None:
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("platform", ["prolific", "mturk", "invitation", "link", "none"])
def test_the_page_is_accessible_and_fits_a_phone(page: Page, slugs: dict[str, str], platform: str) -> None:
    sign_in(page, f"/studies/{slugs[platform]}/recruitment/")
    expect(page.get_by_role("link", name="Recruitment")).to_have_attribute("aria-current", "page")
    check_looks(page)


def test_what_the_platform_asks_for_is_copied_by_keyboard(page: Page, slugs: dict[str, str]) -> None:
    sign_in(page, f"/studies/{slugs['prolific']}/recruitment/")
    for copied in ("code-completed", "entrance"):
        button = page.locator(f"button[data-copy={copied}]")
        button.press("Enter")
        expect(button).to_have_text(re.compile("^(Copied|Selected: now copy it)$"))


def test_invitations_are_made_and_taken_away_as_a_file(page: Page, slugs: dict[str, str]) -> None:
    sign_in(page, f"/studies/{slugs['invitation']}/recruitment/")
    page.get_by_label("How many people").fill("3")
    page.keyboard.press("Enter")
    made = page.locator("#made")
    expect(made).to_be_in_viewport()
    addresses = made.inner_text().split()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as a file").click()
    assert download.value.suggested_filename == f"{slugs['invitation']}-invitations.txt"
    assert Path(download.value.path()).read_text().split() == addresses
    check_looks(page)
    page.goto(addresses[0])
    expect(page.get_by_role("button", name="I agree, begin")).to_be_visible()


def test_the_books_are_compared(page: Page, slugs: dict[str, str], tmp_path: Path) -> None:
    rows = [prolific_row("p-1", "AWAITING REVIEW", "C-DONE"), prolific_row("p-2", "AWAITING REVIEW")]
    sign_in(page, f"/studies/{slugs['prolific']}/recruitment/")
    page.get_by_label("The file of Prolific’s demographic data").set_input_files(
        write(tmp_path / "export.csv", PROLIFIC, rows)
    )
    page.get_by_role("button", name="Compare the books").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("2 rows in the book of Prolific, 1 session here. 1 differs.")
    expect(page.get_by_role("status")).to_be_in_viewport()
    check_looks(page)
    page.get_by_text("Where they agree: 1").click()
    expect(page.get_by_role("row", name="p-1")).to_contain_text("Handed in there, complete here.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all of it as CSV").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 3
