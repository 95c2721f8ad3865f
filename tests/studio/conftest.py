"""Researchers and their designs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from studio import copies
from studio.models import WorkingCopy
from studio.typed import Content
from tests.factories import make_prompt_set


@pytest.fixture
def ana(db: None) -> User:
    return User.objects.create_user("ana")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob")


@pytest.fixture
def researcher(client: Client, ana: User) -> Client:
    client.force_login(ana)
    return client


@pytest.fixture
def copy(ana: User) -> WorkingCopy:
    """A design that can be saved: what a new one has, with a name and prompts."""
    make_prompt_set("animals")
    begun = copies.begin(ana)
    copies.keep(begun, begun.content | {"slug": "mine", "prompt_set": "animals", "seed": "7"}, begun.version)
    return begun


def change(copy: WorkingCopy, **typed: str | list[str]) -> WorkingCopy:
    """Type something; double underscores stand for the dots of a key."""
    content: Content = {name.replace("__", "."): value for name, value in typed.items()}
    copies.keep(copy, copy.content | content, copy.version)
    return copy
