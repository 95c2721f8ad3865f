"""A study's images: listed, with their provenance, as files, and brought from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, BinaryIO
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from ninja import File, Query, Router, Schema, UploadedFile
from ninja.errors import HttpError
from pydantic import Field

from analysis.gallery import find_image, open_picture
from api import uploads
from api.access import ApiRequest, study_of
from api.files import binary
from api.paging import Page, Paging, cut
from api.problems import problems
from comparisons.asking import ask_for_images, made_here
from comparisons.models import Study
from comparisons.studies import image_jobs
from generation import storage
from generation.models import Image
from people.rights import Right

router = Router(tags=["Images"])


class ImageOut(Schema):
    id: UUID
    system: str
    prompt_id: int = Field(description="The prompt's position in its set, from 0.")
    prompt: str
    seed: int | None = Field(description="Null: made elsewhere, and nobody said with which.")
    sha256: str = Field(description="Of the original file.")
    width: int
    height: int
    is_imported: bool
    total_ms: float | None
    made_at: datetime
    url: str = Field(description="Of the provenance; original.png and display.webp are below it.")


class ImagePage(Page):
    items: list[ImageOut]


class ImageQuery(Paging):
    system: str = ""
    prompt_id: int | None = Field(None, ge=0, le=2**31 - 1)


class ImageDetail(ImageOut):
    provenance: dict[str, Any] = Field(description="All that is known of how it was made.")


class Imported(Schema):
    new: int
    there_already: int = Field(description="With the same pixels.")
    comparisons: int = Field(description="That the study has now.")


class Asked(Schema):
    new: int
    retried: int
    awaiting_import: list[str] = Field(description="Systems whose images are made elsewhere.")
    trouble: str = Field(description="Why no worker was told; empty where all went well.")


@router.get(
    "/studies/{slug:slug}/images",
    response={200: ImagePage} | problems(),
    operation_id="list_images",
    summary="The images that the study shows",
)
def list_images(request: ApiRequest, slug: str, query: Query[ImageQuery]) -> ImagePage:
    """By system and prompt, if you like. Scope: read:studies."""
    study = study_of(request, slug, Right.SEE_PROGRESS)
    page, following = cut(_images(study, query), query)
    return ImagePage(items=[ImageOut(**_facts(request, study, image)) for image in page], next_cursor=following)


@router.get(
    "/studies/{slug:slug}/images/{uuid:image_id}",
    response={200: ImageDetail} | problems(),
    operation_id="get_image",
    summary="An image with its provenance",
)
def get_image(request: ApiRequest, slug: str, image_id: UUID) -> ImageDetail:
    """Scope: read:studies."""
    study = study_of(request, slug, Right.SEE_PROGRESS)
    image = _image(study, image_id)
    return ImageDetail(**_facts(request, study, image), provenance=image.provenance())


@router.get(
    "/studies/{slug:slug}/images/{uuid:image_id}/original.png",
    response=problems(409),
    operation_id="download_original",
    summary="The pixels as the system made them",
    openapi_extra=binary("image/png"),
)
def download_original(request: ApiRequest, slug: str, image_id: UUID) -> HttpResponseBase:
    """Scope: read:votes."""
    image = _image(study_of(request, slug, Right.EXPORT), image_id)
    return _picture(lambda: storage.open_original(image.sha256), "image/png")


@router.get(
    "/studies/{slug:slug}/images/{uuid:image_id}/display.webp",
    response=problems(409),
    operation_id="download_display",
    summary="The picture as raters see it",
    openapi_extra=binary("image/webp"),
)
def download_display(request: ApiRequest, slug: str, image_id: UUID) -> HttpResponseBase:
    """Scope: read:studies."""
    study = study_of(request, slug, Right.SEE_PROGRESS)
    image = _image(study, image_id)
    return _picture(lambda: open_picture(study, image, "display"), "image/webp")


@router.post(
    "/studies/{slug:slug}/images",
    response={200: Imported} | problems(400, 409, 413),
    operation_id="import_images",
    summary="Bring images that were made elsewhere",
)
def import_images(
    request: ApiRequest, slug: str, manifest: File[UploadedFile], pictures: File[list[UploadedFile]]
) -> Imported:
    """A manifest (CSV: system, prompt or prompt_id, path, perhaps seed and latency_ms) and the files that it names.

    All or none. Each `path` is the name of one of the `pictures`, without a folder; 99 of them fit into a request.
    Scope: write:images.
    """
    study = study_of(request, slug, Right.GENERATE)
    new, there, comparisons = uploads.import_images(study, manifest, pictures, request.auth.user)
    return Imported(new=new, there_already=there, comparisons=comparisons)


@router.post(
    "/studies/{slug:slug}/images/request",
    response={200: Asked} | problems(409),
    operation_id="request_images",
    summary="Ask for the images that can be made here",
)
def request_images(request: ApiRequest, slug: str, retry: bool = False) -> Asked:
    """Those that nobody has asked for and, with `retry`, anew those that failed. Scope: write:images."""
    study = study_of(request, slug, Right.GENERATE)
    systems, awaited = made_here(study)
    asked = ask_for_images(study, systems, retry=retry, actor=request.auth.user)
    return Asked(
        new=asked.new,
        retried=asked.retried,
        awaiting_import=[system.slug for system in awaited],
        trouble=asked.trouble,
    )


def _images(study: Study, query: ImageQuery) -> QuerySet[Image]:
    found = Image.objects.filter(job__in=image_jobs(study)).select_related("job__system", "job__prompt")
    if query.system:
        slugs = list(study.systems.order_by("slug").values_list("slug", flat=True))
        if query.system not in slugs:
            raise HttpError(422, f"system is {query.system!r}; allowed: {', '.join(slugs)}.")
        found = found.filter(job__system__slug=query.system)
    return found if query.prompt_id is None else found.filter(job__prompt__position=query.prompt_id)


def _image(study: Study, image_id: UUID) -> Image:
    if (image := find_image(study, image_id)) is None:
        raise HttpError(404, f"Study {study.slug!r} has no image {image_id}.")
    return image


def _facts(request: ApiRequest, study: Study, image: Image) -> dict[str, Any]:
    path = f"{reverse('api:reference')}v1/studies/{study.slug}/images/{image.public_id}"
    return {
        "id": image.public_id,
        "system": image.job.system.slug,
        "prompt_id": image.job.prompt.position,
        "prompt": image.job.prompt.text,
        "seed": image.environment["seed"] if image.is_imported else image.job.seed,
        "sha256": image.sha256,
        "width": image.width,
        "height": image.height,
        "is_imported": image.is_imported,
        "total_ms": image.total_ms,
        "made_at": image.created_at,
        "url": request.build_absolute_uri(path),
    }


def _picture(read: Callable[[], BinaryIO], content_type: str) -> HttpResponseBase:
    try:
        return FileResponse(read(), content_type=content_type)
    except (storage.StorageError, OSError):
        raise HttpError(409, "The picture cannot be read at the moment; ask again in a minute.") from None
