"""What goes through the broker. Tasks take ids, are idempotent and hold no logic."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from generation import jobs, rendering


@shared_task(name=jobs.GENERATE_IMAGES)
def generate_images(system_id: int, job_ids: list[int]) -> None:
    rendering.render_jobs(system_id, job_ids)


@shared_task(name="generation.requeue_jobs")
def requeue_jobs() -> None:
    jobs.requeue_lapsed()
    jobs.dispatch_retries()
    jobs.dispatch_forgotten()


@worker_shutting_down.connect
def stop_after_this_batch(**_: Any) -> None:
    rendering.stopping.set()
