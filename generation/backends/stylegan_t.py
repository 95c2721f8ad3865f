"""StyleGAN-T: a text-conditional GAN that its owner exported with torch.export, in one pass per picture.

No weights are public. Checkpoints that people train are pickles, which need NVIDIA's code and run code when
they are opened; so this backend takes a graph without either (docs/systems.md shows how to export it).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from generation.backends import PermanentBackendError, RenderedImage, pipelines
from generation.backends.checkpoints import check_vocabulary, check_weights, locate
from generation.backends.resident import ResidentModel
from generation.systems import PICKLES, SystemSpec
from generation.timing import StageTimings

_GENERATOR = "generator.pt2"
_EXPORT = "export your own generator, as docs/systems.md shows, and give that folder"
_ARGUMENTS = ("truncation_psi",)
_INPUTS = "(z, text_embedding, psi)"


class StyleGanTBackend(ResidentModel):
    """A text encoder and a generator of (z, text_embedding, psi) -> picture in [-1, 1], one picture a call."""

    largest_batch = 1
    called = f"the exported {_GENERATOR}"

    def load(self, spec: SystemSpec, data_dir: Path) -> None:
        _refuse(spec)
        folder = _find_export(spec, data_dir)
        self._config = _read_config(spec, folder)
        try:
            self._tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
            self._text_encoder = CLIPTextModelWithProjection.from_pretrained(
                folder / "text_encoder", dtype=torch.float32, use_safetensors=True, local_files_only=True
            )
        except Exception as error:
            raise _wrong(spec, f"its text encoder or tokenizer cannot be loaded: {_first_line(error)}") from error
        self._text_encoder.eval()
        self._generator = _load_generator(spec, folder / _GENERATOR, self._device)
        self._remember_checkpoints(spec, data_dir)

    def _modules(self) -> list[torch.nn.Module]:
        return [self._text_encoder, self._generator]

    def _configure(self, spec: SystemSpec) -> None:
        _check_call(spec)
        self._spec = spec
        self._psi = float(spec.arguments.get("truncation_psi", self._config["truncation_psi"]))
        resolution = self._config["resolution"]
        pipelines.check_size(spec, np.empty((1, resolution, resolution, 3)))

    def _warm_up(self) -> None:
        try:
            pixels, _ = self._call("warm-up", 0)
        except (TypeError, ValueError, AssertionError, RuntimeError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            raise _wrong(
                self._spec,
                f"its {_GENERATOR} does not make a picture of the inputs {_INPUTS}: {_first_line(error)}",
            ) from error
        pipelines.check_size(self._spec, pixels)

    def render(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[RenderedImage]:
        rendered = []
        for prompt, seed in zip(prompts, seeds, strict=True):
            call = partial(self._call, prompt, seed)
            rendered += pipelines.as_images(self._spec, self._device, [prompt], [seed], call, self.checkpoints)
        return rendered

    def _call(self, prompt: str, seed: int) -> tuple[pipelines.Pixels, StageTimings]:
        # NumPy's old generator is what the papers' repositories draw z from, so that their seeds mean the same here.
        # It takes a seed of 32 bits, or several of those.
        words = seed if seed < 2**32 else [seed % 2**32, seed // 2**32]
        z = np.random.RandomState(words).randn(1, self._config["z_dim"])
        clock = pipelines.make_clock(self._device, [self._text_encoder], [self._generator], [])
        devices = [self._device] if self._device.type == "cuda" else []
        with (
            pipelines.call_watched(self._spec, self._device, 1),
            torch.random.fork_rng(devices=devices),
            torch.no_grad(),
            clock,
        ):
            torch.manual_seed(seed)  # of a generator whose layers draw noise of their own
            noise = torch.from_numpy(z).float().to(self._device)
            picture = self._generator(noise, self._embed(prompt), torch.tensor(self._psi, device=self._device))
        if not isinstance(picture, torch.Tensor) or picture.ndim != 4 or picture.shape[:2] != (1, 3):
            shape = tuple(picture.shape) if isinstance(picture, torch.Tensor) else type(picture).__name__
            raise ValueError(f"it made {shape} instead of one RGB picture")
        pixels = (picture.float() * 0.5 + 0.5).clamp(0, 1)
        return pixels.permute(0, 2, 3, 1).cpu().numpy(), clock.timings

    def _embed(self, prompt: str) -> torch.Tensor:
        length = self._text_encoder.config.max_position_embeddings
        tokens = self._tokenizer(prompt, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        embedding: torch.Tensor = self._text_encoder(tokens.input_ids.to(self._device)).text_embeds
        return embedding


def _refuse(spec: SystemSpec) -> None:
    pipelines.refuse_keys(spec, "pipeline", "unet", "vae", "lora", "variant", "revision", "guidance_scale")
    if spec.scheduler:
        raise PermanentBackendError(
            f"{spec.slug}: scheduler is {dict(spec.scheduler)!r}, but backend 'stylegan-t' has no use for it; "
            "leave it out."
        )
    if spec.dtype != "float32":
        raise PermanentBackendError(
            f"{spec.slug}: dtype is {spec.dtype!r}, but an exported generator runs in 'float32' only."
        )


def _check_call(spec: SystemSpec) -> None:
    if spec.steps != 1:
        raise PermanentBackendError(
            f"{spec.slug}: steps is {spec.steps}, but backend 'stylegan-t' makes a picture in 1 pass."
        )
    for name in spec.arguments:
        if name not in _ARGUMENTS:
            raise PermanentBackendError(
                f"{spec.slug}: backend 'stylegan-t' takes no argument {name!r}{pipelines.suggest(name, _ARGUMENTS)}"
            )
    psi = spec.arguments.get("truncation_psi", 1.0)
    if not _is_number(psi):
        raise PermanentBackendError(f"{spec.slug}: arguments.truncation_psi is {psi!r}; allowed: a number.")


def _find_export(spec: SystemSpec, data_dir: Path) -> Path:
    """The folder that `model` means, with every file in place."""
    pickled = (
        "a pickle, which runs code when it is opened and needs NVIDIA's repository, so it is never loaded; " + _EXPORT
    )
    if Path(spec.model).suffix.lower() in PICKLES:
        raise _wrong(spec, f"that is {pickled}")
    location = locate(spec, "model", data_dir)
    if isinstance(location, str):
        raise _wrong(spec, f"StyleGAN-T has no public weights to fetch from the hub; {_EXPORT}")
    if not (location / _GENERATOR).is_file():
        found = sorted(path.name for path in location.iterdir() if path.suffix.lower() in PICKLES)
        if found:
            raise _wrong(spec, f"{found[0]} in {location} is {pickled}")
        raise _wrong(spec, f"{location} has no {_GENERATOR}; {_EXPORT}")
    for name in ("config.json", "text_encoder", "tokenizer"):
        if not (location / name).exists():
            raise _wrong(spec, f"{location} has no {name}; {_EXPORT}")
    check_vocabulary(spec, "model", location / "tokenizer")
    check_weights(spec, "model", location / "text_encoder", None)
    return location


def _read_config(spec: SystemSpec, folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    valid = {"z_dim": _is_count, "resolution": _is_count, "truncation_psi": _is_number}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise _wrong(spec, f"{path} is not a JSON object; {_EXPORT}")
    if set(config) != set(valid):
        found = ", ".join(map(repr, config)) or "none"
        raise _wrong(spec, f"{path} has the keys {found} instead of {', '.join(map(repr, valid))}")
    for key, is_valid in valid.items():
        if not is_valid(config[key]):
            allowed = "a number" if key == "truncation_psi" else "a whole number above 0"
            raise _wrong(spec, f"{key} in {path} is {config[key]!r}; allowed: {allowed}")
    return config


def _load_generator(spec: SystemSpec, path: Path, device: torch.device) -> torch.nn.Module:
    try:
        program = torch.export.load(path)
        if device.type != "cpu":  # tensors that the graph itself makes stay where it was exported, else
            program = torch.export.passes.move_to_device_pass(program, str(device))
        return program.module().to("cpu")
    except Exception as error:
        raise _wrong(
            spec, f"{path} cannot be loaded as a torch.export program: {_first_line(error)}; export it again"
        ) from error


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _wrong(spec: SystemSpec, reason: str) -> PermanentBackendError:
    return PermanentBackendError(f"{spec.slug}: model is {spec.model!r}, but {reason}.")
