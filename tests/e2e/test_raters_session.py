"""The rater's whole session in a real browser: every stage, undo, report, zoom, breaks, by keyboard alone."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, begin, colours, payload, press, start_block
from tests.e2e.research import sign_in
from tests.processes import Site

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def check_access(page: Page) -> None:
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()
    width = page.viewport_size
    assert width
    assert page.evaluate("document.documentElement.scrollWidth") <= width["width"]


def outcomes(running: Running, assignment: str) -> list[tuple[Any, ...]]:
    return running.site.rows(
        "SELECT outcome, supersedes_id IS NOT NULL FROM comparisons_vote vote JOIN comparisons_assignment a "
        "ON a.id = vote.assignment_id WHERE a.public_id = ? ORDER BY vote.id",
        assignment.replace("-", ""),
    )


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)], ids=["desk", "phone"])
def test_from_consent_to_the_code_by_keyboard_alone(page: Page, running: Running, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(running.rate("staged"))
    check_access(page)
    page.get_by_role("button", name="I agree, begin").press("Enter")
    page.wait_for_url("**/instructions/")
    check_access(page)
    page.get_by_role("button", name="I have read this, go on").press("Enter")
    page.wait_for_url("**/comprehension/")
    check_access(page)
    page.get_by_label("two").press("Space")
    page.get_by_role("button", name="Check my answers").press("Enter")
    page.wait_for_url("**/judge/")
    page.locator("#block-start[open]").wait_for()
    check_access(page)
    page.keyboard.press("Enter")
    page.wait_for_selector(READY)
    expect(page.locator("#part")).to_have_text("Practice, not counted")
    press(page, "1")
    page.locator("#feedback[open]").wait_for()
    check_access(page)
    page.keyboard.press("Enter")
    start_block(page)
    breaks = judge_to_the_end(page)
    assert breaks == 3, "12 judgements, 3 checks and a repeat are 16 answers"
    page.wait_for_url("**/thanks/")
    expect(page.locator(".lead")).to_have_text("Your 16 answers are stored.")
    expect(page.locator("#code")).to_be_visible()
    check_access(page)


def judge_to_the_end(page: Page) -> int:
    """Return how many breaks were offered."""
    breaks = 0
    while not page.url.endswith("/thanks/"):
        page.wait_for_selector(f"{READY}, #break[open], #completion")
        if page.locator("#break").is_visible():
            breaks += 1
            page.keyboard.press("Enter")
        elif "/judge/" in page.url and page.locator(READY).count():
            if page.locator("#count").text_content() == "0 of 16 judged":
                check_access(page)
            press(page, "2")
    return breaks


def test_a_check_that_is_sent_twice_is_one_try(page: Page, running: Running) -> None:
    """As by a double click, or once more after the reply was lost."""

    def send_twice(route: Route) -> None:
        if route.request.method == "POST":
            assert route.fetch(max_redirects=0).status == 302
        route.continue_()

    page.goto(running.rate("staged"))
    for button in ("I agree, begin", "I have read this, go on"):
        page.get_by_role("button", name=button).click()
    page.route("**/comprehension/", send_twice)
    page.get_by_label("three").check()
    page.get_by_role("button", name="Check my answers").dblclick()
    second_try = page.get_by_role("alert")
    expect(second_try).to_contain_text("this is the second try")
    check_access(page)
    page.reload()
    expect(second_try).to_contain_text("this is the second try")
    page.get_by_label("two").check()
    page.get_by_role("button", name="Check my answers").click()
    page.wait_for_url("**/judge/")


def test_undo_shows_the_pair_again_and_keeps_both_answers(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    first, seen = payload(page)["assignment"], colours(page)
    expect(page.locator("#undo")).to_be_hidden()
    press(page, "ArrowLeft")
    page.wait_for_selector(READY)
    second = colours(page)
    page.keyboard.press("u")
    expect(page.locator("#count")).to_have_text("0 of 24 judged")
    page.wait_for_selector(READY)
    assert colours(page) == seen
    expect(page.locator("#undo")).to_be_hidden()
    assert press(page, "ArrowRight")["assignment"] == first
    page.wait_for_selector(READY)
    assert colours(page) == second
    assert outcomes(running, first) == [("left", 0), ("right", 1)]
    page.get_by_role("button", name="Undo").click()
    page.wait_for_selector(READY)
    assert colours(page) == seen


def test_a_report_brings_another_pair_and_no_vote(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    first, seen = payload(page)["assignment"], colours(page)
    page.get_by_role("button", name="Report").click()
    check_access(page)
    for key in ("ArrowLeft", "1", "u"):
        page.keyboard.press(key)  # reading a dialog is no answer
    page.get_by_role("button", name="Back to the pair").click()
    assert colours(page) == seen
    page.get_by_role("button", name="Report").click()
    page.get_by_label("The content is offensive or disturbing").check()
    page.get_by_label("In your words, if you like").fill("a wound")
    with page.expect_response("**/report/") as arrived:
        page.get_by_role("button", name="Send the report").click()
    assert arrived.value.ok
    page.wait_for_selector(READY)
    assert outcomes(running, first) == []
    rows = running.site.rows("SELECT problem, note FROM comparisons_report ORDER BY id DESC LIMIT 1")
    assert rows == [("offensive", "a wound")]
    expect(page.locator("#count")).to_have_text("0 of 24 judged")


def test_no_fault_of_access_on_the_researchers_pages_about_raters(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    press(page, "ArrowLeft")
    sign_in(page, "/studies/long/")
    for path in ("/studies/long/raters/reported/", "/studies/long/raters/"):
        page.goto(path)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 844})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                check_access(page)
    page.locator("tbody th a").first.click()
    page.get_by_role("heading", name="Answers").wait_for()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        check_access(page)
    page.get_by_label("Leave this rater out of every number, because").fill("asked to be left out")
    page.get_by_role("button", name="Exclude", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Left out of every number from now on. Nothing was deleted.")
    check_access(page)
    page.get_by_label("Count it again, because").fill("a mistake")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("status")).to_have_text("Counted again. The rules will not exclude it anew.")


def transforms(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        "#pair .frame img", "all => all.map(i => getComputedStyle(i).transform)"
    )
    return found


def test_both_pictures_are_zoomed_and_moved_in_step(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    (plain,) = set(transforms(page))
    box = page.locator('.frame[data-side="left"]').bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    page.mouse.wheel(0, -400)
    (wheeled,) = set(transforms(page))
    assert wheeled != plain
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    (dragged,) = set(transforms(page))
    assert dragged != wheeled
    page.keyboard.press("Shift+ArrowRight")
    (nudged,) = set(transforms(page))
    assert nudged != dragged
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    (clicked,) = set(transforms(page))
    assert clicked != nudged
    page.keyboard.press("Escape")
    assert set(transforms(page)) == {plain}
    expect(page.locator("#count")).to_have_text("0 of 24 judged")
    page.keyboard.press("+")
    assert page.locator("#zoom").get_attribute("aria-pressed") == "true"
    press(page, "ArrowLeft")
    page.wait_for_selector(READY)
    assert set(transforms(page)) == {plain}, "each pair begins whole"


def test_the_next_pair_is_loaded_while_this_one_is_judged(page: Page, running: Running) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/i/" in request.url else None)
    begin(page, running.rate("long"))
    page.wait_for_function("performance.getEntriesByType('resource').filter(r => r.name.includes('/i/')).length >= 4")
    assert len(asked) == len(set(asked)) == 4
    with page.expect_response("**/answer/") as arrived:
        page.keyboard.press("1")
    following = arrived.value.json()["next"]
    assert {running.url + following[side] for side in ("left", "right")} <= set(asked)
    page.wait_for_selector(READY)
    page.wait_for_timeout(300)
    assert len(asked) == len(set(asked)) == 6, "nothing is asked for twice"


def test_both_questions_on_one_screen_in_arabic_on_a_dark_ground(page: Page, running: Running) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(running.rate("arabic"))
    check_access(page)
    page.get_by_role("button", name="أوافق، لنبدأ").click()
    page.wait_for_url("**/judge/")
    start_block(page)
    page.wait_for_selector(READY)
    check_access(page)
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(21, 21, 21)"
    left, right = (page.locator(f'.frame[data-side="{side}"]').bounding_box() for side in ("left", "right"))
    assert left
    assert right
    assert left["x"] < right["x"], "left stays left in every language"
    seen = colours(page)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#question")).to_have_text("Which has the higher quality?")
    assert colours(page) == seen
    posted = press(page, "0")
    assert posted["outcome"] == "left"
    assert [other["outcome"] for other in posted["also"]] == ["tie"]
    page.wait_for_selector(READY)
    expect(page.locator("#question")).to_have_text("Which follows the text more closely?")


def test_an_answer_outlives_a_killed_server(browser: Browser, running: Running) -> None:
    """The same database, a second server on a port of its own, killed while the answer is on its way."""
    site, page = Site(running.site.folder), browser.new_page()
    with site.server() as url:
        port = int(url.rpartition(":")[2])
        page.goto(url + running.rate("long"))
        page.get_by_role("button", name="I agree, begin").click()
        start_block(page)
        page.wait_for_selector(READY)
        assignment = payload(page)["assignment"]
    page.keyboard.press("ArrowRight")
    expect(page.locator("#status")).to_contain_text("Connection lost. Your answer is kept on this device")
    assert outcomes(running, assignment) == []
    with site.server(port=port):
        expect(page.locator("#count")).to_have_text("1 of 24 judged", timeout=60_000)
        page.wait_for_selector(READY)
        assert outcomes(running, assignment) == [("right", 0)]
    page.close()


@pytest.mark.usefixtures("broken_network")
def test_the_code_shows_only_when_the_server_has_every_answer(page: Page, running: Running) -> None:
    begin(page, running.rate("brief"))
    while payload(page)["progress"]["done"] < payload(page)["progress"]["total"] - 1:
        press(page, "1")
        page.wait_for_function("document.querySelector('#count').textContent")
        page.reload()
        page.wait_for_selector(f"{READY}, #block-start[open]")
        if page.locator("#block-start").is_visible():
            start_block(page)
            page.wait_for_selector(READY)
    last, session = payload(page)["assignment"], page.locator("#judging").get_attribute("data-session")
    page.evaluate(
        """([slot, answer]) => localStorage.setItem(slot, JSON.stringify(answer))""",
        [
            f"evalsite.answer {running.rate('brief')}answer/ {session} {last}",
            {"assignment": last, "key": "6a1c8f0e-5c0b-4f0e-9a57-1d2d3f4a5b6c", "outcome": "left", "response_ms": 900},
        ],
    )
    page.route("**/answer/", lambda route: route.abort())
    page.goto(running.rate("brief") + "thanks/")
    expect(page.locator("#status")).to_contain_text("Connection lost")
    page.unroute("**/answer/")
    page.wait_for_url("**/thanks/")
    expect(page.locator("#code")).to_be_visible()
    assert outcomes(running, last) == [("left", 0)]
