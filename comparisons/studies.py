"""Studies: create, open, close, ask for the images, build the comparisons, count how far it all is."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from comparisons.models import Comparison, Matchup, Question, Study
from comparisons.padding import rounded
from comparisons.rules import apply_rules
from comparisons.study_file import StudySpec
from generation import importing, jobs, storage
from generation.backends import missing_backend
from generation.models import Image, ImageJob, ImageJobQuerySet, PromptSet, System
from generation.systems import SystemSpec


class StudyError(Exception):
    """One sentence for the researcher: what is wrong with the study, and what to do."""


def find_study(slug: str) -> Study:
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        existing = ", ".join(Study.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise StudyError(f"There is no study {slug!r}; existing: {existing}.")
    return study


@transaction.atomic
def create_study(spec: StudySpec) -> tuple[Study, bool]:
    """The study of this specification, and whether it is new or changed. A draft may be replaced, an open study not."""
    prompt_set = PromptSet.objects.filter(slug=spec.prompt_set).first()
    if prompt_set is None:
        raise StudyError(
            f"prompt_set is {spec.prompt_set!r}, which does not exist: "
            f"import it first with import_prompts FILE --set {spec.prompt_set}."
        )
    design = spec.as_design() | {"prompts_sha256": prompt_set.sha256}
    earlier = Study.objects.filter(slug=spec.slug).first()
    if earlier and earlier.design == design:
        return earlier, False
    if earlier and earlier.state != Study.State.DRAFT:
        changed = ", ".join(key for key in design if earlier.design.get(key) != design[key])
        raise StudyError(
            f"slug is {spec.slug!r}, a study that is {earlier.state} with another design (changed: {changed}): "
            "its design is frozen, so give this one another slug."
        )
    texts = set(prompt_set.prompts.values_list("text", flat=True))
    for key, pairs in {"checks.gold": spec.protocol.checks.gold, "examples": spec.protocol.examples}.items():
        for number, pair in enumerate(pairs, start=1):
            if pair.prompt not in texts:
                allowed = f"a prompt of {spec.prompt_set!r}"
                raise StudyError(f"{key}[{number}].prompt is {pair.prompt!r}; allowed: {allowed}.")
    if earlier:
        earlier.questions.all().delete()
        earlier.systems.clear()
        _forget_unused_systems()
    return _write(spec, prompt_set, design), True


def delete_draft(study: Study) -> None:
    """StudyError where it has been opened: what was asked of raters stays."""
    with transaction.atomic():
        if not Study.objects.filter(id=study.id, state=Study.State.DRAFT).delete()[0]:
            raise StudyError(f"Study {study.slug!r} is {study.state}: only a draft can be deleted.")
        _forget_unused_systems()


def _forget_unused_systems() -> None:
    """Nobody has asked for their images, so they may change."""
    System.objects.filter(studies=None, jobs=None).delete()


def _write(spec: StudySpec, prompt_set: PromptSet, design: dict[str, Any]) -> Study:
    """A draft stays the same row: its address, and who takes part in it."""
    values = {
        "title": spec.title,
        "introduction": spec.introduction,
        "consent_text": spec.consent,
        "prompt_set": prompt_set,
        "votes_wanted": spec.votes_wanted,
        "judgements_per_question": spec.judgements_per_question,
        "display_px": spec.display_px,
        "seed": spec.seed,
        "matchmaking": spec.matchmaking,
        "design": design,
    }
    study, _ = Study.objects.update_or_create(slug=spec.slug, defaults=values)
    study.systems.set([_system(system) for system in spec.systems])
    Question.objects.bulk_create(
        Question(
            study=study,
            key=question.key,
            position=position,
            wording=question.wording,
            offers_tie=question.tie,
            offers_both_bad=question.both_bad,
            help=question.help,
            practice=question.practice,
            checks=question.checks,
        )
        for position, question in enumerate(spec.questions)
    )
    return study


def _system(spec: SystemSpec) -> System:
    same = System.objects.filter(Q(slug=spec.slug) | Q(fingerprint=spec.fingerprint)).first()
    if same is None:
        return System.objects.create(
            slug=spec.slug, fingerprint=spec.fingerprint, steps=spec.steps, spec=spec.as_dict()
        )
    if same.slug != spec.slug:
        raise StudyError(f"system {spec.slug!r} has the settings of {same.slug!r}, which exists: use that name.")
    if same.fingerprint != spec.fingerprint:
        now, then = spec.as_dict(), same.spec
        keys = [key for key in now | then if then.get(key) != now.get(key)]
        changed = ", ".join(f"{key} {then.get(key)!r} to {now.get(key)!r}" for key in keys)
        raise StudyError(
            f"system {spec.slug!r} exists with other settings (changed: {changed}): "
            "a system never changes, so give this one another name."
        )
    return same


def design_hash(study: Study) -> str:
    """SHA-256 of the canonical JSON of the design: who has the same hash asked the same thing."""
    return hashlib.sha256(canonical_design(study).encode()).hexdigest()


def canonical_design(study: Study) -> str:
    return json.dumps(study.design, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def open_study(study: Study) -> bool:
    """Freeze the design and let raters in. False: it was open already."""
    drafts = Study.objects.filter(id=study.id, state=Study.State.DRAFT)
    opened = drafts.update(state=Study.State.OPEN, opened_at=timezone.now(), design_hash=design_hash(study))
    study.refresh_from_db()
    if study.state == Study.State.CLOSED:
        raise StudyError(f"Study {study.slug!r} is closed: closed studies stay closed.")
    return opened == 1


def close_study(study: Study) -> bool:
    """Hand out no more pairs; answers to pairs already handed out are still kept. False: it was closed already."""
    if study.state == Study.State.DRAFT:
        raise StudyError(f"Study {study.slug!r} is a draft: only an open study can be closed.")
    closed = Study.objects.filter(id=study.id, state=Study.State.OPEN).update(
        state=Study.State.CLOSED, closed_at=timezone.now()
    )
    study.refresh_from_db()
    apply_rules(study)
    return closed == 1


def systems_named(study: Study, slugs: Sequence[str] | None) -> list[System]:
    """The study's systems, or only those of these slugs."""
    systems = list(study.systems.order_by("slug"))
    if not slugs:
        return systems
    for slug in slugs:
        if slug not in {system.slug for system in systems}:
            allowed = ", ".join(system.slug for system in systems)
            raise StudyError(f"--system is {slug!r}; study {study.slug!r} has: {allowed}.")
    return [system for system in systems if system.slug in slugs]


def request_images(study: Study, systems: Iterable[System]) -> int:
    """Ask for every missing image of these systems; return how many are new. Nothing is asked if one cannot be made."""
    systems = list(systems)
    wishes = _wishes(study, systems)
    unable = [missing_backend(system.parsed_spec()) or "" for system in awaiting_import(study, systems)]
    if unable:
        raise StudyError("\n".join([*unable, "Nothing was queued. Name the others with --system to make them now."]))
    new = jobs.request(wishes, study.display_px)
    jobs.dispatch(image_jobs(study).claimable())
    return new


def awaiting_import(study: Study, systems: Iterable[System]) -> list[System]:
    """Those of these systems that lack images which nothing here can make."""
    counts = image_jobs(study).counts_by_system()
    wanted = study.prompt_set.prompts.count()
    return [
        system
        for system in systems
        if missing_backend(system.parsed_spec()) and counts.get(system.id, {}).get(ImageJob.State.DONE, 0) < wanted
    ]


def import_images(study: Study, manifest: Path, watch: importing.Watch = iter) -> tuple[int, int]:
    """Take the images of a manifest as those of this study; return how many are new, and how many were there."""
    return importing.import_images(manifest, _wishes(study, study.systems.all()), study.display_px, watch)


def _wishes(study: Study, systems: Iterable[System]) -> list[importing.Wish]:
    if study.state == Study.State.DRAFT:
        raise StudyError(f"Study {study.slug!r} is a draft: open it first with open_study {study.slug}.")
    prompts = list(study.prompt_set.prompts.all())
    return [(system, prompt, study.seed + prompt.position) for system in systems for prompt in prompts]


def image_jobs(study: Study) -> ImageJobQuerySet:
    """The jobs whose images this study shows. All systems start a prompt from one seed: study seed + position."""
    return ImageJob.objects.filter(
        system__in=study.systems.all(),
        prompt__prompt_set=study.prompt_set_id,
        seed=F("prompt__position") + study.seed,
    )


def build_comparisons(study: Study) -> int:
    """Insert a comparison for every question and pair of finished images that has none; return how many."""
    by_prompt = _images_by_prompt(study)
    pairs = sum(len(images) * (len(images) - 1) // 2 for images in by_prompt.values())
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


def _images_by_prompt(study: Study) -> dict[int, list[Image]]:
    by_prompt: dict[int, list[Image]] = {}
    images = Image.objects.filter(job__in=image_jobs(study)).select_related("job").order_by("id")
    for image in images:
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
    """Prompt and systems of the pairs that are checks under this question, or that the instructions show with their
    answer: they are not voted on as well.
    """
    study = question.study
    systems = dict(study.systems.values_list("slug", "id"))
    prompts = dict(study.prompt_set.prompts.values_list("text", "id"))
    golds = [gold for gold in study.protocol.checks.gold if gold.question == question.key]
    known = [pair for pair in (*golds, *study.protocol.examples) if pair.prompt in prompts]
    return {(prompts[pair.prompt], frozenset({systems[pair.better], systems[pair.worse]})) for pair in known}
