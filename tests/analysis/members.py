"""Browsers of people who take part in a study."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client

from comparisons.models import Study
from people.models import Membership


def browser_of(role: str, study: Study) -> Client:
    """Signed in as somebody who is called like the role."""
    client, user = Client(), User.objects.create_user(role)
    Membership.objects.create(user=user, study=study, role=role)
    client.force_login(user)
    return client
