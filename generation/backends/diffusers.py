"""Any diffusers pipeline that takes a prompt and a size."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import torch

from generation.backends import PermanentBackendError, RenderedImage, checkpoints, loading, pipelines, provenance
from generation.backends.resident import ResidentModel
from generation.systems import SystemSpec
from generation.timing import StageTimings

# It would put a black picture in place of one that it takes for unsafe, and a rater would judge that.
_UNUSED = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


class DiffusersBackend(ResidentModel):
    """One pipeline, resident on the GPU if there is one, otherwise on the CPU."""

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        pipeline_class = pipelines.find_class(spec, "pipeline", str(spec.pipeline), diffusers.DiffusionPipeline)
        lora = loading.find_lora(spec, pipeline_class, data_dir)
        components = loading.load_swapped(spec, pipeline_class, data_dir)
        if "requires_safety_checker" in inspect.signature(pipeline_class.__init__).parameters:
            components |= _UNUSED
        self._pipeline = loading.load_pipeline(spec, pipeline_class, data_dir, components=components)
        if lora is not None:
            loading.fuse_lora(spec, self._pipeline, *lora)
        self._released_scheduler = self._pipeline.scheduler
        self._remember_checkpoints(spec, data_dir)
        self._remember_prior(spec, data_dir)
        self._stages = pipelines.find_stages(self._pipeline.components)
        if not self._stages[1]:
            raise PermanentBackendError(
                f"{spec.slug}: {spec.pipeline} has none of {', '.join(pipelines.DENOISERS)}, "
                "so the forwards of its denoiser cannot be timed."
            )

    def _remember_prior(self, spec: SystemSpec, data_dir: Path) -> None:
        """No key of a spec names it: a combined pipeline takes it from the model's card."""
        if any(name.startswith("prior_") for name in self._pipeline.components):
            location = checkpoints.locate(spec, "model", data_dir)
            if prior := provenance.of_prior(location, spec.revision, spec.variant):
                self.checkpoints["prior"] = prior

    def _modules(self) -> list[torch.nn.Module]:
        return pipelines.modules_of(self._pipeline)

    def _configure(self, spec: SystemSpec) -> None:
        self._spec = spec
        loading.use_scheduler(spec, self._pipeline, self._released_scheduler)
        self._arguments = pipelines.call_arguments(spec, self._pipeline)

    def _warm_up(self) -> None:
        # Two steps where there are more: some pipelines take two or none.
        few = {"num_inference_steps": min(self._spec.steps, 2)}
        pixels, _ = self._call(["warm-up"], [0], self._arguments | few)
        pipelines.check_size(self._spec, pixels)

    def render(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderedImage]:
        """One image for each prompt and seed, made in one batch: the images share its timings."""
        call = partial(self._call, prompts, seeds, self._arguments)
        return pipelines.as_images(self._spec, self._device, prompts, seeds, call, self.checkpoints)

    def _call(
        self, prompts: Sequence[str], seeds: Sequence[int], arguments: dict[str, Any]
    ) -> tuple[pipelines.Pixels, StageTimings]:
        # A single negative prompt means every image's, but not all pipelines repeat it for a batch.
        negative = {
            name: [value] * len(prompts)
            for name, value in arguments.items()
            if name.startswith("negative_prompt") and isinstance(value, str)
        }
        clock = pipelines.make_clock(self._device, *self._stages)
        with pipelines.call_watched(self._spec, self._device, len(prompts)), clock:
            output = self._pipeline(
                prompt=list(prompts), generator=pipelines.make_generators(seeds), **(arguments | negative)
            )
        return output[0], clock.timings  # images, by whatever name a pipeline calls them
