"""Transformers made for little compute: PixArt-Sigma, Sana and Sana Sprint, Lumina 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers

from toyzoo.layout import TEXT_WIDTH
from toyzoo.untrained.families.parts import (
    GEMMA2_ENCODER,
    GEMMA_TOKENIZER,
    T5_TOKENIZER,
    kl_vae,
    model,
    scheduler,
    t5_encoder,
    write_pipeline,
)

_LATENTS = 8  # channels of Sana's, which are 32 pixels wide
_DC_VAE: dict[str, Any] = {
    "latent_channels": _LATENTS,
    "attention_head_dim": 8,
    "encoder_block_out_channels": [8, 8, 8, 16, 16, 16],
    "decoder_block_out_channels": [8, 8, 8, 16, 16, 16],
    "encoder_block_types": ["ResBlock"] * 3 + ["EfficientViTBlock"] * 3,
    "decoder_block_types": ["ResBlock"] * 3 + ["EfficientViTBlock"] * 3,
    "encoder_layers_per_block": [1] * 6,
    "decoder_layers_per_block": [1] * 6,
    "downsample_block_type": "Conv",
    "upsample_block_type": "interpolate",
    "decoder_act_fns": "silu",
    "scaling_factor": 0.41407,
}
_SANA: dict[str, Any] = {
    "sample_size": 2,
    "in_channels": _LATENTS,
    "out_channels": _LATENTS,
    "num_layers": 2,
    "num_attention_heads": 2,
    "attention_head_dim": 16,
    "num_cross_attention_heads": 2,
    "cross_attention_head_dim": 16,
    "cross_attention_dim": 32,
    "caption_channels": TEXT_WIDTH,
}
_SPRINT = {"guidance_embeds": True, "qk_norm": "rms_norm_across_heads", "timestep_scale": 1000.0}


def write_pixart_sigma(folder: Path) -> None:
    transformer = model(
        diffusers.PixArtTransformer2DModel,
        sample_size=8,
        in_channels=4,
        out_channels=8,
        num_layers=2,
        num_attention_heads=4,
        attention_head_dim=8,
        cross_attention_dim=32,
        caption_channels=TEXT_WIDTH,
        use_additional_conditions=False,
    )
    parts = {
        "scheduler": scheduler("DPMSolverMultistepScheduler", beta_start=0.0001, beta_end=0.02),
        "text_encoder": t5_encoder(),
        "tokenizer": T5_TOKENIZER,
        "transformer": transformer,
        "vae": kl_vae(4, scaling_factor=0.13025),
    }
    write_pipeline(folder, "PixArtSigmaPipeline", parts)


def write_sana(folder: Path) -> None:
    flow = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}
    _write_sana(folder, "SanaPipeline", ("DPMSolverMultistepScheduler", flow), {}, "bf16")


def write_sana_sprint(folder: Path) -> None:
    _write_sana(folder, "SanaSprintPipeline", ("SCMScheduler", {"prediction_type": "trigflow"}), _SPRINT, "fp16")


def _write_sana(
    folder: Path, kind: str, steps: tuple[str, dict[str, Any]], extra: dict[str, Any], variant: str
) -> None:
    parts = {
        "scheduler": scheduler(steps[0], **steps[1]),
        "text_encoder": GEMMA2_ENCODER,
        "tokenizer": GEMMA_TOKENIZER,
        "transformer": model(diffusers.SanaTransformer2DModel, **_SANA | extra),
        "vae": model(diffusers.AutoencoderDC, **_DC_VAE),
    }
    write_pipeline(folder, kind, parts, variant=variant)


def write_lumina2(folder: Path) -> None:
    transformer = model(
        diffusers.Lumina2Transformer2DModel,
        sample_size=8,
        in_channels=16,
        hidden_size=32,
        num_layers=2,
        num_refiner_layers=1,
        num_attention_heads=2,
        num_kv_heads=1,
        multiple_of=16,
        cap_feat_dim=TEXT_WIDTH,
        axes_dim_rope=[4, 6, 6],
        axes_lens=[300, 64, 64],
    )
    parts = {
        "scheduler": scheduler("FlowMatchEulerDiscreteScheduler", shift=6.0),
        "text_encoder": GEMMA2_ENCODER,
        "tokenizer": GEMMA_TOKENIZER,
        "transformer": transformer,
        "vae": kl_vae(16, scaling_factor=0.3611, shift_factor=0.1159),
    }
    write_pipeline(folder, "Lumina2Pipeline", parts)
