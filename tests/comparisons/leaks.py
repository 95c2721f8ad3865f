"""What must not reach a rater, and a scanner for everything that does."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from django.test import Client

from comparisons.models import Study
from comparisons.studies import image_jobs
from generation.models import Image

BY_CHANCE = 5  # characters


class RecordingClient(Client):
    """A browser that keeps whatever the server sends, and the addresses where it was sent to."""

    def __init__(self) -> None:
        super().__init__()
        self.received: list[bytes | str] = []

    def request(self, **request: Any) -> Any:
        response = super().request(**request)
        body = response.getvalue()
        headers = [f"{name}: {value}" for name, value in response.headers.items()]
        self.received += [request["PATH_INFO"], response.reason_phrase, *headers, response.cookies.output(), body]
        return response


def secrets_of(study: Study) -> set[str]:
    """Every text that would tell a rater which system made a picture, or let two raters compare notes."""
    secrets = {study.slug, study.design_hash, str(study.seed), study.prompt_set.slug, study.prompt_set.sha256}
    for system in study.systems.all():
        spec = system.parsed_spec()
        classes = [spec.pipeline, spec.scheduler.get("class")]
        places = [spec.model, spec.unet, spec.vae]
        secrets |= {system.slug, spec.name, spec.backend, system.fingerprint, system.fingerprint[:8]}
        secrets |= {str(text) for text in classes if text}
        secrets |= {part for place in places if place for part in (place, place.rpartition("/")[2])}
        secrets |= {f"{spec.steps} step", f"{spec.steps}-step", f"@{spec.steps}", f"steps={spec.steps}"}
    for image in Image.objects.filter(job__in=image_jobs(study)).select_related("job"):
        secrets |= {image.sha256, image.sha256[:8], str(image.public_id), image.public_id.hex, str(image.job.seed)}
    return {secret.lower() for secret in secrets}


def find_leaks(secrets: set[str], received: Iterable[bytes | str]) -> list[str]:
    """Which secrets occur, in plain text or as HTML, URLs and JSON write them.

    A picture is filled up with random bytes, in which anything short occurs by chance.
    """
    texts: set[str] = set()
    pictures: set[str] = set()
    for item in received:
        is_picture = isinstance(item, bytes) and item.startswith(b"RIFF")
        (pictures if is_picture else texts).update(text.lower() for text in _readings(item))
    long = {secret for secret in secrets if len(secret) > BY_CHANCE}
    found = {secret for secret in secrets if any(secret in text for text in texts)}
    return sorted(found | {secret for secret in long if any(secret in text for text in pictures)})


def _readings(item: bytes | str) -> Iterator[str]:
    text = item.decode("latin-1") if isinstance(item, bytes) else item
    yield text
    yield html.unescape(text)
    yield unquote(text)
    yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
