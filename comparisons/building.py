"""The comparisons of a study: one for every question and pair of finished images of one prompt."""

from __future__ import annotations

import itertools
import random

from django.db import models, transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce, Greatest

from comparisons.models import Comparison, Matchup, Question, Study
from comparisons.padding import rounded
from generation import storage
from generation.models import Image


def build(study: Study, images: models.QuerySet[Image]) -> int:
    """Insert the comparisons of these images that are not there yet; return how many."""
    by_prompt = _by_prompt(images)
    pairs = sum(len(group) * (len(group) - 1) // 2 for group in by_prompt.values())
    existing = Comparison.objects.filter(question__study=study)
    if existing.count() == pairs * study.questions.count():
        return 0
    longest = _longest(study, by_prompt)  # outside the transaction, which keeps raters of an SQLite site waiting
    with transaction.atomic():
        # Of two that build at once one waits here; what it read of the study before is not written back.
        open_now = Study.objects.filter(id=study.id, state=Study.State.OPEN)
        if not open_now.update(padded_bytes=Greatest("padded_bytes", longest)):
            return 0
        before = existing.count()
        for question in study.questions.all():
            _build_for(question, by_prompt)
        _count(study)
        return existing.count() - before


def _longest(study: Study, by_prompt: dict[int, list[Image]]) -> int:
    """The length with which all images are sent, as far as those go that are in no comparison yet.

    Spoilt ones are made now: made when they are asked for, they would come later than others.
    """
    known = set(Comparison.objects.filter(question__study=study).values_list("image_a__sha256", flat=True))
    addresses = {image.sha256 for images in by_prompt.values() for image in images} - known
    kinds = {kind for question in study.questions.all() for kind in (*question.practice, *question.checks)}
    for address in addresses if "corrupted" in kinds else ():
        storage.ensure_display(address, study.display_px, spoilt=True)
    return max((rounded(storage.display_bytes(address, study.display_px)) for address in addresses), default=0)


def _count(study: Study) -> None:
    """Of each matchup and question, how many votes and comparisons there are to be had."""
    comparisons = Comparison.objects.filter(question__study=study)
    Matchup.objects.filter(question__study=study).update(
        votes_wanted=_subtotal(Comparison.objects.filter(matchup=models.OuterRef("pk")))
    )
    judged = comparisons.filter(votes_wanted__gt=0).order_by().values("question").annotate(n=models.Count("id"))
    for question_id, count in judged.values_list("question", "n"):
        Question.objects.filter(id=question_id).update(comparison_count=count)


def _subtotal(comparisons: models.QuerySet[Comparison]) -> Coalesce:
    """0 for a pair of systems whose images have not come yet."""
    totals = comparisons.order_by().values("matchup").annotate(total=Sum("votes_wanted"))
    return Coalesce(models.Subquery(totals.values("total")), 0)


def _by_prompt(images: models.QuerySet[Image]) -> dict[int, list[Image]]:
    by_prompt: dict[int, list[Image]] = {}
    for image in images.select_related("job").order_by("id"):
        by_prompt.setdefault(image.job.prompt_id, []).append(image)
    return by_prompt


def _build_for(question: Question, by_prompt: dict[int, list[Image]]) -> None:
    study = question.study
    system_ids = sorted(study.systems.values_list("id", flat=True))
    Matchup.objects.bulk_create(
        [Matchup(question=question, system_a_id=a, system_b_id=b) for a, b in itertools.combinations(system_ids, 2)],
        ignore_conflicts=True,
    )
    matchups = {(m.system_a_id, m.system_b_id): m for m in question.matchups.all()}
    known = _known_pairs(question)
    rng = random.Random(f"{study.design_hash}:{question.key}:{sum(map(len, by_prompt.values()))}")
    rows = [
        Comparison(
            question=question,
            matchup=matchups[min(pair), max(pair)],
            image_a=a,
            image_b=b,
            votes_wanted=0 if (a.job.prompt_id, frozenset(pair)) in known else study.votes_wanted,
            shuffle=rng.randrange(2**31),
        )
        for images in by_prompt.values()
        for a, b in itertools.combinations(images, 2)
        for pair in [(a.job.system_id, b.job.system_id)]
    ]
    Comparison.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)


def _known_pairs(question: Question) -> set[tuple[int, frozenset[int]]]:
    study = question.study
    systems = dict(study.systems.values_list("slug", "id"))
    prompts = dict(study.prompt_set.prompts.values_list("text", "id"))
    known = study.protocol.known_pairs(question.key)
    return {(prompts[prompt], frozenset(systems[slug] for slug in pair)) for prompt, pair in known if prompt in prompts}
