"""How long researchers wait for a page of a study with a million votes: python -m benchmarks.dashboard

Every page below /studies/ and /account/ that answers a GET with HTML is asked for 20 times, on PostgreSQL and gunicorn
with one process, after the worker's numbers have been computed and the page has been shown once; the time is that of
the whole request, over HTTP. Exits 1 where the worst of a page's 20 takes longer than 300 ms.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from django.urls import URLPattern, URLResolver

from benchmarks.rating import site
from scripts.with_postgres import postgres

ROOT = Path(__file__).parents[1]
SLUG = "million"
LIMIT_MS = 300.0
TIMES = 20
QUERIES = {  # pages that are asked for with these besides
    "studies:results": ["excluded=with"],
    "studies:votes": [
        "question=quality&system=million-3@1&opponent=million-4@4",
        "category=Category 3&challenge=Challenge 3&system=million-3@1",
        "outcome=tie",
        "excluded=yes",
        "late=yes",
    ],
    "studies:gallery": ["category=Category 3"],
}
ASKED = "import django; django.setup(); from benchmarks.dashboard import known; print(known())"


def prepare(environment: dict[str, str], votes: int) -> None:
    for command in (
        ["-m", "benchmarks.million", "--votes", str(votes), "--slug", SLUG],
        ["manage.py", "compute_results", SLUG],
    ):
        start = time.monotonic()
        subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True)
        print(f"{' '.join(command)}: {time.monotonic() - start:.0f} s", flush=True)


def paths() -> Iterator[str]:
    """Of all pages of one study, with the objects in their addresses that the study has most of."""
    from django.urls import get_resolver, reverse

    known = _arguments()
    for name, pattern in _named(get_resolver().url_patterns):
        wanted = set(pattern.pattern.regex.groupindex) - set(pattern.default_args)
        if wanted <= set(known):
            address = reverse(name, kwargs={key: known[key] for key in wanted} | pattern.default_args)
            if address.startswith(("/studies/", "/account/")):
                yield from (f"{address}?{query}" if query else address for query in ["", *QUERIES.get(name, [])])


def measure(browser: requests.Session, address: str) -> list[float] | None:
    """Milliseconds of each request; None for what is no page."""
    with browser.get(address, stream=True, allow_redirects=False) as first:
        if first.status_code != requests.codes.ok or not first.headers["Content-Type"].startswith("text/html"):
            return None
        first.raw.read()
    return [_request_ms(browser, address) for _ in range(TIMES)]


def _request_ms(browser: requests.Session, address: str) -> float:
    start = time.perf_counter()
    browser.get(address)
    return 1000 * (time.perf_counter() - start)


def _named(patterns: list[Any], namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _named(pattern.url_patterns, inner)
        elif pattern.name:
            yield f"{namespace}{pattern.name}", pattern


def _arguments() -> dict[str, Any]:
    from comparisons.models import RaterSession, Vote
    from generation.models import Image

    session = RaterSession.objects.latest("id")
    image = Image.objects.latest("id")
    vote = Vote.objects.latest("id")
    return {"slug": SLUG, "session_id": session.id, "vote_id": vote.id, "position": 3, "public_id": image.public_id}


def run(url: str, addresses: list[str], session: str) -> int:
    browser = requests.Session()
    browser.cookies.set("sessionid", session)
    slow = []
    print("| page | median, ms | worst, ms |\n|---|---:|---:|")
    for path in addresses:
        times = measure(browser, url + path)
        if times is None:
            continue
        print(f"| {path} | {statistics.median(times):.0f} | {max(times):.0f} |", flush=True)
        if max(times) > LIMIT_MS:
            slow.append(f"{max(times):.0f} ms, at most {LIMIT_MS:.0f}: {path}")
    for sentence in slow:
        print(sentence)
    return bool(slow)


def known() -> str:
    """For the process that asks: what it may ask for, and the session of somebody who may see it all."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("ana"))
    return json.dumps([list(paths()), client.cookies["sessionid"].value])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--votes", type=int, default=1_000_000)
    options = parser.parse_args()
    with (
        postgres(for_tests=False) as database,
        tempfile.TemporaryDirectory() as folder,
        site(Path(folder), database, "--workers", "1") as (url, _, environment),
    ):
        prepare(environment, options.votes)
        asked = [sys.executable, "-c", ASKED]
        found = subprocess.run(asked, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
        return run(url, *json.loads(found))


if __name__ == "__main__":
    sys.exit(main())
