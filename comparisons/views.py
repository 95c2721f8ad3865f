"""The rater's pages. Nothing that leaves here names a system, a model or a step count."""

from __future__ import annotations

import json
import logging
import random
import uuid

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from comparisons import judging, sessions
from comparisons.assignments import has_room, next_assignment
from comparisons.models import Rater, Study
from comparisons.voting import AnswerError, parse_answer, record_vote
from generation.storage import StorageError

logger = logging.getLogger(__name__)
rng = random.SystemRandom()  # what it draws is stored with each lease; raters must not be able to foresee it


@never_cache
@require_http_methods(["GET", "POST"])
def landing(request: HttpRequest, key: str) -> HttpResponse:
    study = get_object_or_404(Study, key=key)
    if sessions.recall(request, study):
        return redirect("rate:judge", key=key)
    if study.state != Study.State.OPEN or not has_room(study):
        return _unavailable(request, study)
    if request.method == "POST" and request.POST.get("consent") == "1":
        return _begin(request, study)
    judgements = judging.judgements_offered(study)
    context = {
        "study": study,
        "questions": study.questions.order_by("position"),
        "judgements": judgements,
        "minutes": judging.minutes(judgements),
    }
    return render(request, "comparisons/landing.html", context)


def _begin(request: HttpRequest, study: Study) -> HttpResponse:
    simulated = request.POST.get("kind") == Rater.Kind.SIMULATED
    session = sessions.start_session(study, Rater.Kind.SIMULATED if simulated else Rater.Kind.PERSON)
    response = redirect("rate:judge", key=study.key)
    path = reverse("rate:landing", args=[study.key])
    sessions.remember(response, session, path=path, secure=settings.SESSION_COOKIE_SECURE)
    return response


def _unavailable(request: HttpRequest, study: Study) -> HttpResponse:
    reasons = {
        Study.State.DRAFT: "This study has not begun yet.",
        Study.State.OPEN: "There is nothing to judge at the moment. Please come back later.",
        Study.State.CLOSED: "This study is closed. Thank you for your interest.",
    }
    context = {"study": study, "reason": reasons[Study.State(study.state)]}
    return render(request, "comparisons/unavailable.html", context)


@never_cache
@require_GET
def judge(request: HttpRequest, key: str) -> HttpResponse:
    study = get_object_or_404(Study, key=key)
    session = sessions.recall(request, study)
    if session is None:
        return redirect("rate:landing", key=key)
    assignment = next_assignment(session, rng)
    if assignment is None:
        return redirect("rate:thanks", key=key)
    context = {
        "study": study,
        "payload": judging.payload(assignment),
        "answer_url": reverse("rate:answer", args=[key]),
        "thanks_url": reverse("rate:thanks", args=[key]),
    }
    return render(request, "comparisons/judge.html", context)


@never_cache
@require_POST
def answer(request: HttpRequest, key: str) -> HttpResponse:
    session = sessions.recall(request, get_object_or_404(Study, key=key))
    if session is None:
        return JsonResponse({"error": "This browser has no session in this study."}, status=403)
    try:
        vote = record_vote(session, parse_answer(_posted_json(request)))
    except AnswerError as error:
        return JsonResponse({"error": str(error)}, status=400)
    assignment = next_assignment(session, rng)
    receipt = {"key": str(vote.client_key), "late": vote.late}
    return JsonResponse({"receipt": receipt, "next": judging.payload(assignment) if assignment else None})


def _posted_json(request: HttpRequest) -> object:
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        raise AnswerError("The answer is not JSON.") from None


@never_cache
@require_GET
def image(request: HttpRequest, key: str, token: uuid.UUID) -> HttpResponse:
    session = sessions.recall(request, get_object_or_404(Study, key=key))
    try:
        content = judging.image_bytes(session, token) if session else None
    except (StorageError, OSError):
        logger.exception("a picture could not be read")
        sentence = "The pictures cannot be read at the moment. Please try again in a minute."
        return HttpResponse(sentence, status=503, content_type="text/plain", headers={"Retry-After": "60"})
    if content is None:
        raise Http404("no such image for this session now")
    return HttpResponse(content, content_type="image/webp")


@never_cache
@require_GET
def thanks(request: HttpRequest, key: str) -> HttpResponse:
    study = get_object_or_404(Study, key=key)
    session = sessions.recall(request, study)
    if session is None:
        return redirect("rate:landing", key=key)
    if next_assignment(session, rng):
        return redirect("rate:judge", key=key)
    answered = session.votes().count()
    if not answered:
        return _unavailable(request, study)
    sessions.complete(session)
    context = {"study": study, "completion_code": session.completion_code, "answered": answered}
    return render(request, "comparisons/thanks.html", context)
