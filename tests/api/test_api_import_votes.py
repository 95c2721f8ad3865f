"""Votes made elsewhere, brought by the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from analysis.exports import votes_csv
from comparisons.models import Study, Vote
from comparisons.studies import close_study
from people.models import AuditEntry, Membership
from tests.analysis.vote_files import Row, make_rows
from tests.api.conftest import Caller, Program
from tests.comparisons.browsing import assert_counters_true
from tests.factories import make_open_study


@pytest.fixture
def owner(program: Caller) -> Program:
    return program("owner")


@pytest.fixture
def empty(owner: Program) -> Study:
    """A study without votes, of which the owner of the other is owner, too."""
    empty = make_open_study(slug="empty", votes_wanted=5)
    Membership.objects.create(user=User.objects.get(username="owner"), study=empty, role="owner")
    return empty


def csv_of(rows: list[Row]) -> str:
    return "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows), ""])


def send(program: Program, text: str, slug: str = "empty", name: str = "votes.csv") -> Any:
    upload = SimpleUploadedFile(name, text.encode())
    return program.client.post(f"/api/v1/studies/{slug}/votes", {"votes": upload})


def test_votes_come_once(owner: Program, empty: Study) -> None:
    text = csv_of(make_rows(empty))
    assert send(owner, text).json() == {"new": 24, "there_already": 0}
    assert send(owner, text).json() == {"new": 0, "there_already": 24}
    assert_counters_true(empty)
    entry = AuditEntry.objects.get(verb="imported")
    assert entry.actor and (entry.actor.username, entry.details["votes"]) == ("owner", 24)
    listed = owner.get("studies/empty/votes", limit=1).json()["items"][0]
    assert (listed["response_ms"], listed["outcome"]) == (2500, make_rows(empty)[0]["outcome"])


def test_what_one_installation_exports_another_takes(owner: Program, study: Study, empty: Study) -> None:
    exported = "".join(votes_csv(study))
    assert send(owner, exported).json() == {"new": 32, "there_already": 0}


def test_wrong_rows_are_told_in_one_sentence_and_nothing_is_stored(owner: Program, empty: Study) -> None:
    rows = make_rows(empty)
    rows[1] |= {"question": "beauty"}
    rows[3] |= {"system_left": "delta@4"}
    refused = send(owner, csv_of(rows))
    assert refused.status_code == 422
    assert refused.json()["error"] == (
        "votes.csv: nothing was imported, 2 problems: "
        'row 3: question is "beauty"; allowed: prompt-following, quality '
        'row 5: system_left is "delta@4"; allowed: alpha@4, beta@4, gamma@4'
    )
    assert not Vote.objects.filter(assignment__session__study=empty).exists()


@pytest.mark.parametrize("name", ["v" * 250 + ".csv", "\N{GRINNING FACE}" * 200 + ".csv", "votes", "votes.parquet"])
def test_whatever_the_file_is_called(name: str, owner: Program, empty: Study) -> None:
    reply = send(owner, csv_of(make_rows(empty)), name=name)
    if name.endswith("parquet"):
        assert reply.json() == {"error": "Nothing was imported. votes.parquet: not a Parquet file, or a damaged one."}
    else:
        assert reply.json() == {"new": 24, "there_already": 0}


def test_a_closed_study_takes_none(owner: Program, empty: Study) -> None:
    close_study(empty)
    reply = send(owner, csv_of(make_rows(empty)))
    assert reply.status_code == 409
    assert reply.json() == {"error": "Study 'empty' is closed: only an open study takes votes."}


def test_the_page_takes_a_file_too(empty: Study, client: Client) -> None:
    client.force_login(User.objects.get(username="owner"))
    address, text = "/studies/empty/exports/import/", csv_of(make_rows(empty))
    page = client.post(address, {"file": SimpleUploadedFile("votes.csv", text.encode())}, follow=True)
    assert page.redirect_chain == [("/studies/empty/exports/", 302)]
    assert "24 votes imported, 0 were there already." in page.content.decode()
    assert_counters_true(empty)


def test_the_page_says_what_is_wrong(empty: Study, client: Client) -> None:
    client.force_login(User.objects.get(username="owner"))
    address, text = "/studies/empty/exports/import/", csv_of(make_rows(empty, outcome="<b>"))
    page = client.post(address, {"file": SimpleUploadedFile("votes.csv", text.encode())})
    assert page.status_code == 422
    assert "outcome is &quot;&lt;b&gt;&quot; in rows 2, 3, 4 and 21 more; allowed are" in page.content.decode()
    rows = make_rows(empty)
    rows[0] |= {"prompt_id": "7"}
    page = client.post(address, {"file": SimpleUploadedFile("votes.csv", csv_of(rows).encode())})
    assert "<li>  row 2: prompt_id is &quot;7&quot;; allowed: 0 to 3" in page.content.decode()
    assert client.post(address).status_code == 422
    close_study(empty)
    page = client.post(address, {"file": SimpleUploadedFile("votes.csv", text.encode())})
    assert "this one is closed" in page.content.decode()


def test_only_owners_see_the_form(empty: Study, client: Client) -> None:
    analyst = User.objects.create_user("analyst-of-it")
    Membership.objects.create(user=analyst, study=empty, role="analyst")
    client.force_login(analyst)
    assert "Votes made elsewhere" not in client.get("/studies/empty/exports/").content.decode()
    refused = client.post("/studies/empty/exports/import/")
    assert refused.status_code == 403
    assert "Only owners of this study may import votes." in refused.content.decode()
