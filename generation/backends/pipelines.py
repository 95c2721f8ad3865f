"""What the backends that run diffusers pipelines do alike: check arguments, name errors, time, record."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import diffusers
import numpy as np
import torch
import transformers

from generation.backends import (
    BackendError,
    DeviceLost,
    OutOfDeviceMemory,
    PermanentBackendError,
    RenderedImage,
    recording,
)
from generation.backends.provenance import Checkpoint
from generation.systems import SystemSpec
from generation.timing import StageClock, StageTimings

Pixels = np.ndarray[Any, Any]

# In the order of the call. A combined pipeline has its prior's parts under the prefix "prior_".
DENOISERS = ("prior", "prior_prior", "unet", "transformer", "transformer_2", "decoder")
_DECODERS = ("vae", "vqvae", "movq", "vqgan")


def silence() -> None:
    """Without this a worker's log fills with progress bars and with hints about optional packages."""
    diffusers.utils.logging.disable_progress_bar()
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()


def pick_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def refuse_keys(spec: SystemSpec, *keys: str) -> None:
    for key in keys:
        if (value := getattr(spec, key)) is not None:
            raise PermanentBackendError(
                f"{spec.slug}: {key} is {value!r}, but backend {spec.backend!r} has no use for it; leave it out."
            )


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
    accepted = set(inspect.signature(pipeline.__call__).parameters)
    if "clean_caption" in accepted:
        own["clean_caption"] = False  # it would change a prompt, and differently where some libraries are missing
    reserved = {*own, "prompt", "generator"}
    for name in spec.arguments:
        if name in reserved:
            raise PermanentBackendError(
                f"{spec.slug}: arguments has {name!r}, which Evalsite sets itself; leave it out."
            )
    for name in (*sorted(reserved), *spec.arguments):
        if name not in accepted:
            hint = suggest(name, accepted - reserved)
            raise PermanentBackendError(f"{spec.slug}: {type(pipeline).__name__} takes no argument {name!r}{hint}")
    return own | dict(spec.arguments)


def suggest(word: str, allowed: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, sorted(allowed), n=1)
    return f"; did you mean {near[0]!r}?" if near else "."


def modules_of(pipeline: Any) -> list[torch.nn.Module]:
    return [component for component in pipeline.components.values() if isinstance(component, torch.nn.Module)]


def move(spec: SystemSpec, modules: Iterable[torch.nn.Module], device: torch.device) -> None:
    """Bring a pipeline's models to a device; diffusers' own way would warn of float16 on a CPU, which works."""
    with device_watched(spec, device, f"{spec.slug} does not fit into the memory of {device}."):
        for module in modules:
            module.to(device)


def make_generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """The noise of a seed is drawn on the CPU, so it is the same on every device."""
    return [torch.Generator("cpu").manual_seed(seed) for seed in seeds]


def find_stages(components: Mapping[str, Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """The modules of a pipeline whose forwards encode text, denoise, and decode the image."""
    present = {name: part for name, part in components.items() if isinstance(part, torch.nn.Module)}
    encoders = [part for name, part in present.items() if "text_encoder" in name]
    denoisers = [present[name] for name in DENOISERS if name in present]
    decoders = [module for name in _DECODERS if name in present for module in _decoder_of(present[name])]
    return encoders, denoisers, decoders


def _decoder_of(autoencoder: Any) -> list[Any]:
    """What decoding calls: an autoencoder's own forward encodes too, and is not called."""
    if hasattr(autoencoder, "decoder"):
        return [autoencoder.decoder]
    return [autoencoder.up_blocks, autoencoder.out_block]  # of Paella's, which has no module for the whole


def make_clock(
    device: torch.device, encoders: Iterable[Any], denoisers: Iterable[Any], decoders: Iterable[Any]
) -> StageClock:
    make_event = partial(torch.cuda.Event, enable_timing=True) if device.type == "cuda" else None
    return StageClock(encoders, denoisers, decoders, make_event)


@contextmanager
def device_watched(spec: SystemSpec, device: torch.device, too_large: str) -> Iterator[None]:
    """Tell a full device, in the sentence given, from one that has failed, after which CUDA refuses all work."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfDeviceMemory(too_large) from error
    except torch.AcceleratorError as error:
        raise DeviceLost(f"{spec.slug}: {device} has failed: {first_line(error)}.") from error


def call_watched(spec: SystemSpec, device: torch.device, batch_size: int) -> AbstractContextManager[None]:
    return device_watched(spec, device, f"{spec.slug} ran out of memory on {device} with a batch of {batch_size}.")


@contextmanager
def first_call(spec: SystemSpec, name: str) -> Iterator[None]:
    """Whatever a pipeline stumbles over in its first call, it will stumble over in every call."""
    try:
        yield
    except BackendError:
        raise
    except Exception as error:
        raise PermanentBackendError(f"{spec.slug}: {name} failed in its first call: {first_line(error)}") from error


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
    call: Callable[[], tuple[Pixels, StageTimings]],
    checkpoints: Mapping[str, Checkpoint],
) -> list[RenderedImage]:
    """Make the call, and give its images with its timings, its cost and its surroundings."""
    with recording.measured(device) as cost:
        pixels, timings = call()
        for prompt, seed, picture in zip(prompts, seeds, pixels, strict=True):
            if not np.isfinite(picture).all():
                raise PermanentBackendError(
                    f"{spec.slug} made pixels that are not numbers of {prompt!r} with seed {seed}; "
                    f"dtype is {spec.dtype!r}: try 'bfloat16' or 'float32', or a vae made for it."
                )
        images = diffusers.DiffusionPipeline.numpy_to_pil(pixels)
    environment = recording.environment(spec, device, len(prompts), cost)
    environment["checkpoints"] = {key: checkpoint.digest for key, checkpoint in checkpoints.items()}
    return [RenderedImage(image, timings, environment, checkpoints) for image in images]


def first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
