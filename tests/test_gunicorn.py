"""How gunicorn serves: nobody waits for a thread while another is free, or while old objects are looked through."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests

from scripts.with_postgres import free_port
from tests.processes import ROOT, wait_for

PROCESSES, THREADS = 2, 4
TOGETHER = PROCESSES * THREADS
# Every request to / waits until as many are being answered as there are threads in all.
APPLICATION = f"""
import gc, os, tempfile, time
from pathlib import Path

def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/frozen":
        return [str(gc.get_freeze_count()).encode()]
    if environ["PATH_INFO"] == "/":
        here = Path("being-answered")
        handle, _ = tempfile.mkstemp(dir=here)
        os.close(handle)
        deadline = time.monotonic() + 20
        while len(list(here.iterdir())) < {TOGETHER} and time.monotonic() < deadline:
            time.sleep(0.01)
    return [str(os.getpid()).encode()]
"""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    folder.joinpath("slow.py").write_text(APPLICATION)
    folder.joinpath("being-answered").mkdir()
    address = f"127.0.0.1:{free_port()}"
    options = ["--config", str(ROOT / "gunicorn.conf.py"), "--bind", address, "--log-level", "error"]
    server = subprocess.Popen([sys.executable, "-m", "gunicorn", *options, "slow:application"], cwd=folder)
    try:
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait()


def answer(url: str) -> str:
    """Empty while nobody listens."""
    try:
        return requests.get(url, timeout=60).text
    except requests.ConnectionError:
        return ""


def test_as_many_requests_as_there_are_threads_are_answered_at_once(tmp_path: Path) -> None:
    with served(tmp_path) as site:
        seen: set[str] = set()

        def all_processes_answer() -> bool:
            seen.update(filter(None, [answer(f"{site}/ready")]))
            return len(seen) == PROCESSES

        wait_for(all_processes_answer, "both processes")
        with ThreadPoolExecutor(TOGETHER) as pool:
            replies = pool.map(answer, [f"{site}/"] * TOGETHER)
            assert Counter(replies) == dict.fromkeys(seen, THREADS)


def test_what_a_process_has_loaded_is_never_looked_through_for_garbage(tmp_path: Path) -> None:
    with served(tmp_path) as site:
        wait_for(lambda: answer(f"{site}/ready") != "", "the site")
        assert int(answer(f"{site}/frozen")) > 1000
