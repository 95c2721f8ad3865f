"""What a worker does with a message: claim jobs, render them with the resident model, store or fail each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, connection

from generation import backends, jobs
from generation.models import ImageJob, System
from generation.systems import SystemSpec

logger = logging.getLogger(__name__)

stopping = threading.Event()  # set when the worker was told to stop: finish this batch, claim no other


class Resident:
    """The model that this worker holds in memory. One at a time: loading the next lets go of the last."""

    def __init__(self) -> None:
        self._fingerprint = ""
        self._backend: backends.Backend | None = None
        self._failure: backends.PermanentBackendError | None = None

    def backend(self, spec: SystemSpec) -> backends.Backend:
        if self._fingerprint != spec.fingerprint:
            self._fingerprint, self._backend, self._failure = spec.fingerprint, None, None
        if self._failure:
            raise self._failure
        if self._backend is None:
            try:
                self._backend = backends.create(spec, settings.DATA_DIR)
            except backends.PermanentBackendError as failure:
                self._failure = failure
                raise
        return self._backend

    def forget_failure(self) -> None:
        """A model that could not be loaded is not tried again for each of a message's images, but by the next one."""
        self._failure = None


resident = Resident()


def render_jobs(system_id: int, job_ids: Sequence[int]) -> None:
    """Work through the jobs of one message, a batch at a time.

    Jobs are claimed batch by batch, so that an attempt is counted only against the images that were really being
    made when a worker died.
    """
    spec = System.objects.get(id=system_id).parsed_spec()
    resident.forget_failure()
    while not stopping.is_set():
        token, claimed = jobs.claim(system_id, job_ids, settings.GENERATION_BATCH_SIZE)
        if not claimed:
            return
        with _kept_alive(token):
            _render_batch(spec, claimed)
    jobs.dispatch(ImageJob.objects.claimable().filter(id__in=job_ids))


def _render_batch(spec: SystemSpec, claimed: list[ImageJob]) -> None:
    try:
        rendered = resident.backend(spec).render([job.prompt.text for job in claimed], [job.seed for job in claimed])
        for job, picture in zip(claimed, rendered, strict=True):
            jobs.finish(job, picture)
    except backends.PermanentBackendError as error:
        for job in claimed:
            jobs.fail(job, str(error))
    except Exception as error:
        logger.exception("%s: %d image(s) not made", spec.slug, len(claimed))
        for job in claimed:
            jobs.retry_later(job, f"{type(error).__name__}: {error}")


@contextmanager
def _kept_alive(token: str) -> Iterator[None]:
    """Extend the lease while the block runs, so that a batch may take any time and a death is seen within one lease."""
    finished = threading.Event()

    def beat() -> None:
        while not finished.wait(settings.JOB_LEASE_SECONDS / 3):
            try:
                jobs.extend_lease(token)
            except DatabaseError:  # the next beat comes well before the lease ends
                logger.warning("a lease could not be extended", exc_info=True)
        connection.close()

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
