"""What one answer and its next pair cost, and how long raters wait: python -m benchmarks.rating

A site with two web processes on PostgreSQL and on SQLite, each commit on the disk, a study of a thousand and of a
hundred thousand comparisons, 1, 16 and 64 raters who answer without thinking, all on this machine. Server CPU is that
of the web processes (utime and stime of /proc), the database's is told apart; images are not asked for. The lines are
measured in turns, in several rounds, and each has the medians of its rounds: a machine with other work to do slows all
of them alike. Exits 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.processes import Load, answers, load, postgres_server
from scripts.with_postgres import free_port, postgres
from tests.crowd import Rater

ROOT = Path(__file__).parents[1]
SYSTEMS, QUESTIONS = 12, 2
PAIRS = SYSTEMS * (SYSTEMS - 1) // 2
SIZES = {"1,000": 8, "100,000": 758}  # prompts that make so many comparisons
RATERS = (1, 16, 64)
MOST_CPU_MS, MOST_P99_MS, MOST_GROWTH = 15.0, 250.0, 1.2

PREPARE = """
import django, sys
django.setup()
from PIL import Image as Picture
from django.db import connection
from django.utils import timezone
from comparisons.studies import build_comparisons, create_study, open_study
from generation import storage
from generation.models import Image, ImageJob
from tests.factories import make_prompt_set, make_study_spec, make_system_spec

prompts, systems = int(sys.argv[1]), int(sys.argv[2])
prompt_set = make_prompt_set(f"p{prompts}", [f"prompt {n}" for n in range(prompts)])
specs = tuple(make_system_spec(f"system{n}") for n in range(systems))
study, _ = create_study(make_study_spec(prompt_set.slug, slug=f"s{prompts}", systems=specs, votes_wanted=10_000))
open_study(study)
sha256 = storage.store_original(Picture.new("RGB", (64, 64)))
jobs = [
    ImageJob(system=system, prompt=prompt, seed=study.seed + prompt.position, display_px=64, state="done")
    for system in study.systems.all() for prompt in prompt_set.prompts.all()
]
ImageJob.objects.bulk_create(jobs, batch_size=2000)
Image.objects.bulk_create(
    [Image(job=job, sha256=sha256, width=64, height=64, environment={}) for job in jobs], batch_size=2000
)
build_comparisons(study)
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")  # as autovacuum would have done by now
    if connection.vendor == "postgresql":
        cursor.execute("CHECKPOINT")  # else it writes these rows to disk while answers are measured
print(study.key)
"""


@dataclass(frozen=True)
class Measured:
    """Medians over `rounds`."""

    database: str
    comparisons: str
    raters: int
    rounds: list[Load]

    @property
    def web_ms(self) -> float:
        return median(found.web_ms for found in self.rounds)

    @property
    def p99_ms(self) -> float:
        return median(found.p99_ms for found in self.rounds)

    def line(self) -> str:
        of_database = [found.database_ms for found in self.rounds if found.database_ms is not None]
        return (
            f"| {self.database} | {self.comparisons} | {self.raters} | "
            f"{median(found.answers / found.seconds for found in self.rounds):.0f} | {self.web_ms:.1f} | "
            f"{f'{median(of_database):.1f}' if of_database else ''} | "
            f"{median(found.median_ms for found in self.rounds):.0f} | {self.p99_ms:.0f} |"
        )


def measure(url: str, server: int, kind: str, raters: int, seconds: float) -> Load:
    crowd = [Rater(url) for _ in range(raters)]
    for rater in crowd:
        rater.answer()  # caches are there
        rater.times_ms.clear()
    database = postgres_server() if kind == "PostgreSQL" else None
    return load(server, database, [partial(_work, rater) for rater in crowd], seconds)


def _work(rater: Rater, until: float) -> list[float]:
    rater.work(until)
    return rater.times_ms


@contextmanager
def site(folder: Path, database_url: str, *options: str) -> Iterator[tuple[str, int, dict[str, str]]]:
    environment = os.environ | {
        "DATA_DIR": str(folder),
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "evalsite.settings",
        "PYTHONPATH": str(ROOT),
        "ALLOWED_HOSTS": "127.0.0.1",
    }
    manage = [sys.executable, "manage.py", "migrate", "--no-input", "-v0"]
    subprocess.run(manage, cwd=ROOT, env=environment, check=True)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    server = subprocess.Popen([*command, *options, "evalsite.wsgi"], cwd=ROOT, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        while not answers(url):
            time.sleep(0.1)
        yield url, server.pid, environment
    finally:
        server.terminate()
        server.wait()


def run(kind: str, database_url: str, seconds: float, rounds: int) -> list[Measured]:
    measured = [Measured(kind, size, raters, []) for size in SIZES for raters in RATERS]
    with tempfile.TemporaryDirectory() as folder, site(Path(folder), database_url) as (url, server, environment):
        studies = {}
        for size, prompts in SIZES.items():
            made = [sys.executable, "-c", PREPARE, str(prompts), str(SYSTEMS)]
            key = subprocess.run(made, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
            studies[size] = f"{url}/r/{key.strip()}/"
            measure(studies[size], server, kind, 16, 3)  # every thread has met every statement
        for number in range(rounds):
            for row in measured if number % 2 else reversed(measured):
                row.rounds.append(measure(studies[row.comparisons], server, kind, row.raters, seconds))
    for row in measured:
        print(row.line(), flush=True)
    return measured


def verdicts(measured: list[Measured]) -> list[str]:
    """What misses its limit, on PostgreSQL."""
    rows = [row for row in measured if row.database == "PostgreSQL"]
    if not rows:
        return []
    missed = [f"{row.web_ms:.1f} ms of CPU: {row.line()}" for row in rows if row.web_ms > MOST_CPU_MS]
    missed += [
        f"p99 of {row.p99_ms:.0f} ms: {row.line()}" for row in rows if row.raters == 16 and row.p99_ms > MOST_P99_MS
    ]
    least, most = (choose(row.web_ms for row in rows) for choose in (min, max))
    if most > MOST_GROWTH * least:
        missed.append(f"CPU grows from {least:.1f} to {most:.1f} ms, by more than a fifth.")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each line in each round (default: 5)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    parser.add_argument("--only", choices=["PostgreSQL", "SQLite"])
    options = parser.parse_args()
    print("| database | comparisons | raters | answers/s | web CPU, ms | database CPU, ms | median, ms | p99, ms |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    measured: list[Measured] = []
    if options.only != "SQLite":
        with postgres(for_tests=False) as url:
            measured += run("PostgreSQL", url, options.seconds, options.rounds)
    if options.only != "PostgreSQL":
        measured += run("SQLite", "", options.seconds, options.rounds)
    missed = verdicts(measured)
    for sentence in missed:
        print(sentence)
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
