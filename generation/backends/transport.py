"""Requests to a hosted API: spaced, bounded in time and size, tried again where that may help."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import sleep
from typing import Any

import httpx2

from generation.backends import PermanentBackendError, TransientBackendError

ATTEMPTS = 4
FIRST_WAIT_SECONDS = 2.0  # doubled with each attempt
LONGEST_WAIT_SECONDS = 60.0  # whatever Retry-After asks for
MOST_BYTES = 64 * 2**20
_LONGEST_MESSAGE = 200

_next_request: dict[str, float] = {}  # by host, of this worker: time.monotonic() before which none is sent


@dataclass(frozen=True)
class Answer:
    body: bytes
    content_type: str
    elapsed_ms: float  # of the attempt that succeeded, from sending to the last byte
    attempts: int


@dataclass(frozen=True)
class _Failure:
    reason: str
    wait: float | None = None  # what the API asks for


@dataclass(frozen=True)
class Transport:
    system: str
    host: str
    timeout_seconds: float
    requests_per_minute: float | None = None
    key: str = ""  # sent by `post` only, and kept out of every message

    def post(self, url: httpx2.URL, body: Mapping[str, Any]) -> Answer:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return self._attempt("POST", url, headers=headers, json=dict(body))

    def get(self, url: httpx2.URL) -> Answer:
        return self._attempt("GET", url)

    def refuse(self, reason: str) -> PermanentBackendError:
        return PermanentBackendError(self._sentence(reason))

    def _attempt(self, method: str, url: httpx2.URL, **content: Any) -> Answer:
        with httpx2.Client(timeout=self.timeout_seconds, follow_redirects=False) as client:
            for attempt in range(1, ATTEMPTS + 1):
                self._wait_for_turn()
                outcome = self._send(client, client.build_request(method, url, **content), attempt)
                if isinstance(outcome, Answer):
                    return outcome
                reason = outcome.reason
                if attempt < ATTEMPTS:
                    wanted = outcome.wait if outcome.wait is not None else FIRST_WAIT_SECONDS * 2 ** (attempt - 1)
                    sleep(min(wanted, LONGEST_WAIT_SECONDS))
        raise TransientBackendError(self._sentence(f"{reason}, in {ATTEMPTS} attempts"))

    def _send(self, client: httpx2.Client, request: httpx2.Request, attempt: int) -> Answer | _Failure:
        started = time.monotonic()
        try:
            response = client.send(request, stream=True)
            try:
                body = self._read(response, started + self.timeout_seconds)
            finally:
                response.close()
        except httpx2.TimeoutException:
            return _Failure(f"sent no whole answer within {self.timeout_seconds:g} s")
        except httpx2.RequestError as error:
            return _Failure(f"broke the connection or took none ({type(error).__name__}: {str(error).rstrip('.')})")
        status = response.status_code
        if status in (200, 201):
            elapsed_ms = (time.monotonic() - started) * 1000
            return Answer(body, response.headers.get("content-type", ""), elapsed_ms, attempt)
        reason = f"answered {status}{_message(body, self.key)}"
        if status == 429 or status >= 500:
            return _Failure(reason, _retry_after(response.headers.get("retry-after", "")))
        if 300 <= status < 400:
            reason = f"answered {status}, a redirect, which is not followed"
        raise self.refuse(reason)

    def _read(self, response: httpx2.Response, deadline: float) -> bytes:
        """The whole body. The client's own timeout is for each piece, of which a slow server can send many."""
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > MOST_BYTES:
                raise self.refuse(f"answered with more than {MOST_BYTES // 2**20} MB")
            if time.monotonic() > deadline:
                raise httpx2.ReadTimeout("too slow")
        return bytes(body)

    def _wait_for_turn(self) -> None:
        if self.requests_per_minute is None:
            return
        now = time.monotonic()
        turn = max(now, _next_request.get(self.host, now))
        _next_request[self.host] = turn + 60 / self.requests_per_minute
        if turn > now:
            sleep(turn - now)

    def _sentence(self, reason: str) -> str:
        shown = reason.replace(self.key, "...") if self.key else reason
        return f"{self.system}: {self.host} {shown}."


def _message(body: bytes, key: str) -> str:
    """What the API itself says: of a JSON error its message, else the text, on one line and shortened.

    An API may repeat the key that it refuses, and a shortened key is no longer found by who looks for the whole.
    """
    text = body[:4096].decode("utf-8", "replace")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        error = content.get("error", content)
        found = error.get("message") or error.get("detail") if isinstance(error, dict) else error
        text = found if isinstance(found, str) else text
    text = text.replace(key, "...") if key else text
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(line.split()).rstrip(".")
    shortened = line if len(line) <= _LONGEST_MESSAGE else f"{line[: _LONGEST_MESSAGE - 1]}…"
    return f": {shortened}" if shortened else ""


def _retry_after(value: str) -> float | None:
    """Seconds, from a number of them or a date."""
    if value.strip().isascii() and value.strip().isdecimal():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
