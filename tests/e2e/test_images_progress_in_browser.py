"""A researcher watches in Chromium how the images of a study come, and has failed ones tried again."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.e2e.conftest import Running
from tests.e2e.research import sign_in

ASK = """
import itertools
import django
django.setup()
from comparisons.studies import create_study, open_study
from generation import jobs
from tests.factories import make_prompt_set, make_study_spec, make_system_spec

prompts = make_prompt_set({slug!r}, ["a heron", "a kite", "a canal"])
systems = (make_system_spec("alpha"), make_system_spec("beta"))
study, _ = create_study(make_study_spec(prompts.slug, slug={slug!r}, systems=systems))
open_study(study)
wishes = itertools.product(study.systems.all(), study.prompt_set.prompts.all())
jobs.request([(system, prompt, study.seed + prompt.position) for system, prompt in wishes], study.display_px)
"""
WORK = """
import django
django.setup()
from datetime import timedelta
from django.utils import timezone
from comparisons.models import Study
from comparisons.studies import image_jobs
from generation import jobs
from generation.models import Image
from tests.factories import make_image

study = Study.objects.get(slug={slug!r})
now = timezone.now()

def job(system, position):
    return image_jobs(study).get(system__slug=system, prompt__position=position)

def make(system, position, seconds_ago=0):
    make_image(job(system, position))
    Image.objects.filter(job=job(system, position)).update(created_at=now - timedelta(seconds=seconds_ago))

def fail(system, position, error):
    _, (claimed,) = jobs.claim(job(system, position).system_id, [job(system, position).id], limit=1)
    assert jobs.fail(claimed, error)

"""
BROKEN = "alpha@4: model is './alpha', but it is <b>torn</b>."
AGAIN = "Try the failed images again"


def ask_for_images(running: Running, slug: str) -> str:
    """A study of two systems and three prompts whose images are asked for; return the path of its page."""
    running.site.python("-c", ASK.format(slug=slug))
    return f"/studies/{slug}/"


def work(running: Running, slug: str, *lines: str) -> None:
    """What a worker would do: make("alpha@4", 0), fail("beta@4", 1, "why")."""
    running.site.python("-c", WORK.format(slug=slug) + "\n".join(lines))


def states(running: Running, slug: str) -> list[tuple[str, int, str]]:
    """The state, the attempts and the error of each image of alpha@4."""
    return running.site.rows(
        "SELECT job.state, job.attempts, job.error FROM generation_imagejob job "
        "JOIN generation_system system ON system.id = job.system_id "
        "JOIN generation_prompt prompt ON prompt.id = job.prompt_id "
        "JOIN comparisons_study study ON study.prompt_set_id = prompt.prompt_set_id "
        "WHERE study.slug = ? AND system.slug = 'alpha@4' ORDER BY prompt.position",
        slug,
    )


def cells(page: Page, system: str) -> Locator:
    """Bar, done, failed, running, queued, pace and time left."""
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=system)).get_by_role("cell")


@pytest.fixture
def asked(page: Page) -> list[str]:
    """The addresses of which the page's script has asked for the section about images."""
    seen: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/images/"):
            seen.append(request.url)

    page.on("request", note)
    return seen


@pytest.fixture
def loads(page: Page) -> list[str]:
    """The pages that were loaded, to see that none was loaded anew."""
    seen: list[str] = []
    page.on("domcontentloaded", lambda loaded: seen.append(loaded.url))
    return seen


def test_numbers_follow_the_work_without_a_reload(page: Page, running: Running, loads: list[str]) -> None:
    sign_in(page, ask_for_images(running, "followed"))
    loads.clear()
    expect(page.locator("summary")).to_have_text("0 of 6 images made")
    expect(cells(page, "alpha@4")).to_have_text(["", "0 / 3", "0", "0", "3", "–", "–"])
    expect(page.get_by_role("button", name=AGAIN)).to_have_count(0)

    work(running, "followed", 'make("beta@4", 0, 130)', 'make("beta@4", 1, 20)', f'fail("alpha@4", 1, {BROKEN!r})')
    expect(page.locator("summary")).to_have_text("2 of 6 images made")
    expect(cells(page, "beta@4")).to_have_text(["", "2 / 3", "0", "0", "1", "32.7/h", "2 min"])
    assert page.get_by_role("progressbar", name="Images by beta@4").evaluate("bar => bar.value") == 2
    expect(cells(page, "alpha@4")).to_have_text(["", "0 / 3", "1", "0", "2", "–", "–"])
    expect(page.locator(".failure")).to_have_text("Prompt 1: model is './alpha', but it is <b>torn</b>.")
    expect(page.get_by_role("button", name=AGAIN)).to_be_visible()

    work(running, "followed", 'make("beta@4", 2)')
    expect(cells(page, "beta@4")).to_have_text(["", "3 / 3", "0", "0", "0", "–", "–"])
    assert loads == []


def test_what_somebody_looks_at_stays_while_numbers_change(page: Page, running: Running) -> None:
    page.set_viewport_size({"width": 320, "height": 844})
    sign_in(page, ask_for_images(running, "looked-at"))
    table = page.get_by_role("region", name="Images by system")
    table.focus()
    table.evaluate("part => { part.scrollLeft = 40; }")
    assert table.evaluate("part => part.scrollLeft") == 40, "the table is wider than a phone"
    work(running, "looked-at", 'make("alpha@4", 0)')
    expect(cells(page, "alpha@4").first).to_have_text("1 / 3")  # a phone has no room for the bar
    expect(table).to_be_focused()
    assert table.evaluate("part => part.scrollLeft") == 40

    page.locator("summary").click()
    expect(table).to_be_hidden()
    work(running, "looked-at", 'make("alpha@4", 1)')
    expect(page.locator("summary")).to_have_text("2 of 6 images made")
    expect(page.locator("summary")).to_be_focused()
    expect(table).to_be_hidden()


def test_the_page_stops_asking_when_no_image_is_awaited(page: Page, running: Running, asked: list[str]) -> None:
    page.clock.install()
    sign_in(page, ask_for_images(running, "ending"))
    page.clock.run_for(4_000)
    page.wait_for_timeout(500)
    assert asked, "while images are awaited, it asks"
    work(
        running,
        "ending",
        *(f'make("alpha@4", {position})' for position in range(3)),
        *(f'make("beta@4", {position})' for position in range(2)),
        'fail("beta@4", 2, "beta@4: the prompt is cursed")',
    )
    page.clock.run_for(4_000)
    expect(page.locator("summary")).to_have_text("5 of 6 images made")
    asked.clear()
    for _ in range(5):
        page.clock.run_for(4_000)
        page.wait_for_timeout(100)
    assert asked == []
    expect(page.locator(".failure")).to_have_text("Prompt 2: the prompt is cursed")


@pytest.mark.usefixtures("broken_network")
def test_an_answer_that_fails_is_asked_for_again(page: Page, running: Running, asked: list[str]) -> None:
    sign_in(page, ask_for_images(running, "unlucky"))

    def answer(route: Route) -> None:
        if len(asked) == 1:
            route.abort()
        elif len(asked) == 2:
            route.fulfill(status=502, body="<html>Bad gateway</html>")
        else:
            route.continue_()

    page.route("**/images/", answer)
    work(running, "unlucky", 'make("alpha@4", 0)')
    expect(cells(page, "alpha@4").nth(1)).to_have_text("1 / 3")
    assert len(asked) >= 3


def test_the_button_queues_what_failed_and_the_page_follows_again(page: Page, running: Running) -> None:
    path = ask_for_images(running, "mended")
    made = [f'make("{system}", {position})' for system in ("alpha@4", "beta@4") for position in (0, 2)]
    work(running, "mended", *made, 'make("beta@4", 1)', f'fail("alpha@4", 1, {BROKEN!r})')
    assert states(running, "mended")[1] == ("failed", 1, BROKEN)
    sign_in(page, path)
    with running.site.broker():
        page.get_by_role("button", name=AGAIN).click()
        expect(page.get_by_role("status")).to_have_text("1 image will be tried again.")
    assert states(running, "mended") == [("done", 1, ""), ("queued", 0, ""), ("done", 1, "")]
    assert cells(page, "alpha@4").all_inner_texts()[1:5] == ["2 / 3", "0", "0", "1"]
    expect(page.locator(".failure")).to_have_count(0)
    expect(page.get_by_role("button", name=AGAIN)).to_have_count(0)

    work(running, "mended", 'make("alpha@4", 1)')
    expect(page.locator("summary")).to_have_text("6 of 6 images made")
    expect(cells(page, "alpha@4").nth(1)).to_have_text("3 / 3")


@pytest.mark.browser_context_args(java_script_enabled=False)
def test_without_scripts_a_reload_shows_it_and_the_button_works(page: Page, running: Running, asked: list[str]) -> None:
    path = ask_for_images(running, "plain")
    sign_in(page, path)
    expect(page.locator("summary")).to_have_text("0 of 6 images made")
    work(running, "plain", 'make("alpha@4", 0)', f'fail("alpha@4", 1, {BROKEN!r})')
    page.wait_for_timeout(4_000)
    expect(page.locator("summary")).to_have_text("0 of 6 images made")
    assert asked == []
    page.reload()
    expect(page.locator("summary")).to_have_text("1 of 6 images made")
    expect(page.locator(".failure")).to_have_text("Prompt 1: model is './alpha', but it is <b>torn</b>.")
    with running.site.broker():
        page.get_by_role("button", name=AGAIN).click()
        page.wait_for_url(f"**{path}")
        expect(page.get_by_role("status")).to_have_text("1 image will be tried again.")
    assert states(running, "plain")[1] == ("queued", 0, "")


def test_no_fault_of_access_and_no_failure_out_of_sight(page: Page, running: Running) -> None:
    path = ask_for_images(running, "looks")
    work(running, "looks", 'make("alpha@4", 0, 130)', 'make("alpha@4", 1, 10)', f'fail("beta@4", 1, {BROKEN!r})')
    sign_in(page, path)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for shown in (path, "/studies/"):
                page.goto(shown)
                failure = page.locator(".failure") if shown == path else page.get_by_text("1 failed").first
                expect(failure).to_be_visible()
                found = Axe().run(page)
                assert found.violations_count == 0, found.generate_report()
                assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.goto(path)
        for seen in (page.locator(".failure p"), cells(page, "beta@4").filter(has_text="1").first):
            box = seen.bounding_box()
            assert box
            assert box["x"] + box["width"] <= width
