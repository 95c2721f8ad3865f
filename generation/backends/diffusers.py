"""Any diffusers pipeline that takes a prompt and a size and decodes with a VAE."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import diffusers

from generation.backends import PermanentBackendError, RenderedImage, pipelines
from generation.backends.checkpoints import check_weights, locate
from generation.systems import SystemSpec
from generation.timing import StageTimings

_ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3")
_DENOISERS = ("unet", "transformer")


class DiffusersBackend:
    """One system's pipeline, resident on the GPU if there is one, otherwise on the CPU."""

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        """Load, configure and warm up; the first call's extra cost is in no image's timings."""
        pipelines.silence()
        self._spec = spec
        self._device = pipelines.pick_device()
        pipeline_class = pipelines.find_class(spec, "pipeline", str(spec.pipeline), diffusers.DiffusionPipeline)
        swapped = _load_swapped(spec, pipeline_class, data_dir)
        self._pipeline = pipelines.load_pipeline(spec, pipeline_class, data_dir, components=swapped)
        pipelines.use_own_scheduler(spec, self._pipeline)
        self._arguments = pipelines.call_arguments(spec, self._pipeline)
        pipelines.move(spec, self._pipeline, self._device)
        with pipelines.first_call(spec, str(spec.pipeline)):
            self._call(["warm-up"], [0], self._arguments | {"num_inference_steps": 1})

    def render(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderedImage]:
        """One image for each prompt and seed, made in one batch: the images share its timings."""
        call = self._call(prompts, seeds, self._arguments)
        return pipelines.as_images(self._spec, self._device, prompts, seeds, call)

    def _call(
        self, prompts: Sequence[str], seeds: Sequence[int], arguments: dict[str, Any]
    ) -> tuple[pipelines.Pixels, StageTimings]:
        components = self._pipeline.components
        clock = pipelines.make_clock(
            self._device,
            encoders=[components[name] for name in _ENCODERS if components.get(name) is not None],
            denoiser=next(components[name] for name in _DENOISERS if components.get(name) is not None),
            decoder=components["vae"].decoder,
        )
        with pipelines.memory_watched(self._spec, self._device, len(prompts)), clock:
            output = self._pipeline(prompt=list(prompts), generator=pipelines.make_generators(seeds), **arguments)
        return output.images, clock.timings


def _load_swapped(spec: SystemSpec, pipeline_class: Any, data_dir: Path) -> dict[str, Any]:
    """The UNet and the VAE that the spec puts in place of the model's own."""
    accepted = inspect.signature(pipeline_class.__init__).parameters
    swapped = {}
    for key in ("unet", "vae"):
        if (value := getattr(spec, key)) is None:
            continue
        if key not in accepted:
            raise PermanentBackendError(
                f"{spec.slug}: {key} is {value!r}, but {spec.pipeline} has no {key} to replace."
            )
        location = locate(spec, key, data_dir)
        variants = pipelines.variants_of(spec, location)
        if isinstance(location, Path):
            check_weights(spec, key, location, variants[0])
        swapped[key] = pipelines.load_first(spec, key, location, variants, diffusers.AutoModel.from_pretrained)
    return swapped
