"""Asking for the images of a study, noted in the log."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from kombu.exceptions import OperationalError

from comparisons.models import Study
from comparisons.studies import awaiting_import, image_jobs, request_images
from generation import jobs
from generation.models import System
from people import audit
from people.audit import Verb

NO_BROKER = (
    "The images are queued, but no broker answers: start a worker with “make worker”, "
    "which starts a broker where none is configured and finds them by itself."
)


@dataclass
class Asked:
    new: int = 0
    retried: int = 0
    no_broker: Exception | None = None  # then no worker was told; the jobs are there all the same

    @property
    def trouble(self) -> str:
        """Why no worker was told, in words; empty where one was."""
        return NO_BROKER if self.no_broker else ""


def made_here(study: Study) -> tuple[list[System], list[System]]:
    """Its systems whose images can be made here, and those whose images are still to come from elsewhere."""
    systems = list(study.systems.order_by("slug"))
    awaited = awaiting_import(study, systems)
    return [system for system in systems if system not in awaited], awaited


def ask_for_images(
    study: Study, systems: Collection[System], *, retry: bool = False, actor: User | None = None, by: str = ""
) -> Asked:
    """For every missing image of these systems and, with `retry`, anew for those that failed.

    StudyError where the images of one cannot be made here: then nothing is asked.
    """
    asked = Asked()
    try:
        with transaction.atomic():
            asked.new = request_images(study, systems)
            asked.retried = jobs.retry_failed(image_jobs(study).filter(system__in=systems)) if retry else 0
            for verb, count in ((Verb.GENERATED, asked.new), (Verb.RETRIED, asked.retried)):
                if count:
                    audit.record(verb, study=study, actor=actor, by=by, details={"images": count})
    except (OperationalError, OSError) as error:  # once all of it is committed
        asked.no_broker = error
    return asked
