"""Where a system's checkpoints are: hub ids stay as they are, folders are found and checked.

diffusers answers an incomplete folder with a sentence about its own internals, or with a silent
fallback to other weights. Looking first lets the error name the system, the key and the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from generation.backends import PermanentBackendError
from generation.systems import SystemSpec

_WEIGHTS = ("unet", "transformer", "vae", "text_encoder", "text_encoder_2", "text_encoder_3")


def locate(spec: SystemSpec, key: str, data_dir: Path) -> str | Path:
    """The hub id of the spec's `key`, or the folder that it means, which must exist."""
    value = str(getattr(spec, key))
    if not value.startswith(("/", "./")):
        return value
    folder = data_dir / value
    if not folder.is_dir():
        raise _wrong(spec, key, f"there is no folder {folder}; put the checkpoint there or correct the path")
    return folder


def check_pipeline(spec: SystemSpec, folder: Path) -> None:
    """Every component that model_index.json lists has its folder, its config and its weights."""
    components = _read_index(spec, folder)
    swapped = {key for key in ("unet", "vae") if getattr(spec, key) is not None}
    for name, kind in components.items():
        if name.startswith("_") or name in swapped or not isinstance(kind, list) or kind[0] is None:
            continue
        if not (folder / name).is_dir():
            raise _wrong(spec, "model", f"{folder} has no subfolder {name}, which its model_index.json lists")
        if name in _WEIGHTS:
            check_weights(spec, "model", folder / name, spec.variant)
        elif not any((folder / name).iterdir()):
            raise _wrong(spec, "model", f"{folder / name} is empty; copy the whole checkpoint there")


def check_weights(spec: SystemSpec, key: str, folder: Path, variant: str | None) -> None:
    """The folder of one model has its config and safetensors weights of the variant asked for."""
    if not (folder / "config.json").is_file():
        raise _wrong(spec, key, f"{folder} has no config.json; copy the whole checkpoint there")
    if has_weights(folder, variant):
        return
    if variant is not None and any(folder.glob("*.safetensors")):
        raise _wrong(spec, "variant", f"{folder} has no weights of that variant; leave variant out or add them")
    raise _wrong(spec, key, f"{folder} has no .safetensors weights; pickled .bin weights are not loaded")


def has_weights(folder: Path, variant: str | None) -> bool:
    """Whole or sharded: model.fp16.safetensors, model.fp16-00001-of-00002.safetensors."""
    if variant is None:
        return any("." not in path.stem for path in folder.glob("*.safetensors"))
    return any(folder.glob(f"*.{variant}.safetensors")) or any(folder.glob(f"*.{variant}-*.safetensors"))


def _read_index(spec: SystemSpec, folder: Path) -> dict[str, Any]:
    path = folder / "model_index.json"
    if not path.is_file():
        raise _wrong(spec, "model", f"{folder} has no model_index.json, so it holds no diffusers pipeline")
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        index = None
    if not isinstance(index, dict):
        raise _wrong(spec, "model", f"{path} is not a JSON object; copy the checkpoint again")
    return index


def _wrong(spec: SystemSpec, key: str, reason: str) -> PermanentBackendError:
    return PermanentBackendError(f"{spec.slug}: {key} is {getattr(spec, key)!r}, but {reason}.")
