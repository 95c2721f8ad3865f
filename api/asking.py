"""Asking for the images of a study that can be made here."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from kombu.exceptions import OperationalError

from comparisons import studies
from comparisons.models import Study
from generation import jobs
from people import audit
from people.audit import Verb

NO_BROKER = "The images are queued, but no broker answers: a worker that is started finds them by itself."


@dataclass
class Asked:
    new: int
    retried: int
    awaiting_import: list[str]
    trouble: str = ""


def ask(study: Study, user: User, *, retry: bool) -> Asked:
    """For every missing image and, with `retry`, anew for those that failed."""
    systems = list(study.systems.order_by("slug"))
    awaited = studies.awaiting_import(study, systems)
    made_here = [system for system in systems if system not in awaited]
    asked = Asked(0, 0, [system.slug for system in awaited])
    try:
        with transaction.atomic():
            asked.new = studies.request_images(study, made_here)
            wanted = studies.image_jobs(study).filter(system__in=made_here)
            asked.retried = jobs.retry_failed(wanted) if retry else 0
            for verb, count in ((Verb.GENERATED, asked.new), (Verb.RETRIED, asked.retried)):
                if count:
                    audit.record(verb, study=study, actor=user, details={"images": count})
    except (OperationalError, OSError):  # once all of it is committed
        asked.trouble = NO_BROKER
    return asked
