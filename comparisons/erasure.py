"""Forgetting a person: what points to them goes, their votes stay, and whether those count stays explainable."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from comparisons import imported_raters
from comparisons.models import Exclusion, Rater, RaterSession, Report, Study, Vote, new_completion_code
from comparisons.recruitment import hashed
from people import audit, rights
from people.audit import Verb
from people.rights import Right


@dataclass(frozen=True)
class ErasedSession:
    study: str
    votes: int  # which stay, and point to nobody
    notes: int  # that they wrote about pairs
    is_excluded: bool  # by this erasure


@dataclass(frozen=True)
class Erasure:
    was_erased: bool  # before
    sessions: Sequence[ErasedSession]


def find_by_worker(study: Study, worker: str) -> Rater | None:
    """Who has this id on the study's platform and took part in the study, or this name in votes that were imported."""
    platform = study.protocol.recruitment.platform
    is_theirs = Q(platform=platform, worker_hash=hashed(platform, worker.strip()))
    is_imported = Q(platform=imported_raters.PLATFORM, worker_hash=imported_raters.name_hash(study, worker))
    return Rater.objects.filter(is_theirs | is_imported, sessions__study=study).order_by("id").first()


def find_by_session(study: Study, public_id: uuid.UUID) -> Rater | None:
    return Rater.objects.filter(sessions__public_id=public_id, sessions__study=study).first()


@transaction.atomic
def erase(rater: Rater, exclude_because: str = "", *, actor: User | None = None, by: str = "") -> Erasure:
    """All of the person's sessions, also those in other studies: nobody could find them again by their id.

    Repeating it changes nothing more. With a reason, their votes are left out as well: of an `actor`, only in studies
    in which they may exclude. It is noted in each of the studies, and in none of them who it was.
    """
    sessions = list(rater.sessions.select_related("study").order_by("id"))
    is_new = rater.erased_at is None
    erased = [_erase_session(session, exclude_because, actor, is_new=is_new) for session in sessions]
    was_erased = not Rater.objects.filter(id=rater.id, erased_at=None).update(worker_hash="", erased_at=timezone.now())
    for session, done in zip(sessions, erased, strict=True):
        if not was_erased or done.is_excluded:
            because = {"excluded because": exclude_because if done.is_excluded else ""}
            audit.record(Verb.ERASED, study=session.study, actor=actor, by=by, details=because)
    return Erasure(was_erased, erased)


def _erase_session(session: RaterSession, exclude_because: str, actor: User | None, *, is_new: bool) -> ErasedSession:
    """The code goes as well, since the platform's book has it beside the person's id."""
    if is_new:
        session.submission_hash, session.public_id = "", uuid.uuid4()
        session.completion_code = new_completion_code()
        session.save(update_fields=["submission_hash", "public_id", "completion_code"])
    notes = Report.objects.filter(assignment__session=session).exclude(note="").update(note="")
    may_exclude = bool(exclude_because) and (actor is None or Right.EXCLUDE in rights.of(actor, session.study))
    is_excluded = may_exclude and _exclude(session, exclude_because, actor)
    return ErasedSession(session.study.slug, Vote.objects.of_session(session).count(), notes, is_excluded)


def _exclude(session: RaterSession, reason: str, actor: User | None) -> bool:
    """A rule's exclusion makes room, since a rule may take the session back in; a person's stays as it is."""
    live = Exclusion.objects.filter(session=session, revoked_at=None)
    live.exclude(rule="").update(revoked_at=timezone.now(), revoked_because=f"Replaced: {reason}"[:300])
    _exclusion, is_new = Exclusion.objects.get_or_create(
        session=session, revoked_at=None, defaults={"reason": reason[:300], "created_by": actor}
    )
    return is_new
