"""What the backends that run diffusers pipelines do alike: load, check arguments, name errors, record."""

from __future__ import annotations

import difflib
import inspect
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers

from generation.backends import BackendError, PermanentBackendError, RenderedImage, TransientBackendError
from generation.backends.checkpoints import check_pipeline, has_weights, locate, value_of
from generation.systems import SystemSpec
from generation.timing import StageClock, StageTimings

Pixels = np.ndarray[Any, Any]


def silence() -> None:
    """Without this a worker's log fills with progress bars and with hints about optional packages."""
    diffusers.utils.logging.disable_progress_bar()
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()


def pick_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_pipeline(
    spec: SystemSpec, pipeline_class: Any, data_dir: Path, *, key: str = "model", components: Mapping[str, Any]
) -> Any:
    """The pipeline of the spec's `key`, with some components given, or None where they are not needed.

    Only `model` has the spec's revision, and it must have its variant; other checkpoints give their
    plain weights where they lack that variant.
    """
    location = locate(spec, key, data_dir)
    is_model = key == "model"
    variants = [spec.variant] if is_model else variants_of(spec, location, "unet")
    if isinstance(location, Path):
        check_pipeline(spec, key, location, variants[0], given=components)
    options = dict(components)
    if "add_watermarker" in inspect.signature(pipeline_class.__init__).parameters:
        options["add_watermarker"] = False  # else SDXL marks its pixels wherever the library is installed
    if is_model and isinstance(location, str) and spec.revision is not None:
        options["revision"] = spec.revision
    pipeline = load_first(spec, key, location, variants, partial(pipeline_class.from_pretrained, **options))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def variants_of(spec: SystemSpec, location: str | Path, subfolder: str = "") -> list[str | None]:
    """The variants to try, in order, for a checkpoint that may lack the system's."""
    if isinstance(location, Path):
        return [spec.variant if has_weights(location / subfolder, spec.variant) else None]
    return list(dict.fromkeys([spec.variant, None]))


def load_first(spec: SystemSpec, key: str, location: str | Path, variants: Sequence[str | None], load: Any) -> Any:
    """What `load` makes of the location with the first variant that is there."""
    for variant in variants:
        try:
            return load(str(location), dtype=getattr(torch, spec.dtype), variant=variant, use_safetensors=True)
        except (OSError, ValueError) as error:
            failure = _unloadable(spec, key, location, error)
            failure.__cause__ = error
    raise failure


def _unloadable(spec: SystemSpec, key: str, location: str | Path, error: Exception) -> PermanentBackendError:
    value = value_of(spec, key)
    if isinstance(location, Path):
        return PermanentBackendError(
            f"{spec.slug}: {key} is {value!r}, but {location} cannot be loaded: {_first_line(error)}"
        )
    if "variant" in str(error):
        key, value = "variant", spec.variant
    return PermanentBackendError(
        f"{spec.slug}: {key} is {value!r}, but {location} could be neither fetched from the hub nor found "
        "in its local cache; check the name, the network and, for a gated model, the token."
    )


def refuse_keys(spec: SystemSpec, *keys: str) -> None:
    for key in keys:
        if (value := getattr(spec, key)) is not None:
            raise PermanentBackendError(
                f"{spec.slug}: {key} is {value!r}, but backend {spec.backend!r} has no use for it; leave it out."
            )


def use_own_scheduler(spec: SystemSpec, pipeline: Any) -> None:
    """Replace the checkpoint's scheduler where the spec names another; the rest of its configuration stays."""
    if not spec.scheduler:
        return
    options = dict(spec.scheduler)
    scheduler_class = find_class(spec, "scheduler.class", str(options.pop("class")), diffusers.SchedulerMixin)
    accepted = inspect.signature(scheduler_class.__init__).parameters
    for name in options:
        if name not in accepted:
            raise PermanentBackendError(
                f"{spec.slug}: {scheduler_class.__name__} takes no option {name!r}{suggest(name, accepted)}"
            )
    pipeline.scheduler = scheduler_class.from_config(pipeline.scheduler.config, **options)


def find_class(spec: SystemSpec, key: str, name: str, parent: type) -> Any:
    found = getattr(diffusers, name, None)
    if not (isinstance(found, type) and issubclass(found, parent)):
        kind = key.partition(".")[0]
        names = [known for known in dir(diffusers) if known.lower().endswith(kind)]
        raise PermanentBackendError(
            f"{spec.slug}: {key} is {name!r}, but diffusers {diffusers.__version__} has no such "
            f"{kind}{suggest(name, names)}"
        )
    return found


def call_arguments(spec: SystemSpec, pipeline: Any) -> dict[str, Any]:
    """What every call passes besides prompts and seeds; the pipeline must know each by name."""
    own: dict[str, Any] = {
        "num_inference_steps": spec.steps,
        "width": spec.width,
        "height": spec.height,
        "output_type": "np",
    }
    if spec.guidance_scale is not None:
        own["guidance_scale"] = spec.guidance_scale
    reserved = {*own, "prompt", "generator"}
    for name in spec.arguments:
        if name in reserved:
            raise PermanentBackendError(
                f"{spec.slug}: arguments has {name!r}, which Evalsite sets itself; leave it out."
            )
    accepted = set(inspect.signature(pipeline.__call__).parameters)
    for name in (*sorted(reserved), *spec.arguments):
        if name not in accepted:
            hint = suggest(name, accepted - reserved)
            raise PermanentBackendError(f"{spec.slug}: {type(pipeline).__name__} takes no argument {name!r}{hint}")
    return own | dict(spec.arguments)


def suggest(word: str, allowed: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, sorted(allowed), n=1)
    return f"; did you mean {near[0]!r}?" if near else "."


def move(spec: SystemSpec, pipeline: Any, device: torch.device) -> None:
    """Bring a pipeline's models to a device; diffusers' own way would warn of float16 on a CPU, which works."""
    try:
        for component in pipeline.components.values():
            if isinstance(component, torch.nn.Module):
                component.to(device)
    except torch.OutOfMemoryError as error:
        raise TransientBackendError(f"{spec.slug} does not fit into the memory of {device}.") from error


def make_generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """The noise of a seed is drawn on the CPU, so it is the same on every device."""
    return [torch.Generator("cpu").manual_seed(seed) for seed in seeds]


def make_clock(device: torch.device, encoders: Iterable[Any], denoiser: Any, decoder: Any) -> StageClock:
    make_event = partial(torch.cuda.Event, enable_timing=True) if device.type == "cuda" else None
    return StageClock(encoders, denoiser, decoder, make_event)


@contextmanager
def memory_watched(spec: SystemSpec, device: torch.device, batch_size: int) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TransientBackendError(
            f"{spec.slug} ran out of memory on {device} with a batch of {batch_size}."
        ) from error


@contextmanager
def first_call(spec: SystemSpec, name: str) -> Iterator[None]:
    """Whatever a pipeline stumbles over in its first call, it will stumble over in every call."""
    try:
        yield
    except BackendError:
        raise
    except Exception as error:
        raise PermanentBackendError(f"{spec.slug}: {name} failed in its first call: {_first_line(error)}") from error


def check_size(spec: SystemSpec, pixels: Pixels) -> None:
    height, width = pixels.shape[1:3]
    if (width, height) != (spec.width, spec.height):
        raise PermanentBackendError(
            f"{spec.slug}: width is {spec.width} and height is {spec.height}, but it makes "
            f"{width} x {height} pixels; correct both."
        )


def as_images(
    spec: SystemSpec,
    device: torch.device,
    prompts: Sequence[str],
    seeds: Sequence[int],
    call: tuple[Pixels, StageTimings],
) -> list[RenderedImage]:
    """The images of one call, with its timings and surroundings."""
    pixels, timings = call
    for prompt, seed, picture in zip(prompts, seeds, pixels, strict=True):
        if not np.isfinite(picture).all():
            raise PermanentBackendError(
                f"{spec.slug} made pixels that are not numbers of {prompt!r} with seed {seed}; "
                f"dtype is {spec.dtype!r}: try 'bfloat16' or 'float32', or a vae made for it."
            )
    environment = _environment(spec, device, len(prompts))
    images = diffusers.DiffusionPipeline.numpy_to_pil(pixels)
    return [RenderedImage(image, timings, environment) for image in images]


def _environment(spec: SystemSpec, device: torch.device, batch_size: int) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "dtype": spec.dtype,
        "batch_size": batch_size,
        "threads": torch.get_num_threads(),
        "platform": platform.platform(),
    }


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
