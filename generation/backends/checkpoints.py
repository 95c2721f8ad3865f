"""Where a system's checkpoints are: hub ids stay as they are, folders are found and checked.

diffusers answers an incomplete folder with a sentence about its own internals, or with a silent
fallback to other weights. Looking first lets the error name the system, the key and the file.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from generation.backends import PermanentBackendError
from generation.systems import SystemSpec

_WITHOUT_WEIGHTS = ("scheduler", "tokenizer", "processor", "feature_extractor")
# What tokenizers read, one of these lines; without it they would number words in a way of their own.
_VOCABULARIES = (
    ("tokenizer.json",),
    ("vocab.json", "merges.txt"),
    ("spiece.model",),
    ("tokenizer.model",),
    ("sentencepiece.bpe.model",),
    ("vocab.txt",),
)
_LORA_FILE = "pytorch_lora_weights.safetensors"  # the name that diffusers saves under


def value_of(spec: SystemSpec, key: str) -> Any:
    """What the spec says under a key, which is dotted inside a table: `arguments.stage_2_model`."""
    table, _, name = key.partition(".")
    found = getattr(spec, table)
    return found[name] if name else found


def locate(spec: SystemSpec, key: str, data_dir: Path) -> str | Path:
    """The hub id of the spec's `key`, or the folder that it means, which must exist."""
    value = str(value_of(spec, key))
    if not value.startswith(("/", "./")):
        return value
    folder = data_dir / value
    if not folder.is_dir():
        raise _wrong(spec, key, f"there is no folder {folder}; put the checkpoint there or correct the path")
    return folder


def locate_lora(spec: SystemSpec, data_dir: Path) -> tuple[str | Path, str]:
    """The repository or the folder that holds the spec's LoRA, and the name of its file there."""
    value = str(spec.lora)
    if not value.startswith(("/", "./")):
        organisation, name, *file = value.split("/")
        return f"{organisation}/{name}", "/".join(file) or _LORA_FILE
    path = data_dir / value
    if path.is_dir():
        path /= _LORA_FILE
    if not path.is_file():
        raise _wrong(spec, "lora", f"there is no file {path}; put the LoRA there or correct the path")
    if path.suffix != ".safetensors":
        raise _wrong(spec, "lora", f"{path} is no .safetensors file; pickled weights are not loaded")
    return path.parent, path.name


def check_pipeline(spec: SystemSpec, key: str, folder: Path, variant: str | None, given: Collection[str]) -> None:
    """Every component that model_index.json lists, those given excepted, has its folder, config and weights."""
    for name, kind in _read_index(spec, key, folder).items():
        if name.startswith("_") or name in given or not isinstance(kind, list) or kind[0] is None:
            continue
        if not (folder / name).is_dir():
            raise _wrong(spec, key, f"{folder} has no subfolder {name}, which its model_index.json lists")
        if not any(word in name for word in _WITHOUT_WEIGHTS):
            check_weights(spec, key, folder / name, variant)
        elif not any((folder / name).iterdir()):
            raise _wrong(spec, key, f"{folder / name} is empty; copy the whole checkpoint there")
        elif "tokenizer" in name:
            check_vocabulary(spec, key, folder / name)


def check_vocabulary(spec: SystemSpec, key: str, folder: Path) -> None:
    """The folder of one tokenizer has the files that its words come from."""
    found = {path.name for path in folder.iterdir() if path.stat().st_size > 0}
    if not any(found.issuperset(files) for files in _VOCABULARIES):
        allowed = ", or ".join(" with ".join(files) for files in _VOCABULARIES)
        raise _wrong(spec, key, f"{folder} has no vocabulary ({allowed}); copy the whole checkpoint there")


def check_weights(spec: SystemSpec, key: str, folder: Path, variant: str | None) -> None:
    """The folder of one model has its config and safetensors weights of the variant asked for."""
    if not (folder / "config.json").is_file():
        raise _wrong(spec, key, f"{folder} has no config.json; copy the whole checkpoint there")
    if files := weights_of(folder, variant):
        for path in files:
            _check_header(spec, key, path)
        return
    if variant is not None and any(folder.glob("*.safetensors")):
        raise _wrong(spec, "variant", f"{folder} has no weights of that variant; leave variant out or add them")
    raise _wrong(spec, key, f"{folder} has no .safetensors weights; pickled .bin weights are not loaded")


def weights_of(folder: Path, variant: str | None) -> list[Path]:
    """Whole or sharded: model.fp16.safetensors, model.fp16-00001-of-00002.safetensors."""
    if variant is None:
        return [path for path in folder.glob("*.safetensors") if "." not in path.stem]
    return [*folder.glob(f"*.{variant}.safetensors"), *folder.glob(f"*.{variant}-*.safetensors")]


def _check_header(spec: SystemSpec, key: str, path: Path) -> None:
    """The header says how long the file is; reading it alone finds one that was cut off."""
    try:
        with safe_open(path, framework="numpy"):
            pass
    except (OSError, SafetensorError) as error:
        reason = str(error).rstrip(".")
        raise _wrong(spec, key, f"{path} is damaged or incomplete ({reason}); copy it again") from error


def _read_index(spec: SystemSpec, key: str, folder: Path) -> dict[str, Any]:
    path = folder / "model_index.json"
    if not path.is_file():
        raise _wrong(spec, key, f"{folder} has no model_index.json, so it holds no diffusers pipeline")
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        index = None
    if not isinstance(index, dict):
        raise _wrong(spec, key, f"{path} is not a JSON object; copy the checkpoint again")
    return index


def _wrong(spec: SystemSpec, key: str, reason: str) -> PermanentBackendError:
    return PermanentBackendError(f"{spec.slug}: {key} is {value_of(spec, key)!r}, but {reason}.")
