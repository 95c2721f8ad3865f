"""What every test gets: settings of its own, a browser, and a Redis server for those who ask."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import hypothesis
import pytest

DATA_DIR = Path(tempfile.mkdtemp(prefix="evalsite-tests-"))
# pytest-django reads the settings after this file, so the tests never meet the settings of a real site.
for name in (
    "ALLOWED_HOSTS",
    "CELERY_BROKER_URL",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
    "ENDPOINT_KEYS",
    "HTTPS",
    "IMAGE_STORAGE",
    "SECRET_KEY",
):
    os.environ.pop(name, None)
os.environ["DATA_DIR"] = str(DATA_DIR)
os.environ["DJANGO_SETTINGS_MODULE"] = "evalsite.settings"
# Playwright's synchronous interface keeps an event loop running in the thread that uses the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"  # torch's threads wait for each other on a busy machine
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from evalsite import broker  # noqa: E402
from scripts.with_postgres import free_port  # noqa: E402
from tests.buckets import Bucket  # noqa: E402

CHROMIUM_FLAGS = [
    "--no-sandbox",  # it does not start as root otherwise
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
]


assert settings.DATA_DIR == DATA_DIR, "the settings were read before this file"
# How long an example takes says what else the machine does, and what it had to import.
hypothesis.settings.register_profile("tests", parent=hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("tests")
settings.REPLY_STEP_MS = 0  # nobody here reads the clock; sites in processes of their own keep it


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Processes side by side have a folder each: named beforehand, the settings would be read before this file."""
    for spec in specs:
        spec.env["DJANGO_SETTINGS_MODULE"] = ""


def pytest_unconfigure() -> None:
    shutil.rmtree(DATA_DIR, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first, so that where several processes share the files none is left to the end."""
    items.sort(key=lambda item: not {"scripts", "generation", "e2e"} & set(item.path.parts))
    for item in items:
        fixtures: list[str] = getattr(item, "fixturenames", [])
        if item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(fixtures):
            item.add_marker("database")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite as on a real site, in a file: in memory, writers would not wait for each other.

    Its flush after a transactional test deletes row by row, which the triggers on votes refuse: they step aside.
    """
    if connection.vendor != "sqlite":
        return
    connection.settings_dict["TEST"]["NAME"] = str(DATA_DIR / "tests.sqlite3")
    operations = type(connection.ops)
    flush = operations.sql_flush

    def flush_without_triggers(*args: Any, **options: Any) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
        drops = [f"DROP TRIGGER {name}" for name, _ in triggers]
        return [*drops, *flush(*args, **options), *(create for _, create in triggers)]

    pytest.MonkeyPatch().setattr(operations, "sql_flush", flush_without_triggers)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": shutil.which("chromium"), "args": CHROMIUM_FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Colours change at once: half-way from light to dark nothing has the contrast that is asked for."""
    return {**browser_context_args, "reduced_motion": "reduce"}


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running Redis server, shared by the session."""
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    url = f"redis://127.0.0.1:{port}/0"
    command = [broker.find_server(), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    server = subprocess.Popen([*command, "--save", "", "--logfile", str(folder / "log")])
    try:
        while not broker.is_up(url):
            assert server.poll() is None, (folder / "log").read_text()
            time.sleep(0.02)
        yield url
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running S3-compatible server, shared by the session. It believes any credentials."""
    port = free_port()
    log = tmp_path_factory.mktemp("s3") / "log"
    with log.open("w") as output:
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        while not _answers(port):
            assert server.poll() is None, log.read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def bucket(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A new bucket of that server, with credentials for it in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    made = Bucket(s3_url, f"images-{uuid.uuid4().hex}")
    made.client.create_bucket(Bucket=made.name)
    return made


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo's tiny checkpoints; written by another process, so that this one never loads torch."""
    folder = tmp_path_factory.mktemp("checkpoints")
    subprocess.run([sys.executable, "-m", "toyzoo.untrained.checkpoints", str(folder)], check=True)
    return folder
