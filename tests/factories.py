"""Rows for tests, made as plainly as possible. Images get real files: solid pictures, a colour for each."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image as PillowImage

from comparisons.models import Rater, RaterSession, Study
from comparisons.sessions import start_session
from comparisons.studies import build_comparisons, create_study, image_jobs, open_study
from comparisons.study_file import QuestionSpec, StudySpec
from generation import jobs
from generation.backends import RenderedImage
from generation.models import ImageJob, PromptSet
from generation.prompt_sets import store_prompt_set
from generation.prompts import PromptLine
from generation.systems import SystemSpec
from generation.timing import StageTimings

_numbers = itertools.count(1)
PROMPTS = ("a red fox", "two green teapots", "a lighthouse at sunset", "a paper boat")


def make_system_spec(name: str, steps: int = 4, **changes: Any) -> SystemSpec:
    values: dict[str, Any] = {
        "name": name,
        "backend": "diffusers",
        "pipeline": "StableDiffusionXLPipeline",
        "model": f"./{name}",
        "steps": steps,
        "width": 64,
        "height": 64,
        "dtype": "float32",
    }
    return SystemSpec(**values | changes)


def make_prompt_set(slug: str = "", texts: Sequence[str] = PROMPTS) -> PromptSet:
    lines = [PromptLine(text, category="Things", challenge="Simple Detail") for text in texts]
    return store_prompt_set(slug or f"prompts-{next(_numbers)}", lines, source="tests")[0]


def make_study_spec(prompt_set: str, **changes: Any) -> StudySpec:
    values: dict[str, Any] = {
        "slug": f"study-{next(_numbers)}",
        "title": "Which picture?",
        "introduction": "You will see two pictures.",
        "consent": "You agree to take part.",
        "prompt_set": prompt_set,
        "seed": 7,
        "votes_wanted": 2,
        "judgements_per_question": None,
        "matchmaking": "balanced",
        "display_px": 64,
        "upsample": False,
        "questions": (
            QuestionSpec("prompt-following", "Which follows the text more closely?", tie=False, both_bad=False),
            QuestionSpec("quality", "Which has the higher quality?", tie=True, both_bad=True),
        ),
        "systems": tuple(make_system_spec(name) for name in ("alpha", "beta", "gamma")),
    }
    return StudySpec(**values | changes)


def make_draft(texts: Sequence[str] = PROMPTS, **changes: Any) -> Study:
    return create_study(make_study_spec(make_prompt_set(texts=texts).slug, **changes))[0]


def make_image(job: ImageJob, picture: PillowImage.Image | None = None) -> None:
    """Finish a job with this picture or one of its own, through the verbs that a worker uses."""
    _, (claimed,) = jobs.claim(job.system_id, [job.id], limit=1)
    colour = (job.id * 67 % 256, job.id * 131 % 256, job.id * 29 % 256)
    timings = StageTimings(encode_ms=1.0, forward_ms=(2.0,) * 4, denoise_ms=8.0, decode_ms=3.0, total_ms=12.0)
    picture = picture or striped(colour)
    assert jobs.finish(claimed, RenderedImage(picture, timings, {"device": "cpu", "batch_size": 1}))


def striped(colour: tuple[int, int, int]) -> PillowImage.Image:
    """A picture with enough in it to be told from a spoilt one."""
    picture = PillowImage.new("RGB", (64, 64), colour)
    picture.paste(tuple(255 - channel for channel in colour), (29, 0, 35, 64))
    return picture


def make_open_study(
    texts: Sequence[str] = PROMPTS,
    paint: Callable[[ImageJob], PillowImage.Image | None] = lambda _: None,
    **changes: Any,
) -> Study:
    """A study with all its images and comparisons, ready to be rated."""
    study = make_draft(texts, **changes)
    open_study(study)
    wishes = itertools.product(study.systems.all(), study.prompt_set.prompts.all())
    jobs.request([(system, prompt, study.seed + prompt.position) for system, prompt in wishes], study.display_px)
    wanted = list(image_jobs(study).order_by("id"))
    random.Random(study.seed).shuffle(wanted)  # workers finish in any order
    for job in wanted:
        make_image(job, paint(job))
    build_comparisons(study)
    return study


def make_session(study: Study, kind: str = Rater.Kind.PERSON) -> RaterSession:
    return start_session(study, kind)
