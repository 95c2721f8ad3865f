"""A study with an owner, and browsers of people with each role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from comparisons.models import Study
from people.models import Membership
from tests.factories import make_draft

SignedIn = Callable[[str], Client]


@pytest.fixture
def study(db: None) -> Study:
    return make_draft(slug="one")


@pytest.fixture
def signed_in(study: Study) -> SignedIn:
    """Signs in somebody with this role in the study; `nobody` has none, and `administrator` is a superuser."""

    def sign_in(role: str) -> Client:
        user = User.objects.create_user(role, f"{role}@example.org", is_superuser=role == "administrator")
        if role in Membership.Role.values:
            Membership.objects.create(user=user, study=study, role=role)
        client = Client()
        client.force_login(user)
        return client

    return sign_in
