"""Jobs in the table, as plainly as possible."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from generation import jobs
from generation.models import ImageJob, Prompt, System
from tests.factories import make_prompt_set, make_system_spec


def make_system(name: str, steps: int = 4) -> System:
    spec = make_system_spec(name, steps)
    return System.objects.create(slug=spec.slug, fingerprint=spec.fingerprint, steps=steps, spec=spec.as_dict())


def make_prompts(count: int) -> list[Prompt]:
    return list(make_prompt_set(texts=[f"{number} cats" for number in range(count)]).prompts.all())


def make_jobs(count: int, system: System | None = None) -> list[ImageJob]:
    system = system or make_system("alpha")
    jobs.request([(system, prompt, 7) for prompt in make_prompts(count)], display_px=32)
    return list(ImageJob.objects.filter(system=system).order_by("id"))


def claim_all(made: Sequence[ImageJob]) -> list[ImageJob]:
    return jobs.claim(made[0].system_id, [job.id for job in made], limit=100)[1]


def let_lease_lapse(job: ImageJob) -> None:
    ImageJob.objects.filter(id=job.id).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def let_delay_pass(job: ImageJob) -> None:
    ImageJob.objects.filter(id=job.id).update(not_before=timezone.now())
