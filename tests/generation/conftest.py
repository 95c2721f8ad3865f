"""A broker at the address of the settings, as on a local site, and a backend that paints plain colours."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings

from evalsite import broker
from generation import backends, rendering
from generation.residency import Residency
from tests.generation.painter import Painter, do_nothing, nothing_more

Messages = Callable[[], list[tuple[str, list[object]]]]


@pytest.fixture(scope="module")
def broker_socket() -> Iterator[str]:
    """Gone when the module is done: tests of other rooms rely on nobody listening there."""
    socket = settings.DATA_DIR / broker.SOCKET_NAME
    server = subprocess.Popen([*broker.server_command(socket), "--logfile", str(settings.DATA_DIR / "broker.log")])
    try:
        while not broker.is_up(settings.CELERY_BROKER_URL):
            assert server.poll() is None
            time.sleep(0.02)
        yield str(socket)
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def messages(broker_socket: str) -> Iterator[Messages]:
    """Call it for the task and the arguments of every message in the queue, in the order of delivery."""
    client = redis.Redis(unix_socket_path=broker_socket)
    client.flushdb()

    def read() -> list[tuple[str, list[object]]]:
        keys = sorted(key for key in client.scan_iter() if client.type(key) == b"list")
        raw = [json.loads(text) for key in keys for text in reversed(client.lrange(key, 0, -1))]
        return [(text["headers"]["task"], json.loads(base64.b64decode(text["body"]))[0]) for text in raw]

    with client:
        yield read


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> type[Painter]:
    """The class whose attributes say what happens to the next pictures."""
    monkeypatch.setitem(backends.BACKENDS, "diffusers", "tests.generation.painter:Painter")
    monkeypatch.setattr(rendering, "residency", Residency(settings.DATA_DIR, limit_bytes=100))
    monkeypatch.setattr(rendering, "batch_limits", {})
    monkeypatch.setattr(rendering, "stopping", threading.Event())
    monkeypatch.setattr(Painter, "loaded", [])
    monkeypatch.setattr(Painter, "calls", [])
    monkeypatch.setattr(Painter, "largest_batch", None)
    monkeypatch.setattr(Painter, "while_loading", staticmethod(nothing_more))
    monkeypatch.setattr(Painter, "before", staticmethod(do_nothing))
    return Painter


@pytest.fixture(scope="session")
def turbo_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.checkpoints import write_sdxl

    folder = tmp_path_factory.mktemp("zoo") / "turbo"
    write_sdxl(folder, seed=2, size=64, turbo=True)
    return folder


@pytest.fixture
def turbo_dir(turbo_checkpoint: Path, tmp_path: Path) -> Path:
    """A data folder with a copy of the checkpoint of turbo.TURBO, to be damaged."""
    shutil.copytree(turbo_checkpoint, tmp_path / "turbo")
    return tmp_path
