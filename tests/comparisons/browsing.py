"""A rater's browser for tests, many of them at once, and the truth about the counters that they move."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connections
from django.test import Client

from comparisons.models import Assignment, Comparison, Matchup, Study, Vote

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

Result = TypeVar("Result")

_PAYLOAD = re.compile(r'<script id="judgement" type="application/json">(.*?)</script>', re.DOTALL)
_TRIES = re.compile(r'<input type="hidden" name="tries" value="([^"]*)">')


class Browser:
    """One rater's browser in one study. Other tabs of it share its cookies."""

    def __init__(self, study: Study, client: Client | None = None) -> None:
        self.study = study
        self.client = client or Client()
        self.url = f"/r/{study.key}/"

    def another_tab(self) -> Browser:
        tab = Browser(self.study)
        tab.client.cookies.update(self.client.cookies)
        return tab

    def consent(self) -> Browser:
        assert self.client.post(self.url, {"consent": "1"}).status_code == 302
        return self

    def get(self, path: str = "") -> Response:
        return self.client.get(path if path.startswith("/") else self.url + path)

    def judge(self) -> dict[str, Any] | None:
        """What the judging page shows; None when it leads on to the thanks page."""
        response = self.get("judge/")
        if response.status_code == 302:
            return None
        found = _PAYLOAD.search(response.content.decode())
        assert found
        return dict(json.loads(found[1]))

    def try_comprehension(self, answers: dict[str, str]) -> Response:
        """Send the comprehension check with what its page holds now."""
        path = f"{self.url}comprehension/"
        found = _TRIES.search(self.get(path).content.decode())
        assert found
        return self.client.post(path, {**answers, "tries": found[1]})

    def post(self, content: object) -> Response:
        body = content if isinstance(content, bytes | str) else json.dumps(content)
        return self.client.post(f"{self.url}answer/", body, content_type="application/json")

    def answer(self, payload: dict[str, Any], outcome: str = "left", **changes: Any) -> dict[str, Any]:
        response = self.post(make_answer(payload, outcome, **changes))
        assert response.status_code == 200, response.content
        return dict(json.loads(response.content))

    def judge_all(self, outcome: str = "left") -> list[dict[str, Any]]:
        """Answer until there is nothing left; return all that was shown."""
        shown = []
        payload = self.judge()
        while payload:
            shown.append(payload)
            payload = self.answer(payload, outcome)["next"]
        return shown


def make_answer(payload: dict[str, Any], outcome: str = "left", **changes: Any) -> dict[str, Any]:
    values = {"assignment": payload["assignment"], "key": str(uuid.uuid4()), "outcome": outcome, "response_ms": 1500}
    return values | changes


def at_once(calls: Iterable[Callable[[], Result]]) -> list[Result]:
    """Run all calls in threads that start together, each with a database connection of its own."""
    waiting = list(calls)
    start = threading.Barrier(len(waiting))

    def run(call: Callable[[], Result]) -> Result:
        start.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(waiting)) as pool:
        return list(pool.map(run, waiting))


def assert_counters_true(study: Study) -> None:
    """The counters of comparisons and matchups say what the leases and votes say, and no quota is exceeded."""
    leases = Assignment.objects.filter(session__study=study).counting()
    comparisons = Comparison.objects.filter(question__study=study).select_related("image_a__job", "matchup")
    open_leases = Counter(leases.open().values_list("comparison_id", flat=True))
    votes = Vote.objects.filter(assignment__in=leases, supersedes=None)
    on_time = Counter(votes.filter(late=False).values_list("assignment__comparison_id", flat=True))
    for comparison in comparisons:
        counted = (comparison.open_leases, comparison.done, comparison.taken)
        there = (open_leases[comparison.id], on_time[comparison.id])
        assert counted == (*there, sum(there))
        assert comparison.taken <= comparison.votes_wanted
    counting = leases.open() | leases.filter(votes__late=False, votes__supersedes=None)
    left: Counter[tuple[int, int]] = Counter()
    for lease in counting.select_related("comparison__image_a__job", "comparison__image_b__job"):
        shown_left = lease.comparison.image_a if lease.a_is_left else lease.comparison.image_b
        left[lease.comparison.matchup_id, shown_left.job.system_id] += 1
    for matchup in Matchup.objects.filter(question__study=study):
        a_left, b_left = (left[matchup.id, system] for system in (matchup.system_a_id, matchup.system_b_id))
        assert (matchup.a_left, matchup.b_left) == (a_left, b_left)
