"""Stable Diffusion 1.5 and SD-Turbo, SD 3.5, and Playground v2.5, which is an SDXL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers

from toyzoo.layout import TEXT_WIDTH, write_json
from toyzoo.untrained.checkpoints import write_sdxl
from toyzoo.untrained.families.parts import (
    T5_TOKENIZER_FAST,
    Part,
    clip_encoder,
    clip_tokenizer,
    kl_vae,
    model,
    scheduler,
    t5_encoder,
    write_pipeline,
)

_UNET: dict[str, Any] = {
    "sample_size": 8,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": [16, 32],
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "attention_head_dim": 4,
    "cross_attention_dim": TEXT_WIDTH,
}
_NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


def write_sd_15(folder: Path) -> None:
    """Its repository lists a safety checker, whose files are left out here."""
    checker = {
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
    }
    _write_sd(folder, scheduler("PNDMScheduler", skip_prk_steps=True, set_alpha_to_one=False, **_NOISE), **checker)


def write_sd_turbo(folder: Path) -> None:
    checker = {"safety_checker": [None, None], "feature_extractor": [None, None]}
    _write_sd(folder, scheduler("EulerDiscreteScheduler", timestep_spacing="trailing", **_NOISE), **checker)


def _write_sd(folder: Path, steps: Part, **options: Any) -> None:
    parts = {
        "scheduler": steps,
        "text_encoder": clip_encoder(),
        "tokenizer": clip_tokenizer(),
        "unet": model(diffusers.UNet2DConditionModel, **_UNET),
        "vae": kl_vae(4, scaling_factor=0.18215),
    }
    write_pipeline(folder, "StableDiffusionPipeline", parts, **options)


def write_playground(folder: Path) -> None:
    write_sdxl(folder, seed=1, size=64)
    config = {"_class_name": "EDMDPMSolverMultistepScheduler", "sigma_min": 0.002, "sigma_max": 80.0}
    write_json(folder / "scheduler" / "scheduler_config.json", config)
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    write_json(folder / "model_index.json", index | {"scheduler": ["diffusers", config["_class_name"]]})


def write_sd_35(folder: Path) -> None:
    transformer = model(
        diffusers.SD3Transformer2DModel,
        sample_size=8,
        patch_size=2,
        in_channels=16,
        out_channels=16,
        num_layers=2,
        num_attention_heads=4,
        attention_head_dim=8,
        caption_projection_dim=32,
        joint_attention_dim=2 * TEXT_WIDTH,
        pooled_projection_dim=2 * TEXT_WIDTH,
        pos_embed_max_size=16,
        dual_attention_layers=[0],
        qk_norm="rms_norm",
    )
    parts = {
        "scheduler": scheduler("FlowMatchEulerDiscreteScheduler", shift=3.0),
        "text_encoder": clip_encoder(projected=True),
        "text_encoder_2": clip_encoder(projected=True),
        "text_encoder_3": t5_encoder(2 * TEXT_WIDTH),
        "tokenizer": clip_tokenizer(),
        "tokenizer_2": clip_tokenizer("!"),
        "tokenizer_3": T5_TOKENIZER_FAST,
        "transformer": transformer,
        "vae": kl_vae(16, scaling_factor=1.5305, shift_factor=0.0609, use_quant_conv=False, use_post_quant_conv=False),
    }
    write_pipeline(folder, "StableDiffusion3Pipeline", parts)
