"""A study as its raters will see it: their own pages, with a pair made for each turn. No session, no lease, no vote."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from comparisons import judging
from comparisons.examples import SIDES, Shown
from comparisons.models import Question, RaterSession, Study
from comparisons.studies import image_jobs
from comparisons.study_file import StudySpec
from generation.models import Image, PromptSet

PAIRS_A_QUESTION = 3  # that the preview shows after practice
MOST_PROMPTS = 12
NO_PROMPT = "(The text of a prompt stands here.)"
Stage = RaterSession.Stage
PAGES = (
    ("landing", "Consent"),
    ("instructions", "Instructions"),
    ("comprehension", "Comprehension"),
    ("judge", "Judging"),
    ("thanks", "Thanks"),
    ("screened-out", "Screened out"),
    ("failed", "Failed checks"),
)
ENDINGS = {"thanks": Stage.COMPLETED, "screened-out": Stage.SCREENED_OUT, "failed": Stage.FAILED}


@dataclass(frozen=True)
class Picture:
    """An image that is there by its address, or none: then a drawing stands for it."""

    sha256: str = ""
    is_spoilt: bool = False
    drawing: int = 0  # another one for each number

    @property
    def turn(self) -> int:
        """Degrees by which the drawing is turned, so that no two of a pair look alike."""
        return self.drawing * 50 % 360


@dataclass(frozen=True)
class Pair:
    """One turn; `practice` is the kind of it, or empty."""

    question: Question
    prompt: str
    left: Picture
    right: Picture
    practice: str
    place: int  # among those before it that are practice, or are not
    is_first: bool  # under its question


class Preview:
    """Of a design that need be no study yet; `key` stands for it in the addresses of its pages."""

    def __init__(self, key: str, study: Study, questions: Sequence[Question], prompt_set: PromptSet | None) -> None:
        self.study, self._prompt_set = study, prompt_set
        study.key = key
        systems = len(study.design["systems"])
        prompts = set(prompt_set.prompts.values_list("text", flat=True)) if prompt_set else set()
        for question in questions:
            known = sum(prompt in prompts for prompt, _ in study.protocol.known_pairs(question.key))
            comparisons = systems * (systems - 1) // 2 * len(prompts)
            question.study, question.comparison_count = study, comparisons - known
        study.__dict__["ordered_questions"] = list(questions)

    @classmethod
    def of_spec(cls, key: str, spec: StudySpec, saved: Study | None) -> Preview:
        """`saved`: the draft of this design, whose systems may have images by now."""
        study = Study(
            id=saved.pk if saved else None,
            slug=spec.slug,
            title=spec.title,
            introduction=spec.introduction,
            consent_text=spec.consent,
            display_px=spec.display_px,
            judgements_per_question=spec.judgements_per_question,
            seed=spec.seed,
            design=spec.as_design(),
        )
        questions = [
            Question(
                key=each.key,
                position=position,
                wording=each.wording,
                offers_tie=each.tie,
                offers_both_bad=each.both_bad,
                help=each.help,
                practice=list(each.practice),
                checks=list(each.checks),
            )
            for position, each in enumerate(spec.questions)
        ]
        return cls(key, study, questions, PromptSet.objects.filter(slug=spec.prompt_set).first())

    @classmethod
    def of_study(cls, key: str, study: Study) -> Preview:
        return cls(key, study, study.ordered_questions, study.prompt_set)

    @property
    def pages(self) -> list[tuple[str, str]]:
        protocol = self.study.protocol
        absent = {
            "instructions": not protocol.instructions,
            "comprehension": not protocol.comprehension,
            "screened-out": not protocol.comprehension,
            "failed": protocol.checks.stop_after_failed is None,
        }
        return [(name, label) for name, label in PAGES if not absent.get(name)]

    def address(self, page: str) -> str:
        if page in ENDINGS:
            return reverse("rate:thanks", args=[self.study.key, page], current_app="preview")
        return reverse(f"rate:{page}", args=[self.study.key], current_app="preview")

    def following(self, page: str) -> str:
        names = [name for name, _ in self.pages]
        return names[min(names.index(page) + 1, len(names) - 1)] if page in names else "judge"

    @cached_property
    def pairs(self) -> list[Pair]:
        """Practice of every question, then a few pairs under each, as the study would ask them."""
        questions = self.study.ordered_questions
        asked = questions if self.study.protocol.layout == "blocks" else questions[:1]
        turns = [(question, kind) for question in questions for kind in question.practice]
        turns += [(question, "") for question in asked for _ in range(PAIRS_A_QUESTION)]
        return [self._pair(number, turns) for number in range(len(turns))]

    def payload(self, number: int) -> dict[str, Any] | None:
        """What the judging page gets for this turn, as judging.payload makes it of a lease; None after the last."""
        if not 0 <= number < len(self.pairs):
            return None
        pair = self.pairs[number]
        questions = self.study.ordered_questions
        total = sum(bool(each.practice) == bool(pair.practice) for each in self.pairs)
        return {
            **self.addresses(number),
            "assignment": str(uuid.UUID(int=number)),
            "prompt": pair.prompt,
            "question": judging.worded(pair.question),
            "also": self._also(number, pair),
            "block": {"number": pair.question.position + 1, "of": len(questions), "first": pair.is_first},
            "practice": bool(pair.practice),
            "pause": False,
            "undoable": not pair.practice and pair.place > 0,
            "progress": {"done": pair.place, "total": total},
            "image_px": self.study.display_px,
        }

    def addresses(self, number: int) -> dict[str, str]:
        return {
            side: reverse("rate:image", args=[self.study.key, number, side], current_app="preview")
            for side in ("left", "right")
        }

    def feedback(self, number: int, outcome: str) -> dict[str, Any] | None:
        """After practice; here the left picture is always the better one."""
        if not (0 <= number < len(self.pairs) and self.pairs[number].practice):
            return None
        return {"right": outcome == "left", "answers": ["left"]}

    def introduction(self) -> dict[str, Any]:
        """What the pages before judging say of the study, reckoned for all its images being there."""
        return judging.introduction(self.study)

    def asked(self) -> list[tuple[Question, list[Shown]]]:
        """Each question with its examples, as the page of instructions gets them."""
        numbered = list(enumerate(self.study.protocol.examples, start=1))
        return [
            (
                question,
                [
                    Shown(number, example.prompt, example.why, SIDES[number % 2])
                    for number, example in numbered
                    if example.question == question.key
                ],
            )
            for question in self.study.ordered_questions
        ]

    def example_picture(self, number: int, side: str) -> Picture | None:
        examples = self.study.protocol.examples
        if side not in SIDES or not 1 <= number <= len(examples):
            return None
        example = examples[number - 1]
        slug = example.better if side == SIDES[number % 2] else example.worse
        images = self._images().filter(job__prompt__text=example.prompt, job__system__slug=slug)
        return Picture(images.values_list("sha256", flat=True).first() or "", drawing=2 * number + (side == "right"))

    def picture(self, number: int, side: str) -> Picture | None:
        if side not in SIDES or not 0 <= number < len(self.pairs):
            return None
        return self.pairs[number].left if side == "left" else self.pairs[number].right

    def _images(self) -> QuerySet[Image]:
        """Those that the study would show; none before it is saved."""
        if not self.study.pk or self._prompt_set is None:
            return Image.objects.none()
        self.study.prompt_set = self._prompt_set
        return Image.objects.filter(job__in=image_jobs(self.study))

    @cached_property
    def _by_prompt(self) -> list[tuple[str, list[str]]]:
        """The first prompts with the addresses of their images; of systems in one order for all prompts."""
        rows = self._prompt_set.prompts.order_by("position")[:MOST_PROMPTS] if self._prompt_set else []
        found: dict[int, list[str]] = {}
        images = self._images().filter(job__prompt__in=[prompt.id for prompt in rows]).order_by("job__system")
        for prompt_id, sha256 in images.values_list("job__prompt", "sha256"):
            found.setdefault(prompt_id, []).append(sha256)
        return [(prompt.text, found.get(prompt.id, [])) for prompt in rows] or [(NO_PROMPT, [])]

    def _pair(self, number: int, turns: Sequence[tuple[Question, str]]) -> Pair:
        question, practice = turns[number]
        prompts = self._by_prompt
        text, images = prompts[number % len(prompts)]
        others = [found for other, found in prompts if other != text and found]
        left, right = images[:2] if len(images) > 1 else ("", "")
        if practice == "corrupted":
            right = left
        elif practice == "mismatched":
            right = others[0][0] if left and others else ""
        return Pair(
            question,
            text,
            Picture(left, drawing=2 * number),
            Picture(right, practice == "corrupted", drawing=2 * number + 1),
            practice,
            place=sum(bool(kind) == bool(practice) for _, kind in turns[:number]),
            is_first=not any(other is question and bool(kind) == bool(practice) for other, kind in turns[:number]),
        )

    def _also(self, number: int, pair: Pair) -> list[dict[str, Any]]:
        if not self.study.protocol.asks_together or pair.practice:
            return []
        others = self.study.ordered_questions[1:]
        return [
            {"assignment": str(uuid.UUID(int=1000 * (place + 1) + number)), "question": judging.worded(question)}
            for place, question in enumerate(others)
        ]
