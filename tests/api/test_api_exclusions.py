"""Exclusions by the API: made, listed, restored, and noted with who did it."""

from __future__ import annotations

import pytest

from analysis.votes import excluded_votes, standing_votes
from comparisons import exclusions
from comparisons.models import Study
from people.models import AuditEntry
from tests.api.conftest import Caller
from tests.factories import make_open_study, make_session

PATH = "studies/colours/exclusions"


def test_a_vote_is_left_out_and_restored(program: Caller, study: Study) -> None:
    asking, vote = program("analyst", "write:votes"), standing_votes(study).earliest("id")
    made = asking.post(PATH, {"vote": vote.pk, "reason": " asleep\0 "})
    assert made.status_code == 201
    assert {key: made.json()[key] for key in ("vote", "session", "reason", "rule", "made_by", "restored_at")} == {
        "vote": vote.pk,
        "session": None,
        "reason": "asleep",
        "rule": "",
        "made_by": "analyst",
        "restored_at": None,
    }
    assert list(excluded_votes(study)) == [vote]
    again = asking.post(PATH, {"vote": vote.pk, "reason": "asleep"})
    assert again.status_code == 409 and again.json() == {"error": "That is left out already."}
    restore = f"{PATH}/{made.json()['id']}/restore"
    back = asking.post(restore, {"reason": "awake after all"}).json()
    assert (back["restored_by"], back["restored_because"]) == ("analyst", "awake after all")
    assert asking.post(restore, {"reason": "twice"}).status_code == 409
    assert asking.post(f"{PATH}/{10**30}/restore", {"reason": "which?"}).status_code == 404
    assert not excluded_votes(study).exists()
    noted = AuditEntry.objects.filter(verb__in=["excluded", "restored"]).order_by("id")
    assert [(entry.verb, entry.who) for entry in noted] == [("excluded", "analyst"), ("restored", "analyst")]


def test_a_session_is_left_out_whole(program: Caller, study: Study) -> None:
    session = study.sessions.earliest("id")
    made = program("owner").post(PATH, {"session": str(session.public_id), "reason": "a bot"})
    assert made.json()["session"] == str(session.public_id)
    assert excluded_votes(study).count() == 8


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"reason": "x"}, 422, "body: Value error, give a vote or a session, and not both."),
        ({"vote": 1, "session": "0" * 32, "reason": "x"}, 422, "body: Value error, give a vote or a session"),
        ({"vote": 1}, 422, "reason: Field required."),
        ({"vote": 1, "reason": " "}, 422, "reason: Value error, say why."),
        ({"vote": 1, "reason": "x" * 301}, 422, "reason: String should have at most 300 characters."),
        ({"vote": 10**9, "reason": "x"}, 404, "Study 'colours' has no vote 1000000000."),
        ({"session": "0" * 32, "reason": "x"}, 404, "Study 'colours' has no session 00000000-"),
        ("{", 400, "The body is not JSON."),
    ],
)
def test_mistakes(body: object, status: int, error: str, program: Caller) -> None:
    response = program("owner").post(PATH, body)
    assert response.status_code == status and response.json()["error"].startswith(error)


def test_nothing_of_another_study_is_touched(program: Caller, study: Study) -> None:
    other = make_session(make_open_study(slug="other"))
    asking = program("owner")
    assert asking.post(PATH, {"session": str(other.public_id), "reason": "x"}).status_code == 404
    user = study.memberships.get().user
    exclusions.exclude(other, "theirs", user)
    foreign = other.exclusions.get()
    assert asking.post(f"{PATH}/{foreign.pk}/restore", {"reason": "x"}).status_code == 404
    assert asking.get(PATH).json() == {"items": [], "next_cursor": None}


def test_lists(program: Caller, study: Study) -> None:
    asking, user = program("owner"), study.memberships.get().user
    for vote in standing_votes(study).order_by("id")[:6]:
        exclusions.exclude(vote, "asleep", user)
    ids = [row["id"] for row in asking.get(PATH, limit=4).json()["items"]]
    asking.post(f"{PATH}/{ids[0]}/restore", {"reason": "awake"})
    live = asking.get(PATH, live=True).json()["items"]
    assert len(live) == 5 and ids[0] not in {row["id"] for row in live}
    assert asking.queries(PATH, items=1) == asking.queries(PATH, items=6)
