"""What servers cost: the processor time of a process and all that it started, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

import requests

_TICKS = os.sysconf("SC_CLK_TCK")


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
