"""What scripts/install and scripts/install-test-packages say when something is missing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def run(script: str, *arguments: str | Path, path: Path) -> tuple[int, str]:
    """Run a script that finds no programs but those in the folder `path`."""
    command = ["/bin/bash", str(SCRIPTS / script), *map(str, arguments)]
    ended = subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def fake(folder: Path, name: str, body: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/bash\n{body}\n")
    file.chmod(0o755)


def test_without_python_3_11(tmp_path: Path) -> None:
    fake(tmp_path, "python3", "exit 1  # another version")
    assert run("install", tmp_path / "venv", "requirements.txt", path=tmp_path) == (
        1,
        "Evalsite needs Python 3.11, and neither python3.11 nor python3 is that version here "
        "(Debian 12: apt-get install python3 python3-venv).\n",
    )


def test_without_the_venv_module(tmp_path: Path) -> None:
    fake(tmp_path, "python3", "[[ $2 != *ensurepip* ]]")
    assert run("install", tmp_path / "venv", "requirements.txt", path=tmp_path) == (
        1,
        "This Python cannot make virtual environments yet: run 'apt-get install python3-venv' and try again.\n",
    )


@pytest.fixture
def bare_debian(tmp_path: Path) -> Path:
    """Redis, PostgreSQL and gettext are there, Chromium is not, and nobody may install it."""
    for name in ("apt-get", "redis-server", "initdb", "msgfmt"):
        fake(tmp_path, name, "echo must not run; exit 1")
    fake(tmp_path, "id", "echo 1000")
    return tmp_path


def test_packages_that_are_there_are_left_alone(bare_debian: Path) -> None:
    fake(bare_debian, "chromium", "exit 1")
    assert run("install-test-packages", path=bare_debian) == (0, "")


def test_packages_need_root_or_sudo(bare_debian: Path) -> None:
    assert run("install-test-packages", path=bare_debian) == (
        1,
        "The tests need chromium: run 'apt-get install chromium' as root, then again 'make test'.\n",
    )


def test_packages_need_apt(bare_debian: Path) -> None:
    (bare_debian / "apt-get").unlink()
    assert run("install-test-packages", path=bare_debian) == (
        1,
        "The tests need chromium; without apt-get, please install them by hand.\n",
    )
