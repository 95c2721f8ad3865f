"""Jobs in the table, as plainly as possible."""

from __future__ import annotations

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
