"""Computing what a snapshot holds: claim, compute, store. Whoever holds a snapshot's claim computes it, nobody else."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from analysis.kinds import KINDS, inputs, inputs_hash
from analysis.models import Snapshot
from comparisons.models import Study

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
TRIES = 2
OUTDATED = "outdated"  # in place of a hash: whatever the inputs are, these numbers are not of them


class ComputedElsewhere(Exception):
    """Somebody else holds the claim."""


def compute(study: Study, kind: str) -> Any:
    """The numbers, stored; raises ComputedElsewhere where somebody else is at it.

    A worker that dies leaves its claim to lapse. One that fails leaves it too, and says why: nobody tries again at once
    what has just failed.
    """
    snapshot, _ = Snapshot.objects.get_or_create(study=study, kind=kind)
    token = uuid.uuid4().hex
    free = Snapshot.objects.filter(Q(claim="") | Q(lease_expires_at__lt=timezone.now()), id=snapshot.id)
    if not free.update(claim=token, lease_expires_at=timezone.now() + LEASE):
        raise ComputedElsewhere
    try:
        with _kept_alive(token):
            return _compute_and_store(study, kind, token)
    except Exception as error:
        _held(token).update(error=f"{type(error).__name__}: {error}")
        raise


def start_over(study: Study) -> None:
    """Many votes are stored at once, and others in the meantime have higher ids: newer ones cannot be told from those
    that were counted. What is stored says that it is outdated, and what is being computed will not be stored.
    """
    of_study = Snapshot.objects.filter(study=study)
    of_study.update(claim="", lease_expires_at=None)
    of_study.exclude(computed_at=None).update(inputs_hash=OUTDATED)


def _compute_and_store(study: Study, kind: str, token: str) -> Any:
    """Votes that come meanwhile are newer ones; where anything else has changed, it is done again.

    What changes all the time, as images do while they are made, keeps nobody here: the last numbers are stored as
    outdated.
    """
    start = time.monotonic()
    for _ in range(TRIES):
        study.refresh_from_db()
        before = inputs(study, kind)
        content = KINDS[kind].make(study)
        study.refresh_from_db()
        is_of_now = inputs_hash(study, kind, before.votes) == before.hash
        if is_of_now:
            break
    _held(token).update(
        results=json.dumps(content, allow_nan=False),
        inputs_hash=before.hash if is_of_now else OUTDATED,
        votes=before.votes,
        seen_to=before.seen_to,
        seen_last=before.seen_last,
        computed_at=timezone.now(),
        took_ms=round(1000 * (time.monotonic() - start)),
        asked_at=None,
        error="",
        claim="",
        lease_expires_at=None,
    )
    return content


def _held(token: str) -> QuerySet[Snapshot]:
    return Snapshot.objects.filter(claim=token)


@contextmanager
def _kept_alive(token: str) -> Iterator[None]:
    """Extend the lease while the block runs: it may take any time, and a death is seen within one lease."""
    finished = threading.Event()

    def beat() -> None:
        while not finished.wait(LEASE.total_seconds() / 3):
            try:
                _held(token).update(lease_expires_at=timezone.now() + LEASE)
            except DatabaseError:  # the next beat comes well before the lease ends
                logger.warning("a lease could not be extended", exc_info=True)
        connection.close()

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
