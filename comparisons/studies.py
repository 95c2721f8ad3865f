"""Studies: create, open, close, ask for the images, build the comparisons."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from comparisons import building
from comparisons.models import Question, Study, Vote
from comparisons.rules import apply_rules
from comparisons.study_file import StudySpec
from generation import importing, jobs
from generation.backends import missing_backend
from generation.models import Image, ImageJob, ImageJobQuerySet, PromptSet, System
from generation.systems import SystemSpec
from people import audit
from people.audit import Verb


class StudyError(Exception):
    """One sentence for the researcher: what is wrong with the study, and what to do."""


class SlugTakenError(StudyError):
    def __init__(self, slug: str) -> None:
        super().__init__(f"slug is {slug!r}, which another study has; allowed: a name that none has.")


def find_study(slug: str) -> Study:
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        existing = ", ".join(Study.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise StudyError(f"There is no study {slug!r}; existing: {existing}.")
    return study


@transaction.atomic
def create_study(spec: StudySpec, *, must_be_new: bool = False) -> tuple[Study, bool]:
    """The study of this specification, and whether it is new or changed. A draft may be replaced, an open study not.

    SlugTakenError where it must be new and is not, or where somebody else makes one of its slug at the same moment.
    """
    prompt_set = PromptSet.objects.filter(slug=spec.prompt_set).first()
    if prompt_set is None:
        raise StudyError(
            f"prompt_set is {spec.prompt_set!r}, which does not exist: "
            f"import it first with import_prompts FILE --set {spec.prompt_set}."
        )
    design = spec.as_design() | {"prompts_sha256": prompt_set.sha256}
    earlier = Study.objects.filter(slug=spec.slug).first()
    if earlier and must_be_new:
        raise SlugTakenError(spec.slug)
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
    study = _study_row(spec, prompt_set, design, earlier)
    if earlier:
        study.questions.all().delete()
        study.systems.clear()
        _forget_unused_systems()
    study.systems.set([_system(system) for system in sorted(spec.systems, key=attrgetter("slug"))])
    _write_questions(study, spec)
    return study, True


def rename_draft(study: Study, slug: str) -> None:
    """SlugTakenError where another study has it."""
    try:
        with transaction.atomic():
            renamed = Study.objects.filter(id=study.id, state=Study.State.DRAFT).update(slug=slug)
    except IntegrityError:
        raise SlugTakenError(slug) from None
    if not renamed:
        raise StudyError(
            f"Study {study.slug!r} is no draft any more: its design is frozen, so make a new version of it."
        )


def delete_draft(study: Study) -> None:
    """StudyError where it has been opened: what was asked of raters stays."""
    with transaction.atomic():
        if not Study.objects.filter(id=study.id, state=Study.State.DRAFT).delete()[0]:
            raise StudyError(f"Study {study.slug!r} is {study.state}: only a draft can be deleted.")
        _forget_unused_systems()


def _forget_unused_systems() -> None:
    """Nobody has asked for their images, so they may change."""
    System.objects.filter(studies=None, jobs=None).delete()


def _study_row(spec: StudySpec, prompt_set: PromptSet, design: dict[str, Any], earlier: Study | None) -> Study:
    """The first to be written, so that whoever makes or changes the same study at the same moment waits here. A draft
    stays the same row: its address, and who takes part in it.
    """
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
    if earlier is None:
        try:
            with transaction.atomic():
                return Study.objects.create(slug=spec.slug, **values)
        except IntegrityError:
            raise SlugTakenError(spec.slug) from None
    if not Study.objects.filter(id=earlier.id, state=Study.State.DRAFT).update(**values):
        raise StudyError(f"slug is {spec.slug!r}, a study that is no draft any more: give this one another slug.")
    return Study.objects.get(id=earlier.id)


def _write_questions(study: Study, spec: StudySpec) -> None:
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


def _system(spec: SystemSpec) -> System:
    """Two that bring the same one at the same moment share it."""
    new = System(slug=spec.slug, fingerprint=spec.fingerprint, steps=spec.steps, spec=spec.as_dict())
    System.objects.bulk_create([new], ignore_conflicts=True)
    same = System.objects.filter(Q(slug=spec.slug) | Q(fingerprint=spec.fingerprint)).earliest("id")
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


@transaction.atomic
def open_study(study: Study) -> bool:
    """Freeze the design and let raters in. False: it was open already."""
    drafts = Study.objects.filter(id=study.id, state=Study.State.DRAFT)
    opened = drafts.update(state=Study.State.OPEN, opened_at=timezone.now(), design_hash=design_hash(study))
    study.refresh_from_db()
    if study.state == Study.State.CLOSED:
        raise StudyError(f"Study {study.slug!r} is closed: closed studies stay closed.")
    if opened and design_hash(study) != study.design_hash:  # somebody saved another one since `study` was read
        raise StudyError(f"Not opened: the design of {study.slug!r} was changed at this moment. Look at it again.")
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


def getting_answers() -> QuerySet[Study]:
    """The open ones, and those that got an answer within a day: browsers keep what they could not deliver, and it may
    come long after the study was closed.
    """
    new = Vote.objects.filter(answered_at__gte=timezone.now() - timedelta(days=1))
    return Study.objects.filter(Q(state=Study.State.OPEN) | Q(id__in=new.values("assignment__session__study")))


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


def import_images(
    study: Study, manifest: Path, watch: importing.Watch = iter, *, actor: User | None = None, by: str = ""
) -> tuple[int, int]:
    """Take the images of a manifest as those of this study, and note it in the log; return how many are new, and how
    many were there.
    """

    def note(new: int) -> None:
        audit.record(Verb.IMPORTED, study=study, actor=actor, by=by, details={"images": new, "manifest": manifest.name})

    return importing.import_images(manifest, _wishes(study, study.systems.all()), study.display_px, note, watch)


def _wishes(study: Study, systems: Iterable[System]) -> list[importing.Wish]:
    if study.state == Study.State.DRAFT:
        raise StudyError(f"Study {study.slug!r} is a draft: open it first with open_study {study.slug}.")
    prompts = list(study.prompt_set.prompts.all())
    return [(system, prompt, study.seed + prompt.position) for system in systems for prompt in prompts]


def image_jobs(study: Study) -> ImageJobQuerySet:
    """The jobs whose images this study shows. All systems start a prompt from one seed: study seed + position."""
    # By their ids: PostgreSQL would take a look at the study's systems for each job.
    systems = list(study.systems.values_list("id", flat=True))
    return ImageJob.objects.filter(
        system__in=systems,
        prompt__prompt_set=study.prompt_set_id,
        seed=F("prompt__position") + study.seed,
    )


def build_comparisons(study: Study) -> int:
    """Insert a comparison for every question and pair of finished images that has none; return how many."""
    return building.build(study, Image.objects.filter(job__in=image_jobs(study)))
