"""The log of who did what: written in the transaction of what it records, never changed."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import Protocol

from django.contrib.auth.models import User

from people.models import AuditEntry, Verb

__all__ = ["Verb", "record", "shell_user"]


class NamedStudy(Protocol):
    @property
    def slug(self) -> str: ...


def record(
    verb: Verb,
    *,
    study: NamedStudy | None = None,
    actor: User | None = None,
    by: str = "",
    details: Mapping[str, object] | None = None,
) -> AuditEntry:
    """Who acted is an account (`actor`) or, on the command line, `by=shell_user()`: one of the two.

    `details` are shown as they are, each with its name; empty ones say nothing and are left out.
    """
    told = {name: value for name, value in (details or {}).items() if value not in (None, "")}
    slug = study.slug if study else ""
    return AuditEntry.objects.create(verb=verb, study_slug=slug, actor=actor, by=by, details=told)


def shell_user() -> str:
    """How entries name somebody at the command line, whom the operating system knows."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # a container whose user id has no name
        return "command line"
