"""Pictures by prompt and system, all started from the same seed, and what raters preferred on one prompt."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet

from analysis.filter_fields import choice, labelled, labels, several
from analysis.votes import is_excluded
from comparisons.models import Comparison, Outcome, Question, Study, Vote
from comparisons.studies import image_jobs
from generation import storage
from generation.models import Image, ImageJob, Prompt, System

PER_PAGE = 12
SMALL_PX = 256
SIZES = ("small", "display", "spoilt")
_LONG = ("image__environment", "image__forward_ms")


@dataclass(frozen=True)
class Cell:
    """What one system made of one prompt, or why there is nothing."""

    system: str
    image: Image | None
    state: str  # of the job, where there is no picture
    error: str


@dataclass(frozen=True)
class Row:
    prompt: Prompt
    cells: list[Cell]


@dataclass(frozen=True)
class PairOnPrompt:
    """How two systems did on one prompt under one question; a tie is half a win, both-bad counts in no rate."""

    system: str
    opponent: str
    wins: int
    losses: int
    ties: int
    both_bad: int

    @property
    def votes(self) -> int:
        return self.wins + self.losses + self.ties + self.both_bad

    @property
    def win_rate(self) -> float | None:
        counted = self.wins + self.losses + self.ties
        return (self.wins + self.ties / 2) / counted if counted else None


class GalleryForm(forms.Form):
    def __init__(self, study: Study, data: Mapping[str, Any]) -> None:
        super().__init__(data, auto_id="filter-%s")
        self.study = study
        for name in ("category", "challenge"):
            self.fields[name] = choice(name, labels(study, name))
        self.fields["system"] = several(
            "system", study.systems.order_by("slug").values_list("slug", flat=True), "Systems"
        )

    def prompts(self) -> QuerySet[Prompt]:
        found = self.study.prompt_set.prompts.order_by("position")
        for name in ("category", "challenge"):
            if value := self.cleaned_data[name]:
                found = found.filter(labelled(name, value))
        return found

    def systems(self) -> list[System]:
        found = self.study.systems.order_by("slug")
        chosen = self.cleaned_data["system"]
        return list(found.filter(slug__in=chosen) if chosen else found)


def gallery_page(
    study: Study, prompts: QuerySet[Prompt], systems: Sequence[System], number: str | None
) -> tuple[Page[Prompt], list[Row]]:
    page = Paginator(prompts, PER_PAGE).get_page(number)
    return page, rows(study, list(page), systems)


def rows(study: Study, prompts: Sequence[Prompt], systems: Sequence[System]) -> list[Row]:
    """In one query, however many there are."""
    wanted = image_jobs(study).filter(prompt__in=prompts, system__in=systems)
    jobs = {(job.prompt_id, job.system_id): job for job in wanted.select_related("image").defer(*_LONG)}
    return [Row(prompt, [_cell(system, jobs.get((prompt.id, system.id))) for system in systems]) for prompt in prompts]


def _cell(system: System, job: ImageJob | None) -> Cell:
    if job is None:
        return Cell(system.slug, None, "not asked for", "")
    image = getattr(job, "image", None)
    return Cell(system.slug, image, "" if image else job.get_state_display().lower(), job.error)


def pairs_on(study: Study, prompt: Prompt) -> list[tuple[Question, list[PairOnPrompt]]]:
    """By question, of the votes that count; a pair is one row, its systems in the order of their names."""
    asked = Comparison.objects.filter(question__study=study, image_a__job__prompt=prompt)
    rows = asked.values_list("id", "question_id", "image_a__job__system__slug", "image_b__job__system__slug")
    comparisons = {comparison_id: (question_id, a, b) for comparison_id, question_id, a, b in rows}
    votes = Vote.objects.standing().filter(~is_excluded(), assignment__comparison__in=list(comparisons)).order_by()
    counted = votes.values_list("assignment__comparison_id", "assignment__a_is_left", "outcome").annotate(Count("id"))
    counts: dict[int, dict[tuple[str, str], Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for comparison_id, a_is_left, outcome, count in counted:
        question_id, a, b = comparisons[comparison_id]
        left, right = (a, b) if a_is_left else (b, a)
        preferred = {Outcome.LEFT: left, Outcome.RIGHT: right}.get(outcome, outcome)
        counts[question_id][min(a, b), max(a, b)][preferred] += count
    return [
        (question, [_pair(*pair, found) for pair, found in sorted(counts[question.id].items())])
        for question in study.ordered_questions
    ]


def _pair(first: str, second: str, found: Counter[str]) -> PairOnPrompt:
    return PairOnPrompt(first, second, found[first], found[second], found[Outcome.TIE], found[Outcome.BOTH_BAD])


def find_image(study: Study, public_id: uuid.UUID) -> Image | None:
    """Of this study's images only."""
    images = Image.objects.filter(job__in=image_jobs(study)).select_related("job__system", "job__prompt")
    return images.filter(public_id=public_id).first()


def open_picture(study: Study, image: Image, size: str) -> BinaryIO:
    """The picture in one of SIZES: as raters see it, spoilt as a check shows it, or smaller for a page of many."""
    px = min(SMALL_PX, study.display_px) if size == "small" else study.display_px
    return storage.open_display(image.sha256, px, spoilt=size == "spoilt")
