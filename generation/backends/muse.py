"""OpenMUSE through its port to diffusers: masked tokens, filled in by a transformer, decoded by a VQ model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import diffusers

from generation.backends import PermanentBackendError, RenderedImage, pipelines
from generation.systems import SystemSpec
from generation.timing import StageTimings

_PIPELINE = "AmusedPipeline"


class MuseBackend:
    """One AmusedPipeline. It draws from one generator, so each image of a batch has a call of its own."""

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        """Load, configure and warm up; the first call's extra cost is in no image's timings."""
        pipelines.silence()
        self._spec = spec
        self._device = pipelines.pick_device()
        if spec.pipeline not in (None, _PIPELINE):
            raise PermanentBackendError(
                f"{spec.slug}: pipeline is {spec.pipeline!r}, but backend 'muse' runs {_PIPELINE} only."
            )
        pipelines.refuse_keys(spec, "unet", "vae")
        self._pipeline = pipelines.load_pipeline(spec, diffusers.AmusedPipeline, data_dir, components={})
        self._pipeline.vqvae.float()  # the released decoder's activations leave float16's range
        pipelines.use_own_scheduler(spec, self._pipeline)
        self._arguments = pipelines.call_arguments(spec, self._pipeline)
        pipelines.move(spec, self._pipeline, self._device)
        with pipelines.first_call(spec, _PIPELINE):
            pixels, _ = self._call("warm-up", 0, self._arguments | {"num_inference_steps": 1})
        pipelines.check_size(spec, pixels)

    def render(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderedImage]:
        rendered = []
        for prompt, seed in zip(prompts, seeds, strict=True):
            call = self._call(prompt, seed, self._arguments)
            rendered += pipelines.as_images(self._spec, self._device, [prompt], [seed], call)
        return rendered

    def _call(self, prompt: str, seed: int, arguments: dict[str, Any]) -> tuple[pipelines.Pixels, StageTimings]:
        pipeline = self._pipeline
        clock = pipelines.make_clock(
            self._device, [pipeline.text_encoder], pipeline.transformer, pipeline.vqvae.decoder
        )
        (generator,) = pipelines.make_generators([seed])
        with pipelines.memory_watched(self._spec, self._device, 1), clock:
            output = pipeline(prompt=prompt, generator=generator, **arguments)
        return output.images, clock.timings
