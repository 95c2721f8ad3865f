"""What the judging page's script asks for: it posts answers, takes one back, reports a pair, and loads images."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from comparisons import examples, judging
from comparisons.assignments import take_turn
from comparisons.models import RaterSession, Study
from comparisons.views import in_study, rng
from comparisons.voting import AnswerError, NotGiven, parse_answer, record_vote, report, undo
from generation.storage import StorageError

logger = logging.getLogger(__name__)


def _posted(view: Callable[[RaterSession, Any], dict[str, Any]]) -> Callable[..., HttpResponse]:
    """JSON in, JSON out; the reply says what comes next. A refusal is one sentence."""

    @require_POST
    @in_study
    @wraps(view)
    def answered(request: HttpRequest, study: Study, session: RaterSession | None) -> HttpResponse:
        began = time.monotonic()
        if session is None:
            return JsonResponse({"error": _("This browser has no session in this study.")}, status=403)
        try:
            reply = view(session, _json(request))
        except AnswerError as error:
            return JsonResponse({"error": str(error)}, status=403 if isinstance(error, NotGiven) else 400)
        content = reply | _following(session)
        _wait_for_the_step(time.monotonic() - began)
        return JsonResponse(content)

    return answered


def _wait_for_the_step(elapsed_s: float) -> None:
    """A check takes the database other work than a judgement, which a rater could read off the clock: so replies come
    in steps of REPLY_STEP_MS."""
    step_s = settings.REPLY_STEP_MS / 1000
    if step_s:
        time.sleep(step_s - elapsed_s % step_s)


@_posted
def answer(session: RaterSession, content: object) -> dict[str, Any]:
    given = parse_answer(content)
    vote = record_vote(session, given)
    receipt = {"key": str(vote.client_key), "late": vote.late}
    return {"receipt": receipt, "feedback": judging.feedback(vote.assignment, vote.outcome)}


@_posted
def take_back(session: RaterSession, content: object) -> dict[str, Any]:
    return {"undone": undo(session)}


@_posted
def report_problem(session: RaterSession, content: object) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise AnswerError("A report is a JSON object with assignment, problem and note.")
    try:
        assignment = uuid.UUID(str(content.get("assignment")))
    except ValueError:
        raise AnswerError(f"assignment is {content.get('assignment')!r}; allowed: a UUID.") from None
    report(session, assignment, str(content.get("problem")), str(content.get("note") or ""))
    return {"reported": True}


def _following(session: RaterSession) -> dict[str, Any]:
    turn = take_turn(session, rng())
    return {
        "next": judging.payload(turn.current, turn.shown, turn.ahead) if turn.current else None,
        "ahead": judging.addresses(turn.ahead) if turn.ahead else None,
    }


def _json(request: HttpRequest) -> object:
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        raise AnswerError("The answer is not JSON.") from None


@require_GET
@in_study
def image(request: HttpRequest, study: Study, session: RaterSession | None, token: uuid.UUID) -> HttpResponse:
    return _picture(lambda: judging.image_bytes(session, token) if session else None)


@require_GET
@in_study
def example(request: HttpRequest, study: Study, session: RaterSession | None, number: int, side: str) -> HttpResponse:
    return _picture(lambda: examples.image_bytes(study, number, side) if session else None)


def _picture(read: Callable[[], bytes | None]) -> HttpResponse:
    try:
        content = read()
    except (StorageError, OSError):
        logger.exception("a picture could not be read")
        sentence = "The pictures cannot be read at the moment. Please try again in a minute."
        return HttpResponse(sentence, status=503, content_type="text/plain", headers={"Retry-After": "60"})
    if content is None:
        raise Http404("no such image for this session now")
    return HttpResponse(content, content_type="image/webp")
