"""Simulated raters: they take part over HTTP like people, and choose by planted strengths.

A bot gets the same pages as a person and learns no more from them. It judges by a truth that it brings along: a table
for each question, from the hash of a picture's bytes to its strength. The server knows nothing of the table, and marks
every such rater as simulated.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import re
import uuid
from collections.abc import Mapping
from typing import Any

import requests

TIMEOUT_S = 30
THINK_MS = (1500, 6000)

_PAYLOAD = re.compile(r'<script id="judgement" type="application/json">(.*?)</script>', re.DOTALL)
_CSRF_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_CSRF_META = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


class BotError(Exception):
    """The site did not answer as a rater's browser would expect; one sentence."""


class Bot:
    """One simulated rater with a browser session of its own."""

    def __init__(self, landing_url: str, strengths: Mapping[str, Mapping[str, float]], seed: str) -> None:
        """`strengths`: by question and SHA-256 of a picture's bytes; a difference of d wins with odds exp(d)."""
        self._landing_url = landing_url
        self._strengths = strengths
        self._rng = random.Random(seed)
        self._http = requests.Session()

    def take_part(self) -> int:
        """Consent, judge until there is nothing left; return the number of answers that were stored."""
        landing = self._get(self._landing_url)
        form = _CSRF_FIELD.search(landing.text)
        if form is None:  # the study has all its votes, and takes no newcomer
            return 0
        page = self._consent(form[1])
        found = _PAYLOAD.search(page.text)
        if found is None:
            return 0
        meta = _CSRF_META.search(page.text)
        if meta is None:
            raise BotError(f"{page.url} has no CSRF token.")
        token = meta[1]
        judgement: dict[str, Any] | None = json.loads(found[1])
        answers = 0
        while judgement is not None:
            judgement = self._answer(judgement, token, page.url)["next"]
            answers += 1
        return answers

    def _consent(self, token: str) -> requests.Response:
        fields = {"consent": "1", "kind": "simulated", "csrfmiddlewaretoken": token}
        headers = {"Referer": self._landing_url}
        return _checked(self._http.post(self._landing_url, fields, headers=headers, timeout=TIMEOUT_S))

    def _answer(self, judgement: Mapping[str, Any], token: str, page_url: str) -> dict[str, Any]:
        strengths = self._strengths[judgement["question"]["key"]]
        left, right = (self._strength(strengths, judgement[side]) for side in ("left", "right"))
        left_wins = self._rng.random() < 1 / (1 + math.exp(right - left))
        answer = {
            "assignment": judgement["assignment"],
            "key": str(uuid.uuid4()),  # never by the seed: a key is one answer's in all studies and runs
            "outcome": "left" if left_wins else "right",
            "response_ms": self._rng.randint(*THINK_MS),
        }
        headers = {"X-CSRFToken": token, "Referer": page_url}
        url = requests.compat.urljoin(page_url, "../answer/")
        reply = _checked(self._http.post(url, json=answer, headers=headers, timeout=TIMEOUT_S)).json()
        if reply["receipt"]["key"] != answer["key"]:
            raise BotError(f"{url} gave a receipt for another answer.")
        return dict(reply)

    def _strength(self, strengths: Mapping[str, float], path: str) -> float:
        picture = self._get(requests.compat.urljoin(self._landing_url, path)).content
        digest = hashlib.sha256(picture).hexdigest()
        if digest not in strengths:
            raise BotError(f"{self._landing_url} showed a picture that this study does not have.")
        return strengths[digest]

    def _get(self, url: str) -> requests.Response:
        return _checked(self._http.get(url, timeout=TIMEOUT_S))


def _checked(response: requests.Response) -> requests.Response:
    if not response.ok:
        raise BotError(f"{response.url} answered {response.status_code}: {response.text[:200]}")
    return response
