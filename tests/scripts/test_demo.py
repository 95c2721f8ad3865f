"""`make demo`, as somebody at a terminal runs it."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from comparisons.study_file import read_study
from scripts.with_postgres import free_port

ROOT = Path(__file__).parents[2]
SYSTEMS = read_study(ROOT / "studies" / "demo.toml").systems
PROMPTS = 8  # fewer than somebody gets who does not ask
VOTES = 2 * PROMPTS * len(SYSTEMS) * (len(SYSTEMS) - 1) // 2  # questions, prompts, pairs of systems


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that were started for this folder (a broker rewrites its environment)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        if f"unixsocket:{folder}/".encode() in command or f"DATA_DIR={folder}\0".encode() in environment:
            found.append(command.replace(b"\0", b" ").decode())
    return found


@contextmanager
def demo(folder: Path, port: int, home: Path) -> Iterator[str]:
    """The demo, up to its addresses; after the block it is stopped with Ctrl-C."""
    running = subprocess.Popen(
        [sys.executable, "-m", "scripts.demo", "--port", str(port), "--dir", str(folder), "--prompts", str(PROMPTS)],
        cwd=ROOT,
        env={**os.environ, "HOME": str(home), "TMPDIR": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout
    printed = ""
    try:
        for line in running.stdout:
            printed += line
            if line.startswith("Ctrl-C"):
                break
        else:
            raise AssertionError(printed)
        yield printed
    finally:
        running.send_signal(signal.SIGINT)
        rest, _ = running.communicate(timeout=60)
    assert running.returncode == 0, printed + rest


def images(folder: Path) -> set[tuple[int, str]]:
    with closing(sqlite3.connect(folder / "evalsite.sqlite3")) as connection:
        rows = connection.execute("SELECT job_id, public_id FROM generation_image").fetchall()
    assert len(rows) == len({job for job, _ in rows})
    return set(rows)


def ratings(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Of each study its state, its votes on two systems, and those that are marked as simulated."""
    query = """
        SELECT study.slug, study.state, count(vote.id), count(vote.id) FILTER (WHERE rater.kind = 'simulated')
        FROM comparisons_study study
        LEFT JOIN comparisons_ratersession session ON session.study_id = study.id
        LEFT JOIN comparisons_rater rater ON rater.id = session.rater_id
        LEFT JOIN comparisons_assignment assignment ON assignment.session_id = session.id
            AND assignment.kind = 'judgement'
        LEFT JOIN comparisons_vote vote ON vote.assignment_id = assignment.id
        GROUP BY study.id
    """
    with closing(sqlite3.connect(folder / "evalsite.sqlite3")) as connection:
        return {slug: tuple(rest) for slug, *rest in connection.execute(query)}


def audit(folder: Path, port: int) -> str:
    """What the raters with developer tools say of the demo's study."""
    command = ["audit_blindness", "demo", "--sessions", "3", "--url", f"http://127.0.0.1:{port}"]
    ended = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout + ended.stderr


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as reply:
        return str(reply.read().decode())


@pytest.mark.timeout(600)
def test_it_makes_everything_once_and_stops_with_all_its_processes(tmp_path: Path) -> None:
    folder, port, home = tmp_path / "a demo", free_port(), tmp_path / "home"
    home.mkdir()
    with demo(folder, port, home) as printed:
        rate, *pages = re.findall(rf"http://127\.0\.0\.1:{port}/\S+", printed)
        assert "I agree, begin" in get(rate)
        assert [page.split("/studies/")[1] for page in pages] == [
            "demo/", "demo/report/", "demo-rated/", "demo-rated/report/"
        ]  # fmt: skip
        assert all("Sign in" in get(page) for page in pages)
        commands = " ".join(processes_of(folder))
        assert all(name in commands for name in ("redis-server", "celery", "gunicorn"))
        made = images(folder)
        assert made
        assert ratings(folder) == {"demo": ("open", 0, 0), "demo-rated": ("closed", VOTES, VOTES)}
        said = audit(folder, port)
        assert "Nothing leaks." in said, said
    assert processes_of(folder) == []

    with demo(folder, port, home) as again:
        assert "0 new" in again
        assert re.findall("http.*", again) == re.findall("http.*", printed)
        assert images(folder) == made
    assert processes_of(folder) == []
    assert list(home.iterdir()) == []


def test_the_folder_of_another_demo_is_named_and_left_alone(tmp_path: Path) -> None:
    folder, prompts = tmp_path / "demo", tmp_path / "prompts.txt"
    folder.mkdir()
    prompts.write_text("a red fox\n")
    settings = {**os.environ, "DATA_DIR": str(folder)}
    for command in (["migrate", "--no-input"], ["import_prompts", str(prompts), "--set", "demo"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=settings, check=True, capture_output=True)
    command = [sys.executable, "-m", "scripts.demo", "--port", str(free_port()), "--dir", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ, check=False)
    assert ended.returncode == 1
    assert "a prompt set never changes" in ended.stderr
    assert f"{folder} holds an earlier demo, perhaps with other studies: remove it, or choose another" in ended.stderr
    assert "Traceback" not in ended.stderr
    with closing(sqlite3.connect(folder / "evalsite.sqlite3")) as connection:
        assert connection.execute("SELECT text FROM generation_prompt").fetchall() == [("a red fox",)]


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "scripts.demo", "--port", str(port), "--dir", str(tmp_path / "demo")]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        1,
        "",
        f"Port {port} cannot be used: Address already in use. Choose another: make demo PORT=8001\n",
    )
    assert not (tmp_path / "demo").exists()
