"""Backends turn prompts and seeds into images.

A backend is one file here and one line in `BACKENDS`. Nothing is imported before `create` asks for
it: the process that serves pages never loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from PIL.Image import Image

from generation.systems import IMPORTED, SystemSpec
from generation.timing import StageTimings

BACKENDS: dict[str, str] = {
    "diffusers": "generation.backends.diffusers:DiffusersBackend",
    "deepfloyd": "generation.backends.deepfloyd:DeepFloydBackend",
    "muse": "generation.backends.muse:MuseBackend",
}


class BackendError(Exception):
    """A system could not be loaded, or a picture could not be made.

    BackendError
    ├── PermanentBackendError   trying again cannot help: a missing file, a wrong argument, NaN pixels
    └── TransientBackendError   trying again may help: no memory left on the device
    """


class PermanentBackendError(BackendError):
    pass


class TransientBackendError(BackendError):
    pass


@dataclass(frozen=True)
class RenderedImage:
    image: Image
    timings: StageTimings
    environment: Mapping[str, Any]


class Backend(Protocol):
    def load(self, spec: SystemSpec, data_dir: Path) -> None: ...

    def render(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderedImage]: ...


def missing_backend(spec: SystemSpec) -> str | None:
    """The sentence that says why this system cannot generate yet, or None when its backend exists."""
    if spec.backend in BACKENDS:
        return None
    if spec.backend == IMPORTED:
        return f"{spec.slug} is made elsewhere: bring its images with import_images STUDY manifest.csv."
    existing = ", ".join(BACKENDS)
    return f"{spec.slug} needs backend {spec.backend!r}, which does not exist yet; existing: {existing}."


def create(spec: SystemSpec, data_dir: Path) -> Backend:
    """The system's backend, its model loaded and warm."""
    if missing := missing_backend(spec):
        raise PermanentBackendError(missing)
    module, _, name = BACKENDS[spec.backend].partition(":")
    backend: Backend = getattr(import_module(module), name)()
    backend.load(spec, data_dir)
    return backend
