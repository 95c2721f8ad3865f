"""Image jobs: request, dispatch, claim, finish, fail, requeue.

The table is the truth and a message only a hint: whoever moves a row from one state to the next by a conditional
update owns it, and everybody else finds zero rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from celery import current_app
from django.conf import settings
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from generation import checkpoints, storage
from generation.backends import RenderedImage
from generation.models import Image, ImageJob, Prompt, System

State = ImageJob.State
GENERATE_IMAGES = "generation.generate_images"
AFTER_OTHER_WORK = 9  # of ten priorities the last: periodic work is not to wait behind hours of images


class JobTaken(Exception):
    """Somebody else runs this job, or has finished it."""


def request(wishes: Iterable[tuple[System, Prompt, int]], display_px: int) -> int:
    """Insert a job for each (system, prompt, seed) that has none; return how many were new."""
    rows = [ImageJob(system=system, prompt=prompt, seed=seed, display_px=display_px) for system, prompt, seed in wishes]
    with transaction.atomic():
        before = ImageJob.objects.count()
        ImageJob.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
        return ImageJob.objects.count() - before


def dispatch(jobs: models.QuerySet[ImageJob]) -> int:
    """Send a message for every JOBS_PER_MESSAGE of these jobs of one system, after commit; return how many."""
    by_system: dict[int, list[int]] = {}
    for job_id, system_id in jobs.order_by("system_id", "id").values_list("id", "system_id"):
        by_system.setdefault(system_id, []).append(job_id)
    jobs.update(message_sent_at=timezone.now())
    messages = [
        (system_id, ids[start : start + settings.JOBS_PER_MESSAGE])
        for system_id, ids in by_system.items()
        for start in range(0, len(ids), settings.JOBS_PER_MESSAGE)
    ]
    for message in messages:
        send = partial(current_app.send_task, GENERATE_IMAGES, args=message, priority=AFTER_OTHER_WORK)
        transaction.on_commit(send)
    return len(messages)


def claim(system_id: int, job_ids: Sequence[int], limit: int) -> tuple[str, list[ImageJob]]:
    """Take up to `limit` of the jobs that are due; return a claim and the jobs it holds, perhaps none.

    A job that was tried before is taken alone, after all others: were it the one that kills the worker, it
    would cost the jobs beside it their attempts.

    The claim is a random token kept in the row. It fences off a worker that was thought dead: `finish` and `fail`
    do nothing for a job that meanwhile belongs to another claim.
    """
    token = uuid.uuid4().hex
    due = ImageJob.objects.claimable().filter(system_id=system_id, id__in=job_ids).order_by("attempts", "id")
    while rows := list(due.values_list("id", "attempts")[:limit]):
        ids = [job_id for job_id, attempts in rows if attempts == 0] or [rows[0][0]]
        if ImageJob.objects.filter(id__in=ids, state=State.QUEUED).update(
            state=State.RUNNING, attempts=F("attempts") + 1, claim=token, lease_expires_at=_lease_end()
        ):
            break  # otherwise others took all of these meanwhile: what else is due?
    return token, list(held(token).select_related("prompt").order_by("id"))


def due_systems() -> models.QuerySet[System]:
    return System.objects.filter(id__in=ImageJob.objects.claimable().values("system_id"))


def due_of(system: System, limit: int) -> list[int]:
    """The oldest jobs of a system that nobody has begun."""
    due = ImageJob.objects.claimable().filter(system=system).order_by("attempts", "id")
    return list(due.values_list("id", flat=True)[:limit])


def held(token: str) -> models.QuerySet[ImageJob]:
    return ImageJob.objects.filter(claim=token, state=State.RUNNING)


def extend_lease(token: str) -> int:
    return held(token).update(lease_expires_at=_lease_end())


def finish(job: ImageJob, rendered: RenderedImage) -> bool:
    """Store the picture, then its row and the job's state together. False: the claim was lost, nothing changed."""
    sha256 = storage.store_original(rendered.image)
    storage.ensure_display(sha256, job.display_px)
    checkpoints.keep(rendered.checkpoints.values())
    with transaction.atomic():
        if not _leave_running(job, state=State.DONE, error=""):
            return False
        Image.objects.create(
            job=job,
            sha256=sha256,
            width=rendered.image.width,
            height=rendered.image.height,
            detail=storage.detail(rendered.image),
            **rendered.timings.as_columns(),
            environment=dict(rendered.environment),
        )
    return True


@transaction.atomic
def deliver(images: Sequence[Image]) -> None:
    """Finish the jobs of these images, which were made elsewhere and stored: all of them.

    Raises JobTaken, and changes nothing, where somebody else runs or has finished one of the jobs.
    """
    for start in range(0, len(images), 500):
        batch = images[start : start + 500]
        idle = ImageJob.objects.filter(id__in=[image.job_id for image in batch], state__in=[State.QUEUED, State.FAILED])
        if idle.update(state=State.DONE, error="") != len(batch):
            raise JobTaken
        Image.objects.bulk_create(batch)


def fail(job: ImageJob, error: str) -> bool:
    """Stop the job for good; the dashboard shows why and offers a retry."""
    return _leave_running(job, state=State.FAILED, error=error)


def retry_later(job: ImageJob, error: str) -> bool:
    """Back to the queue after a delay that doubles with each attempt, or stop after MAX_JOB_ATTEMPTS."""
    if job.attempts >= settings.MAX_JOB_ATTEMPTS:
        return fail(job, f"{error} (after {job.attempts} attempts)")
    delay = timedelta(seconds=5 * 2**job.attempts)
    return _leave_running(job, state=State.QUEUED, error=error, not_before=timezone.now() + delay)


def requeue_lapsed() -> int:
    """Give back the jobs whose worker has died: its lease ran out without a sign of life.

    It took a message with it, and the broker waits for hours before it tells another worker. So all jobs of these
    systems have new ones; a job that is named by two is made once.
    """
    lapsed = ImageJob.objects.lapsed()
    systems = list(lapsed.values_list("system_id", flat=True).distinct())
    error = "the worker died or fell silent while making this image"
    free = {"lease_expires_at": None, "claim": "", "error": error}
    lapsed.filter(attempts__gte=settings.MAX_JOB_ATTEMPTS).update(state=State.FAILED, **free)
    count = lapsed.update(state=State.QUEUED, not_before=timezone.now(), **free)
    dispatch(ImageJob.objects.claimable().filter(system__in=systems))
    return count


def dispatch_retries() -> int:
    """Send messages for jobs that were tried before and whose delay has ended, once for each."""
    return dispatch(ImageJob.objects.claimable().filter(attempts__gt=0, message_sent_at__lt=F("not_before")))


def dispatch_forgotten() -> int:
    """Send messages for jobs that are due while none is made: their messages were lost.

    While images come, messages are still being worked through, and sending them again would only pile them up. Between
    two messages of a lone worker nothing runs, so an image that has just come counts too.
    """
    a_lease_ago = timezone.now() - timedelta(seconds=settings.JOB_LEASE_SECONDS)
    newest = Image.objects.made_here().order_by("-id").first()
    if ImageJob.objects.filter(state=State.RUNNING).exists() or (newest and newest.created_at > a_lease_ago):
        return 0
    return dispatch(ImageJob.objects.claimable())


def retry_failed(jobs: models.QuerySet[ImageJob]) -> int:
    """Queue failed jobs again, with their attempts counted from zero."""
    ids = list(jobs.filter(state=State.FAILED).values_list("id", flat=True))
    failed = ImageJob.objects.filter(id__in=ids, state=State.FAILED)
    count = failed.update(state=State.QUEUED, attempts=0, error="", not_before=timezone.now())
    dispatch(ImageJob.objects.filter(id__in=ids))
    return count


def _leave_running(job: ImageJob, **changes: object) -> bool:
    return held(job.claim).filter(id=job.id).update(lease_expires_at=None, claim="", **changes) == 1


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)
