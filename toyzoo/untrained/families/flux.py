"""FLUX.1 schnell and dev, FLUX.2 klein, and two that work like them: Z-Image and Qwen-Image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers

from toyzoo.layout import TEXT_WIDTH
from toyzoo.untrained.families.parts import (
    QWEN25_VL_ENCODER,
    QWEN_TOKENIZER,
    T5_TOKENIZER_FAST,
    clip_encoder,
    clip_tokenizer,
    kl_vae,
    model,
    qwen3_encoder,
    scheduler,
    t5_encoder,
    write_pipeline,
)

_HEADS: dict[str, Any] = {"num_attention_heads": 2, "attention_head_dim": 16}
_SHIFTED = scheduler("FlowMatchEulerDiscreteScheduler", shift=3.0, use_dynamic_shifting=True)
_FLUX_VAE = kl_vae(16, scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False)


def write_flux_schnell(folder: Path) -> None:
    _write_flux(folder, guided=False)


def write_flux_dev(folder: Path) -> None:
    _write_flux(folder, guided=True)


def _write_flux(folder: Path, *, guided: bool) -> None:
    transformer = model(
        diffusers.FluxTransformer2DModel,
        in_channels=64,
        num_layers=1,
        num_single_layers=1,
        joint_attention_dim=TEXT_WIDTH,
        pooled_projection_dim=TEXT_WIDTH,
        axes_dims_rope=[4, 6, 6],
        guidance_embeds=guided,
        **_HEADS,
    )
    parts = {
        "scheduler": _SHIFTED if guided else scheduler("FlowMatchEulerDiscreteScheduler", shift=1.0),
        "text_encoder": clip_encoder(),
        "text_encoder_2": t5_encoder(),
        "tokenizer": clip_tokenizer(),
        "tokenizer_2": T5_TOKENIZER_FAST,
        "transformer": transformer,
        "vae": _FLUX_VAE,
    }
    write_pipeline(folder, "FluxPipeline", parts)


def write_flux2_klein(folder: Path) -> None:
    """Three of the text encoder's hidden states are joined, the last of them its 27th layer's."""
    transformer = model(
        diffusers.Flux2Transformer2DModel,
        in_channels=128,
        num_layers=1,
        num_single_layers=1,
        joint_attention_dim=3 * TEXT_WIDTH,
        axes_dims_rope=[4, 4, 4, 4],
        guidance_embeds=False,
        **_HEADS,
    )
    vae = model(
        diffusers.AutoencoderKLFlux2,
        block_out_channels=[8, 8, 16, 16],
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=32,
    )
    parts = {
        "scheduler": _SHIFTED,
        "text_encoder": qwen3_encoder(layers=28, language_model=True),
        "tokenizer": replace(QWEN_TOKENIZER, kind="Qwen2TokenizerFast"),
        "transformer": transformer,
        "vae": vae,
    }
    write_pipeline(folder, "Flux2KleinPipeline", parts, is_distilled=True)


def write_z_image(folder: Path) -> None:
    transformer = model(
        diffusers.ZImageTransformer2DModel,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=TEXT_WIDTH,
        axes_dims=[4, 6, 6],
        axes_lens=[1024, 64, 64],
    )
    parts = {
        "scheduler": scheduler("FlowMatchEulerDiscreteScheduler", shift=3.0),
        "text_encoder": qwen3_encoder(),
        "tokenizer": QWEN_TOKENIZER,
        "transformer": transformer,
        "vae": _FLUX_VAE,
    }
    write_pipeline(folder, "ZImagePipeline", parts)


def write_qwen_image(folder: Path) -> None:
    transformer = model(
        diffusers.QwenImageTransformer2DModel,
        in_channels=64,
        out_channels=16,
        num_layers=2,
        joint_attention_dim=TEXT_WIDTH,
        axes_dims_rope=[4, 6, 6],
        **_HEADS,
    )
    parts = {
        "scheduler": _SHIFTED,
        "text_encoder": QWEN25_VL_ENCODER,
        "tokenizer": QWEN_TOKENIZER,
        "transformer": transformer,
        "vae": model(diffusers.AutoencoderKLQwenImage, base_dim=8, z_dim=16, num_res_blocks=1),
    }
    write_pipeline(folder, "QwenImagePipeline", parts)
