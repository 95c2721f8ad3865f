"""A tiny IF cascade of random weights, in the layout of DeepFloyd's repositories and of the x4 upscaler."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel

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
from toyzoo.untrained.text_encoders import write_t5_encoder, write_t5_tokenizer

_UNUSED = {
    "feature_extractor": ["transformers", "CLIPImageProcessor"],
    "safety_checker": ["deepfloyd_if", "IFSafetyChecker"],
    "watermarker": ["deepfloyd_if", "IFWatermarker"],
}
INDEX = {
    "_class_name": "IFPipeline",
    "_diffusers_version": DIFFUSERS_VERSION,
    "scheduler": ["diffusers", "DDPMScheduler"],
    "text_encoder": ["transformers", "T5EncoderModel"],
    "tokenizer": ["transformers", "T5Tokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
}
DDPM = {
    "_class_name": "DDPMScheduler",
    "_diffusers_version": DIFFUSERS_VERSION,
    "beta_schedule": "squaredcos_cap_v2",
    "clip_sample": True,
    "dynamic_thresholding_ratio": 0.95,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "sample_max_value": 1.5,
    "thresholding": True,
    "variance_type": "learned_range",
}
UNET: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 6,
    "block_out_channels": [16, 32],
    "down_block_types": ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"],
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "up_block_types": ["SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"],
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "attention_head_dim": 8,
    "cross_attention_dim": 32,
    "cross_attention_norm": "group_norm",
    "encoder_hid_dim": TEXT_WIDTH,
    "addition_embed_type": "text",
    "addition_embed_type_num_heads": 4,
    "resnet_time_scale_shift": "scale_shift",
    "resnet_skip_time_act": True,
    "act_fn": "gelu",
    "time_embedding_act_fn": "gelu",
}
ENLARGING = {"in_channels": 6, "class_embed_type": "timestep", "mid_block_scale_factor": 1.414}

_UPSCALER_INDEX = {
    "_class_name": "StableDiffusionUpscalePipeline",
    "_diffusers_version": DIFFUSERS_VERSION,
    "low_res_scheduler": ["diffusers", "DDPMScheduler"],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
_LATENT_SCHEDULER = {
    "_diffusers_version": DIFFUSERS_VERSION,
    "beta_end": 0.02,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.0001,
    "clip_sample": False,
    "num_train_timesteps": 1000,
}
_LATENT_UNET: dict[str, Any] = {
    "in_channels": 7,
    "out_channels": 4,
    "block_out_channels": [16, 32],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "attention_head_dim": 4,
    "cross_attention_dim": TEXT_WIDTH,
    "num_class_embeds": 1000,
    "use_linear_projection": True,
}
_VAE: dict[str, Any] = {
    "block_out_channels": [8, 16, 16],
    "down_block_types": ["DownEncoderBlock2D"] * 3,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "latent_channels": 4,
    "scaling_factor": 0.08333,
    "force_upcast": True,
}


def write_cascade(folder: Path, seed: int, size: int = 16) -> None:
    """Write stage-1, which makes `size` pixels, and stage-2 and stage-3, which enlarge to 2 and 8 times that."""
    enlarging = {"_class_name": "IFSuperResolutionPipeline", "image_noising_scheduler": INDEX["scheduler"]}
    write_atomically(folder / "stage-1", lambda part: _write_if(part, seed, size, {}, {}))
    write_atomically(folder / "stage-2", lambda part: _write_if(part, seed + 1, 2 * size, enlarging, ENLARGING))
    write_atomically(folder / "stage-3", lambda part: _write_upscaler(part, seed + 2, 2 * size))


def _write_if(folder: Path, seed: int, size: int, index: Mapping[str, Any], unet: Mapping[str, Any]) -> None:
    """One of DeepFloyd's stages; like theirs, it lists a safety checker, whose files are left out here."""
    index = INDEX | _UNUSED | dict(index)
    write_json(folder / "model_index.json", index)
    for name in ("scheduler", "image_noising_scheduler"):
        if name in index:
            write_json(folder / name / "scheduler_config.json", DDPM)
    write_t5_tokenizer(folder / "tokenizer")
    write_t5_encoder(folder / "text_encoder", seed, shards=True)
    _write_unet(folder / "unet", seed, UNET | dict(unet) | {"sample_size": size})


def _write_upscaler(folder: Path, seed: int, size: int) -> None:
    write_json(folder / "model_index.json", _UPSCALER_INDEX)
    for name, kind, extra in [
        ("low_res_scheduler", "DDPMScheduler", {}),
        ("scheduler", "DDIMScheduler", {"prediction_type": "v_prediction"}),
    ]:
        config = _LATENT_SCHEDULER | {"_class_name": kind} | extra
        write_json(folder / name / "scheduler_config.json", config)
    write_clip_tokenizer(folder / "tokenizer", pad="!")
    write_clip_encoder(folder / "text_encoder", CLIPTextModel, seed)
    _write_unet(folder / "unet", seed, _LATENT_UNET | {"sample_size": size})
    vae = AutoencoderKL(**_VAE)
    draw_weights(vae)
    write_model(folder / "vae", vae, _VAE)


def _write_unet(folder: Path, seed: int, config: Mapping[str, Any]) -> None:
    torch.manual_seed(seed)
    unet = UNet2DConditionModel(**config)
    draw_weights(unet)
    write_model(folder, unet, config)
