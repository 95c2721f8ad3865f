"""OpenMUSE through its port to diffusers: masked tokens, filled in by a transformer, decoded by a VQ model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import torch

from generation.backends import PermanentBackendError, RenderedImage, loading, pipelines
from generation.backends.resident import ResidentModel
from generation.systems import SystemSpec
from generation.timing import StageTimings

_PIPELINE = "AmusedPipeline"


class MuseBackend(ResidentModel):
    """One AmusedPipeline. It draws from one generator, so each image of a batch has a call of its own."""

    largest_batch = 1
    called = _PIPELINE

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        if spec.pipeline not in (None, _PIPELINE):
            raise PermanentBackendError(
                f"{spec.slug}: pipeline is {spec.pipeline!r}, but backend 'muse' runs {_PIPELINE} only."
            )
        pipelines.refuse_keys(spec, "unet", "vae", "lora")
        self._pipeline = loading.load_pipeline(spec, diffusers.AmusedPipeline, data_dir, components={})
        self._pipeline.vqvae.float()  # the released decoder's activations leave float16's range
        self._released_scheduler = self._pipeline.scheduler
        self._remember_checkpoints(spec, data_dir)

    def _modules(self) -> list[torch.nn.Module]:
        return pipelines.modules_of(self._pipeline)

    def _configure(self, spec: SystemSpec) -> None:
        self._spec = spec
        loading.use_scheduler(spec, self._pipeline, self._released_scheduler)
        self._arguments = pipelines.call_arguments(spec, self._pipeline)

    def _warm_up(self) -> None:
        pixels, _ = self._call("warm-up", 0, self._arguments | {"num_inference_steps": 1})
        pipelines.check_size(self._spec, pixels)

    def render(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderedImage]:
        rendered = []
        for prompt, seed in zip(prompts, seeds, strict=True):
            call = partial(self._call, prompt, seed, self._arguments)
            rendered += pipelines.as_images(self._spec, self._device, [prompt], [seed], call, self.checkpoints)
        return rendered

    def _call(self, prompt: str, seed: int, arguments: dict[str, Any]) -> tuple[pipelines.Pixels, StageTimings]:
        pipeline = self._pipeline
        clock = pipelines.make_clock(
            self._device, [pipeline.text_encoder], [pipeline.transformer], [pipeline.vqvae.decoder]
        )
        (generator,) = pipelines.make_generators([seed])
        with pipelines.call_watched(self._spec, self._device, 1), clock:
            output = pipeline(prompt=prompt, generator=generator, **arguments)
        return output.images, clock.timings
