"""Raters over HTTP that look at no image: for many of them at once, in tests and benchmarks."""

from __future__ import annotations

import json
import random
import re
import time
import uuid
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import requests

_PAYLOAD = re.compile(r'<script id="judgement" type="application/json">(.*?)</script>', re.DOTALL)
_TOKEN = re.compile(r'name="csrf(?:middlewaretoken" value|-token" content)="([^"]+)"')


class Rater:
    """One browser. `judgement` is what it looks at, None when there is nothing; `times_ms` are those of its answers.

    It answers without the comfort of requests, which would take time from the site on the same processors.
    """

    def __init__(self, url: str) -> None:
        http = requests.Session()
        self.judgement: dict[str, Any] | None = None
        self.times_ms: list[float] = []
        page = http.get(url).text
        if (token := _TOKEN.search(page)) is None:  # all votes are given, or held
            return
        page = http.post(url, {"consent": "1", "csrfmiddlewaretoken": token[1]}).text
        if found := _PAYLOAD.search(page):
            self.judgement = json.loads(found[1])
            cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in http.cookies)
            token = _TOKEN.findall(page)[0]
            self._headers = {"X-CSRFToken": token, "Cookie": cookies, "Content-Type": "application/json"}
            self._address = f"{urlsplit(url).path}answer/"
            self._connection = HTTPConnection(urlsplit(url).netloc)  # connects anew after a reply that closes it

    def answer(self) -> dict[str, Any]:
        """The receipt."""
        assert self.judgement
        outcome = random.choice(["left", "right"])
        answer = {"assignment": self.judgement["assignment"], "key": str(uuid.uuid4()), "outcome": outcome}
        body = json.dumps(answer | {"response_ms": 1500})
        start = time.perf_counter()
        self._connection.request("POST", self._address, body, self._headers)
        reply = self._connection.getresponse()
        received = reply.read()
        self.times_ms.append(1000 * (time.perf_counter() - start))
        assert reply.status == requests.codes.ok, received
        content = json.loads(received)
        self.judgement = content["next"]
        receipt: dict[str, Any] = content["receipt"]
        return receipt

    def work(self, until: float) -> None:
        while time.monotonic() < until and self.judgement:
            self.answer()
