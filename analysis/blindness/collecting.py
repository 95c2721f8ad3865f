"""Raters with developer tools: they take part like bots, and keep all that can be seen but pixels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import requests

from analysis.blindness.containers import facts_of, readable
from analysis.blindness.records import SIDES, Leak, Load, Pair, Response
from comparisons.bots import TIMEOUT_S, Bot, BotError, digest_of

LOOKS = 3  # loads of each image: an attacker may load it again, and the median of times is steadier than one

Browser = Callable[[], requests.Session]
_PICTURE = re.compile(r'<img src="([^"]+)"')


class Recorder:
    """Keeps every response that any of the watched browsers gets, redirects included."""

    def __init__(self) -> None:
        self.responses: list[Response] = []

    def watch(self, http: requests.Session) -> requests.Session:
        http.hooks["response"].append(self._keep)
        return http

    def _keep(self, response: requests.Response, *args: object, **options: object) -> None:
        is_text = not response.headers.get("Content-Type", "").startswith("image/")
        self.responses.append(
            Response(
                url=response.url,
                status=response.status_code,
                headers=tuple(response.raw.headers.items()),
                text=response.text if is_text else readable(response.content),
                ms=response.elapsed.total_seconds() * 1000,
            )
        )


@dataclass
class Spy(Bot):
    """A bot that looks behind the page, and tries each image in browsers that must not see it."""

    http: requests.Session = field(default_factory=requests.Session)
    recorder: Recorder = field(default_factory=Recorder)
    others: Mapping[str, requests.Session] = field(default_factory=dict)  # browsers, by who they are
    shown: list[Pair] = field(init=False, default_factory=list)
    examples: list[Load] = field(init=False, default_factory=list)  # the pictures of the instructions
    leaks: list[Leak] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._http = self.recorder.watch(self.http)
        self._digests: dict[str, str] = {}
        self._announced: list[Response] = []
        self._held: Mapping[str, Any] | None = None
        self._has_taken_back = False

    def return_to_held(self) -> None:
        """To the images of the pair that it left unanswered, when its lease has ended."""
        if self._held:
            self._return_to(self._held, "after the lease")

    def _submit(self, page: requests.Response, fields: Mapping[str, str]) -> requests.Response:
        if page.url.endswith("/instructions/"):
            self.examples += [self._load(path) for path in _PICTURE.findall(page.text)]
        return super()._submit(page, fields)

    def _answer(self, judgement: Mapping[str, Any], token: str, page_url: str) -> dict[str, Any]:
        loads = self._look(judgement)
        cookies = {str(cookie.name): str(cookie.value) for cookie in self._http.cookies}
        for who, browser in self.others.items():
            for side in SIDES:
                self._try(who, browser, judgement[side])
        reply, answered = super()._answer(judgement, token, page_url), self.recorder.responses[-1]
        if not judgement["practice"] and self._takes_back(token, page_url):
            reply, answered = super()._answer(judgement, token, page_url), self.recorder.responses[-1]
        self._announced.append(answered)
        self.shown.append(
            Pair(
                session=self.result.session,
                assignment=judgement["assignment"],
                payload=judgement,
                cookies=cookies,
                announced=self._announced[-2],
                before=self._announced[0],
                answered=answered,
                loads=loads,
            )
        )
        self._held = reply["next"]
        self._return_to(judgement, "after the answer")
        return reply

    def _return_to(self, judgement: Mapping[str, Any], when: str) -> None:
        for side in SIDES:
            self._try(f"its own session {when}", self._http, judgement[side])

    def _takes_back(self, token: str, page_url: str) -> bool:
        """Once, for what the site says then."""
        if self._has_taken_back:
            return False
        headers = {"X-CSRFToken": token, "Referer": page_url}
        reply = self._ask("POST", urljoin(page_url, "../undo/"), json={}, headers=headers).json()
        self._has_taken_back = bool(reply["undone"])
        return self._has_taken_back

    def _look(self, judgement: Mapping[str, Any]) -> dict[str, list[Load]]:
        self._announced = self._announced[-2:] or [self.recorder.responses[-1]]  # at first, the page
        loads: dict[str, list[Load]] = {side: [] for side in SIDES}
        for side in self._rng.sample([*SIDES] * LOOKS, len(SIDES) * LOOKS):  # neither is always the first
            loads[side].append(self._load(judgement[side]))
        return loads

    def _load(self, path: str) -> Load:
        content = self._get(urljoin(self.landing_url, path)).content
        facts = facts_of(content)
        if facts["format"] == "unreadable":
            raise BotError(f"{path} is no picture.")
        self._digests[path] = digest_of(content)
        return Load(self.recorder.responses[-1], len(content), facts, self._digests[path])

    def _digest(self, path: str) -> str:
        return self._digests[path]

    def _try(self, who: str, http: requests.Session, path: str) -> None:
        url = urljoin(self.landing_url, path)
        if http.get(url, timeout=TIMEOUT_S, allow_redirects=False).status_code == requests.codes.ok:
            self.leaks.append(Leak("access", f"an image opens for {who}", url))
