"""Opening a draft from the browser, and closing a study: what it means, said beforehand, and then done."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from kombu.exceptions import OperationalError

from comparisons.models import Study
from comparisons.studies import (
    StudyError,
    awaiting_import,
    close_study,
    delete_draft,
    image_jobs,
    open_study,
    request_images,
)
from generation.models import ImageJob, System
from people import audit
from people.audit import Verb
from studio.estimate import Estimate, estimate
from studio.models import WorkingCopy

NO_BROKER = (
    "No broker answers. The images are asked for all the same: start a worker with “make worker”, "
    "which starts a broker where none is configured and finds them by itself."
)


@dataclass(frozen=True)
class Outlook:
    """What opening a draft sets going."""

    prompts: int
    comparisons: int  # of all questions
    images_there: int
    images_to_make: int
    awaited: list[System]  # whose images are made elsewhere
    estimate: Estimate


@dataclass(frozen=True)
class Opened:
    is_new: bool  # False: it was open already
    images: int  # newly asked for
    awaited: list[System]
    trouble: str = ""  # why no worker was told; the jobs are there


def outlook(study: Study, copy: WorkingCopy) -> Outlook:
    prompts, systems = study.prompt_set.prompts.count(), list(study.systems.order_by("slug"))
    awaited = awaiting_import(study, systems)
    there = image_jobs(study).filter(state=ImageJob.State.DONE)
    made_here = [system for system in systems if system not in awaited]
    pairs = len(systems) * (len(systems) - 1) // 2
    return Outlook(
        prompts=prompts,
        comparisons=prompts * pairs * study.questions.count(),
        images_there=there.count(),
        images_to_make=prompts * len(made_here) - there.filter(system__in=made_here).count(),
        awaited=awaited,
        estimate=estimate(copy.content, prompts),
    )


def open_and_ask(study: Study, user: User) -> Opened:
    """Freeze the design, let raters in, and ask for the images that can be made here."""
    with transaction.atomic():
        is_new = open_study(study)
        if is_new:
            audit.record(Verb.OPENED, study=study, actor=user, details={"design_hash": study.design_hash})
    systems = list(study.systems.order_by("slug"))
    awaited = awaiting_import(study, systems)
    before = image_jobs(study).count()
    trouble = ""
    try:
        request_images(study, [system for system in systems if system not in awaited])
    except StudyError as error:
        trouble = str(error)
    except (OperationalError, OSError):
        trouble = NO_BROKER
    return Opened(is_new, image_jobs(study).count() - before, awaited, trouble)


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
