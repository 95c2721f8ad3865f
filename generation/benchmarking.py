"""How long a system takes in this process, without queue or storage: measured here, kept as LatencyRun."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from generation import backends, checkpoints
from generation.backends import Backend, OutOfDeviceMemory, RenderedImage
from generation.catalogue import catalogue, resolve
from generation.latency import batch_sizes
from generation.models import LatencyRun, System
from generation.systems import SpecError, SystemSpec
from generation.timing import StageTimings


class UnknownSystem(Exception):
    """No system has this name, here or in the catalogue."""


def find_system(name: str) -> SystemSpec:
    """A system of the database, else NAME@STEPS of the catalogue."""
    if system := System.objects.filter(slug=name).first():
        return system.parsed_spec()
    entry, _, steps = name.rpartition("@")
    if entry not in catalogue() or not steps.isdecimal():
        known = ", ".join(System.objects.values_list("slug", flat=True)) or "none yet"
        raise UnknownSystem(
            f"{name} is no system; allowed: one of the database ({known}), or NAME@STEPS with a NAME "
            f"of the catalogue ({', '.join(catalogue())})."
        )
    try:
        (spec,) = resolve({"catalogue": entry, "steps": int(steps)})
    except SpecError as error:
        raise UnknownSystem(f"{name}: {error}.") from error
    return spec


def measure(
    spec: SystemSpec, data_dir: Path, asked: Sequence[int], runs: int, prompt: str
) -> tuple[list[LatencyRun], int | None]:
    """A stored run for each batch size, and the most that the system makes in a call.

    Warming up is left out, and so is the first call of each batch size: a GPU chooses its kernels in it.
    """
    model = backends.create(spec, data_dir)
    stored = [_run(spec, model, size, runs, prompt) for size in batch_sizes(asked, model.largest_batch)]
    model.to_host()
    return stored, model.largest_batch


def timings_of(run: LatencyRun) -> list[StageTimings]:
    keys = StageTimings.__dataclass_fields__
    return [
        StageTimings(**{key: call[key] for key in keys} | {"forward_ms": tuple(call["forward_ms"])})
        for call in run.timings
    ]


def _run(spec: SystemSpec, model: Backend, size: int, runs: int, prompt: str) -> LatencyRun:
    calls: list[dict[str, Any]] = []
    environment: dict[str, Any] = {}
    error = ""
    try:
        for rendered in _calls(model, size, runs, prompt):
            environment = dict(rendered.environment)
            calls.append(asdict(rendered.timings) | {"wall_ms": environment.pop("wall_ms", None)})
            checkpoints.keep(rendered.checkpoints.values())
    except OutOfDeviceMemory as failure:
        calls, error = [], str(failure)
    return LatencyRun.objects.create(
        system=spec.slug,
        fingerprint=spec.fingerprint,
        spec=spec.as_dict(),
        device=environment.get("device", ""),
        batch_size=size,
        runs=len(calls),
        timings=calls,
        environment=environment,
        error=error,
    )


def _calls(model: Backend, size: int, runs: int, prompt: str) -> Iterator[RenderedImage]:
    """The first picture of each call: those of a batch share their timings."""
    model.render([prompt] * size, range(size))
    for start in range(0, runs * size, size):
        yield model.render([prompt] * size, range(start, start + size))[0]
