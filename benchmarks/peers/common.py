"""What every peer needs: an environment, a server, raters that answer without thinking, and the measurement."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import requests

from benchmarks.processes import Load, answers, load, postgres_server
from scripts.with_postgres import free_port

COMPARISONS = 1000
CROWDS = (1, 16)  # raters at once; nobody takes part twice
START_SECONDS = 300


class PeerFailed(Exception):
    """It could not be installed, started or driven; the message is for people."""


def run(command: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What the command prints."""
    done = subprocess.run(command, check=False, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode:
        raise PeerFailed(f"{Path(command[0]).name} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


class Rater(Protocol):
    def answer(self) -> None:
        """Sends one answer and reads the next task; PeerFailed where the server does otherwise."""


@dataclass(frozen=True)
class Place:
    """Where a peer is set up: an environment with its programs, an empty folder, and an empty PostgreSQL database."""

    environment: Path
    folder: Path
    database_url: str

    def program(self, name: str) -> str:
        return str(self.environment / "bin" / name)

    def variables(self, added: Mapping[str, str]) -> dict[str, str]:
        path = f"{self.environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(self.environment), **added}

    def run(self, command: list[str], added: Mapping[str, str]) -> str:
        """What it prints."""
        return run(command, cwd=self.folder, env=self.variables(added))

    def database(self) -> dict[str, str]:
        """The parts of its URL, as Django names them."""
        parts = urlsplit(self.database_url)
        return {
            "NAME": parts.path[1:],
            "USER": parts.username or "",
            "HOST": parts.hostname or "",
            "PORT": str(parts.port),
        }


@dataclass(frozen=True)
class Running:
    """A peer that serves: the process that leads its others, a way in for the n-th rater, its own count of answers."""

    server: int
    enter: Callable[[int], Rater]
    stored: Callable[[], int]


@dataclass(frozen=True)
class Peer:
    name: str
    requirements: tuple[str, ...]  # the product itself is the first
    configured: str
    postgres: bool  # whether it keeps its answers there
    serve: Callable[[Place], AbstractContextManager[Running]]


def install(peer: Peer, folder: Path) -> Path:
    """Its environment in that folder: made once, and kept as long as the requirements stay the same."""
    environment = folder / peer.name.lower().replace(" ", "-")
    done = environment / "installed"
    if done.exists() and done.read_text() == "\n".join(peer.requirements):
        return environment
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(environment)],
        [str(environment / "bin" / "pip"), "install", "--quiet", *peer.requirements],
    )
    for command in commands:
        run(command)
    done.write_text("\n".join(peer.requirements))
    return environment


@contextmanager
def server(place: Place, command: list[str], added: Mapping[str, str], port: int, path: str = "/") -> Iterator[int]:
    """The process that was started, once `path` is answered. What it starts ends with it."""
    log = place.folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=place.folder,
            env=place.variables(added),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(f"http://127.0.0.1:{port}{path}"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise PeerFailed(f"the server did not start: {log.read_text(errors='replace').strip()[-300:]}")
            time.sleep(0.2)
        yield process.pid
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):  # the second for what ignores the first, or was left behind
            with suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)


def expect(reply: requests.Response, what: str, holds: bool = True) -> requests.Response:
    """The reply, where it is a good one."""
    if not reply.ok or not holds:
        raise PeerFailed(f"{what}: {reply.status_code} for {reply.url}: {reply.text[:200]!r}")
    return reply


def found(pattern: re.Pattern[str], reply: requests.Response, what: str) -> str:
    """The first group of the pattern in a good reply."""
    match = pattern.search(expect(reply, what).text)
    if match is None:
        raise PeerFailed(f"{what} at {reply.url}: {reply.text[:200]!r}")
    return match[1]


def measure(running: Running, crowd: list[Rater], seconds: float, uses_postgres: bool) -> Load:
    """These raters answer for so long. They have answered once before."""
    database = postgres_server() if uses_postgres else None
    return load(running.server, database, [partial(_work, rater) for rater in crowd], seconds)


def _work(rater: Rater, until: float) -> list[float]:
    times = []
    while time.monotonic() < until:
        start = time.perf_counter()
        rater.answer()
        times.append(1000 * (time.perf_counter() - start))
    return times


def port_and_url() -> tuple[int, str]:
    port = free_port()
    return port, f"http://127.0.0.1:{port}"
