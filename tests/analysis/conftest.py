"""A researcher's browser, and a broker that takes every message while no worker is there."""

from __future__ import annotations

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def researcher(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ana"))
    return client


@pytest.fixture
def unread_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app, "send_task", lambda *_, **__: None)
