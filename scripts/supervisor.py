"""Runs the processes of one command: starts them, watches them, and stops every one of them at the end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

TICK_SECONDS = 0.05
TAIL_LINES = 15


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, a closed terminal, or a termination signal."""


class ChildFailed(Exception):
    """One sentence, and the end of the child's log."""


@dataclass(frozen=True)
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path | None  # None: it writes to our own output
    is_service: bool  # a service may not end by itself, a step may

    def failure(self) -> str | None:
        code = self.process.poll()
        if code is None or (code == 0 and not self.is_service):
            return None
        reason = f"stopped with exit code {code}" if code >= 0 else f"was killed by signal {-code}"
        if self.log is None:
            return f"{self.name} {reason}."
        tail = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([f"{self.name} {reason}. The end of {self.log}:", *(f"    {line}" for line in tail)])


class Supervisor:
    """A context that handles signals and leaves no process behind.

    Each child is the leader of a session of its own. So a Ctrl-C in the terminal reaches only this process,
    which ends its children one after the other, last started first: the broker outlives its clients.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.children: list[Child] = []
        self.signals_seen = 0

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._count_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self.children):
            self._stop(child)

    def start(self, name: str, command: Sequence[str], *, log: bool = True, is_service: bool = True) -> Child:
        self.logs.mkdir(parents=True, exist_ok=True)
        path = self.logs / f"{name}.log" if log else None
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(path.open("wb")) if path else None
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
            )
        child = Child(name, process, path, is_service)
        self.children.append(child)
        return child

    def run(self, name: str, command: Sequence[str], *, log: bool = True) -> None:
        self.finish(self.start(name, command, log=log, is_service=False))

    def finish(self, step: Child) -> None:
        self.wait_until(lambda: step.process.poll() is not None)

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        while True:
            if self.signals_seen:
                raise Stopped
            if failures := [failure for child in self.children if (failure := child.failure())]:
                raise ChildFailed("\n".join(failures))
            if is_ready():
                return
            time.sleep(TICK_SECONDS)

    def _stop(self, child: Child) -> None:
        """Ask the child to end and wait for it; a second signal to us kills it with its whole group."""
        if child.process.poll() is None:
            child.process.terminate()
        while child.process.poll() is None and self.signals_seen < 2:
            time.sleep(TICK_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()

    def _count_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals_seen += 1
        if self.signals_seen == 1:
            os.write(2, b"\nStopping (once more: at once) ...\n")  # print() is not safe in a handler
