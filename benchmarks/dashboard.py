"""How long researchers wait for a page of a study with a million votes: python -m benchmarks.dashboard

Every page below /studies/ and /account/ that answers a GET with HTML is asked for 20 times in one process, on
PostgreSQL, after the worker's numbers have been computed once; the time is that of the whole request on the server.
Exits 1 where the worst of a page's 20 takes longer than 300 ms.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.urls import URLPattern, URLResolver

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


def prepare(environment: dict[str, str], votes: int) -> None:
    for command in (
        ["manage.py", "migrate", "--no-input", "-v0"],
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


def measure(path: str) -> list[float] | None:
    """Milliseconds of each request; None for what is no page."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username="ana"))
    first = client.get(path)
    if first.status_code != 200 or first.streaming or not first["Content-Type"].startswith("text/html"):
        return None
    return [_request_ms(client, path) for _ in range(TIMES)]


def _request_ms(client: Any, path: str) -> float:
    start = time.perf_counter()
    client.get(path)
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--here", action="store_true", help="use the study that DATABASE_URL has already")
    options = parser.parse_args()
    if options.here:
        return run()
    with postgres() as url, tempfile.TemporaryDirectory() as folder:
        own = {"DATA_DIR": folder, "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
        environment = os.environ | own | {"DJANGO_SETTINGS_MODULE": "evalsite.settings", "ALLOWED_HOSTS": "localhost"}
        prepare(environment, options.votes)
        return subprocess.call([sys.executable, "-m", "benchmarks.dashboard", "--here"], cwd=ROOT, env=environment)


def run() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalsite.settings")
    django.setup()
    logging.disable(logging.WARNING)
    from django.contrib.auth.models import User

    if not User.objects.filter(username="ana").exists():
        User.objects.create_superuser("ana")
    slow = []
    print("| page | median, ms | worst, ms |\n|---|---:|---:|")
    for path in paths():
        times = measure(path)
        if times is None:
            continue
        print(f"| {path} | {statistics.median(times):.0f} | {max(times):.0f} |", flush=True)
        if max(times) > LIMIT_MS:
            slow.append(f"{max(times):.0f} ms, at most {LIMIT_MS:.0f}: {path}")
    for sentence in slow:
        print(sentence)
    return bool(slow)


if __name__ == "__main__":
    sys.exit(main())
