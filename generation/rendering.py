"""What a worker does with a message: claim jobs, render them with a resident model, store or fail each."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from django.conf import settings
from django.db import DatabaseError, connection

from generation import backends, jobs, storage
from generation.models import ImageJob, System
from generation.residency import Residency
from generation.storing import Storing
from generation.systems import SystemSpec

logger = logging.getLogger(__name__)

stopping = threading.Event()  # set when the worker was told to stop: finish this batch, claim no other
residency = Residency(settings.DATA_DIR, settings.MODEL_MEMORY_BYTES)
batch_limits: dict[str, int] = {}  # by system's fingerprint: what fitted after a larger batch did not


def render_jobs(system_id: int, job_ids: Sequence[int]) -> None:
    """Work through the jobs of one message, a batch at a time, after others that the warm model can do.

    Messages of all systems share one queue. Following it blindly would change models with every message
    where systems are interleaved; so the model in use first does what else the table has for it, up to
    WARM_IMAGES_AHEAD, after which the others have waited long enough.
    """
    system = System.objects.get(id=system_id)
    residency.forget_failures()
    ahead = settings.WARM_IMAGES_AHEAD
    for warm in _warm_systems(other_than=system.parsed_spec()):
        ahead -= _work_off(warm, jobs.due_of(warm, ahead))
        if ahead <= 0:  # below 0 where an image was tried twice
            break
    _work_off(system, job_ids)
    if stopping.is_set():
        jobs.dispatch(ImageJob.objects.claimable().filter(id__in=job_ids))


def _warm_systems(other_than: SystemSpec) -> list[System]:
    """The systems with work to do that use the weights in memory, unless the next message's system uses them too."""
    if residency.latest in (None, other_than.weights_key):
        return []
    return [system for system in jobs.due_systems() if system.parsed_spec().weights_key == residency.latest]


def _work_off(system: System, job_ids: Sequence[int]) -> int:
    """Make the images of these jobs that are due; return how many were tried.

    Jobs are claimed batch by batch, so that an attempt is counted only against the images that were really being
    made or stored when a worker died.
    """
    spec = system.parsed_spec()
    tried = 0
    with Storing() as storing:
        while job_ids and not stopping.is_set():
            token, claimed = jobs.claim(system.id, job_ids, _batch_size(spec))
            if not claimed:
                break
            lease = ExitStack()
            lease.enter_context(_kept_alive(token))
            try:
                _make(spec, claimed, storing)
            finally:
                storing.add(lease.close)
            tried += len(claimed)
    return tried


def _batch_size(spec: SystemSpec) -> int:
    return batch_limits.get(spec.fingerprint, settings.GENERATION_BATCH_SIZE)


def _make(spec: SystemSpec, claimed: list[ImageJob], storing: Storing) -> None:
    try:
        storage.check_room()
        model = residency.backend(spec)
    except Exception as error:
        _give_up(spec, claimed, error)
        return
    size = min(len(claimed), model.largest_batch or len(claimed))
    for start in range(0, len(claimed), size):
        _render(spec, model, claimed[start : start + size], storing)


def _render(spec: SystemSpec, model: backends.Backend, batch: list[ImageJob], storing: Storing) -> None:
    """One call of the model. If it fails, the halves are tried, so that one bad prompt fails alone."""
    middle = len(batch) // 2
    try:
        rendered = _call(spec, model, batch)
    except Exception as error:
        if len(batch) == 1 or isinstance(error, backends.DeviceLost):
            _give_up(spec, batch, error)
            return
        if isinstance(error, backends.OutOfDeviceMemory):
            batch_limits[spec.fingerprint] = middle
            logger.warning("%s From now on %d at a time.", str(error), middle)  # handlers may keep what they get
    else:
        storing.wait()
        for job, picture in zip(batch, rendered, strict=True):
            storing.add(partial(_store, spec, job, picture))
        return
    # Only here, where the error is gone: its traceback would keep what the failed call has put on the device.
    gc.collect()
    for half in (batch[:middle], batch[middle:]):
        _render(spec, model, half, storing)


def _store(spec: SystemSpec, job: ImageJob, picture: backends.RenderedImage) -> None:
    try:
        jobs.finish(job, picture)
    except Exception as error:
        _give_up(spec, [job], error)


def _call(spec: SystemSpec, model: backends.Backend, batch: list[ImageJob]) -> list[backends.RenderedImage]:
    """Render; where the device's memory is full, other models leave it first."""
    while True:
        try:
            rendered = model.render([job.prompt.text for job in batch], [job.seed for job in batch])
        except backends.OutOfDeviceMemory:
            if not residency.move_one_out():
                raise
        else:
            if len(rendered) != len(batch):
                raise backends.PermanentBackendError(
                    f"{spec.slug} made {len(rendered)} picture(s) of {len(batch)} prompt(s)."
                )
            return rendered


def _give_up(spec: SystemSpec, batch: list[ImageJob], error: Exception) -> None:
    """For good where trying again cannot help, else until later."""
    for job in batch:
        if isinstance(error, backends.PermanentBackendError):
            jobs.fail(job, str(error))
        else:
            jobs.retry_later(job, _sentence(error))
    if not isinstance(error, backends.BackendError | storage.StorageError):
        logger.error("%s: %d image(s) not made", spec.slug, len(batch), exc_info=error)
    if isinstance(error, backends.DeviceLost):
        logger.error("%s This worker ends.", error)
        _leave()


def _leave() -> None:
    """End this process as if it had been told to: it can use its device no more, and another one can."""
    stopping.set()
    os.kill(os.getpid(), signal.SIGTERM)


def _sentence(error: Exception) -> str:
    if isinstance(error, backends.BackendError | storage.StorageError):
        return str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"There is no room for images in {settings.MEDIA_ROOT}: {error.strerror}."
    return f"{type(error).__name__}: {error}"


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
