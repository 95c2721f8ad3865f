"""Opening a draft from the browser, and closing a study: what it means, said beforehand, and then done."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from comparisons.asking import ask_for_images, made_here
from comparisons.models import Study
from comparisons.studies import StudyError, close_study, delete_draft, image_jobs, open_study
from generation.models import ImageJob, System
from people import audit
from people.audit import Verb
from studio import copies
from studio.estimate import Estimate, estimate
from studio.models import WorkingCopy


@dataclass(frozen=True)
class Outlook:
    """What opening a draft sets going."""

    prompts: int
    comparisons: int  # of all questions
    images_there: int
    images_to_make: int
    awaited: list[System]  # whose images are made elsewhere
    estimate: Estimate  # of the draft: what is typed in its form and not saved does not open


@dataclass(frozen=True)
class Opened:
    is_new: bool  # False: it was open already
    images: int  # newly asked for
    awaited: list[System]
    trouble: str = ""  # why no worker was told; the jobs are there


def outlook(study: Study, copy: WorkingCopy | None) -> Outlook:
    prompts, (systems, awaited) = study.prompt_set.prompts.count(), made_here(study)
    there = image_jobs(study).filter(state=ImageJob.State.DONE)
    number = len(systems) + len(awaited)
    return Outlook(
        prompts=prompts,
        comparisons=prompts * (number * (number - 1) // 2) * study.questions.count(),
        images_there=there.count(),
        images_to_make=prompts * len(systems) - there.filter(system__in=systems).count(),
        awaited=awaited,
        estimate=estimate(copies.saved_content(study, copy), prompts),
    )


def open_and_ask(study: Study, user: User) -> Opened:
    """Freeze the design, let raters in, and ask for the images that can be made here."""
    with transaction.atomic():
        is_new = open_study(study)
        if is_new:
            audit.record(Verb.OPENED, study=study, actor=user, details={"design_hash": study.design_hash})
    systems, awaited = made_here(study)
    try:
        asked = ask_for_images(study, systems, actor=user)
    except StudyError as error:
        return Opened(is_new, 0, awaited, str(error))
    return Opened(is_new, asked.new, awaited, asked.trouble)


def close(study: Study, user: User) -> bool:
    """False: it was closed already."""
    with transaction.atomic():
        is_new = close_study(study)
        if is_new:
            audit.record(Verb.CLOSED, study=study, actor=user)
    return is_new


def delete(study: Study, user: User) -> None:
    """Of a draft; StudyError where it has been opened."""
    with transaction.atomic():
        delete_draft(study)
        audit.record(Verb.DELETED, study=study, actor=user)
