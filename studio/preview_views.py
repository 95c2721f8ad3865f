"""What raters will see, for those who make the study: in a frame, with nothing stored."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from types import SimpleNamespace
from typing import Any

from csp.constants import SELF
from csp.decorators import csp_replace
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from comparisons.models import Study
from comparisons.voting import parse_answer
from comparisons.words import words_of_the_page
from generation import storage
from people.rights import studies_of
from studio.models import WorkingCopy
from studio.preview import ENDINGS, Picture, Preview
from studio.typed import check

logger = logging.getLogger(__name__)
View = Callable[..., HttpResponse]
OVER = "This preview is over: its design is incomplete now, or deleted, or you are signed out."
_framed: Any = csp_replace({"frame-ancestors": [SELF]})


def find_preview(user: User, key: str) -> Preview | None:
    """`draft-7` is a working copy, `study-NAME` a study; Http404 for those of others, None where it is no study yet."""
    kind, _, name = key.partition("-")
    if kind == "study":
        return Preview.of_study(key, get_object_or_404(Study.objects.filter(studies_of(user)), slug=name))
    if kind != "draft" or not name.isdecimal():
        raise Http404
    copy = get_object_or_404(WorkingCopy.objects.seen_by(user), id=int(name))
    spec, _problems = check(copy.content)
    return Preview.of_spec(key, spec, copy.study) if spec else None


def in_preview(view: View) -> View:
    """The view gets the preview, speaks the study's language, and may stand in a frame of this site."""

    @login_required
    @wraps(view)
    def shown(request: HttpRequest, key: str, **arguments: Any) -> HttpResponse:
        preview = find_preview(request.user, key)  # type: ignore[arg-type]
        if preview is None:
            return render(request, "studio/preview_absent.html", status=409)
        with translation.override(preview.study.protocol.language):
            return view(request, preview, **arguments)

    framed: View = never_cache(xframe_options_sameorigin(_framed(shown)))
    return framed


def _posted(view: View) -> View:
    """By the page's script, which tries again until it gets JSON: so every refusal is JSON, too."""
    shown = in_preview(view)

    @require_POST
    @wraps(view)
    def answered(request: HttpRequest, key: str) -> HttpResponse:
        with suppress(Http404):
            reply = shown(request, key)
            if isinstance(reply, JsonResponse):
                return reply
        return JsonResponse({"error": OVER}, status=400)

    return answered


@require_http_methods(["GET", "POST"])
@in_preview
def landing(request: HttpRequest, preview: Preview) -> HttpResponse:
    return _page(request, preview, "landing", preview.introduction())


@require_http_methods(["GET", "POST"])
@in_preview
def instructions(request: HttpRequest, preview: Preview) -> HttpResponse:
    return _page(request, preview, "instructions", preview.introduction() | {"asked": preview.asked()})


@require_http_methods(["GET", "POST"])
@in_preview
def comprehension(request: HttpRequest, preview: Preview) -> HttpResponse:
    items = preview.study.protocol.comprehension
    return _page(request, preview, "comprehension", preview.introduction() | {"items": items})


def _page(request: HttpRequest, preview: Preview, page: str, context: dict[str, Any]) -> HttpResponse:
    if request.method == "POST":
        return redirect(preview.address(preview.following(page)))
    return render(request, f"comparisons/{page}.html", context)


@require_GET
@in_preview
def judge(request: HttpRequest, preview: Preview) -> HttpResponse:
    _go_to(request, preview, 0)
    addresses = {name: preview.address(name) for name in ("answer", "undo", "report", "thanks")}
    context = {
        "study": preview.study,
        "payload": preview.payload(0),
        "ahead": None,
        "addresses": addresses,
        "storage_name": _storage_name(),
        "words": words_of_the_page(),
    }
    return render(request, "comparisons/judge.html", context)


@_posted
def answer(request: HttpRequest, preview: Preview) -> HttpResponse:
    """The receipt without which the page would send the answer again; nothing is stored."""
    number = _here(request, preview)
    try:
        given = parse_answer(json.loads(request.body))
    except (ValueError, RecursionError) as error:
        return JsonResponse({"error": str(error)}, status=400)
    _go_to(request, preview, number + 1)
    receipt = {"key": str(given.key), "late": False}
    feedback = preview.feedback(number, given.outcome)
    return JsonResponse({"receipt": receipt, "feedback": feedback, **_following(preview, number + 1)})


@_posted
def take_back(request: HttpRequest, preview: Preview) -> HttpResponse:
    number = max(0, _here(request, preview) - 1)
    _go_to(request, preview, number)
    return JsonResponse({"undone": True, **_following(preview, number)})


@_posted
def report_problem(request: HttpRequest, preview: Preview) -> HttpResponse:
    number = _here(request, preview) + 1
    _go_to(request, preview, number)
    return JsonResponse({"reported": True, **_following(preview, number)})


def _storage_name() -> str:
    """Another one for each page: what a preview could not post is no answer in the next one."""
    return f"preview-{uuid.uuid4().hex}"


def _following(preview: Preview, number: int) -> dict[str, Any]:
    return {"next": preview.payload(number), "ahead": None}


def _here(request: HttpRequest, preview: Preview) -> int:
    """The turn of the page that was loaded last in this browser."""
    number: int = request.session.get(f"preview {preview.study.key}", 0)
    return number


def _go_to(request: HttpRequest, preview: Preview, number: int) -> None:
    request.session[f"preview {preview.study.key}"] = number


@require_GET
@in_preview
def image(request: HttpRequest, preview: Preview, number: int, side: str) -> HttpResponse:
    return _picture(request, preview, preview.picture(number, side))


@require_GET
@in_preview
def example(request: HttpRequest, preview: Preview, number: int, side: str) -> HttpResponse:
    return _picture(request, preview, preview.example_picture(number, side))


def _picture(request: HttpRequest, preview: Preview, picture: Picture | None) -> HttpResponse:
    if picture is None:
        raise Http404
    if not picture.sha256:
        content_type = "image/svg+xml"
        return render(request, "studio/placeholder.svg", {"picture": picture}, content_type=content_type)
    try:
        with storage.open_display(picture.sha256, preview.study.display_px, spoilt=picture.is_spoilt) as handle:
            return HttpResponse(handle.read(), content_type="image/webp")
    except (storage.StorageError, OSError):
        logger.exception("a picture could not be read")
        sentence = "The picture cannot be read at the moment. Please try again in a minute."
        return HttpResponse(sentence, status=503, content_type="text/plain", headers={"Retry-After": "60"})


@require_GET
@in_preview
def ending(request: HttpRequest, preview: Preview, ending: str) -> HttpResponse:
    if ending not in ENDINGS:
        raise Http404
    context = {
        "study": preview.study,
        "session": SimpleNamespace(stage=ENDINGS[ending]),
        "answered": preview.introduction()["judgements"],
        "code": "PREVIEW",
        "way_back": None,
        "answer_url": preview.address("answer"),
        "storage_name": _storage_name(),
        "words": words_of_the_page(),
    }
    return render(request, "comparisons/thanks.html", context)
