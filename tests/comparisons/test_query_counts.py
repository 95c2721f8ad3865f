"""Pages and leases take as many queries in a large study as in a small one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from comparisons.models import Study
from tests.comparisons.browsing import Browser
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

SMALL, LARGE = ["a red fox"], [f"prompt {number}" for number in range(20)]


def queries(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        call()
    return len(captured)


def counts(study: Study) -> dict[str, int]:
    """How many queries each step of a rater's way takes; the first step of a second rater, when votes are there."""
    Browser(study).consent().judge_all()
    newcomer = Browser(study)
    taken = {"landing": queries(newcomer.get), "consent": queries(newcomer.consent)}
    payload = newcomer.judge()
    assert payload
    rater = Browser(study).consent()
    taken["lease"] = queries(rater.judge)
    taken["reload"] = queries(rater.judge)
    taken["image"] = queries(lambda: newcomer.get(payload["left"]))
    taken["answer"] = queries(lambda: newcomer.answer(payload))
    taken["answer again"] = queries(lambda: newcomer.answer(payload))
    return taken


def test_a_raters_way_takes_as_many_queries_with_60_comparisons_as_with_3() -> None:
    small, large = (make_open_study(texts, votes_wanted=9) for texts in (SMALL, LARGE))
    few, many = counts(small), counts(large)
    coin = 2  # of each of two leases the side that the coin says first may be the one whose turn it is not
    assert {step: count for step, count in many.items() if abs(count - few[step]) > coin} == {}
    assert max(many.values()) < 34


def test_lists_of_the_admin_take_as_many_queries_for_many_rows_as_for_few() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    models = ["study", "question", "comparison", "rater", "ratersession", "assignment", "vote"]
    models += ["report", "exclusion"]
    pages = [f"/admin/comparisons/{model}/" for model in models]
    pages += [f"/admin/generation/{model}/" for model in ("promptset", "prompt", "system", "imagejob", "image")]
    Browser(make_open_study(SMALL)).consent().judge_all()
    client.get(pages[0])
    few = {page: queries(partial(client.get, page)) for page in pages}
    for _ in range(2):
        Browser(make_open_study(["a paper boat", "a lighthouse"])).consent().judge_all()
    assert {page: queries(partial(client.get, page)) for page in pages} == few
