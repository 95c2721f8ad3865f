"""One running site for all tests in the browser, and a browser that reports every fault of a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Route, expect

from tests.processes import Site

expect.set_options(timeout=30_000)

PASSWORD = "correct horse battery"
PREPARE = f"""
import django, json, random
django.setup()
from PIL import Image
from django.contrib.auth import get_user_model
from comparisons.protocol import Checks, ComprehensionItem, Protocol, Recruitment, Rules
from comparisons.study_file import QuestionSpec
from tests.factories import make_draft, make_open_study, make_system_spec

get_user_model().objects.create_superuser("ada", password="{PASSWORD}")
def speckled(job):
    # unlike a plain colour, no longer itself when it is spoilt
    return Image.frombytes("RGB", (64, 64), random.Random(job.id).randbytes(64 * 64 * 3))

four = tuple(make_system_spec(name) for name in ("alpha", "beta", "gamma", "delta"))
questions = (QuestionSpec("quality", "Which has the higher quality?", tie=False, both_bad=False),)
studies = {{
    "short": make_open_study(["a red fox", "a paper boat", "two green teapots"], slug="short", systems=four[:2]),
    "brief": make_open_study(["a red fox", "a paper boat"], slug="brief", systems=four[:2]),
    "long": make_open_study(slug="long", votes_wanted=200),
    "planted": make_open_study([f"{{number}} cats" for number in range(12)], slug="planted", systems=four,
        questions=questions, votes_wanted=4, judgements_per_question=24),
    "mixed": make_open_study([f"{{number}} dogs" for number in range(8)], slug="mixed", systems=four, paint=speckled,
        questions=(QuestionSpec("quality", "Which is better?", tie=False, both_bad=False, practice=("corrupted",),
            checks=("corrupted", "mismatched")),),
        votes_wanted=14, judgements_per_question=40, protocol=Protocol(checks=Checks(every=3, repeats=2),
            rules=Rules(failed_checks=2, response_floor_ms=400, fast_share=0.3, straight_line=20, side_bias_p=1e-4),
            recruitment=Recruitment("prolific", complete_code="C1", screened_out_code="C2", failed_code="C3"))),
    "draft": make_draft(slug="draft"),
    "staged": make_open_study(slug="staged", votes_wanted=200, questions=(
        QuestionSpec("quality", "Which has the higher quality?", tie=True, both_bad=True, help="Look closely.",
            practice=("corrupted",), checks=("corrupted", "mismatched")),),
        protocol=Protocol(instructions="Look at both pictures.", break_every=5, checks=Checks(every=4, repeats=1),
            comprehension=(ComprehensionItem("How many pictures?", ("two", "three"), 1),))),
    "arabic": make_open_study(slug="arabic", votes_wanted=200,
        protocol=Protocol(language="ar", theme="dark", layout="together")),
}}
print(json.dumps({{slug: study.key for slug, study in studies.items()}}))
"""


@dataclass(frozen=True)
class Running:
    """`short` has two systems, three prompts and two questions, so six judgements; `brief` has four; `long` has
    enough for everybody; `planted` and `mixed`, of four systems, are for bots; `staged` has all stages, and `arabic`
    both questions on one screen.
    """

    site: Site
    url: str
    keys: dict[str, str]

    def rate(self, slug: str) -> str:
        """The path of the study's landing page."""
        return f"/r/{self.keys[slug]}/"

    def votes(self, assignment: str) -> list[tuple[Any, ...]]:
        """The outcomes that the database holds for this assignment."""
        return self.site.rows(
            "SELECT outcome FROM comparisons_vote vote JOIN comparisons_assignment a ON a.id = vote.assignment_id "
            "WHERE a.public_id = ?",
            assignment.replace("-", ""),
        )


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    site = Site(tmp_path_factory.mktemp("site"))
    site.manage("migrate", "--no-input")
    keys = json.loads(site.python("-c", PREPARE))
    with site.server() as url:
        yield Running(site, url, keys)


@pytest.fixture(scope="session")
def base_url(running: Running) -> str:
    """Where the browser's relative addresses lead."""
    return running.url


@pytest.fixture
def broken_network() -> None:
    """Asked for by tests that make requests fail: the browser then logs those failures."""


@pytest.fixture
def context(context: BrowserContext, running: Running, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """The test's browser; whatever page it shows logs no error, breaks no policy and asks no other host."""
    faults: list[str] = []
    is_broken = "broken_network" in request.fixturenames

    def on_console(message: ConsoleMessage) -> None:
        expected = is_broken and message.text.startswith("Failed to load resource")
        if message.type in {"error", "warning"} and not expected:
            faults.append(f"console: {message.text}")

    def on_request(asked: Request) -> None:
        if urlsplit(asked.url).scheme != "data" and not asked.url.startswith(running.url):
            faults.append(f"another host: {asked.url}")

    def keep_inside(route: Route) -> None:
        if route.request.url.startswith(running.url):
            route.continue_()
        else:
            route.abort()

    context.route("**/*", keep_inside)
    context.on("console", on_console)
    context.on("request", on_request)
    context.on("weberror", lambda error: faults.append(f"uncaught: {error.error}"))
    context.set_default_timeout(60_000)
    yield context
    assert faults == []
