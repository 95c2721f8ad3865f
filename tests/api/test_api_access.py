"""Who gets in, and what role and scopes let them do."""

from __future__ import annotations

import itertools

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from pytest_django import DjangoAssertNumQueries

from api.interface import schema
from comparisons.models import Study
from people.models import AuditEntry, Membership, Token
from people.rights import RIGHTS as OF_ROLES
from people.rights import Right
from people.tokens import RIGHTS as OF_SCOPES
from tests.api.conftest import Caller, Program

GUARDED = {
    "studies/colours": Right.SEE_PROGRESS,
    "studies/colours/progress": Right.SEE_PROGRESS,
    "studies/colours/images": Right.SEE_PROGRESS,
    "studies/colours/images/{image_id}": Right.SEE_PROGRESS,
    "studies/colours/images/{image_id}/display.webp": Right.SEE_PROGRESS,
    "studies/colours/images/{image_id}/original.png": Right.EXPORT,
    "studies/colours/exclusions": Right.SEE_PROGRESS,
    "studies/colours/results": Right.SEE_RESULTS,
    "studies/colours/report.html": Right.SEE_RESULTS,
    "studies/colours/report.pdf": Right.SEE_RESULTS,
    "studies/colours/report.zip": Right.EXPORT,
    "studies/colours/votes": Right.EXPORT,
    "studies/colours/votes.csv": Right.EXPORT,
    "studies/colours/votes.parquet": Right.EXPORT,
    "studies/colours/bundle.zip": Right.EXPORT,
    "PUT studies/colours": Right.EDIT_DESIGN,
    "DELETE studies/colours": Right.EDIT_DESIGN,
    "POST studies/colours/exclusions": Right.EXCLUDE,
    "POST studies/colours/exclusions/{exclusion_id}/restore": Right.EXCLUDE,
    "POST studies/colours/votes": Right.IMPORT_VOTES,
    "POST studies/colours/images": Right.GENERATE,
    "POST studies/colours/images/request": Right.GENERATE,
    "POST studies/colours/open": Right.OPEN_CLOSE,
    "POST studies/colours/close": Right.OPEN_CLOSE,
}
OF_NOBODY = {"image_id": "00000000-0000-4000-8000-000000000000", "exclusion_id": "0"}
FORM = encode_multipart(
    BOUNDARY, {name: SimpleUploadedFile(f"{name}.csv", b"system,path") for name in ("manifest", "pictures", "votes")}
).decode()
BODIES = {
    "POST studies/colours/exclusions": ({"vote": 0, "reason": "asleep"}, "application/json"),
    "POST studies/colours/exclusions/{exclusion_id}/restore": ({"reason": "awake"}, "application/json"),
    "POST studies/colours/images": (FORM, MULTIPART_CONTENT),
    "POST studies/colours/votes": (FORM, MULTIPART_CONTENT),
}


def ask(program: Program, operation: str, slug: str = "colours") -> int:
    """With a body that is as it should be, where one is asked for: the rights are what is tried."""
    method, _, path = operation.rpartition(" ")
    body = BODIES.get(operation, (None, "application/json"))
    response = program.send(method or "GET", path.format(**OF_NOBODY).replace("colours", slug), *body)
    response.getvalue()  # which closes a file
    status: int = response.status_code
    return status


def test_every_operation_of_a_study_is_tried_here() -> None:
    described = {
        f"{'' if method == 'get' else f'{method.upper()} '}{path.removeprefix('/api/v1/').replace('{slug}', 'colours')}"
        for path, methods in schema()["paths"].items()
        for method in methods
        if "{slug}" in path
    }
    assert described == set(GUARDED)


@pytest.mark.parametrize(("role", "scope"), [*itertools.product(Membership.Role.values, Token.Scope.values)])
def test_role_and_scope_both_decide(role: str, scope: Token.Scope, program: Caller) -> None:
    asking = program(role, scope)
    may = OF_ROLES[Membership.Role(role)] & OF_SCOPES[Token.Scope(scope)]
    for operation, right in GUARDED.items():
        assert (ask(asking, operation) != 403) == (right in may), operation


def test_what_is_missing_is_said(program: Caller) -> None:
    narrow = program("owner", "read:studies").get("studies/colours/results")
    assert narrow.json() == {"error": "This token lacks the scope read:results, which it needs to see its results."}
    role = program("operator").get("studies/colours/results")
    assert role.json() == {"error": "Your role in study 'colours' does not let you see its results."}
    assert program("owner", "read:votes").get("studies").json() == {"error": "This token lacks the scope read:studies."}


@pytest.mark.parametrize("operation", GUARDED)
def test_a_study_of_others_does_not_exist(operation: str, program: Caller) -> None:
    stranger = program("stranger")
    assert ask(stranger, operation) == ask(stranger, operation, slug="nowhere") == 404
    assert stranger.get("studies").json() == {"items": [], "next_cursor": None}


def test_the_token_s_death_and_the_account_s(program: Caller) -> None:
    asking = program("owner")
    assert ask(asking, "me") == 200
    User.objects.update(is_active=False)
    assert ask(asking, "me") == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer evalsite_00000000_" + "a" * 43])
def test_nobody(header: str, study: Study) -> None:
    client = Client(headers={"Authorization": header} if header else {})
    client.force_login(User.objects.create_superuser("ana"))  # cookies open nothing here
    response = client.get("/api/v1/studies")
    assert response.status_code == 401 and response["WWW-Authenticate"] == 'Bearer realm="evalsite"'
    assert response.json()["error"].startswith("Say who you are: Authorization: Bearer evalsite_")


def test_a_program_needs_no_csrf_token(program: Caller) -> None:
    asking = program("owner")
    asking.client.handler.enforce_csrf_checks = True
    assert ask(asking, "POST studies/colours/close") == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "v1/nothing", 404, "There is nothing at /api/v1/nothing; /api/ lists what there is."),
        ("GET", "v1/", 404, "There is nothing at /api/v1/; /api/ lists what there is."),
        ("GET", "v2/studies", 404, "There is nothing at /api/v2/studies; /api/ lists what there is."),
        ("DELETE", "v1/me", 405, "DELETE does nothing here; allowed: GET."),
        ("GET", "v1/studies?limit=1001", 422, "limit: Input should be less than or equal to 1000."),
        ("GET", "v1/studies?limit=0", 422, "limit: Input should be greater than or equal to 1."),
        ("GET", "v1/studies?cursor=x", 422, "cursor: Input should be a valid integer, unable to parse string "),
    ],
)
def test_problems_are_one_sentence(method: str, path: str, status: int, error: str, program: Caller) -> None:
    response = program("owner").client.generic(method, f"/api/{path}")
    assert response.status_code == status
    assert list(response.json()) == ["error"] and response.json()["error"].startswith(error)
    assert ("Allow" in response) == (status == 405)


def test_me(program: Caller, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    asking = program("analyst", "read:votes")
    assert asking.get("me").json() == {
        "user": "analyst",
        "is_superuser": False,
        "token": "read:votes",
        "scopes": ["read:votes"],
        "expires_at": None,
        "roles": [{"study": "colours", "role": "analyst"}],
    }
    with django_assert_num_queries(2):
        asking.get("me")
    assert not AuditEntry.objects.filter(verb="exported").exists()
