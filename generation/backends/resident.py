"""A torch model that stays in a worker's memory, moves between host and device, and serves many systems."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

import torch

from generation.backends import pipelines, provenance
from generation.backends.checkpoints import locate, locate_lora, value_of
from generation.backends.provenance import Checkpoint
from generation.systems import SystemSpec

_LOCATIONS = ("model", "unet", "vae")


class ResidentModel(ABC):
    """What the backends of torch models do alike between `load` and `render`.

    A subclass says which modules it has loaded, how a system calls them, and how to make a first
    call, whose extra cost must be in no image's timings.
    """

    largest_batch: int | None = None
    most_bytes: int | None = None
    called = "the pipeline"  # in messages, of a system that names none

    def __init__(self) -> None:
        pipelines.silence()
        self._device = pipelines.pick_device()
        self._ready_for = ""  # fingerprint of the system that is configured, on the device and warm
        self._warm: set[str] = set()
        self.checkpoints: dict[str, Checkpoint] = {}

    @property
    def size_bytes(self) -> int:
        tensors = [tensor for module in self._modules() for tensor in (*module.parameters(), *module.buffers())]
        return sum({id(tensor): tensor.nbytes for tensor in tensors}.values())

    @property
    def on_device(self) -> bool:
        return any(tensor.device.type != "cpu" for module in self._modules() for tensor in module.parameters())

    def prepare(self, spec: SystemSpec) -> None:
        if self._ready_for == spec.fingerprint:
            return
        self._ready_for = ""
        self._configure(spec)
        self._to_device(spec)
        if spec.fingerprint not in self._warm:
            with pipelines.first_call(spec, spec.pipeline or self.called):
                self._warm_up()
            self._warm.add(spec.fingerprint)
        self._ready_for = spec.fingerprint

    def to_host(self) -> None:
        self._ready_for = ""
        for module in self._modules():
            module.to("cpu")
        if self._device.type == "cuda":
            torch.cuda.empty_cache()  # else the room stays torch's own, and another process cannot have it

    def _remember_checkpoints(self, spec: SystemSpec, data_dir: Path) -> None:
        """Which files every checkpoint that the spec names was made of when it was loaded."""
        keys = [key for key in _LOCATIONS if value_of(spec, key) is not None]
        keys += [f"arguments.{name}" for name in spec.arguments if name.endswith("_model")]
        self.checkpoints = {
            key.removeprefix("arguments."): _checkpoint(spec, key, locate(spec, key, data_dir)) for key in keys
        }
        if spec.lora is not None:
            self.checkpoints["lora"] = provenance.of_file(spec.lora, *locate_lora(spec, data_dir))

    def _to_device(self, spec: SystemSpec) -> None:
        pipelines.move(spec, self._modules(), self._device)

    @abstractmethod
    def _modules(self) -> Iterable[torch.nn.Module]:
        """All that was loaded."""

    @abstractmethod
    def _configure(self, spec: SystemSpec) -> None:
        """Take over what this system does otherwise than the last: scheduler, arguments."""

    @abstractmethod
    def _warm_up(self) -> None:
        """Make one short call."""


def _checkpoint(spec: SystemSpec, key: str, location: str | Path) -> Checkpoint:
    if isinstance(location, Path):
        return provenance.of_folder(str(value_of(spec, key)), location, spec.variant)
    return provenance.of_hub(location, spec.revision if key == "model" else None, spec.variant)
