"""What servers cost: the processor time of a process and all that it started, from /proc; and how long they take."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import requests

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """What raters who answer without thinking cost, for each answer, and how long they wait for the next pair."""

    raters: int
    answers: int
    seconds: float
    web_ms: float
    database_ms: float | None
    median_ms: float
    p99_ms: float


def load(server: int, database: int | None, raters: Sequence[Callable[[float], list[float]]], seconds: float) -> Load:
    """`raters` answer at once for so long, each called with the end by time.monotonic(); they give their times in ms.

    They have answered once before, so that connections and caches are there.
    """
    before, database_before = cpu_seconds(server), cpu_seconds(database) if database else 0.0
    start = time.monotonic()
    with ThreadPoolExecutor(len(raters)) as threads:
        times = sorted(ms for found in threads.map(lambda work: work(start + seconds), raters) for ms in found)
    return Load(
        raters=len(raters),
        answers=len(times),
        seconds=time.monotonic() - start,
        web_ms=1000 * (cpu_seconds(server) - before) / len(times),
        database_ms=1000 * (cpu_seconds(database) - database_before) / len(times) if database else None,
        median_ms=statistics.median(times),
        p99_ms=times[int(0.99 * (len(times) - 1))],
    )


def cpu_seconds(pid: int) -> float:
    """Of this process and all that it started so far, the ended ones included as far as somebody waited for them."""
    total = 0
    for process in (pid, *_descendants(pid)):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:  # it ended just now, and is in its parent's sum next time
            continue
        total += sum(map(int, fields[11:15]))
    return total / _TICKS


def postgres_server() -> int:
    """The one that this process started."""
    for process in _descendants(os.getpid()):
        if b"/postgres\0" in Path(f"/proc/{process}/cmdline").read_bytes():
            return process
    raise RuntimeError("the PostgreSQL server is gone")


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=10).status_code < 500
    except (requests.ConnectionError, requests.Timeout):
        return False


def _descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:  # it ended just now
        return []
    return [found for child in children for found in (int(child), *_descendants(int(child)))]
