"""Raters who judged elsewhere and whose votes were brought here: never asked for anything, and in nobody's book.

A file has a name for each. Of it only a hash is kept, made with the study's number: the same name in another file of
the study is the same rater, and in another study somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.db.models.functions import Greatest, Least

from comparisons.models import Rater, RaterSession, Study
from comparisons.recruitment import hashed

PLATFORM = "imported"
CONSENT = "given elsewhere"  # where other sessions have the hash of a text


class Known(NamedTuple):
    """Somebody whose votes were brought before."""

    session_id: int
    kind: str


class Work(NamedTuple):
    """What a file says of one rater: when the first pair was seen, and the last answered."""

    kind: str
    first: datetime
    last: datetime


def name_hash(study: Study, name: str) -> str:
    return hashed(PLATFORM, f"{study.pk}:{name.strip()}")


def known_raters(study: Study) -> dict[str, Known]:
    """By the hashes of their names. Who was erased has none."""
    sessions = study.sessions.filter(rater__platform=PLATFORM).exclude(rater__worker_hash="")
    rows = sessions.values_list("rater__worker_hash", "id", "rater__kind")
    return {worker_hash: Known(session_id, kind) for worker_hash, session_id, kind in rows}


def keep_sessions(study: Study, works: Mapping[str, Work]) -> dict[str, int]:
    """The session of each rater, by the hash of their name, as long as their work; new ones are made.

    They take no place of those that the study has for raters. IntegrityError where somebody else has just made one.
    """
    known = {worker_hash: one.session_id for worker_hash, one in known_raters(study).items() if worker_hash in works}
    for worker_hash, session_id in known.items():
        _lengthen(session_id, works[worker_hash])
    new = Rater.objects.bulk_create(
        Rater(kind=work.kind, platform=PLATFORM, worker_hash=worker_hash)
        for worker_hash, work in works.items()
        if worker_hash not in known
    )
    made = RaterSession.objects.bulk_create(_session(study, rater, works[rater.worker_hash]) for rater in new)
    return known | {session.rater.worker_hash: session.id for session in made}


def _session(study: Study, rater: Rater, work: Work) -> RaterSession:
    return RaterSession(
        rater=rater,
        study=study,
        consented_at=work.first,
        consent_version=CONSENT,
        stage=RaterSession.Stage.COMPLETED,
        completed_at=work.last,
    )


def _lengthen(session_id: int, work: Work) -> None:
    RaterSession.objects.filter(id=session_id).update(
        consented_at=Least("consented_at", work.first), completed_at=Greatest("completed_at", work.last)
    )
