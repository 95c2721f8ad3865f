"""IF, a cascade: one stage makes a small picture from the prompt, and two more may each enlarge it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import torch

from generation.backends import PermanentBackendError, RenderedImage, loading, pipelines
from generation.backends.resident import ResidentModel
from generation.systems import Scalar, SystemSpec
from generation.timing import StageClock, StageTimings

# The safety checker cannot be loaded by transformers 5, and the watermarker would mark the pixels.
_UNUSED = {"safety_checker": None, "feature_extractor": None, "watermarker": None}
_UNUSED_BY_IF: dict[str, Any] = _UNUSED | {"requires_safety_checker": False}
_WITHOUT_TEXT = _UNUSED_BY_IF | {"text_encoder": None, "tokenizer": None}

_OPTIONS = {"steps": "num_inference_steps", "guidance_scale": "guidance_scale", "noise_level": "noise_level"}
_ALLOWED = {
    "model": "a hub id or a folder",
    "steps": "a whole number of at least 1",
    "guidance_scale": "a number of at least 0",
    "noise_level": "a whole number of at least 0",
}
_ARGUMENTS = tuple(f"stage_{stage}_{option}" for stage in (2, 3) for option in _ALLOWED)


@dataclass(frozen=True)
class _Stage:
    pipeline: Any
    arguments: dict[str, Any]

    @property
    def has_own_encoder(self) -> bool:
        return isinstance(self.pipeline, diffusers.StableDiffusionUpscalePipeline)


class DeepFloydBackend(ResidentModel):
    """One cascade. Its parts are kept in the host's memory and take turns on the GPU, if there is one.

    T5, the largest, encodes the prompts and leaves before a UNet comes.
    """

    called = "the cascade"

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        _check_arguments(spec)
        pipelines.refuse_keys(spec, "pipeline", "unet", "vae", "lora")
        self._text = loading.load_pipeline(
            spec, diffusers.IFPipeline, data_dir, components=_UNUSED_BY_IF | {"unet": None}
        )
        self._pipelines = _load_stages(spec, data_dir)
        self._released_scheduler = self._pipelines[1].scheduler
        self._remember_checkpoints(spec, data_dir)

    def _modules(self) -> list[torch.nn.Module]:
        return [module for part in (self._text, *self._pipelines.values()) for module in pipelines.modules_of(part)]

    def _configure(self, spec: SystemSpec) -> None:
        _check_arguments(spec)
        self._spec = spec
        loading.use_scheduler(spec, self._pipelines[1], self._released_scheduler)
        self._stages = [
            _Stage(pipeline, _arguments_of(spec, number, is_last=number == len(self._pipelines)))
            for number, pipeline in self._pipelines.items()
        ]

    def _to_device(self, spec: SystemSpec) -> None:
        """Nothing: each part goes there for its turn."""

    def _warm_up(self) -> None:
        pixels, _ = self._call(["warm-up"], [0], {"num_inference_steps": 1})
        pipelines.check_size(self._spec, pixels)

    def render(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderedImage]:
        """One image for each prompt and seed, made in one batch: the images share its timings.

        A seed's generator goes on through the stages. The total leaves out the moves between them.
        """
        call = partial(self._call, prompts, seeds, {})
        return pipelines.as_images(self._spec, self._device, prompts, seeds, call, self.checkpoints)

    def _call(
        self, prompts: Sequence[str], seeds: Sequence[int], overrides: dict[str, Any]
    ) -> tuple[pipelines.Pixels, StageTimings]:
        generators = pipelines.make_generators(seeds)
        with pipelines.call_watched(self._spec, self._device, len(prompts)):
            text, timings = self._encode(list(prompts))
            picture: dict[str, Any] = {}
            for stage in self._stages:
                with self._turn(stage.pipeline) as clock:
                    inputs = {"prompt": list(prompts)} if stage.has_own_encoder else text
                    output = stage.pipeline(generator=generators, **inputs, **picture, **(stage.arguments | overrides))
                picture = {"image": output.images}
                timings += clock.timings
        return output.images, timings

    def _encode(self, prompts: list[str]) -> tuple[dict[str, Any], StageTimings]:
        with self._turn(self._text) as clock:
            prompt, negative = self._text.encode_prompt(prompts, clean_caption=False)
        text = {"prompt_embeds": prompt, "negative_prompt_embeds": negative, "clean_caption": False}
        return text, clock.timings

    @contextmanager
    def _turn(self, pipeline: Any) -> Iterator[StageClock]:
        """The pipeline is on the device, and timed, while the block runs."""
        parts = pipeline.components
        clock = pipelines.make_clock(self._device, *pipelines.find_stages(parts))
        try:
            pipelines.move(self._spec, pipelines.modules_of(pipeline), self._device)
            with clock:
                yield clock
        finally:
            pipelines.move(self._spec, pipelines.modules_of(pipeline), torch.device("cpu"))


def _load_stages(spec: SystemSpec, data_dir: Path) -> dict[int, Any]:
    """The pipeline of each stage that the spec has, in order."""
    stages = {1: loading.load_pipeline(spec, diffusers.IFPipeline, data_dir, components=_WITHOUT_TEXT)}
    later: list[tuple[int, Any, dict[str, Any]]] = [
        (2, diffusers.IFSuperResolutionPipeline, _WITHOUT_TEXT),
        (3, diffusers.StableDiffusionUpscalePipeline, _UNUSED),
    ]
    for number, pipeline_class, components in later:
        key = f"stage_{number}_model"
        if key in spec.arguments:
            stages[number] = loading.load_pipeline(
                spec, pipeline_class, data_dir, key=f"arguments.{key}", components=components
            )
    if 3 in stages:
        stages[3].vae.float()  # its decoder leaves float16's range, and diffusers would cast it in every call
    return stages


def _arguments_of(spec: SystemSpec, number: int, *, is_last: bool) -> dict[str, Any]:
    """A stage's settings; what the spec leaves out is the pipeline's own default."""
    if number > 1:
        found = {name: spec.arguments.get(f"stage_{number}_{option}") for option, name in _OPTIONS.items()}
    else:
        found = {"num_inference_steps": spec.steps, "guidance_scale": spec.guidance_scale}
    # The second stage takes values from -1 to 1 from the first, and an array has 0 to 1.
    arguments = {"output_type": "np" if is_last or number > 1 else "pt"}
    return arguments | {name: value for name, value in found.items() if value is not None}


def _check_arguments(spec: SystemSpec) -> None:
    for name, value in spec.arguments.items():
        if name not in _ARGUMENTS:
            hint = pipelines.suggest(name, _ARGUMENTS)
            raise PermanentBackendError(f"{spec.slug}: a cascade takes no argument {name!r}{hint}")
        stage, option = name[:7], name[8:]
        if not _is_valid(option, value):
            raise PermanentBackendError(f"{spec.slug}: arguments.{name} is {value!r}; allowed: {_ALLOWED[option]}.")
        needed = "stage_2_model" if name == "stage_3_model" else f"{stage}_model"
        if needed not in spec.arguments:
            raise PermanentBackendError(
                f"{spec.slug}: arguments has {name}, but no {needed}; add it or leave both out."
            )


def _is_valid(option: str, value: Scalar) -> bool:
    if option == "model":
        return isinstance(value, str)
    if isinstance(value, bool | str) or (option != "guidance_scale" and not isinstance(value, int)):
        return False
    return value >= (1 if option == "steps" else 0)
