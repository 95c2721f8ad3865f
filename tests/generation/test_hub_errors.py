"""What a worker says when the hub does not give a checkpoint, from a server that answers as the hub does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

# By organisation: the status and the headers of every answer.
ANSWERS: dict[str, tuple[int, dict[str, str]]] = {
    "gated": (401, {"X-Error-Code": "GatedRepo"}),
    "refused": (403, {"X-Error-Code": "GatedRepo"}),
    "unknown": (404, {"X-Error-Code": "RepoNotFound"}),
    "expired": (401, {"X-Error-Message": "Invalid username or password."}),
    "busy": (503, {}),
    "eager": (429, {}),
    "outdated": (404, {"X-Error-Code": "RevisionNotFound"}),
}
SDXL = {
    "backend": "diffusers",
    "pipeline": "StableDiffusionXLPipeline",
    "steps": 1,
    "width": 64,
    "height": 64,
}
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "gated": (
        {"model": "gated/sdxl"},
        "model is 'gated/sdxl', but gated/sdxl is gated: accept its licence on the hub, and set HF_TOKEN for the "
        "worker.",
    ),
    "token without access": (
        {"model": "refused/sdxl"},
        "model is 'refused/sdxl', but refused/sdxl is gated: accept its licence on the hub, and set HF_TOKEN for the "
        "worker.",
    ),
    "unknown": (
        {"model": "unknown/sdxl"},
        "model is 'unknown/sdxl', but the hub shows no such repository; correct the name or, if it is private, set "
        "HF_TOKEN for the worker.",
    ),
    "bad token": (
        {"model": "expired/sdxl"},
        "model is 'expired/sdxl', but the hub answered 401 when asked for expired/sdxl; correct the worker's HF_TOKEN.",
    ),
    "revision": (
        {"model": "outdated/sdxl", "revision": "v9"},
        "revision is 'v9', but outdated/sdxl has no such revision.",
    ),
    "busy": (
        {"model": "busy/sdxl"},
        "model is 'busy/sdxl', but the hub answered 503 when asked for busy/sdxl; try again later.",
    ),
    "too many requests": (
        {"model": "eager/sdxl"},
        "model is 'eager/sdxl', but the hub answered 429 when asked for eager/sdxl; try again later.",
    ),
    "gated unet": (
        {"model": "unknown/sdxl", "unet": "gated/unet"},
        "unet is 'gated/unet', but gated/unet is gated: accept its licence on the hub, and set HF_TOKEN for the "
        "worker.",
    ),
}
PROGRAM = """
import json, sys
from pathlib import Path
from generation import backends
from generation.systems import SystemSpec

for name, content in json.load(sys.stdin).items():
    try:
        backends.create(SystemSpec(name="sdxl", **content), Path("."))
    except backends.BackendError as error:
        print(json.dumps([name, [type(error).__name__, str(error)]]))
"""


class Hub(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        organisation = self.path.removeprefix("/api/models").split("/")[1]
        status, headers = ANSWERS.get(organisation, (404, {}))
        self.send_response(status)
        for name, value in (headers | {"Content-Length": "0"}).items():
            self.send_header(name, value)
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def errors_of(endpoint: str, cache: Path, specs: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """In a process of its own: the hub's address is read when its client is imported."""
    environment = {name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "HF_TOKEN")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(specs),
        env=environment | {"HF_ENDPOINT": endpoint, "HF_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(line) for line in done.stdout.splitlines())


def test_each_answer_has_its_sentence(hub: str, tmp_path: Path) -> None:
    said = errors_of(hub, tmp_path, {name: SDXL | changes for name, (changes, _) in CASES.items()})
    assert {name: sentence for name, (_, sentence) in said.items()} == {
        name: f"sdxl@1: {sentence}" for name, (_, sentence) in CASES.items()
    }
    passing = {name for name, (kind, _) in said.items() if kind == "TransientBackendError"}
    assert passing == {"busy", "too many requests"}


def test_no_network(tmp_path: Path) -> None:
    said = errors_of("http://127.0.0.1:9", tmp_path, {"nobody": SDXL | {"model": "gated/sdxl"}})
    assert said["nobody"] == [
        "TransientBackendError",
        "sdxl@1: model is 'gated/sdxl', but gated/sdxl is not in the local cache, and the hub cannot be reached; "
        "check the name and the network.",
    ]
