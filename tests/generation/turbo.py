"""The smallest system that a real pipeline makes pictures with, and what is said where it cannot be loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generation import backends
from generation.backends import PermanentBackendError
from generation.systems import SystemSpec

TURBO: dict[str, Any] = {
    "name": "turbo",
    "backend": "diffusers",
    "pipeline": "StableDiffusionXLPipeline",
    "model": "./turbo",
    "steps": 1,
    "guidance_scale": 0.0,
    "width": 64,
    "height": 64,
    "dtype": "float32",
}


def load_error(data_dir: Path, **changes: Any) -> str:
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(SystemSpec(**TURBO | changes), data_dir)
    return str(caught.value)
