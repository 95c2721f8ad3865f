"""Backends turn prompts and seeds into images.

A backend is one file here and one line in `BACKENDS`. Nothing is imported before `create` asks for
it: the process that serves pages never loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from PIL.Image import Image

from generation.backends.provenance import Checkpoint
from generation.systems import IMPORTED, SystemSpec
from generation.timing import StageTimings

BACKENDS: dict[str, str] = {
    "diffusers": "generation.backends.diffusers:DiffusersBackend",
    "deepfloyd": "generation.backends.deepfloyd:DeepFloydBackend",
    "muse": "generation.backends.muse:MuseBackend",
    "stylegan-t": "generation.backends.stylegan_t:StyleGanTBackend",
    "endpoint": "generation.backends.endpoint:EndpointBackend",
}


class BackendError(Exception):
    """A system could not be loaded, or a picture could not be made.

    BackendError
    ├── PermanentBackendError   trying again cannot help: a missing file, a wrong argument, NaN pixels
    └── TransientBackendError   trying again may help: a hub out of reach
        ├── OutOfDeviceMemory   a smaller batch, or fewer models beside this one, may fit
        └── DeviceLost          in another process: this one's device answers no more
    """


class PermanentBackendError(BackendError):
    pass


class TransientBackendError(BackendError):
    pass


class OutOfDeviceMemory(TransientBackendError):
    pass


class DeviceLost(TransientBackendError):
    pass


@dataclass(frozen=True)
class RenderedImage:
    image: Image
    timings: StageTimings
    environment: Mapping[str, Any]
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)  # by the key of the spec, or "prior"


class Backend(Protocol):
    """One model in memory, and the system whose images it makes next.

    Systems that differ only in how they call a model (steps, guidance, scheduler, size) have the same
    `SystemSpec.weights_key` and share one backend: `load` is called once, `prepare` for each of them.
    """

    largest_batch: int | None  # images that one call can make; None: as many as memory allows
    most_bytes: int | None  # of host memory; a model that can do with parts of itself keeps to it, None: no limit

    @property
    def size_bytes(self) -> int:
        """Memory that the loaded weights take, wherever they are; 0 where nothing is loaded here."""

    @property
    def on_device(self) -> bool:
        """Whether it takes up memory of a device that has its own."""

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        """Read the weights into the host's memory."""

    def prepare(self, spec: SystemSpec) -> None:
        """Bring the weights to the device and make the next renders this system's; warm up at its first time.

        Does nothing where that is so already. Raises OutOfDeviceMemory.
        """

    def to_host(self) -> None:
        """Leave the device to others, until the next `prepare`."""

    def render(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderedImage]: ...


def missing_backend(spec: SystemSpec) -> str | None:
    """The sentence that says why nothing here generates for this system, or None when its backend does."""
    if spec.backend != IMPORTED:
        return None
    return f"{spec.slug} is made elsewhere: bring its images with import_images STUDY manifest.csv."


def load(spec: SystemSpec, data_dir: Path) -> Backend:
    """A backend that holds the system's weights in the host's memory."""
    if missing := missing_backend(spec):
        raise PermanentBackendError(missing)
    module, _, name = BACKENDS[spec.backend].partition(":")
    backend: Backend = getattr(import_module(module), name)()
    backend.load(spec, data_dir)
    return backend


def create(spec: SystemSpec, data_dir: Path) -> Backend:
    """The system's backend, loaded, on its device and warm."""
    backend = load(spec, data_dir)
    backend.prepare(spec)
    return backend
