"""Votes by the API: pages that stay right while votes come."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.votes import VOTES, standing_votes, vote_batches
from api import votes as api_votes
from api.votes import VoteOut
from comparisons import exclusions
from comparisons.models import Comparison, Study
from people.models import AuditEntry
from tests.analysis.votes import cast_vote, cast_votes
from tests.api.conftest import Caller, Program
from tests.factories import make_open_study, make_session


def pages(program: Program, **query: Any) -> list[list[dict[str, Any]]]:
    found, cursor = [], 0
    while cursor is not None:
        page = program.get("studies/colours/votes", **query, cursor=cursor).json()
        found.append(page["items"])
        cursor = page["next_cursor"]
    return found


def test_votes_are_those_of_the_export(program: Caller, study: Study) -> None:
    excluded = standing_votes(study).order_by("id")[3]
    asking = program("analyst", "read:votes")
    exclusions.exclude(excluded, "asleep", study.memberships.get().user)
    found = [vote for page in pages(asking, limit=7) for vote in page]
    exported = [row for batch in vote_batches(study) for row in batch.to_pylist()]
    assert list(VoteOut.model_fields) == list(VOTES.names)
    assert [VoteOut(**vote) for vote in found] == [VoteOut(**row) for row in exported]
    assert [vote["vote_id"] for vote in found if vote["excluded"]] == [excluded.pk]
    assert not any("worker" in key or "hash" in key for key in found[0])


@pytest.mark.parametrize("few", [0, 5000], ids=["by window", "few"])
@pytest.mark.parametrize("window", [5, 30_000])
def test_votes_that_come_meanwhile_neither_repeat_nor_hide_others(
    few: int, window: int, program: Caller, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_votes, "FEW", few)
    monkeypatch.setattr(api_votes, "WINDOW", window)
    asking, before = program("owner"), set(standing_votes(study).values_list("id", flat=True))
    others = make_open_study(slug="others")
    seen: list[int] = []
    cursor: int | None = 0
    while cursor is not None:
        page = asking.get("studies/colours/votes", limit=4, cursor=cursor).json()
        assert len(page["items"]) <= 4
        seen += [vote["vote_id"] for vote in page["items"]]
        cursor = page["next_cursor"]
        if len(seen) < 12:
            cast_votes(study, raters=1, each=1, seed=len(seen))
            cast_votes(others, raters=1, each=1)
    assert seen == sorted(set(seen)) and before < set(seen)
    assert set(seen) == set(standing_votes(study).values_list("id", flat=True))


def test_filters_are_those_of_the_page(program: Caller, study: Study) -> None:
    asking = program("owner")
    cast_vote(make_session(study), Comparison.objects.filter(question__study=study)[0], late=True)
    [[late]] = pages(asking, late="yes")
    assert late["late"] is True
    [won] = pages(asking, system="gamma@4", outcome="won", question="quality")
    sides = {"left": "system_left", "right": "system_right"}
    assert won and all(vote[sides[vote["outcome"]]] == "gamma@4" for vote in won)
    wrong = asking.get("studies/colours/votes", system="delta", prompt="9")
    assert wrong.status_code == 422
    assert "system is 'delta'; allowed: alpha@4, beta@4, gamma@4." in wrong.json()["error"]
    assert "prompt is 9; this study has prompts 0 to 3." in wrong.json()["error"]


def test_pages_are_noted(program: Caller, study: Study) -> None:
    first, *_, last = standing_votes(study).order_by("id").values_list("id", flat=True)
    pages(program("owner"), limit=100)
    entry = AuditEntry.objects.get(verb="exported")
    assert entry.details == {"file": "votes by the API", "votes": f"{first} to {last}"}


def test_a_page_takes_as_many_queries_whatever_its_length(program: Caller, study: Study) -> None:
    asking = program("owner")
    asking.get("me")  # the first use of a token is noted
    assert asking.queries("studies/colours/votes", items=1) == asking.queries("studies/colours/votes", items=32)
