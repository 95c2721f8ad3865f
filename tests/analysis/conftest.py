"""A researcher's browser."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def researcher(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ana"))
    return client
