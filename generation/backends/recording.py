"""What surrounded a call: versions, device, duration and memory; of the same shape for all backends."""

from __future__ import annotations

import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from generation.systems import SystemSpec

_PACKAGES = (
    "torch",
    "diffusers",
    "transformers",
    "peft",
    "accelerate",
    "safetensors",
    "tokenizers",
    "numpy",
    "pillow",
)


@dataclass
class Cost:
    """Of one call, conversion to images included. Memory is None where nobody can tell.

    The peak of the host is the whole process's, weights included; that of the device is torch's own.
    """

    wall_ms: float = 0.0
    peak_host_bytes: int | None = None
    peak_device_bytes: int | None = None


@contextmanager
def measured(device: torch.device) -> Iterator[Cost]:
    """The cost is filled in when the block is left without an error."""
    cost = Cost()
    can_tell = _forget_host_peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    started = time.perf_counter()
    yield cost
    cost.wall_ms = (time.perf_counter() - started) * 1000.0
    cost.peak_host_bytes = _host_peak() if can_tell else None
    if device.type == "cuda":
        cost.peak_device_bytes = torch.cuda.max_memory_allocated(device)


def environment(spec: SystemSpec, device: torch.device, batch_size: int, cost: Cost) -> dict[str, Any]:
    on_gpu = device.type == "cuda"
    return {
        "python": platform.python_version(),
        **_versions(),
        "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
        "cuda": torch.version.cuda if on_gpu else None,
        "driver": _driver() if on_gpu else None,
        "dtype": spec.dtype,
        "batch_size": batch_size,
        "threads": torch.get_num_threads(),
        "platform": platform.platform(),
        "wall_ms": cost.wall_ms,
        "peak_host_bytes": cost.peak_host_bytes,
        "peak_device_bytes": cost.peak_device_bytes,
    }


@cache
def _versions() -> dict[str, str | None]:
    return {package: _version(package) for package in _PACKAGES} | {"torch": torch.__version__}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # most systems need no peft
        return None


@cache
def _driver() -> str | None:
    if (program := shutil.which("nvidia-smi")) is None:
        return None
    command = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return next(iter(asked.stdout.splitlines()), None) if asked.returncode == 0 else None


def _forget_host_peak() -> bool:
    """Linux only: from here on VmHWM is the peak since now (see proc_pid_clear_refs(5))."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _host_peak() -> int | None:
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None
