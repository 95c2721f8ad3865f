"""A rater's way through a study: consent, the stages before judging, resuming, the endings."""

from __future__ import annotations

import hashlib
import uuid

from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from comparisons.models import Question, Rater, RaterSession, Study
from comparisons.recruitment import Arrival
from comparisons.statements import Statement, given_text, given_uuid

COOKIE = "session_key"
COOKIE_AGE = 90 * 24 * 3600
TRIES = 2  # of the comprehension check, as the platforms ask
Stage = RaterSession.Stage
WITH_PAIRS = (Stage.PRACTICE, Stage.JUDGING)
_WITH_STUDY = Statement(
    lambda: (
        RaterSession.objects.filter(public_id=given_uuid("public_id"), study__key=given_text("key"))
        .select_related("study")
        .order_by()
    )
)


class NoPlace(Exception):
    """The study has all the raters that it takes."""


def start_session(study: Study, kind: str, arrival: Arrival | None = None) -> RaterSession:
    """The rater has agreed to the consent text. Somebody whom a platform sent twice gets the first session again."""
    arrival = arrival or Arrival("link")
    try:
        with transaction.atomic():
            rater = _rater(kind, arrival)
            _take_place(study)
            return RaterSession.objects.create(
                rater=rater,
                study=study,
                consented_at=timezone.now(),
                consent_version=hashlib.sha256(study.consent_text.encode()).hexdigest(),
                stage=stages(study)[0],
                submission_hash=arrival.submission_hash,
            )
    except (IntegrityError, NoPlace):  # NoPlace: it may be the first session that holds the last place
        session = find_session(study, arrival)
        if session is None:
            raise
        return session


def resume(study: Study, here: RaterSession | None, arrival: Arrival) -> RaterSession | None:
    """The session to go on with: this browser's, unless another worker comes now, else what the worker began before.

    Until its end, a session belongs to the submission that the worker holds now: a task of Mechanical Turk that was
    given back and taken again has another id.
    """
    if arrival.is_preview:
        return None
    is_mine = here is not None and arrival.worker_hash in {"", here.rater.worker_hash}
    session = here if is_mine else find_session(study, arrival)
    if session and arrival.submission_hash and not session.has_ended:
        mine = RaterSession.objects.filter(id=session.id, completed_at=None, rater__worker_hash=arrival.worker_hash)
        mine.exclude(submission_hash=arrival.submission_hash).update(submission_hash=arrival.submission_hash)
    return session


def find_session(study: Study, arrival: Arrival) -> RaterSession | None:
    """The one that this worker began before, perhaps in another browser."""
    if not arrival.worker_hash:
        return None
    sessions = RaterSession.objects.filter(
        study=study, rater__platform=arrival.platform, rater__worker_hash=arrival.worker_hash
    )
    return sessions.select_related("study", "rater").first()


def stages(study: Study) -> list[str]:
    """What comes before judging in this study, and judging."""
    protocol = study.protocol
    found = [
        (Stage.INSTRUCTIONS, bool(protocol.instructions)),
        (Stage.COMPREHENSION, bool(protocol.comprehension)),
        (Stage.PRACTICE, Question.objects.filter(study=study).exclude(practice=[]).exists()),
        (Stage.JUDGING, True),
    ]
    return [stage for stage, is_there in found if is_there]


def advance(session: RaterSession) -> bool:
    """On to the next stage before or at judging. False: another request has moved it already."""
    order = stages(session.study)
    following = order[order.index(session.stage) + 1]
    return _move(session, following)


@transaction.atomic
def answer_comprehension(session: RaterSession, answers: list[int]) -> None:
    """One try, of several requests at once too. Right: on to the next stage. Wrong for the last time: screened out,
    which is no rejection.
    """
    right = [item.answer for item in session.study.protocol.comprehension]
    session.comprehension_tries += 1
    mine = RaterSession.objects.filter(id=session.id, comprehension_tries=session.comprehension_tries - 1)
    if not mine.update(comprehension_tries=session.comprehension_tries):
        session.refresh_from_db()
    elif answers == right:
        advance(session)
    elif session.comprehension_tries >= TRIES:
        end(session, Stage.SCREENED_OUT)


def has_place(study: Study) -> bool:
    most = study.protocol.recruitment.max_raters
    return most is None or study.admitted < most


def end(session: RaterSession, ending: str) -> None:
    """The time of the first ending stays. Who was screened out gives the place back."""
    if session.has_ended:
        return
    with transaction.atomic():
        has_moved = _move(session, ending, completed_at=timezone.now())
        if has_moved and ending == Stage.SCREENED_OUT and session.study.protocol.recruitment.max_raters:
            Study.objects.filter(id=session.study_id).update(admitted=F("admitted") - 1)


def _move(session: RaterSession, stage: str, **fields: object) -> bool:
    moved = RaterSession.objects.filter(id=session.id, stage=session.stage).update(stage=stage, **fields)
    if moved:
        session.stage = stage
        for name, value in fields.items():
            setattr(session, name, value)
    else:
        session.refresh_from_db(fields=["stage", "completed_at"])
    return bool(moved)


def _take_place(study: Study) -> None:
    """By a conditional update, so that a thousand who come at once do not exceed the cap."""
    most = study.protocol.recruitment.max_raters
    free = Study.objects.filter(id=study.id, admitted__lt=most) if most else None
    if free is not None and not free.update(admitted=F("admitted") + 1):
        raise NoPlace


def _rater(kind: str, arrival: Arrival) -> Rater:
    if not arrival.worker_hash:
        return Rater.objects.create(kind=kind, platform=arrival.platform)
    rater, _ = Rater.objects.get_or_create(
        platform=arrival.platform, worker_hash=arrival.worker_hash, defaults={"kind": kind}
    )
    return rater


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


def storage_name(session: RaterSession) -> str:
    """Whose the answers are that a browser keeps, for its own pages alone: it tells nothing to whoever finds it."""
    return salted_hmac("comparisons.storage", str(session.public_id)).hexdigest()[:16]


def recall(request: HttpRequest, study_key: str) -> RaterSession | None:
    """This browser's session in the study of this address, with the study."""
    value = request.get_signed_cookie(COOKIE, default="", max_age=COOKIE_AGE)
    if not value:
        return None
    return _WITH_STUDY.first(public_id=uuid.UUID(value), key=study_key)
