"""A rater's way through a study: consent, resuming in the same browser, completion."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from comparisons.models import Rater, RaterSession, Study

COOKIE = "session_key"
COOKIE_AGE = 90 * 24 * 3600


@transaction.atomic
def start_session(study: Study, kind: str) -> RaterSession:
    """The rater has agreed to the consent text."""
    rater = Rater.objects.create(kind=kind)
    return RaterSession.objects.create(rater=rater, study=study, consented_at=timezone.now())


def complete(session: RaterSession) -> None:
    """Nothing is left for this session; the time of the first completion stays."""
    RaterSession.objects.filter(id=session.id, completed_at=None).update(completed_at=timezone.now())


def remember(response: HttpResponse, session: RaterSession, *, path: str, secure: bool) -> None:
    """Keep the session's random id, signed, in a cookie for this study's pages alone."""
    response.set_signed_cookie(
        COOKIE,
        str(session.public_id),
        max_age=COOKIE_AGE,
        path=path,
        secure=secure,
        httponly=True,
        samesite="Lax",
    )


def recall(request: HttpRequest, study: Study) -> RaterSession | None:
    """This browser's session in this study."""
    value = request.get_signed_cookie(COOKIE, default="", max_age=COOKIE_AGE)
    if not value:
        return None
    sessions = RaterSession.objects.filter(public_id=uuid.UUID(value), study=study)
    return sessions.select_related("study", "rater").first()
