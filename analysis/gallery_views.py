"""A study's pictures: by prompt and system, one by one with their provenance, and as files."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import BinaryIO

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from analysis import gallery as pictures
from analysis.provenance import compared
from comparisons.models import Study
from generation import storage
from generation.models import Image
from people.rights import ResearcherRequest, Right, needs

logger = logging.getLogger(__name__)
_FOR_EVER = "private, max-age=31536000, immutable"  # what an address shows never changes


@require_safe
@needs(Right.SEE_PROGRESS)
def gallery(request: HttpRequest, study: Study) -> HttpResponse:
    form = pictures.GalleryForm(study, request.GET)
    query = request.GET.copy()
    query.pop("page", None)
    context = {"study": study, "form": form, "query": query.urlencode()}
    if not form.is_valid():
        return render(request, "analysis/gallery.html", context, status=400)
    systems = form.systems()
    page, rows = pictures.gallery_page(study, form.prompts(), systems, request.GET.get("page"))
    context |= {"systems": systems, "page": page, "rows": rows}
    return render(request, "analysis/gallery.html", context)


@require_safe
@needs(Right.SEE_PROGRESS)
def prompt_detail(request: ResearcherRequest, study: Study, position: int) -> HttpResponse:
    prompts = study.prompt_set.prompts.order_by("position")
    prompt = get_object_or_404(prompts, position=position)
    shows_results = Right.SEE_RESULTS in request.rights and not study.hides_results
    (row,) = pictures.rows(study, [prompt], list(study.systems.order_by("slug")))
    context = {
        "study": study,
        "prompt": prompt,
        "row": row,
        "seed": study.seed + prompt.position,
        "previous": prompts.filter(position__lt=position).last(),
        "next": prompts.filter(position__gt=position).first(),
        "questions": pictures.pairs_on(study, prompt) if shows_results else [],
    }
    return render(request, "analysis/prompt_detail.html", context)


@require_safe
@needs(Right.SEE_PROGRESS)
def image_detail(request: HttpRequest, study: Study, public_id: uuid.UUID) -> HttpResponse:
    image = _image(study, public_id)
    context = {"study": study, "image": image, "prompt": image.job.prompt, "provenance": compared(image.provenance())}
    return render(request, "analysis/image_detail.html", context)


@require_safe
@needs(Right.SEE_PROGRESS)
def picture(request: HttpRequest, study: Study, public_id: uuid.UUID, size: str) -> HttpResponseBase:
    if size not in pictures.SIZES:
        raise Http404(f"size is {size!r}; allowed: {', '.join(pictures.SIZES)}.")
    image = _image(study, public_id)
    return _file(lambda: pictures.open_picture(study, image, size), "image/webp")


@require_safe
@needs(Right.EXPORT)
def original(request: HttpRequest, study: Study, public_id: uuid.UUID) -> HttpResponseBase:
    image = _image(study, public_id)
    name = f"{study.slug}-{image.job.prompt.position}-{image.job.system.slug}.png"
    return _file(lambda: storage.open_original(image.sha256), "image/png", name)


def _image(study: Study, public_id: uuid.UUID) -> Image:
    if (found := pictures.find_image(study, public_id)) is None:
        raise Http404("no such image in this study")
    return found


def _file(read: Callable[[], BinaryIO], content_type: str, name: str = "") -> HttpResponseBase:
    try:
        content = read()
    except (storage.StorageError, OSError):
        logger.exception("a picture could not be read")
        sentence = "The picture cannot be read at the moment. Please try again in a minute."
        headers = {"Retry-After": "60", "Cache-Control": "no-store"}
        return HttpResponse(sentence, status=503, content_type="text/plain", headers=headers)
    response = FileResponse(content, as_attachment=bool(name), filename=name, content_type=content_type)
    response["Cache-Control"] = _FOR_EVER
    return response
