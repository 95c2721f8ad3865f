"""Systems: a model at one configuration, validated, immutable and identified by a fingerprint."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields
from types import MappingProxyType
from typing import Any

Scalar = str | int | float | bool

IMPORTED = "imported"  # of systems whose images are made elsewhere: nothing here can run them
BACKEND_NAMES = ("diffusers", "deepfloyd", "muse", "stylegan-t", "endpoint", IMPORTED)
MOST_STEPS = 10_000
DTYPES = ("float16", "bfloat16", "float32")

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_REFERENCE = re.compile(r"\.?/.+|[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*")
_LORA = re.compile(rf"{_REFERENCE.pattern}(/[\w.-]+)*")
_FOLDER_MARKS = ("/", "./")
_DISTILLED_OVER = 50  # original_inference_steps of these schedulers, unless it is set
_DISTILLED_SCHEDULERS = ("LCMScheduler", "TCDScheduler")


class SpecError(ValueError):
    """One key of a system's table is wrong: what was found there, and what is allowed."""

    def __init__(self, key: str, found: str, allowed: str) -> None:
        super().__init__(f"{key} is {found}; allowed: {allowed}")
        self.key = key
        self.found = found
        self.allowed = allowed


@dataclass(frozen=True)
class SystemSpec:
    """Everything that decides which pixels a system makes of a prompt and a seed.

    `model`, `unet` and `vae` are hub ids ("org/name") or folders (absolute, or "./x" inside the data
    folder); of the backends "endpoint" and "imported", `model` is any text. `lora` may name a file of
    such a repository or folder ("org/name/file.safetensors"). An empty `scheduler` leaves the
    checkpoint's own; otherwise it holds a "class" and that class's options. `guidance_scale` None
    leaves the pipeline's own default.
    """

    name: str
    backend: str
    model: str
    steps: int
    width: int
    height: int
    pipeline: str | None = None
    revision: str | None = None
    variant: str | None = None
    unet: str | None = None
    vae: str | None = None
    lora: str | None = None
    scheduler: Mapping[str, Scalar] = field(default_factory=dict, hash=False)
    guidance_scale: float | None = None
    dtype: str = "float16"
    arguments: Mapping[str, Scalar] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _check(self)
        if self.guidance_scale is not None:
            object.__setattr__(self, "guidance_scale", float(self.guidance_scale))
        for key in ("scheduler", "arguments"):
            object.__setattr__(self, key, MappingProxyType(dict(getattr(self, key))))

    @property
    def slug(self) -> str:
        return f"{self.name}@{self.steps}"

    @property
    def names(self) -> set[str]:
        """What would tell a rater which system made a picture: its own name, and those of all that it loads."""
        loaded = [value for key, value in self.arguments.items() if key.endswith("_model")]
        places = [self.name, self.model, self.unet, self.vae, *loaded]
        if self.lora is not None:
            *folder, file = self.lora.split("/")
            places += [file.removesuffix(".safetensors"), *folder[-1:]]
        return {str(place).rstrip("/").rpartition("/")[2] for place in places if place}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON of every field but the name."""
        content = self.as_dict()
        del content["name"]
        return _digest(content)

    @property
    def weights_key(self) -> str:
        """The same for systems that differ only in how they call one model, and so share it in memory."""
        content = {key: value for key, value in self.as_dict().items() if key not in _OF_A_CALL}
        models = {key: value for key, value in self.arguments.items() if key.endswith("_model")}
        return _digest(content | models)

    def as_dict(self) -> dict[str, Any]:
        content = {key.name: getattr(self, key.name) for key in fields(self)}
        if self.lora is None:
            del content["lora"]  # so that fingerprints and design hashes of before it existed stay what they were
        return content | {"scheduler": dict(self.scheduler), "arguments": dict(self.arguments)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> SystemSpec:
        check_keys(content, FIELDS)
        for key in _REQUIRED:
            if key not in content:
                raise SpecError(key, "missing", _ALLOWED[key])
        return cls(**content)


# What a model is called with; every other key decides what is loaded.
_OF_A_CALL = {"name", "steps", "width", "height", "scheduler", "guidance_scale", "arguments"}
FIELDS = tuple(key.name for key in fields(SystemSpec))
_REQUIRED = tuple(key.name for key in fields(SystemSpec) if key.default is MISSING and key.default_factory is MISSING)

_TEXT = "a text that is not empty"
_SIZE = "a whole number of pixels, a multiple of 8 and at least 8"
_TABLE = "a table of texts, finite numbers, true and false"
PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".dill")
_NO_PICKLE = (
    "A pickle runs code when it is opened, so none is loaded; "
    "export your own generator, as docs/systems.md shows, and give that folder"
)
_FOLDER_OR_HUB = "a hub id such as 'org/name', an absolute folder, or './folder' inside the data folder"
_ALLOWED = {
    "name": "1 to 64 lower-case letters, digits, '-', '.' and '_', the first a letter or digit",
    "backend": ", ".join(BACKEND_NAMES),
    "model": _FOLDER_OR_HUB,
    "unet": _FOLDER_OR_HUB,
    "vae": _FOLDER_OR_HUB,
    "lora": "a hub id such as 'org/name', one of its files, 'org/name/file.safetensors', or a local folder or file",
    "pipeline": "the name of a diffusers pipeline class, such as 'StableDiffusionXLPipeline'",
    "revision": _TEXT,
    "variant": _TEXT,
    "scheduler": _TABLE,
    "scheduler.original_inference_steps": "a whole number of at least 1",
    "scheduler.class": "the name of a diffusers scheduler class, such as 'EulerDiscreteScheduler'",
    "steps": f"a whole number from 1 to {MOST_STEPS}",
    "guidance_scale": "a number of at least 0",
    "width": _SIZE,
    "height": _SIZE,
    "dtype": ", ".join(DTYPES),
    "arguments": _TABLE,
}


def _digest(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def check_keys(table: Mapping[str, object], allowed: Collection[str]) -> None:
    for key in table:
        if key not in allowed:
            raise SpecError(key, "not a known key", closest(key, allowed))


def closest(word: str, allowed: Collection[str]) -> str:
    near = difflib.get_close_matches(word, allowed, n=1)
    return ", ".join(allowed) + (f" (did you mean {near[0]}?)" if near else "")


def _check(spec: SystemSpec) -> None:
    hub_or_folder = spec.backend not in ("endpoint", IMPORTED)
    valid = {
        "name": _is_name(spec.name),
        "backend": spec.backend in BACKEND_NAMES,
        "model": _is_reference(spec.model) if hub_or_folder else _is_text(spec.model),
        "unet": spec.unet is None or _is_reference(spec.unet),
        "vae": spec.vae is None or _is_reference(spec.vae),
        "lora": spec.lora is None or _is_lora(spec.lora),
        "revision": spec.revision is None or _is_text(spec.revision),
        "variant": spec.variant is None or _is_text(spec.variant),
        "scheduler": _is_table(spec.scheduler),
        "steps": _is_whole(spec.steps) and 1 <= spec.steps <= MOST_STEPS,
        "guidance_scale": spec.guidance_scale is None or _is_guidance(spec.guidance_scale),
        "width": _is_size(spec.width),
        "height": _is_size(spec.height),
        "dtype": spec.dtype in DTYPES,
        "arguments": _is_table(spec.arguments),
    }
    for key, is_valid in valid.items():
        if not is_valid:
            value = getattr(spec, key)
            allowed = _TEXT if key == "model" and not hub_or_folder else _ALLOWED[key]
            if key == "model" and str(value).lower().endswith(PICKLES):
                allowed = f"{_FOLDER_OR_HUB}. {_NO_PICKLE}"
            raise SpecError(key, repr(value), allowed)
    if spec.revision is not None and spec.model.startswith(_FOLDER_MARKS):
        raise SpecError("revision", repr(spec.revision), "none, because model is a folder")
    _check_class_name("pipeline", spec.pipeline, required=spec.backend == "diffusers")
    _check_class_name("scheduler.class", spec.scheduler.get("class"), required=bool(spec.scheduler))
    if spec.scheduler.get("class") in _DISTILLED_SCHEDULERS:
        _check_distilled_steps(spec)
    _check_negative_prompt(spec)


def _check_class_name(key: str, value: object, *, required: bool) -> None:
    if value is None and required:
        raise SpecError(key, "missing", _ALLOWED[key])
    if value is not None and not (isinstance(value, str) and value.isidentifier()):
        raise SpecError(key, repr(value), _ALLOWED[key])


def _check_distilled_steps(spec: SystemSpec) -> None:
    """Consistency distillation has its own grid of steps, and sampling can only skip some of them."""
    key, most = "original_inference_steps", spec.scheduler.get("original_inference_steps", _DISTILLED_OVER)
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise SpecError(f"scheduler.{key}", repr(most), _ALLOWED[f"scheduler.{key}"])
    if spec.steps > most:
        allowed = f"1 to {most} with {spec.scheduler['class']}, whose scheduler.{key} is {most}"
        raise SpecError("steps", repr(spec.steps), allowed)


def _check_negative_prompt(spec: SystemSpec) -> None:
    """Guidance away from it is all that it is for: without, the system would only seem to be another one."""
    if spec.guidance_scale is None or spec.guidance_scale > 1 or "true_cfg_scale" in spec.arguments:
        return
    for name, value in spec.arguments.items():
        if name.startswith("negative_prompt"):
            allowed = f"none, because guidance_scale {spec.guidance_scale} turns off the guidance that it is for"
            raise SpecError(f"arguments.{name}", repr(value), allowed)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def _is_lora(value: object) -> bool:
    return isinstance(value, str) and _LORA.fullmatch(value) is not None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_size(value: int) -> bool:
    return _is_whole(value) and value >= 8 and value % 8 == 0


def _is_guidance(value: float) -> bool:
    return _is_scalar(value) and not isinstance(value, str | bool) and value >= 0


def _is_scalar(value: object) -> bool:
    return isinstance(value, Scalar) and not (isinstance(value, float) and not math.isfinite(value))


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) and _is_scalar(item) for key, item in value.items())
