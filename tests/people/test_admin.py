"""The Django admin: the operator may read everything and change nothing that a study rests on."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from comparisons.models import Vote
from people import audit, tokens
from people.admin import ReadOnlyAdmin
from people.audit import Verb
from tests.analysis.votes import cast_votes
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

ROOMS = ("analysis", "comparisons", "generation", "people")


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_all_that_a_study_rests_on_is_registered_read_only_or_not_at_all() -> None:
    registered = {model: site for model, site in admin.site._registry.items() if model._meta.app_label in ROOMS}
    assert Vote in registered
    assert all(isinstance(site, ReadOnlyAdmin) for site in registered.values())


def test_nobody_changes_a_vote(operator: Client) -> None:
    cast_votes(make_open_study(["a red fox"]), raters=1, each=1)
    vote = Vote.objects.get()
    page = f"/admin/comparisons/vote/{vote.pk}/"
    assert operator.get(f"{page}change/").status_code == 200
    assert b'name="_save"' not in operator.get(f"{page}change/").content
    for path in (f"{page}change/", f"{page}delete/", "/admin/comparisons/vote/add/"):
        refused = operator.post(path, {"outcome": "tie", "post": "yes"})
        assert refused.status_code == 403 and "Your account may not do this." in refused.content.decode()
    action = {"action": "delete_selected", "_selected_action": vote.pk, "post": "yes"}
    operator.post("/admin/comparisons/vote/", action)
    assert Vote.objects.get().outcome == vote.outcome


def test_the_log_and_tokens_can_be_read_there_without_hashes(operator: Client) -> None:
    entry = audit.record(Verb.OPENED, by="the shell", details={"design_hash": "1f"})
    token, _ = tokens.make(User.objects.get(), "laptop", ["read:votes"], None)
    listed = operator.get("/admin/people/auditentry/?q=shell").content.decode()
    assert "the shell" in listed and "laptop" not in listed
    assert operator.get(f"/admin/people/auditentry/{entry.pk}/change/").status_code == 200
    page = operator.get(f"/admin/people/token/{token.pk}/change/").content.decode()
    assert token.prefix in page and token.sha256 not in page


def test_every_list_and_row_opens(operator: Client) -> None:
    cast_votes(make_open_study(["a red fox"]), raters=1, each=2)
    audit.record(Verb.OPENED, by="the shell")
    for model in admin.site._registry:
        label, name = model._meta.app_label, model._meta.model_name
        if label in ROOMS:
            assert operator.get(f"/admin/{label}/{name}/").status_code == 200
            for row in apps.get_model(label, name or "").objects.all()[:1]:
                assert operator.get(f"/admin/{label}/{name}/{row.pk}/change/").status_code == 200
