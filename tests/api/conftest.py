"""A study with votes, and programs that ask with the tokens of people with each role."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from comparisons.models import Study
from people import tokens
from people.models import Membership
from tests.analysis.votes import cast_votes
from tests.factories import make_open_study

Caller = Callable[..., "Program"]


class Program:
    """Asks with a token. Paths are below /api/v1/."""

    def __init__(self, secret: str) -> None:
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.client = Client(headers=self.headers)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query)

    def queries(self, path: str, items: int) -> int:
        """How many a page of so many items takes."""
        with CaptureQueriesContext(connection) as captured:
            assert len(self.get(path, limit=items).json()["items"]) == items
        return len(captured)

    def send(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        return self.client.generic(method, f"/api/v1/{path}", _encoded(body), content_type)

    def post(self, path: str, body: Any = None, content_type: str = "application/json") -> Any:
        return self.send("POST", path, body, content_type)


def _encoded(body: Any) -> str:
    if isinstance(body, str):
        return body
    return "" if body is None else json.dumps(body)


@pytest.fixture(autouse=True)
def messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes them."""
    monkeypatch.setattr(current_app, "send_task", lambda *_, **__: None)


@pytest.fixture
def study(db: None) -> Study:
    study = make_open_study(slug="colours")
    cast_votes(study, raters=4, each=8)
    return study


@pytest.fixture
def program(study: Study) -> Caller:
    """A token of somebody with this role in the study and these scopes, or all."""

    def make(role: str = "owner", *scopes: str) -> Program:
        user, is_new = User.objects.get_or_create(username=role)
        if is_new and role in Membership.Role.values:
            Membership.objects.create(user=user, study=study, role=role)
        name = ", ".join(scopes) or "all"
        return Program(tokens.make(user, name, scopes or list(tokens.Scope.values), None)[1])

    return make
