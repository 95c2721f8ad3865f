"""A hosted image API on this machine: answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

COLOUR = (200, 40, 90)


def picture(size: tuple[int, int] = (64, 64), kind: str = "PNG", mode: str = "RGB", colour: Any = COLOUR) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind)
    return file.getvalue()


def text_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int = 0  # bytes that Content-Length names and that never come
    pause: float = 0.0  # before each of the first bytes of the body
    drop: bool = False  # close the connection without an answer

    @classmethod
    def of(cls, content: Any, **more: Any) -> Reply:
        return cls(json.dumps(content).encode(), **more)


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class HostedApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: list[Reply] = []  # the last is repeated
        self.asked: list[Asked] = []
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has hung up is what some tests want."""


class _Handler(BaseHTTPRequestHandler):
    server: HostedApi

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        server = self.server
        server.asked.append(Asked(self.command, self.path, dict(self.headers), body))
        reply = server.replies.pop(0) if len(server.replies) > 1 else server.replies[0]
        if reply.drop:
            return
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body) + reply.promised))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.pause:
            ends = time.monotonic() + 10 * reply.pause
            for number in range(len(reply.body)):
                if server.stopped.wait(reply.pause) or time.monotonic() > ends:
                    return
                self.wfile.write(reply.body[number : number + 1])
        self.wfile.write(reply.body)

    def log_message(self, *_: Any) -> None:
        pass
