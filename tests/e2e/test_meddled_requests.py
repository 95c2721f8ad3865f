"""Requests that are lost, sent twice, or come again after later ones: each answer that was given is one vote."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Running
from tests.e2e.rating import READY, begin

KEYS = {"1": "left", "2": "right"}
JUDGED = 8


class Meddler:
    """Does something else with each request to store an answer, in turns, and keeps what was posted."""

    def __init__(self) -> None:
        self.posted: dict[str, Any] = {}  # the first content of each assignment
        self.done: list[str] = []
        turns = [self.lose, self.lose_receipt, self.send_twice, self.send_older_ones_again]
        self._turns = itertools.cycle(turns)

    def __call__(self, route: Route) -> None:
        content = json.loads(route.request.post_data or "")
        assert self.posted.setdefault(content["assignment"], content) == content, "it is posted again as it was"
        turn = next(self._turns)
        self.done.append(turn.__name__)
        turn(route)

    def lose(self, route: Route) -> None:
        route.abort()

    def lose_receipt(self, route: Route) -> None:
        assert route.fetch().ok
        route.abort()

    def send_twice(self, route: Route) -> None:
        assert route.fetch().json()["receipt"] == route.fetch().json()["receipt"]
        route.continue_()

    def send_older_ones_again(self, route: Route) -> None:
        """The newest first, and all of them after this one."""
        replies = [route.fetch()]
        for content in reversed(self.posted.values()):
            reply = route.fetch(post_data=content)
            assert reply.json()["receipt"] == {"key": content["key"], "late": False}
            assert reply.json()["next"] == replies[0].json()["next"]
        route.fulfill(response=replies[0])


@pytest.mark.usefixtures("broken_network")
def test_votes_in_the_table_equal_the_answers_given(page: Page, running: Running) -> None:
    begin(page, running.rate("long"))
    meddler = Meddler()
    page.route("**/answer/", meddler)
    pressed = list(itertools.islice(itertools.cycle("12212"), JUDGED))
    for number, key in enumerate(pressed, start=1):
        page.keyboard.press(key)
        expect(page.locator("#count")).to_have_text(f"{number} of 24 judged")
        page.wait_for_selector(READY)
    assert len(set(meddler.done)) == 4
    assert len(meddler.done) > JUDGED
    given = [KEYS[key] for key in pressed]
    assert [content["outcome"] for content in meddler.posted.values()] == given
    assert [running.votes(assignment) for assignment in meddler.posted] == [[(outcome,)] for outcome in given]
    assert page.evaluate("() => Object.keys(localStorage)") == []
