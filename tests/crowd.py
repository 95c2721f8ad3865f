"""Raters over HTTP that look at no image: for many of them at once, in tests and benchmarks."""

from __future__ import annotations

import json
import random
import re
import time
import uuid
from typing import Any

import requests

_PAYLOAD = re.compile(r'<script id="judgement" type="application/json">(.*?)</script>', re.DOTALL)
_TOKEN = re.compile(r'name="csrf(?:middlewaretoken" value|-token" content)="([^"]+)"')


class Rater:
    """One browser. `judgement` is what it looks at, None when there is nothing; `times_ms` are those of its answers."""

    def __init__(self, url: str) -> None:
        self._http, self._url = requests.Session(), url
        self.judgement: dict[str, Any] | None = None
        self.times_ms: list[float] = []
        page = self._http.get(url).text
        if (token := _TOKEN.search(page)) is None:  # all votes are given, or held
            return
        page = self._http.post(url, {"consent": "1", "csrfmiddlewaretoken": token[1]}).text
        if found := _PAYLOAD.search(page):
            self.judgement = json.loads(found[1])
            self._headers = {"X-CSRFToken": _TOKEN.findall(page)[0]}

    def answer(self) -> dict[str, Any]:
        """The receipt."""
        assert self.judgement
        outcome = random.choice(["left", "right"])
        answer = {"assignment": self.judgement["assignment"], "key": str(uuid.uuid4()), "outcome": outcome}
        start = time.perf_counter()
        reply = self._http.post(f"{self._url}answer/", json=answer | {"response_ms": 1500}, headers=self._headers)
        self.times_ms.append(1000 * (time.perf_counter() - start))
        reply.raise_for_status()
        content = reply.json()
        self.judgement = content["next"]
        receipt: dict[str, Any] = content["receipt"]
        return receipt

    def work(self, until: float) -> None:
        while time.monotonic() < until and self.judgement:
            self.answer()
