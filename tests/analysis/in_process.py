"""A browser whose requests reach the site without a server, so that a test can plant something in the site."""

from __future__ import annotations

import io
from collections.abc import Callable
from email.message import Message
from types import SimpleNamespace
from typing import Any

import requests
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.client import ClientHandler
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

URL = "http://testserver"
Tamper = Callable[[Any, HttpResponse], None]  # what a middleware of the site could do: request and response


def browsers(tamper: Tamper = lambda request, response: None) -> Callable[[], requests.Session]:
    """New ones of one site."""
    site = _InProcess(tamper)

    def browser() -> requests.Session:
        session = requests.Session()
        session.mount(URL, site)
        return session

    return browser


class _InProcess(HTTPAdapter):
    def __init__(self, tamper: Tamper) -> None:
        super().__init__()
        self._handler = ClientHandler(enforce_csrf_checks=True)
        self._tamper = tamper

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        asked = RequestFactory().generic(str(request.method), request.path_url, body, headers=dict(request.headers))
        answered: Any = self._handler(asked.environ)
        self._tamper(answered.wsgi_request, answered)
        answered["Content-Length"] = len(answered.getvalue())
        headers = [*answered.items(), *(("Set-Cookie", each.OutputString()) for each in answered.cookies.values())]
        message = Message()
        for name, value in headers:
            message.add_header(name, value)
        original: Any = SimpleNamespace(msg=message, close=lambda: None, isclosed=lambda: True)
        raw = HTTPResponse(
            body=io.BytesIO(answered.getvalue()),
            headers=HTTPHeaderDict(headers),
            status=answered.status_code,
            preload_content=False,
            original_response=original,  # where cookies are read from
        )
        return self.build_response(request, raw)
