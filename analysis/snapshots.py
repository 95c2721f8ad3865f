"""Stored numbers: pages answer from the newest there are, say how old those are, and ask a worker for new ones."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from celery import current_app
from django.utils import timezone
from kombu.exceptions import OperationalError

from analysis import ages
from analysis.computing import ComputedElsewhere, compute
from analysis.kinds import KINDS, Given, inputs, misses_raters, newer_votes, newest_vote
from analysis.models import Snapshot
from analysis.stats import Summary
from comparisons.models import Study

logger = logging.getLogger(__name__)

COMPUTE = "analysis.compute_snapshot"
PAUSE = 10  # times as long as it took, before it is computed anew for new votes alone
AT_ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0}  # a page waits; without a policy it would for 6 s
FAR_BEHIND = 10_000  # votes of other studies, which pages need not look through


@dataclass(frozen=True)
class Newest(ages.Age):
    """What a page shows of one kind, and what it says of its age."""

    text: str
    votes: int  # that it was computed from, whatever their kind

    @cached_property
    def content(self) -> Any:
        """None: nothing has been computed yet."""
        return json.loads(self.text) if self.text else None


def newest(study: Study, kind: str) -> Newest:
    """The stored numbers, however old; where they are due to be computed anew, a worker is asked to."""
    return newest_of(study, [kind])[kind]


def newest_of(study: Study, kinds: Sequence[str]) -> dict[str, Newest]:
    """Those of each kind."""
    given = Given(study)
    stored = {snapshot.kind: snapshot for snapshot in study.snapshots.filter(kind__in=kinds)}
    found = {}
    for kind in kinds:
        snapshot = stored.get(kind) or Snapshot.objects.get_or_create(study=study, kind=kind)[0]
        found[kind] = _found(given, snapshot)
        if found[kind].is_due and not found[kind].is_computed_now:
            _ask(snapshot)
    return found


def current(study: Study, kind: str) -> Any:
    """The numbers of the votes as they are: those stored if nothing has changed, else computed here and now."""
    stored = Snapshot.objects.filter(study=study, kind=kind, inputs_hash=inputs(study, kind).hash).first()
    if stored and not misses_raters(study, kind):
        return json.loads(stored.results)
    try:
        return compute(study, kind)
    except ComputedElsewhere:
        return KINDS[kind].make(study)


def results(study: Study, *, with_excluded: bool = False) -> Summary:
    """The current ones; `with_excluded` as if nothing had been left out."""
    found: Summary = current(study, "results-with-excluded" if with_excluded else "results")
    return found


def compute_due() -> None:
    """Of every study that was ever opened: its results, and what pages have asked for, where there are new inputs."""
    last = newest_vote()
    for study in Study.objects.exclude(state=Study.State.DRAFT):
        Snapshot.objects.get_or_create(study=study, kind="results")
        for snapshot in study.snapshots.filter(kind__in=KINDS):
            found = _found(Given(study), snapshot)
            if found.is_due:
                _compute_or_log(study, snapshot.kind)
            elif not found.is_stale and last - snapshot.seen_to > FAR_BEHIND:
                _look_from_here_on(study, snapshot)


def compute_asked(study_id: int, kind: str) -> None:
    """For a page that waits, unless it has been done meanwhile."""
    snapshot = Snapshot.objects.select_related("study").filter(study=study_id, kind=kind).first()
    if snapshot and kind in KINDS and _found(Given(snapshot.study), snapshot).is_due:
        _compute_or_log(snapshot.study, kind)


def _found(given: Given, snapshot: Snapshot) -> Newest:
    is_new = snapshot.computed_at is None
    seen = snapshot.seen_to, snapshot.seen_last
    return Newest(
        text=snapshot.results,
        computed_at=snapshot.computed_at,
        votes=snapshot.votes,
        newer_votes=0 if is_new else newer_votes(given.study, *seen, most=ages.MOST_COUNTED),
        has_changed=not is_new and given.inputs_hash(snapshot.kind, snapshot.votes) != snapshot.inputs_hash,
        is_computed_now=snapshot.lease_expires_at is not None and snapshot.lease_expires_at > timezone.now(),
        due_at=snapshot.computed_at and snapshot.computed_at + PAUSE * timedelta(milliseconds=snapshot.took_ms),
        asked_at=snapshot.asked_at,
        error=snapshot.error,
    )


def _ask(snapshot: Snapshot) -> None:
    """Once until it is computed: should the message be lost, the periodic task finds the row."""
    if not Snapshot.objects.filter(id=snapshot.id, asked_at=None).update(asked_at=timezone.now()):
        return
    try:
        current_app.send_task(COMPUTE, args=[snapshot.study_id, snapshot.kind], retry_policy=AT_ONCE)
    except (OperationalError, OSError):
        logger.warning("%s: no broker answers, so that nobody was asked for %s", snapshot.study, snapshot.kind)


def _look_from_here_on(study: Study, snapshot: Snapshot) -> None:
    """However many votes other studies get, the newer ones of this are soon counted."""
    now = inputs(study, snapshot.kind)
    same = Snapshot.objects.filter(id=snapshot.id, inputs_hash=now.hash)
    same.update(seen_to=now.seen_to, seen_last=now.seen_last)


def _compute_or_log(study: Study, kind: str) -> None:
    """One study's fault is not to keep the others waiting."""
    try:
        compute(study, kind)
    except ComputedElsewhere:
        pass
    except Exception:
        logger.exception("%s: no %s", study.slug, kind)
