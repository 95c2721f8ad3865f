"""A person rates in Chromium, by keyboard, and a researcher sees the votes."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, begin, colours, consent, press, start_block
from tests.e2e.research import sign_in

PARTS = {"Part 1 of 2": "prompt-following", "Part 2 of 2": "quality"}
KEYS = ["ArrowLeft", "ArrowRight", "1", "2", "0", "b"]  # the second question offers tie and both bad
OUTCOMES = ["left", "right", "left", "right", "tie", "both_bad"]


def system_of_colours(running: Running) -> dict[tuple[int, ...], str]:
    """The factories paint every picture in a colour of its job's number."""
    jobs = running.site.rows(
        "SELECT job.id, slug FROM generation_imagejob job JOIN generation_system s ON s.id = job.system_id"
    )
    return {(job * 67 % 256, job * 131 % 256, job * 29 % 256): slug for job, slug in jobs}


def look(page: Page, painters: dict[tuple[int, ...], str]) -> dict[str, str]:
    """What is on the screen, in the words of the export."""
    page.wait_for_selector(READY)
    seen = colours(page)
    return {
        "question": PARTS[page.locator("#part").text_content() or ""],
        "prompt": page.locator("#prompt").text_content() or "",
        "system_left": painters[tuple(seen["left"])],
        "system_right": painters[tuple(seen["right"])],
    }


def exported(running: Running, slug: str, file: Path) -> list[dict[str, str]]:
    running.site.manage("export_votes", slug, "--out", file)
    prompts = dict(
        running.site.rows(
            "SELECT position, text FROM generation_prompt JOIN comparisons_study USING (prompt_set_id) WHERE slug = ?",
            slug,
        )
    )
    columns = ("question", "prompt_id", "system_left", "system_right", "outcome", "response_ms")
    with file.open(newline="") as lines:
        rows = [{name: row[name] for name in columns} for row in csv.DictReader(lines)]
    return [row | {"prompt": prompts[int(row.pop("prompt_id"))]} for row in rows]


def test_six_judgements_by_keyboard_reach_the_dashboard_and_the_export(
    page: Page, running: Running, tmp_path: Path
) -> None:
    painters = system_of_colours(running)
    consent(page, running.rate("short"))
    judged: list[dict[str, Any]] = []
    for number, (key, outcome) in enumerate(zip(KEYS, OUTCOMES, strict=True)):
        if number in {0, 3}:
            start_block(page)
        seen = look(page, painters)
        expect(page.locator("#count")).to_have_text(f"{number} of 6 judged")
        posted = press(page, key)
        assert posted["outcome"] == outcome
        judged.append(seen | {"outcome": outcome, "response_ms": str(posted["response_ms"])})

    page.wait_for_url("**/thanks/")
    expect(page.locator(".lead")).to_have_text("Your 6 answers are stored.")
    assert re.fullmatch(r"[0-9A-F]{8}", page.locator("#code").text_content() or "")
    assert [vote["question"] for vote in judged] == ["prompt-following"] * 3 + ["quality"] * 3
    assert len({(vote["question"], vote["prompt"]) for vote in judged}) == 6

    running.site.manage("compute_results", "short")
    sign_in(page, "/studies/short/")
    for question in ("prompt-following", "quality"):
        row = page.locator("section", has=page.locator("#rating")).get_by_role("row", name=question)
        expect(row.get_by_role("cell").nth(1)).to_have_text("3 / 6")
    expect(page.locator("figure[data-chart] svg").first).to_be_visible()
    page.goto("/studies/")
    expect(page.get_by_role("listitem").filter(has_text="short")).to_contain_text("6 / 12")

    page.goto("/studies/short/report/")
    expect(page.get_by_role("heading", name="Quality").first).to_be_visible()

    assert exported(running, "short", tmp_path / "votes.csv") == judged


def test_every_page_keeps_to_the_policy_and_to_this_host(page: Page, running: Running) -> None:
    """The checks themselves are in the context fixture."""
    for path in ("/", "/login/", running.rate("draft"), running.rate("long")):
        response = page.goto(path)
        assert response
        assert response.ok
        assert "default-src 'self'" in response.headers["content-security-policy"]
        page.wait_for_load_state("networkidle")
    sign_in(page, "/studies/")
    for path in ("/studies/draft/", "/studies/long/", "/studies/long/report/", "/admin/"):
        response = page.goto(path)
        assert response
        assert response.ok
        page.wait_for_load_state("networkidle")
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_load_state("networkidle")


def test_a_reload_shows_the_same_pair_and_asks_nothing_again(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    press(page, "ArrowLeft")
    page.wait_for_selector(READY)
    before = (page.locator("#prompt").text_content(), colours(page))
    page.reload()
    page.wait_for_selector(READY)
    expect(page.locator("#block-start")).to_be_hidden()
    assert (page.locator("#prompt").text_content(), colours(page)) == before
    page.goto(running.rate("long"))
    page.wait_for_url("**/judge/")
    page.wait_for_selector(READY)
    assert (page.locator("#prompt").text_content(), colours(page)) == before


def test_the_back_button_never_shows_a_judged_pair(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    press(page, "ArrowLeft")
    page.wait_for_selector(READY)
    second = (page.locator("#prompt").text_content(), colours(page))
    page.goto("/")
    page.go_back()
    page.wait_for_selector(READY)
    assert (page.locator("#prompt").text_content(), colours(page)) == second
    expect(page.locator("#count")).to_have_text("1 of 24 judged")


def test_a_phone_stacks_the_pictures_and_takes_arrows_up_and_down(page: Page, running: Running) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    begin(page, running.rate("long"))
    top, bottom = (page.locator(f'.frame[data-side="{side}"] img').bounding_box() for side in ("left", "right"))
    assert top
    assert bottom
    assert top["y"] + top["height"] <= bottom["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert press(page, "ArrowUp")["outcome"] == "left"
    page.wait_for_selector(READY)
    assert press(page, "ArrowDown")["outcome"] == "right"
    page.wait_for_selector(READY)
    page.get_by_role("button", name="Bottom").click()
    expect(page.locator("#count")).to_have_text("3 of 24 judged")


def test_up_and_down_say_nothing_where_the_pictures_lie_side_by_side(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    left, right = (page.locator(f'.frame[data-side="{side}"] img').bounding_box() for side in ("left", "right"))
    assert left
    assert right
    assert left["x"] + left["width"] <= right["x"]
    assert (left["width"], left["height"], left["y"]) == (right["width"], right["height"], right["y"])
    for key in ("ArrowUp", "ArrowDown", "0", "b", "Control+ArrowLeft", "Alt+1", "x"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    expect(page.locator("#count")).to_have_text("0 of 24 judged")
    expect(page.locator('#pair [aria-pressed="true"]')).to_have_count(0)
