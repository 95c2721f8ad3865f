"""IF, a cascade: one stage makes a small picture from the prompt, and two more may each enlarge it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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


_TEXT = 0  # the part that encodes prompts; the others are numbered as the stages that they are


class DeepFloydBackend(ResidentModel):
    """One cascade, whose parts are read when their turn comes, and take turns on the GPU, if there is one.

    T5, the largest, encodes the prompts and leaves before a UNet comes. Between their turns parts stay in the host's
    memory. While one is read, no more than `most_bytes` stay: others are let go, the longest unused first, and read
    again for their next turn.
    """

    called = "the cascade"

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        _check_arguments(spec)
        pipelines.refuse_keys(spec, "pipeline", "unet", "vae", "lora")
        self._readers = _readers(spec, data_dir)
        self._parts: dict[int, Any] = {}
        self._data_dir = data_dir

    def _modules(self) -> list[torch.nn.Module]:
        return [module for part in self._parts.values() for module in pipelines.modules_of(part)]

    def _configure(self, spec: SystemSpec) -> None:
        _check_arguments(spec)
        self._spec = spec
        if 1 in self._parts:
            loading.use_scheduler(spec, self._parts[1], self._released_scheduler)
        stages = sorted(self._readers.keys() - {_TEXT})
        self._arguments = {number: _arguments_of(spec, number, is_last=number == stages[-1]) for number in stages}

    def _to_device(self, spec: SystemSpec) -> None:
        """Nothing: each part goes there for its turn."""

    def _warm_up(self) -> None:
        pixels, _ = self._call(["warm-up"], [0], {"num_inference_steps": 1})
        pipelines.check_size(self._spec, pixels)
        if not self.checkpoints:
            self._remember_checkpoints(self._spec, self._data_dir)

    def _part(self, number: int) -> Any:
        part = self._parts.pop(number, None) or self._read(number)
        self._parts[number] = part
        return part

    def _read(self, number: int) -> Any:
        while self._parts and self.most_bytes is not None and self.size_bytes > self.most_bytes:
            del self._parts[next(iter(self._parts))]
            gc.collect()
        part = self._readers[number]()
        if number == 1:
            self._released_scheduler = part.scheduler
            loading.use_scheduler(self._spec, part, self._released_scheduler)
        return part

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
            for number, arguments in self._arguments.items():
                inputs = {"prompt": list(prompts)} if number == 3 else text  # the third has an encoder of its own
                options = {"generator": generators} | inputs | picture | arguments | overrides
                picture["image"], taken = self._draw(number, options)
                timings += taken
        return picture["image"], timings

    def _draw(self, number: int, options: dict[str, Any]) -> tuple[Any, StageTimings]:
        with self._turn(number) as clock:
            images = self._parts[number](**options).images
        return images, clock.timings

    def _encode(self, prompts: list[str]) -> tuple[dict[str, Any], StageTimings]:
        with self._turn(_TEXT) as clock:
            prompt, negative = self._parts[_TEXT].encode_prompt(prompts, clean_caption=False)
        text = {"prompt_embeds": prompt, "negative_prompt_embeds": negative, "clean_caption": False}
        return text, clock.timings

    @contextmanager
    def _turn(self, number: int) -> Iterator[StageClock]:
        """The part is on the device while the block runs, and timed. Keep no clock: it would keep the models."""
        pipeline = self._part(number)
        clock = pipelines.make_clock(self._device, *pipelines.find_stages(pipeline.components))
        try:
            pipelines.move(self._spec, pipelines.modules_of(pipeline), self._device)
            with clock:
                yield clock
        finally:
            pipelines.move(self._spec, pipelines.modules_of(pipeline), torch.device("cpu"))


def _readers(spec: SystemSpec, data_dir: Path) -> dict[int, Callable[[], Any]]:
    """What reads each part that the spec has."""
    read = partial(loading.load_pipeline, spec, data_dir=data_dir)
    readers: dict[int, Callable[[], Any]] = {
        _TEXT: partial(read, diffusers.IFPipeline, components=_UNUSED_BY_IF | {"unet": None}),
        1: partial(read, diffusers.IFPipeline, components=_WITHOUT_TEXT),
    }
    if "stage_2_model" in spec.arguments:
        second = partial(read, diffusers.IFSuperResolutionPipeline, key="arguments.stage_2_model")
        readers[2] = partial(second, components=_WITHOUT_TEXT)
    if "stage_3_model" in spec.arguments:
        readers[3] = partial(_read_third, read)
    return readers


def _read_third(read: Callable[..., Any]) -> Any:
    pipeline = read(diffusers.StableDiffusionUpscalePipeline, key="arguments.stage_3_model", components=_UNUSED)
    pipeline.vae.float()  # its decoder leaves float16's range, and diffusers would cast it in every call
    return pipeline


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
