"""The platform's book beside ours, compared in the browser: what the command says, for those who may see the ids."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from analysis import recruitment_views
from comparisons.erasure import erase
from comparisons.models import Study
from people.models import AuditEntry, Membership
from tests.analysis.members import browser_of
from tests.comparisons.arriving import all_that_is_stored, end_as, make_recruiting_study, mturk, prolific, take_part
from tests.comparisons.books import MTURK, PROLIFIC, mturk_row, prolific_row, write

pytestmark = pytest.mark.django_db

ROWS = [
    prolific_row("p-1", "AWAITING REVIEW", "C-DONE"),
    prolific_row("p-2", "RETURNED", "C-DONE"),
    prolific_row("=p-3", "AWAITING REVIEW"),
]
Compare = Callable[..., Any]


@pytest.fixture
def study() -> Study:
    study = make_recruiting_study("prolific", votes_wanted=9)
    take_part(study, prolific("p-1"))
    take_part(study, prolific("p-2"), 2)
    return study


@pytest.fixture
def operator(study: Study) -> Client:
    return browser_of("operator", study)


@pytest.fixture
def compare(tmp_path: Path, operator: Client) -> Compare:
    """Upload a book of these rows, or a file as it is; return the response."""

    def compare(study: Study, rows: list[list[str]], header: list[str] = PROLIFIC, name: str = "export.csv") -> Any:
        with write(tmp_path / name, header, rows).open("rb") as file:
            return operator.post(f"/studies/{study.slug}/recruitment/reconcile/", {"file": file})

    return compare


def cells(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", page.partition('<table class="ledger books">')[2], re.DOTALL)
    texts = [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in texts]


def test_every_difference_is_shown_with_what_to_pay(study: Study, compare: Compare) -> None:
    response = compare(study, ROWS)
    page = response.content.decode()
    assert response.status_code == 200
    assert "3 rows in the book of Prolific, 2 sessions here." in page
    header = ["Row", "Person", "To pay", "There and here", "Why"]
    assert cells(page) == [
        header,
        [
            "3",
            "p-2",
            "Decide",
            "Returned there, but stopped here after 2 of 6 answers; the place has gone to somebody else.",
            "They gave the place back, but their answers count here: ask why; a bonus can pay for them",
        ],
        [
            "4",
            "=p-3",
            "Decide",
            "Handed in there, but nobody with this id has taken part here.",
            "Ask them first: the address may have lost its parameters, and that is never rejected",
        ],
        header,
        ["2", "p-1", "Pay", "Handed in there, complete here.", "All that was asked is here"],
    ]
    assert [(str(payment), count) for payment, count in response.context["payments"]] == [
        ("pay", 1),
        ("pay partly", 0),
        ("decide", 2),
        ("nothing", 0),
    ]


def test_the_file_is_that_of_the_command(study: Study, compare: Compare, tmp_path: Path) -> None:
    page = compare(study, ROWS).content.decode()
    link = re.search(r'href="data:text/csv;charset=utf-8,([^"]*)" download="([^"]*)"', page)
    assert link
    call_command("reconcile", study.slug, str(tmp_path / "export.csv"), "--out", str(tmp_path / "out.csv"))
    assert unquote(link[1]) == (tmp_path / "out.csv").read_text()
    assert "'=p-3" in unquote(link[1])
    assert link[2] == f"{study.slug}-payments.csv"


def test_sessions_without_a_row_and_the_erased_are_told(study: Study, compare: Compare) -> None:
    erase(take_part(study, prolific("p-9")).rater, by="a test")
    page = compare(study, []).content.decode()
    assert "0 rows in the book of Prolific, 2 sessions here." in page
    assert "1 erased here: their rows look like those of people who never came." in page
    sessions = list(study.sessions.exclude(rater__worker_hash="").order_by("id"))
    assert [row[1] for row in cells(page)[1:]] == [f"Session {session.public_id}" for session in sessions]
    assert f'<a href="/studies/{study.slug}/raters/{sessions[0].pk}/">Session {sessions[0].public_id}</a>' in page


def test_books_that_agree_say_so(study: Study, compare: Compare) -> None:
    rows = [prolific_row("p-1", "AWAITING REVIEW", "C-DONE"), prolific_row("p-2", "ACTIVE")]
    page = compare(study, rows).content.decode()
    assert "The books agree." in page and "<details open>" in page and "Where the books differ" not in page


def test_nothing_of_the_file_is_kept(study: Study, compare: Compare) -> None:
    response = compare(study, [prolific_row("a-worker-of-theirs", "RETURNED", "their-code")])
    assert "no-store" in response["Cache-Control"]
    stored = all_that_is_stored()
    assert "a-worker-of-theirs" not in stored and "their-code" not in stored
    (entry,) = AuditEntry.objects.all()
    assert (entry.who, entry.verb, entry.study_slug, entry.details) == (
        "operator",
        "reconciled",
        study.slug,
        {"rows": 3},
    )


def test_mechanical_turk_keeps_a_book_too(compare: Compare) -> None:
    study = make_recruiting_study("mturk", votes_wanted=9)
    Membership.objects.create(user=User.objects.get(), study=study, role="operator")
    session = end_as(study, mturk("w-1"), "screened_out")
    page = compare(study, [mturk_row("w-1", "Submitted", session.code)], MTURK).content.decode()
    assert "1 row in the book of Mechanical Turk, 1 session here." in page and "The books agree." in page


def problem(response: Any) -> str:
    assert response.status_code == 422
    found = re.search(r'role="alert" id="file-problem">(.*?)</p>', response.content.decode())
    assert found
    assert not AuditEntry.objects.exists()
    return html.unescape(found[1])


def test_a_bad_file_gets_the_sentence_of_the_command(study: Study, compare: Compare, operator: Client) -> None:
    assert problem(compare(study, [prolific_row("p-1", "LOST")], name="their book.csv")) == (
        "their book.csv: row 2, column Status: found 'LOST'; allowed: RESERVED, ACTIVE, AWAITING REVIEW, APPROVED, "
        "PARTIALLY APPROVED, REJECTED, RETURNED, TIMED-OUT, SCREENED OUT. Nothing was written."
    )
    assert problem(compare(study, [], MTURK)) == (
        f"This is a file of Mechanical Turk, and study {study.slug!r} recruits by Prolific."
    )
    path = f"/studies/{study.slug}/recruitment/reconcile/"
    assert problem(operator.post(path)) == "No file was chosen."
    for data in (b"", b"\xff\xfe\0", b'"', b"\0" * 99):
        assert problem(operator.post(path, {"file": SimpleUploadedFile("x.csv", data)})).startswith("x.csv: ")
    long = SimpleUploadedFile("ü" * 250 + ".csv", b"")
    assert problem(operator.post(path, {"file": long})).startswith("üü")


def test_a_file_that_is_too_long_is_not_read(study: Study, operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recruitment_views, "MOST_FILE_BYTES", 9)
    file = SimpleUploadedFile("x.csv", b"0123456789")
    response = operator.post(f"/studies/{study.slug}/recruitment/reconcile/", {"file": file})
    assert problem(response) == "x.csv: has 10 bytes; allowed: 9."


def test_a_study_without_a_platform_has_no_book(compare: Compare, operator: Client) -> None:
    link = make_recruiting_study("link")
    Membership.objects.create(user=User.objects.get(), study=link, role="operator")
    assert "Whom to pay" not in operator.get(f"/studies/{link.slug}/recruitment/").content.decode()
    response = compare(link, [])
    assert response.status_code == 422
    assert "recruits by link: only Prolific and Mechanical Turk keep a book" in html.unescape(response.content.decode())


def test_only_those_who_may_see_ids_compare(study: Study, compare: Compare, operator: Client) -> None:
    Membership.objects.update(role="analyst")
    assert compare(study, ROWS).status_code == 403
    assert operator.get(f"/studies/{study.slug}/recruitment/").status_code == 403
    assert not AuditEntry.objects.exists()
