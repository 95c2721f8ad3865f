"""Pairs that come with the instructions, with the answer and the reason. Nobody is asked about them again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from comparisons.judging import padded_display
from comparisons.models import Study
from comparisons.studies import image_jobs
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
    images = _images(study)
    found: dict[str, list[Shown]] = defaultdict(list)
    for number, example in enumerate(study.protocol.examples, start=1):
        if {(example.prompt, example.better), (example.prompt, example.worse)} <= images.keys():
            found[example.question].append(Shown(number, example.prompt, example.why, _better_side(number)))
    return dict(found)


def image_bytes(study: Study, number: int, side: str) -> bytes | None:
    """Of the same length as all images of the study; None where there is no such example, or no image yet."""
    examples = study.protocol.examples
    if side not in SIDES or not 1 <= number <= len(examples):
        return None
    example = examples[number - 1]
    slug = example.better if side == _better_side(number) else example.worse
    sha256 = _images(study).get((example.prompt, slug))
    return padded_display(study, sha256) if sha256 else None


def _better_side(number: int) -> str:
    """In turns, so that nobody learns a side."""
    return SIDES[number % 2]


def _images(study: Study) -> dict[tuple[str, str], str]:
    """By prompt and system, the addresses of those that are there."""
    prompts = {example.prompt for example in study.protocol.examples}
    images = Image.objects.filter(job__in=image_jobs(study).filter(prompt__text__in=prompts))
    rows = images.values_list("job__prompt__text", "job__system__slug", "sha256")
    return {(prompt, slug): sha256 for prompt, slug, sha256 in rows}
