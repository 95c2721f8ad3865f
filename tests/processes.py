"""A whole site in a folder of its own: its commands, broker, worker and web server are real processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from evalsite import broker
from scripts.with_postgres import free_port
from scripts.worker import COMMAND as WORKER

ROOT = Path(__file__).parents[1]
Found = TypeVar("Found")
BOOTED = "Booting worker"


def wait_for(probe: Callable[[], Found], what: str, seconds: float = 120) -> Found:
    """Wait until `probe` returns something true, and return that."""
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < deadline, f"after {seconds} s still waiting for {what}"
        time.sleep(0.02)
    return found


@dataclass(frozen=True)
class Site:
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        own = {"DATA_DIR": str(self.folder), "DATABASE_URL": "", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        return {**os.environ, **own, **self.settings}

    def try_python(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False)

    def python(self, *arguments: str | Path) -> str:
        ended = self.try_python(*arguments)
        assert ended.returncode == 0, f"{arguments}:\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def manage(self, *arguments: str | Path) -> str:
        return self.python("manage.py", *arguments)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Read the site's database from outside, as another process sees it."""
        address = f"file:{self.folder / 'evalsite.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
            return connection.execute(query, parameters).fetchall()

    @contextmanager
    def process(self, name: str, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
        """A process whose log is NAME.log in the folder; at the end nothing is left of it."""
        with (self.folder / f"{name}.log").open("ab") as log:
            running = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield running
        finally:
            running.terminate()
            with suppress(subprocess.TimeoutExpired):
                running.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()

    @contextmanager
    def broker(self) -> Iterator[subprocess.Popen[bytes]]:
        socket = self.folder / broker.SOCKET_NAME
        with self.process("broker", broker.server_command(socket)) as running:
            wait_for(lambda: broker.is_up(f"redis+socket://{socket}"), "the broker")
            yield running

    @contextmanager
    def worker(self, name: str = "worker") -> Iterator[subprocess.Popen[bytes]]:
        with self.process(name, WORKER) as running:
            yield running

    @contextmanager
    def server(self, application: str = "evalsite.wsgi", port: int | None = None) -> Iterator[str]:
        """The address of the running site."""
        port = port or free_port()
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", application]
        log = self.folder / "server.log"
        booted = log.read_text().count(BOOTED) if log.exists() else 0
        with self.process("server", command) as running:
            wait_for(lambda: log.read_text().count(BOOTED) > booted or running.poll() is not None, "the site")
            assert running.poll() is None, log.read_text()
            yield f"http://127.0.0.1:{port}"

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")
