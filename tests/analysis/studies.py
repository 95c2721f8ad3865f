"""Studies with images and votes, made row by row."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from comparisons.models import Assignment, Comparison, Question, Rater, RaterSession, Study, Vote
from comparisons.studies import build_comparisons, open_study
from generation.models import Image, ImageJob, Prompt, PromptSet, System
from generation.systems import resolve

QUESTIONS = ("prompt-following", "quality")


def make_study(
    slug: str = "turbo",
    steps: Sequence[int] = (1, 2, 4),
    prompts: int = 4,
    questions: Sequence[str] = QUESTIONS,
    votes_wanted: int = 4,
    seed: int = 7,
) -> Study:
    """An open study of one model at several step counts, with every image and comparison there."""
    prompt_set, _ = PromptSet.objects.get_or_create(slug="prompts", defaults={"source": "lines", "sha256": "0" * 64})
    for position in range(prompts):
        names = {"text": f"a cat, number {position}", "category": "Animals", "challenge": 'Fine, "grained"'}
        Prompt.objects.get_or_create(prompt_set=prompt_set, position=position, defaults=names)
    study = Study.objects.create(
        slug=slug,
        title="Which picture is better?",
        consent_text="Yes",
        prompt_set=prompt_set,
        votes_wanted=votes_wanted,
        display_px=64,
        seed=seed,
        matchmaking="balanced",
        design={"slug": slug},
    )
    study.systems.set(make_systems(steps))
    for position, key in enumerate(questions):
        Question.objects.create(
            study=study, key=key, position=position, wording=f"Which has more {key}?", offers_tie=True, offers_both_bad=True
        )
    make_images(study)
    open_study(study)
    build_comparisons(study)
    return study


def make_systems(steps: Sequence[int]) -> list[System]:
    specs = resolve({"catalogue": "sdxl-turbo", "steps": list(steps)})
    return [
        System.objects.get_or_create(
            slug=spec.slug,
            defaults={"fingerprint": spec.fingerprint, "steps": spec.steps, "spec": spec.as_dict()},
        )[0]
        for spec in specs
    ]


def make_images(study: Study) -> None:
    for system, prompt in itertools.product(study.systems.all(), study.prompt_set.prompts.all()):
        job = ImageJob.objects.create(
            system=system,
            prompt=prompt,
            seed=study.seed + prompt.position,
            display_px=study.display_px,
            state=ImageJob.State.DONE,
        )
        Image.objects.create(
            job=job,
            sha256=uuid.uuid4().hex * 2,
            width=64,
            height=64,
            encode_ms=1,
            forward_ms=[30.0] * system.steps,
            denoise_ms=30.0 * system.steps,
            decode_ms=9,
            total_ms=10 + 30.0 * system.steps + prompt.position,
            environment={"device": "cpu"},
        )


def make_session(study: Study, kind: Rater.Kind = Rater.Kind.PERSON) -> RaterSession:
    rater = Rater.objects.create(kind=kind)
    return RaterSession.objects.create(rater=rater, study=study, consented_at=timezone.now())


def make_vote(
    session: RaterSession,
    comparison: Comparison,
    outcome: str = "left",
    a_is_left: bool = True,
    late: bool = False,
) -> Vote:
    now = timezone.now()
    assignment = Assignment.objects.create(
        session=session,
        comparison=comparison,
        a_is_left=a_is_left,
        probability=0.5,
        state=Assignment.State.DONE,
        issued_at=now,
        expires_at=now + timedelta(minutes=10),
    )
    return Vote.objects.create(
        assignment=assignment, client_key=uuid.uuid4(), outcome=outcome, response_ms=1500, late=late
    )


def fill(study: Study, raters: int = 6, each: int = 8, seed: int = 1, kind: Rater.Kind = Rater.Kind.PERSON) -> None:
    """Votes in which more steps win more often, and sides, ties and both-bad occur."""
    rng = random.Random(seed)
    chosen = Comparison.objects.filter(question__study=study)
    comparisons = list(chosen.select_related("image_a__job__system", "image_b__job__system").order_by("id"))
    for _ in range(raters):
        session = make_session(study, kind)
        for comparison in rng.sample(comparisons, min(each, len(comparisons))):
            a_is_left = rng.random() < 0.5
            stronger_is_a = comparison.image_a.job.system.steps > comparison.image_b.job.system.steps
            stronger, weaker = ("left", "right") if stronger_is_a == a_is_left else ("right", "left")
            outcome = rng.choices([stronger, weaker, "tie", "both_bad"], [6, 2, 1, 1])[0]
            make_vote(session, comparison, outcome, a_is_left)
