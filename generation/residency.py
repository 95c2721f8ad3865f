"""Which models a worker keeps in memory: each is loaded once, and the least recently used makes room."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from pathlib import Path

from generation.backends import Backend, BackendError, OutOfDeviceMemory, load
from generation.systems import SystemSpec

logger = logging.getLogger(__name__)

Loader = Callable[[SystemSpec, Path], Backend]


class Residency:
    """The models in memory, by the key of their weights, the least recently used first.

    `limit_bytes` bounds what they take together; the one in use stays even if it is larger alone. On a
    device with memory of its own, models leave it for the host's memory when its room runs short, one by
    one, and come back without being read from the disk again.
    """

    def __init__(self, data_dir: Path, limit_bytes: int, load: Loader = load) -> None:
        self._data_dir = data_dir
        self._limit_bytes = limit_bytes
        self._load = load
        self._models: dict[str, Backend] = {}
        self._failures: dict[str, tuple[type[BackendError], str]] = {}  # an error itself would keep what it was loading

    @property
    def latest(self) -> str | None:
        """The weights that were used last, if they are still here."""
        return next(reversed(self._models), None)

    def backend(self, spec: SystemSpec) -> Backend:
        """The system's model, in memory, on its device and ready to render for it."""
        if failure := self._failures.get(spec.fingerprint):
            kind, sentence = failure
            raise kind(sentence)
        try:
            return self._prepared(spec)
        except OutOfDeviceMemory:
            raise
        except BackendError as error:
            self._failures[spec.fingerprint] = (type(error), str(error))
            raise

    def move_one_out(self) -> bool:
        """Move the least recently used model off the device. False: only the latest is left there."""
        for key, model in self._models.items():
            if key != self.latest and model.on_device:
                model.to_host()
                return True
        return False

    def forget_failures(self) -> None:
        """A system that cannot run is not tried again for each of a message's images, but by the next message."""
        self._failures.clear()

    def _prepared(self, spec: SystemSpec) -> Backend:
        key = spec.weights_key
        model = self._models.pop(key, None) or self._read(spec)
        self._models[key] = model
        self._drop_the_oldest()
        while True:
            try:
                model.prepare(spec)
            except OutOfDeviceMemory:
                if not self.move_one_out():
                    raise
            else:
                return model

    def _read(self, spec: SystemSpec) -> Backend:
        start = time.monotonic()
        model = self._load(spec, self._data_dir)
        model.most_bytes = self._limit_bytes
        logger.info("Loaded %s: %d MB in %.1f s.", spec.slug, model.size_bytes // 10**6, time.monotonic() - start)
        return model

    def _drop_the_oldest(self) -> None:
        while len(self._models) > 1 and sum(model.size_bytes for model in self._models.values()) > self._limit_bytes:
            key = next(iter(self._models))
            logger.info("Letting go of %d MB for another model.", self._models[key].size_bytes // 10**6)
            del self._models[key]
            gc.collect()  # a pipeline's modules refer to each other, and must go before the next are made
