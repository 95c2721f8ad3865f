"""Simulated raters: they take part over HTTP like people, and choose by planted strengths.

A bot gets the same pages as a person and learns no more from them. It judges by a truth that it brings along: the
strength of each picture, known by its pixels. The server knows nothing of that, and marks every such rater as
simulated.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import random
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from PIL import Image as PillowImage

TIMEOUT_S = 30
PATIENCE_S = (0.5, 1, 2, 4, 8, 15)  # between tries, while a site that has answered before is away
_HOPELESS = -100.0  # the strength of a picture that no system made of this prompt

_PAYLOAD = re.compile(r'<script id="judgement" type="application/json">(.*?)</script>', re.DOTALL)
_HIDDEN_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
_CSRF_META = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


class BotError(Exception):
    """The site did not answer as a rater's browser would expect; one sentence."""


@dataclass(frozen=True)
class Truth:
    """By question and digest of a picture's pixels: its prompts, and its strength; a difference of d wins with odds
    exp(d). And the right options of the comprehension check."""

    strengths: Mapping[str, Mapping[str, Picture]]
    comprehension: tuple[int, ...] = ()


@dataclass(frozen=True)
class Picture:
    strength: float
    prompts: frozenset[str]


@dataclass(frozen=True)
class Character:
    """How somebody rates: `sharpness` multiplies the difference of strengths; `left_share` is answered left unseen."""

    sharpness: float = 1.0
    left_share: float = 0.0
    think_ms: tuple[int, int] = (1500, 6000)
    leaves_after: int | None = None


CHARACTERS: dict[str, Character] = {
    "competent": Character(),
    "noisy": Character(sharpness=0.3),
    "lazy": Character(sharpness=0.0),
    "left-biased": Character(left_share=0.8),
    "fast": Character(sharpness=0.0, think_ms=(80, 350)),
    "dropper": Character(leaves_after=3),
}


@dataclass
class Result:
    """What became of one bot; `session` is empty where the study took no newcomer."""

    character: str
    session: str = ""
    answers: int = 0


@dataclass
class Bot:
    """One simulated rater with a browser session of its own."""

    landing_url: str
    truth: Truth
    seed: str
    character: str = "competent"
    result: Result = field(init=False)

    def __post_init__(self) -> None:
        self._manner = CHARACTERS[self.character]
        self._rng = random.Random(self.seed)
        self._http = requests.Session()
        self._has_met_site = False
        self.result = Result(self.character)

    def take_part(self) -> Result:
        """Consent, come through what is before judging, judge until there is nothing left."""
        page = self._come_in()
        found = _PAYLOAD.search(page.text)
        if found is None:
            return self.result
        token = _CSRF_META.search(page.text)
        if token is None:
            raise BotError(f"{page.url} has no CSRF token.")
        judgement: dict[str, Any] | None = json.loads(found[1])
        while judgement is not None and self.result.answers != self._manner.leaves_after:
            following = self._answer(judgement, token[1], page.url)["next"]
            self.result.answers += not judgement["practice"]
            judgement = following
        if judgement is None:
            self._get(requests.compat.urljoin(page.url, "../thanks/"))
        return self.result

    def _come_in(self) -> requests.Response:
        """The judging page, or the page that says why there is none."""
        page = self._get(self.landing_url)
        if not _HIDDEN_FIELD.search(page.text):  # the study has all its votes, and takes no newcomer
            return page
        page = self._submit(page, {"consent": "1", "kind": "simulated"})
        key = self._http.cookies.get("session_key") or ""
        self.result.session = key.strip('"').partition(":")[0]
        if page.url.endswith("/instructions/"):
            page = self._submit(page, {})
        if page.url.endswith("/comprehension/"):
            page = self._submit(page, {f"item-{n}": str(answer) for n, answer in enumerate(self.truth.comprehension)})
        return page

    def _submit(self, page: requests.Response, fields: Mapping[str, str]) -> requests.Response:
        hidden = dict(_HIDDEN_FIELD.findall(page.text))
        if not hidden:
            raise BotError(f"{page.url} has no form.")
        content = {**hidden, **fields}
        return self._ask("POST", page.url, data=content, headers={"Referer": page.url})

    def _answer(self, judgement: Mapping[str, Any], token: str, page_url: str) -> dict[str, Any]:
        digests = {side: self._digest(judgement[side]) for side in ("left", "right")}
        answer = self._choose(judgement["assignment"], judgement["question"], judgement["prompt"], digests)
        others = judgement["also"]
        if others:
            answer["also"] = [
                self._choose(other["assignment"], other["question"], judgement["prompt"], digests) for other in others
            ]
        headers = {"X-CSRFToken": token, "Referer": page_url}
        url = requests.compat.urljoin(page_url, "../answer/")
        reply = self._ask("POST", url, json=answer, headers=headers).json()
        if reply["receipt"]["key"] != answer["key"]:
            raise BotError(f"{url} gave a receipt for another answer.")
        return dict(reply)

    def _choose(
        self, assignment: str, question: Mapping[str, Any], prompt: str, digests: Mapping[str, str]
    ) -> dict[str, Any]:
        left, right = (self._strength(question["key"], prompt, digests[side]) for side in ("left", "right"))
        advantage = self._manner.sharpness * (left - right)
        outcome = "left" if self._rng.random() < 1 / (1 + math.exp(-advantage)) else "right"
        if question["tie"] and digests["left"] == digests["right"] and self._manner.sharpness:
            outcome = "tie"
        if self._rng.random() < self._manner.left_share:
            outcome = "left"
        return {
            "assignment": assignment,
            "key": str(uuid.uuid4()),  # never by the seed: a key is one answer's in all studies and runs
            "outcome": outcome,
            "response_ms": self._rng.randint(*self._manner.think_ms),
        }

    def _strength(self, question: str, prompt: str, digest: str) -> float:
        """What nobody made of this prompt is spoilt, or of another prompt: whoever looks sees that."""
        picture = self.truth.strengths[question].get(digest)
        return picture.strength if picture and prompt in picture.prompts else _HOPELESS

    def _digest(self, path: str) -> str:
        return digest_of(self._get(requests.compat.urljoin(self.landing_url, path)).content)

    def _get(self, url: str) -> requests.Response:
        return self._ask("GET", url)

    def _ask(self, method: str, url: str, **content: Any) -> requests.Response:
        """Like a rater's page, which asks again when the site is restarted."""
        for delay_s in PATIENCE_S if self._has_met_site else ():
            try:
                response = self._http.request(method, url, timeout=TIMEOUT_S, **content)
                if response.status_code < requests.codes.server_error:
                    return _checked(response)
            except requests.ConnectionError:
                pass
            time.sleep(delay_s)
        response = _checked(self._http.request(method, url, timeout=TIMEOUT_S, **content))
        self._has_met_site = True
        return response


def digest_of(content: bytes) -> str:
    """Of a picture's pixels: its file is filled up with other random bytes each time."""
    with PillowImage.open(io.BytesIO(content)) as picture:
        return hashlib.sha256(picture.tobytes()).hexdigest()


def _checked(response: requests.Response) -> requests.Response:
    if not response.ok:
        raise BotError(f"{response.url} answered {response.status_code}{_said(response)}")
    return response


def _said(response: requests.Response) -> str:
    """The sentence of a refusal, if it was one; a page of HTML says nothing to whoever started the bots."""
    try:
        return f": {response.json()['error']}"
    except (ValueError, KeyError, TypeError):
        return "."


def no_site(url: str, error: requests.RequestException) -> str:
    """The sentence for a site that cannot be asked at all."""
    if isinstance(error, ValueError):  # requests says so of an address that it cannot use
        return f"--url is {url!r}; allowed: the address of a site, such as http://127.0.0.1:8000."
    return f"--url is {url!r}: the site does not answer."
