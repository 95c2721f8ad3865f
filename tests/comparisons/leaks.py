"""A browser that keeps all that reaches a rater, for the scanner of the audit."""

from __future__ import annotations

from typing import Any

from django.test import Client

from analysis.blindness.naming import find_leaks, secrets_of

__all__ = ["RecordingClient", "find_leaks", "secrets_of"]


class RecordingClient(Client):
    """A browser that keeps whatever the server sends, and the addresses where it was sent to."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[bytes | str] = []

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        body = response.getvalue()
        headers = [f"{name}: {value}" for name, value in response.headers.items()]
        self.received += [request["PATH_INFO"], response.reason_phrase, *headers, response.cookies.output(), body]
        return response
