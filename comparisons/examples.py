"""Pairs that come with the instructions, with the answer and the reason. Nobody is asked about them again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from comparisons.models import Study
from comparisons.padding import padded
from comparisons.protocol import Example
from comparisons.studies import image_jobs
from generation import storage
from generation.models import Image

SIDES = ("left", "right")


@dataclass(frozen=True)
class Shown:
    """`number` stands for the pair in the addresses of its images."""

    number: int
    prompt: str
    why: str
    better: str  # left or right


def shown(study: Study) -> dict[str, list[Shown]]:
    """By question, those whose images are there."""
    found: dict[str, list[Shown]] = defaultdict(list)
    for number, example in enumerate(study.protocol.examples, start=1):
        if all(_image(study, example, slug) for slug in (example.better, example.worse)):
            found[example.question].append(Shown(number, example.prompt, example.why, _better_side(number)))
    return dict(found)


def image_bytes(study: Study, number: int, side: str) -> bytes | None:
    """Of the same length as all images of the study; None where there is no such example, or no image yet."""
    examples = study.protocol.examples
    if side not in SIDES or not 1 <= number <= len(examples):
        return None
    example = examples[number - 1]
    image = _image(study, example, example.better if side == _better_side(number) else example.worse)
    if image is None:
        return None
    with storage.open_display(image.sha256, study.display_px) as handle:
        return padded(handle.read(), study.padded_bytes)


def _better_side(number: int) -> str:
    """In turns, so that nobody learns a side."""
    return SIDES[number % 2]


def _image(study: Study, example: Example, slug: str) -> Image | None:
    jobs = image_jobs(study).filter(prompt__text=example.prompt, system__slug=slug)
    return Image.objects.filter(job__in=jobs).first()
