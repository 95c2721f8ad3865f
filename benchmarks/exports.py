"""How long a million votes take to leave the site, and in how much memory: python -m benchmarks.exports

The study of benchmarks.million, in a PostgreSQL server and an SQLite file of their own. Each command runs as somebody
would give it: the start of Python and Django is part of its time. Memory is the most that the process ever held; the
server's own is not counted. Exits 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from scripts.with_postgres import postgres

ROOT = Path(__file__).parents[1]
SLUG = "million"
MOST_MB = 300
TABLE = f"from analysis.votes import vote_table; print(len(vote_table(Study.objects.get(slug={SLUG!r}))))"
COMMANDS = {  # what, and the most seconds that a million votes may take: none where nothing is promised
    "votes.csv": (["manage.py", "export_votes", SLUG, "--out"], 20.0),
    "votes.parquet": (["manage.py", "export_votes", SLUG, "--out"], 10.0),
    "vote_table": (["manage.py", "shell", "-v0", "-c", TABLE], None),
}


@dataclass(frozen=True)
class Measured:
    database: str
    what: str
    seconds: float
    megabytes: float

    def line(self) -> str:
        return f"| {self.database} | {self.what} | {self.seconds:.1f} | {self.megabytes:.0f} |"

    def missed(self) -> list[str]:
        _, limit = COMMANDS[self.what]
        if limit is None:
            return []
        late = [f"{self.seconds:.1f} s, at most {limit:.0f}: {self.line()}"] if self.seconds > limit else []
        large = [f"{self.megabytes:.0f} MB, at most {MOST_MB}: {self.line()}"] if self.megabytes > MOST_MB else []
        return late + large


def measure(database: str, what: str, folder: Path, environment: dict[str, str]) -> Measured:
    command, _ = COMMANDS[what]
    arguments = [*command, str(folder / what)] if command[-1] == "--out" else command
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{what} failed on {database}.")
    return Measured(database, what, time.monotonic() - start, usage.ru_maxrss / 1024)


def run(database: str, url: str, votes: int) -> list[Measured]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = os.environ | {"DATA_DIR": name, "DATABASE_URL": url}
        for arguments in (
            ["manage.py", "migrate", "--no-input", "-v0"],
            ["-m", "benchmarks.million", "--slug", SLUG, "--votes", str(votes)],
        ):
            subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True)
        found = []
        for what in COMMANDS:
            found.append(measure(database, what, folder, environment))
            print(found[-1].line(), flush=True)
        return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--only", choices=["PostgreSQL", "SQLite"])
    options = parser.parse_args()
    print("| database | what | seconds | memory, MB |")
    print("|---|---|---:|---:|")
    measured: list[Measured] = []
    if options.only != "SQLite":
        with postgres() as url:
            measured += run("PostgreSQL", url, options.votes)
    if options.only != "PostgreSQL":
        measured += run("SQLite", "", options.votes)
    missed = [sentence for row in measured for sentence in row.missed()]
    for sentence in missed:
        print(sentence)
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
