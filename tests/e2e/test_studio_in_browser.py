"""A researcher makes a study in Chromium: types, sees what it takes, previews it, saves and opens it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from comparisons.study_file import read_study
from tests.e2e.conftest import Running
from tests.e2e.research import sign_in


def begin(page: Page) -> str:
    """A new design with prompts of its own; return the address of its form."""
    sign_in(page, "/studio/")
    page.get_by_role("button", name="Begin a new study").click()
    page.wait_for_url("**/studio/drafts/*/")
    address = page.url
    page.get_by_role("button", name="Bring prompts, or draw a sample").click()
    page.get_by_label("Pasted, one a line").fill("\n".join(f"{number} herons" for number in range(30)))
    page.get_by_label("Name").fill("herons")
    page.get_by_role("button", name="Store and use them").click()
    page.wait_for_url(address)
    return address


def typed(page: Page, label: str, text: str) -> None:
    page.get_by_label(label, exact=True).fill(text)
    expect(page.locator("#kept")).to_have_text("Kept.")


def test_what_it_takes_follows_what_is_typed(page: Page, running: Running) -> None:
    begin(page)
    votes = page.locator("[data-figure=votes]")
    expect(votes).to_have_text("720")  # 30 prompts, 3 pairs, 2 questions, 4 votes
    typed(page, "Votes wanted for each pair of pictures and question", "8")
    expect(votes).to_have_text("1,440")
    typed(page, "Votes wanted for each pair of pictures and question", "no")
    expect(votes).to_have_text("–")
    expect(page.get_by_text("The estimate waits for votes wanted.")).to_be_visible()


def test_a_mistake_is_named_beside_its_field_until_it_is_mended(page: Page, running: Running) -> None:
    begin(page)
    typed_slug(page, "Herons!")
    problem = page.locator("#f-slug-problem")
    expect(problem).to_contain_text("Found 'Herons!'; allowed: 1 to 100 lower-case letters")
    expect(page.locator("#f-slug")).to_have_attribute("aria-invalid", "true")
    typed_slug(page, "herons-in-time")
    expect(problem).to_be_hidden()


def typed_slug(page: Page, text: str) -> None:
    """Questions have short names, too."""
    page.locator("#f-slug").fill(text)
    expect(page.locator("#kept")).to_have_text("Kept.")


def test_leaving_and_coming_back_loses_nothing(page: Page, running: Running) -> None:
    address = begin(page)
    typed_slug(page, "herons-left")
    typed(page, "Instructions", "Look at both.\n\nTake your time.")
    page.goto("/studies/")
    page.goto("/studio/")
    page.get_by_role("link", name="herons-left").click()
    page.wait_for_url(address)
    expect(page.get_by_label("Instructions", exact=True)).to_have_value("Look at both.\n\nTake your time.")


def test_a_button_pressed_while_typing_is_kept_carries_all_of_it(page: Page, running: Running) -> None:
    begin(page)
    page.locator("#f-slug").press_sequentially("herons-at-once", delay=30)
    page.get_by_role("button", name="Add question", exact=True).click()
    expect(page.get_by_role("group", name="Question 3")).to_be_visible()
    expect(page.locator("#f-slug")).to_have_value("herons-at-once")
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.usefixtures("broken_network")
def test_a_second_window_is_told_and_nothing_is_overwritten(page: Page, running: Running) -> None:
    address = begin(page)
    other = page.context.new_page()
    other.goto(address)
    typed(other, "Title", "From the other window")
    page.get_by_label("Title", exact=True).fill("From this window")
    expect(page.locator("#kept")).to_contain_text("changed in another window")
    expect(page.get_by_label("Title", exact=True)).to_have_value("From this window")
    other.reload()
    expect(other.get_by_label("Title", exact=True)).to_have_value("From the other window")


def test_from_the_form_to_an_open_study(page: Page, running: Running, tmp_path: Path) -> None:
    begin(page)
    typed_slug(page, "herons-opened")
    typed(page, "Instructions", "Look at both pictures.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the study file").click()
    file = tmp_path / "herons.toml"
    download.value.save_as(file)
    assert read_study(file).slug == "herons-opened"

    page.get_by_role("button", name="Preview as a rater").click()
    stage = page.frame_locator("iframe")
    stage.get_by_role("button", name="I agree, begin").click()
    expect(stage.get_by_text("Look at both pictures.")).to_be_visible()
    stage.get_by_role("button", name="I have read this, go on").click()
    stage.get_by_role("button", name=re.compile("^Start")).click()
    pair = stage.locator("#pair[aria-busy=false]")
    expect(pair).to_be_visible()
    stage.locator("[data-outcome=right][aria-disabled=false]").click()
    expect(stage.get_by_text("Look again: the better answer is the image on the left.")).to_be_visible()
    page.get_by_role("link", name="Back to herons-opened").click()

    page.get_by_role("button", name="Save as a draft study").click()
    page.get_by_role("link", name="Open the study…").click()
    expect(page.get_by_text("Images that workers make now").locator("..")).to_contain_text("90")
    with running.site.broker():
        page.get_by_role("button", name="Open the study", exact=True).click()
        page.wait_for_url("**/studies/herons-opened/")
    (row,) = running.site.rows("SELECT state, design_hash FROM comparisons_study WHERE slug = ?", "herons-opened")
    assert row[0] == "open"
    of_it = "SELECT session.id FROM comparisons_ratersession session JOIN comparisons_study study ON "
    assert running.site.rows(f"{of_it} study.id = session.study_id WHERE study.slug = ?", "herons-opened") == []


@pytest.mark.usefixtures("broken_network")
def test_a_preview_whose_design_has_become_incomplete_says_so(page: Page, running: Running) -> None:
    address = begin(page)
    typed_slug(page, "herons-undone")
    page.get_by_role("button", name="Preview as a rater").click()
    page.get_by_role("link", name="Judging", exact=True).click()
    stage = page.frame_locator("iframe")
    stage.get_by_role("button", name=re.compile("^Start")).click()
    expect(stage.locator("#pair[aria-busy=false]")).to_be_visible()
    form = page.context.new_page()
    form.goto(address)
    typed_slug(form, "")
    page.bring_to_front()
    stage.locator("[data-outcome=right][aria-disabled=false]").click()
    refusal = stage.get_by_role("dialog").filter(has_text="This preview is over")
    expect(refusal).to_be_visible()
    assert stage.locator("body").evaluate("() => Object.keys(localStorage)") == [], "nothing waits for the next one"
    refusal.get_by_role("button").click()
    expect(stage.get_by_role("heading", name="Raters would see nothing yet")).to_be_visible()


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_the_form_works_without_scripts(page: Page, running: Running) -> None:
    begin(page)
    page.locator("#f-slug").fill("Herons!")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#f-slug-problem")).to_contain_text("Found 'Herons!'")
    expect(page.locator("[data-figure=votes]")).to_have_text("720")
    page.locator("#f-slug").fill("herons-plain")
    page.get_by_role("button", name="Save as a draft study").click()
    page.wait_for_url("**/studio/studies/herons-plain/")


def test_no_fault_of_access_and_nothing_out_of_sight(page: Page, running: Running) -> None:
    address = begin(page)
    typed_slug(page, "herons-seen")
    for button in ("Add example", "Add comprehension question", "Add known answer"):
        page.get_by_role("button", name=button).click()
        page.wait_for_load_state()
    key = address.rstrip("/").rsplit("/", 1)[1]
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for path in (
                f"{address}?check=1",
                f"{address}prompts/",
                f"{address}discard/",
                "/studio/",
                f"/studio/preview/draft-{key}/",
            ):
                page.goto(path)
                found = Axe().run(page)
                assert found.violations_count == 0, found.generate_report()
                assert page.evaluate("document.documentElement.scrollWidth") <= width
