"""Pictures of a running site, by default the two of the README.

python -m scripts.screenshots RATE_URL DASHBOARD_URL --user demo --password ...
python -m scripts.screenshots ... --all FOLDER     every page, wide and phone, light and dark

The addresses and the login are those that `make demo` prints.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin

from playwright.sync_api import Browser, Error, Page, ViewportSize, sync_playwright

DOCS = Path("docs/images")
WIDE: ViewportSize = {"width": 1280, "height": 800}
TALL: ViewportSize = {"width": 1280, "height": 1300}  # the dashboard to its first charts
PHONE: ViewportSize = {"width": 390, "height": 844}
READY = "#pair[aria-busy=false] button.answer[aria-disabled=false]"  # keys before that are nobody's answer
TELLING_WORDS = 9  # of a prompt that shows well what is asked
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def save(page: Page, file: Path, *, full_page: bool) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file, full_page=full_page, animations="disabled")
    print(f"{file}  {file.stat().st_size // 1024} KB")


def sign_in(page: Page, dashboard: str, user: str, password: str) -> None:
    page.goto(dashboard)
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(dashboard)


def start_judging(page: Page, rate: str) -> None:
    page.goto(rate)
    if consent := page.query_selector("button[name=consent]"):
        consent.click()
    page.wait_for_url("**/judge/")
    show_pair(page)
    while page.locator("#problem").is_hidden():  # practice
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector("#feedback[open]")
        page.keyboard.press("Enter")
        show_pair(page)


def show_pair(page: Page) -> None:
    """Past the page that introduces a question, to a pair that can be judged."""
    page.wait_for_selector(f"#block-start[open], {READY}")
    if page.locator("#block-start").is_visible():
        page.keyboard.press("Enter")
    page.wait_for_selector(READY)


def find_telling_pair(page: Page) -> None:
    """On to a prompt that says something of several things."""
    while len(page.inner_text("#prompt").split()) < TELLING_WORDS:
        before = page.inner_text("#count")
        page.keyboard.press("ArrowLeft")
        page.wait_for_function("before => document.querySelector('#count').innerText !== before", arg=before)
        show_pair(page)


def judge_to_the_end(page: Page) -> None:
    while not page.url.endswith("/thanks/"):
        page.wait_for_selector(f"dialog[open], {READY}, #completion")
        page.keyboard.press("Enter" if page.locator("dialog[open]").count() else "ArrowLeft")
        page.wait_for_timeout(100)


def every_look(page: Page, folder: Path, name: str) -> None:
    for layout, size in (("wide", WIDE), ("phone", PHONE)):
        page.set_viewport_size(size)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            save(page, folder / f"{name}-{layout}-{scheme}.png", full_page=True)


def take_readme(new_page: Callable[[], Page], options: argparse.Namespace) -> None:
    page = new_page()
    start_judging(page, options.rate)
    find_telling_pair(page)
    save(page, DOCS / "judging.png", full_page=False)
    page = new_page()
    page.set_viewport_size(TALL)
    sign_in(page, options.dashboard, options.user, options.password)
    save(page, DOCS / "dashboard.png", full_page=False)


def take_all(new_page: Callable[[], Page], options: argparse.Namespace) -> None:
    rater, folder = new_page(), options.all
    rater.goto(options.rate)
    every_look(rater, folder, "landing")
    start_judging(rater, options.rate)
    every_look(rater, folder, "judging")
    judge_to_the_end(rater)
    every_look(rater, folder, "thanks")
    for name, path in (("home", "/"), ("sign-in", "/login/"), ("not-found", "/nowhere/")):
        visitor = new_page()
        visitor.goto(urljoin(options.rate, path))
        every_look(visitor, folder, name)
    researcher = new_page()
    sign_in(researcher, options.dashboard, options.user, options.password)
    every_look(researcher, folder, "dashboard")
    for name, path in (("studies", "/studies/"), ("report", "report/")):
        researcher.goto(urljoin(options.dashboard, path))
        every_look(researcher, folder, name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rate", metavar="RATE_URL")
    parser.add_argument("dashboard", metavar="DASHBOARD_URL")
    parser.add_argument("--user", default="demo")
    parser.add_argument("--password", required=True)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every page in every look, for a review")
    options = parser.parse_args()
    take = take_all if options.all else take_readme
    try:
        with browser() as chromium:
            take(lambda: chromium.new_context(viewport=WIDE, color_scheme="light").new_page(), options)
    except Error as error:
        print(error.message.splitlines()[0], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
