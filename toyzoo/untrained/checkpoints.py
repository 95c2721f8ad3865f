"""Tiny SDXL-class checkpoints in the layout of the hub's own repositories.

The weights are random and were never trained: a prompt changes the picture, but no picture shows
what its prompt says. They stand in for real models wherever what matters is that a pipeline loads
and runs: in tests, and in a demo on a laptop.

Run as `python -m toyzoo.untrained.checkpoints DIR` to write tiny-sdxl, tiny-sdxl-turbo and tiny-lcm-unet.
"""

from __future__ import annotations

import argparse
import colorsys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from toyzoo.layout import (
    DIFFUSERS_VERSION,
    TEXT_WIDTH,
    draw_weights,
    write_atomically,
    write_clip_encoder,
    write_clip_tokenizer,
    write_json,
    write_model,
)

_TIME_WIDTH = 8
_GUIDANCE_WIDTH = 16

_INDEX = {
    "_class_name": "StableDiffusionXLPipeline",
    "_diffusers_version": DIFFUSERS_VERSION,
    "force_zeros_for_empty_prompt": True,
    "scheduler": ["diffusers", "EulerDiscreteScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "tokenizer_2": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
# The v-prediction of an untrained UNet ends in a picture; its epsilon prediction ends in white noise.
_SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler",
    "_diffusers_version": DIFFUSERS_VERSION,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "steps_offset": 1,
    "timestep_spacing": "leading",
}
_TURBO = {"_class_name": "EulerAncestralDiscreteScheduler", "timestep_spacing": "trailing"}
_UNET: dict[str, Any] = {
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": [16, 32],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 1,
    "transformer_layers_per_block": [1, 1],
    "norm_num_groups": 8,
    "attention_head_dim": [2, 4],
    "cross_attention_dim": 2 * TEXT_WIDTH,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": _TIME_WIDTH,
    "projection_class_embeddings_input_dim": TEXT_WIDTH + 6 * _TIME_WIDTH,
}
_VAE: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "block_out_channels": [8, 16, 16, 32],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "scaling_factor": 0.13025,
    "force_upcast": True,
}


def write_sdxl(folder: Path, seed: int, size: int = 128, *, turbo: bool = False) -> None:
    """Write a random SDXL pipeline that makes `size` pixels by default, as base or as Turbo."""
    write_atomically(folder, lambda part: _write_pipeline(part, seed, size, turbo))


def write_lcm_unet(folder: Path, seed: int, size: int = 128) -> None:
    """Write a random UNet with a guidance embedding, to be swapped into a pipeline of `write_sdxl`."""

    def write(part: Path) -> None:
        _write_unet(part, seed, size, {"time_cond_proj_dim": _GUIDANCE_WIDTH})

    write_atomically(folder, write)


def write_all(folder: Path) -> list[Path]:
    """Write the demo's checkpoints, those that are already there excepted; return the new ones."""
    writers: dict[str, Callable[[Path], None]] = {
        "tiny-sdxl": lambda target: write_sdxl(target, seed=1),
        "tiny-sdxl-turbo": lambda target: write_sdxl(target, seed=4, turbo=True),
        "tiny-lcm-unet": lambda target: write_lcm_unet(target, seed=3),
    }
    missing = {folder / name: write for name, write in writers.items() if not (folder / name).exists()}
    for target, write in missing.items():
        write(target)
    return list(missing)


def _write_pipeline(folder: Path, seed: int, size: int, turbo: bool) -> None:
    scheduler = _SCHEDULER | (_TURBO if turbo else {})
    index = _INDEX | {"scheduler": ["diffusers", scheduler["_class_name"]]}
    write_json(folder / "model_index.json", index)
    write_json(folder / "scheduler" / "scheduler_config.json", scheduler)
    for suffix, pad in (("", "<|endoftext|>"), ("_2", "!")):
        write_clip_tokenizer(folder / f"tokenizer{suffix}", pad)
    write_clip_encoder(folder / "text_encoder", CLIPTextModel, seed)
    write_clip_encoder(folder / "text_encoder_2", CLIPTextModelWithProjection, seed + 1)
    _write_unet(folder / "unet", seed, size)
    _write_vae(folder / "vae", seed, size)


def _write_unet(folder: Path, seed: int, size: int, extra: Mapping[str, Any] | None = None) -> None:
    torch.manual_seed(seed)
    config = _UNET | {"sample_size": size // 8} | dict(extra or {})
    unet = UNet2DConditionModel(**config)
    draw_weights(unet)
    with torch.no_grad():
        unet.conv_out.weight *= 4.0  # the picture must outweigh the noise that v-prediction leaves in it
        unet.add_embedding.linear_2.weight *= 3.0  # and the prompt must change its colours
    write_model(folder, unet, config)


def _write_vae(folder: Path, seed: int, size: int) -> None:
    torch.manual_seed(seed)
    config = _VAE | {"sample_size": size}
    vae = AutoencoderKL(**config)
    draw_weights(vae)
    _draw_palette(vae.decoder)
    write_model(folder, vae, config)


def _draw_palette(decoder: Any) -> None:
    """Give each of the decoder's last channels a colour of one palette, over a dark ground."""
    hue = float(torch.rand(()))
    channels = decoder.conv_out.in_channels
    ground = _colour(hue + 0.5, saturation=0.6, value=0.35)
    colours = [_colour(hue + 0.6 * k / channels, saturation=0.75, value=1.0) for k in range(channels)]
    with torch.no_grad():
        decoder.conv_norm_out.weight.fill_(2.0)
        strength = (torch.stack(colours, dim=1) - ground[:, None]) / 6.0
        decoder.conv_out.weight.zero_()
        decoder.conv_out.weight[:, :, 1, 1] = strength
        decoder.conv_out.bias.copy_(ground)


def _colour(hue: float, *, saturation: float, value: float) -> torch.Tensor:
    return torch.tensor(colorsys.hsv_to_rgb(hue % 1.0, saturation, value)) * 2.0 - 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description="Write tiny random SDXL-class checkpoints.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    for path in write_all(parser.parse_args().folder):
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
