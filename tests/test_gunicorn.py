"""Requests are spread over the web processes: none waits for a thread of one while another has a thread free."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from scripts.with_postgres import free_port
from tests.processes import ROOT, wait_for

PROCESSES, THREADS = 2, 4
TOGETHER = PROCESSES * THREADS
# Every request but those to /ready waits until as many are being answered as there are threads in all.
APPLICATION = f"""
import os, tempfile, time
from pathlib import Path

def application(environ, start_response):
    start_response("200 OK", [])
    if environ["PATH_INFO"] != "/ready":
        here = Path("being-answered")
        handle, _ = tempfile.mkstemp(dir=here)
        os.close(handle)
        deadline = time.monotonic() + 20
        while len(list(here.iterdir())) < {TOGETHER} and time.monotonic() < deadline:
            time.sleep(0.01)
    return [str(os.getpid()).encode()]
"""


def test_as_many_requests_as_there_are_threads_are_answered_at_once(tmp_path: Path) -> None:
    tmp_path.joinpath("slow.py").write_text(APPLICATION)
    tmp_path.joinpath("being-answered").mkdir()
    address = f"127.0.0.1:{free_port()}"
    options = ["--config", str(ROOT / "gunicorn.conf.py"), "--bind", address, "--log-level", "error"]
    server = subprocess.Popen([sys.executable, "-m", "gunicorn", *options, "slow:application"], cwd=tmp_path)
    try:
        seen: set[str] = set()

        def all_processes_answer() -> bool:
            try:
                seen.add(requests.get(f"http://{address}/ready", timeout=60).text)
            except requests.ConnectionError:
                return False
            return len(seen) == PROCESSES

        wait_for(all_processes_answer, "both processes")
        with ThreadPoolExecutor(TOGETHER) as pool:
            replies = pool.map(lambda _: requests.get(f"http://{address}/", timeout=60).text, range(TOGETHER))
            assert Counter(replies) == dict.fromkeys(seen, THREADS)
    finally:
        server.terminate()
        server.wait()
