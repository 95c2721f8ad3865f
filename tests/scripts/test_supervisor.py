"""The supervisor leaves no process behind, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.supervisor import ChildFailed, Supervisor

ROOT = Path(__file__).parents[2]
SLEEP = ["sleep", "60"]

SUPERVISED = """
import sys
from pathlib import Path
from scripts.supervisor import Stopped, Supervisor

with Supervisor(Path(sys.argv[1])) as supervisor:
    child = supervisor.start("service", sys.argv[2:])
    print(child.process.pid, flush=True)
    try:
        supervisor.wait_until(lambda: False)
    except Stopped:
        print("stopped")
"""

# Says that it is ready, ignores a polite request, and has a process of its own.
STUBBORN = ["bash", "-c", "trap '' TERM; sleep 60 & echo $! > stubborn; while :; do sleep 0.1; done"]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(path: Path) -> str:
    for _ in range(200):
        if path.exists() and (text := path.read_text().strip()):
            return text
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")


def supervise(folder: Path, command: list[str]) -> tuple[subprocess.Popen[str], int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", SUPERVISED, str(folder / "logs"), *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    return parent, int(parent.stdout.readline())


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """One whose signal handlers do not outlive the test."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return Supervisor(tmp_path / "logs")


def test_a_step_that_succeeds_leaves_its_log(supervisor: Supervisor) -> None:
    with supervisor:
        supervisor.run("greet", ["echo", "hello"])
    assert (supervisor.logs / "greet.log").read_text() == "hello\n"


def test_a_step_that_fails_shows_the_end_of_its_log(supervisor: Supervisor) -> None:
    with supervisor, pytest.raises(ChildFailed) as caught:
        supervisor.run("seq", ["bash", "-c", "seq 100; exit 3"])
    lines = str(caught.value).splitlines()
    assert lines[0] == f"seq stopped with exit code 3. The end of {supervisor.logs / 'seq.log'}:"
    assert [line.strip() for line in lines[1:]] == [str(number) for number in range(86, 101)]


def test_a_service_that_ends_stops_a_step_that_waits(supervisor: Supervisor) -> None:
    with supervisor:
        supervisor.start("short", ["true"])
        with pytest.raises(ChildFailed, match="short stopped with exit code 0"):
            supervisor.run("long", SLEEP)
    assert not any(is_alive(child.process.pid) for child in supervisor.children)


def test_a_killed_service_is_named_with_its_signal(supervisor: Supervisor) -> None:
    with supervisor:
        supervisor.start("victim", SLEEP).process.kill()
        with pytest.raises(ChildFailed, match="victim was killed by signal 9"):
            supervisor.wait_until(lambda: False)


def test_services_stop_in_the_opposite_order(supervisor: Supervisor) -> None:
    order = supervisor.logs.parent / "order"
    tell = ["bash", "-c", f'trap "echo $0 >> {order}; exit" TERM; touch $0; while :; do sleep 0.05; done']
    with supervisor:
        for name in ("broker", "worker"):
            ready = supervisor.logs.parent / name
            supervisor.start(name, [*tell, str(ready)])
            supervisor.wait_until(ready.exists)
    assert [Path(line).name for line in order.read_text().splitlines()] == ["worker", "broker"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(tmp_path: Path, number: signal.Signals) -> None:
    parent, child = supervise(tmp_path, SLEEP)
    parent.send_signal(number)
    assert parent.communicate(timeout=10)[0] == "stopped\n"
    assert parent.returncode == 0
    assert not is_alive(child)


def test_a_second_signal_kills_the_whole_group(tmp_path: Path) -> None:
    parent, child = supervise(tmp_path, STUBBORN)
    grandchild = int(wait_for(tmp_path / "stubborn"))
    parent.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        parent.wait(timeout=0.5)
    parent.send_signal(signal.SIGINT)
    parent.communicate(timeout=10)
    assert not is_alive(child)
    assert not is_alive(grandchild)
