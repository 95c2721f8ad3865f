"""Any diffusers pipeline that takes a prompt and a size and decodes with a VAE."""

from __future__ import annotations

import difflib
import inspect
import platform
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers

from generation.backends import PermanentBackendError, RenderedImage, TransientBackendError
from generation.backends.checkpoints import check_pipeline, check_weights, has_weights, locate
from generation.systems import SystemSpec
from generation.timing import StageClock, StageTimings

_ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3")
_DENOISERS = ("unet", "transformer")


class DiffusersBackend:
    """One system's pipeline, resident on the GPU if there is one, otherwise on the CPU."""

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        """Load, configure and warm up; the first call's extra cost is in no image's timings."""
        _silence()
        self._spec = spec
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        pipeline_class = _find_class(spec, "pipeline", str(spec.pipeline), diffusers.DiffusionPipeline)
        self._pipeline = _load_pipeline(spec, pipeline_class, data_dir)
        self._pipeline.set_progress_bar_config(disable=True)
        if spec.scheduler:
            self._pipeline.scheduler = _make_scheduler(spec, self._pipeline.scheduler.config)
        self._arguments = self._call_arguments()
        self._move_to_device()
        self._warm_up()

    def render(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderedImage]:
        """One image for each prompt and seed, made in one batch: the images share its timings.

        The noise of a seed is drawn on the CPU, so it is the same on every device.
        """
        pixels, timings = self._call(prompts, seeds, self._arguments)
        for prompt, seed, picture in zip(prompts, seeds, pixels, strict=True):
            if not np.isfinite(picture).all():
                raise PermanentBackendError(
                    f"{self._spec.slug} made pixels that are not numbers of {prompt!r} with seed {seed}; "
                    f"dtype is {self._spec.dtype!r}: try 'bfloat16' or 'float32', or a vae made for it."
                )
        environment = self._environment(len(prompts))
        images = self._pipeline.numpy_to_pil(pixels)
        return [RenderedImage(image, timings, environment) for image in images]

    def _move_to_device(self) -> None:
        if self._device.type == "cpu":
            return  # it is there already, and diffusers would warn of float16 on a CPU, which works
        try:
            self._pipeline.to(self._device)
        except torch.OutOfMemoryError as error:
            raise TransientBackendError(f"{self._spec.slug} does not fit into the memory of {self._device}.") from error

    def _warm_up(self) -> None:
        try:
            self._call(["warm-up"], [0], self._arguments | {"num_inference_steps": 1})
        except TransientBackendError:
            raise
        except Exception as error:
            # Whatever a pipeline stumbles over in its first call, it will stumble over in every call.
            raise PermanentBackendError(
                f"{self._spec.slug}: {self._spec.pipeline} failed in its first call: {_first_line(error)}"
            ) from error

    def _call_arguments(self) -> dict[str, Any]:
        """What every call passes besides prompts and seeds; the pipeline must know each by name."""
        spec = self._spec
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
        accepted = set(inspect.signature(self._pipeline.__call__).parameters)
        for name in (*sorted(reserved), *spec.arguments):
            if name not in accepted:
                hint = _suggest(name, accepted - reserved)
                raise PermanentBackendError(f"{spec.slug}: {spec.pipeline} takes no argument {name!r}{hint}")
        return own | dict(spec.arguments)

    def _call(
        self, prompts: Sequence[str], seeds: Sequence[int], arguments: dict[str, Any]
    ) -> tuple[np.ndarray[Any, Any], StageTimings]:
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        components = self._pipeline.components
        clock = StageClock(
            encoders=[components[name] for name in _ENCODERS if components.get(name) is not None],
            denoiser=next(components[name] for name in _DENOISERS if components.get(name) is not None),
            decoder=components["vae"].decoder,
            make_event=partial(torch.cuda.Event, enable_timing=True) if self._device.type == "cuda" else None,
        )
        try:
            with clock:
                output = self._pipeline(prompt=list(prompts), generator=generators, **arguments)
        except torch.OutOfMemoryError as error:
            raise TransientBackendError(
                f"{self._spec.slug} ran out of memory on {self._device} with a batch of {len(prompts)}."
            ) from error
        return output.images, clock.timings

    def _environment(self, batch_size: int) -> dict[str, Any]:
        cuda = self._device.type == "cuda"
        return {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
            "device": torch.cuda.get_device_name(self._device) if cuda else "cpu",
            "dtype": self._spec.dtype,
            "batch_size": batch_size,
            "threads": torch.get_num_threads(),
            "platform": platform.platform(),
        }


def _load_pipeline(spec: SystemSpec, pipeline_class: Any, data_dir: Path) -> Any:
    location = locate(spec, "model", data_dir)
    if isinstance(location, Path):
        check_pipeline(spec, location)
    accepted = inspect.signature(pipeline_class.__init__).parameters
    options: dict[str, Any] = {
        key: _load_component(spec, key, accepted, data_dir) for key in ("unet", "vae") if getattr(spec, key) is not None
    }
    if "add_watermarker" in accepted:
        options["add_watermarker"] = False  # else SDXL marks its pixels wherever the library is installed
    if isinstance(location, str) and spec.revision is not None:
        options["revision"] = spec.revision
    try:
        return pipeline_class.from_pretrained(
            str(location),
            dtype=getattr(torch, spec.dtype),
            variant=spec.variant,
            use_safetensors=True,
            **options,
        )
    except (OSError, ValueError) as error:
        raise _unloadable(spec, "model", location, error) from error


def _load_component(spec: SystemSpec, key: str, accepted: Any, data_dir: Path) -> Any:
    """A UNet or VAE to swap in: of the system's variant where it has that, otherwise its plain weights."""
    if key not in accepted:
        raise PermanentBackendError(
            f"{spec.slug}: {key} is {getattr(spec, key)!r}, but {spec.pipeline} has no {key} to replace."
        )
    location = locate(spec, key, data_dir)
    if isinstance(location, Path):
        variant = spec.variant if has_weights(location, spec.variant) else None
        check_weights(spec, key, location, variant)
        variants = [variant]
    else:
        variants = [spec.variant, None] if spec.variant is not None else [None]
    for variant in variants:
        try:
            return diffusers.AutoModel.from_pretrained(
                str(location), dtype=getattr(torch, spec.dtype), variant=variant, use_safetensors=True
            )
        except (OSError, ValueError) as error:
            failure = _unloadable(spec, key, location, error)
    raise failure


def _unloadable(spec: SystemSpec, key: str, location: str | Path, error: Exception) -> PermanentBackendError:
    value = getattr(spec, key)
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


def _make_scheduler(spec: SystemSpec, config: Any) -> Any:
    options = dict(spec.scheduler)
    scheduler_class = _find_class(spec, "scheduler.class", str(options.pop("class")), diffusers.SchedulerMixin)
    accepted = inspect.signature(scheduler_class.__init__).parameters
    for name in options:
        if name not in accepted:
            raise PermanentBackendError(
                f"{spec.slug}: {scheduler_class.__name__} takes no option {name!r}{_suggest(name, accepted)}"
            )
    return scheduler_class.from_config(config, **options)


def _find_class(spec: SystemSpec, key: str, name: str, parent: type) -> Any:
    found = getattr(diffusers, name, None)
    if not (isinstance(found, type) and issubclass(found, parent)):
        kind = key.partition(".")[0]
        names = [known for known in dir(diffusers) if known.lower().endswith(kind)]
        raise PermanentBackendError(
            f"{spec.slug}: {key} is {name!r}, but diffusers {diffusers.__version__} has no such "
            f"{kind}{_suggest(name, names)}"
        )
    return found


def _suggest(word: str, allowed: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, sorted(allowed), n=1)
    return f"; did you mean {near[0]!r}?" if near else "."


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _silence() -> None:
    """Without this a worker's log fills with progress bars and with hints about optional packages."""
    diffusers.utils.logging.disable_progress_bar()
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
