"""Inviting people into a study, noted in the log."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db import transaction

from comparisons.models import Study
from comparisons.recruitment import invite
from comparisons.studies import StudyError
from people import audit
from people.audit import Verb

MOST = 10_000  # at once


def invite_people(study: Study, count: int, address: str, *, actor: User | None = None, by: str = "") -> list[str]:
    """New addresses, each for one person, below that of the study's first page. They are told this once.

    StudyError where the study invites nobody, and for a number of people that makes no sense.
    """
    _check(study, count)
    with transaction.atomic():
        tokens = invite(study, count)
        audit.record(Verb.INVITED, study=study, actor=actor, by=by, details={"people": count})
    return [f"{address}?{urlencode({'invitation': token})}" for token in tokens]


def _check(study: Study, count: int) -> None:
    platform = study.protocol.recruitment.platform
    if platform != "invitation":
        raise StudyError(
            f'Study {study.slug!r} recruits by {platform}: only one with recruitment.platform = "invitation" invites.'
        )
    if study.state != Study.State.OPEN:
        raise StudyError(f"Study {study.slug!r} is {study.state}: people are invited to open studies only.")
    if not 1 <= count <= MOST:
        raise StudyError(f"The number of people is {count}; allowed: a whole number from 1 to {MOST}.")
