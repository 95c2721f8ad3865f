"""Kandinsky 2.2 and Stable Cascade, whose prior is a repository that the decoder's card names; Kandinsky 3."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
from diffusers.pipelines.deprecated.wuerstchen import PaellaVQModel

from toyzoo.layout import TEXT_WIDTH
from toyzoo.untrained.families.parts import (
    T5_TOKENIZER,
    Part,
    clip_encoder,
    clip_image_encoder,
    clip_image_processor,
    clip_tokenizer,
    model,
    scheduler,
    t5_encoder,
    write_pipeline,
)

_MOVQ: dict[str, Any] = {
    "block_out_channels": [32, 32, 32, 32],
    "down_block_types": ["DownEncoderBlock2D"] * 3 + ["AttnDownEncoderBlock2D"],
    "up_block_types": ["AttnUpDecoderBlock2D"] + ["UpDecoderBlock2D"] * 3,
    "layers_per_block": 1,
    "norm_type": "spatial",
    "latent_channels": 4,
    "vq_embed_dim": 4,
    "num_vq_embeddings": 16,
}
_UNET_22: dict[str, Any] = {
    "sample_size": 8,
    "in_channels": 4,
    "out_channels": 8,
    "block_out_channels": [16, 32],
    "down_block_types": ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"],
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "up_block_types": ["SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"],
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "attention_head_dim": 8,
    "cross_attention_dim": 32,
    "encoder_hid_dim": TEXT_WIDTH,
    "encoder_hid_dim_type": "image_proj",
    "addition_embed_type": "image",
    "resnet_time_scale_shift": "scale_shift",
}
_VISION: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "image_size": 16,
    "patch_size": 8,
    "projection_dim": TEXT_WIDTH,
}
_DDPM = scheduler("DDPMScheduler", beta_schedule="linear", beta_start=0.00085, beta_end=0.012, clip_sample=False)
_STAGE: dict[str, Any] = {"conditioning_dim": 32, "clip_text_pooled_in_channels": TEXT_WIDTH, "dropout": [0.0, 0.0]}
_BLOCKS = ["SDCascadeResBlock", "SDCascadeTimestepBlock"]


def write_kandinsky_22(folder: Path) -> None:
    """The decoder into the folder, and its prior into one beside it."""
    prior = {
        "image_encoder": clip_image_encoder(**_VISION),
        "image_processor": clip_image_processor(16),
        "prior": model(
            diffusers.PriorTransformer,
            num_attention_heads=2,
            attention_head_dim=16,
            num_layers=1,
            embedding_dim=TEXT_WIDTH,
        ),
        "scheduler": scheduler("UnCLIPScheduler", variance_type="fixed_small_log", prediction_type="sample"),
        "text_encoder": clip_encoder(projected=True),
        "tokenizer": clip_tokenizer(),
    }
    decoder = {
        "movq": model(diffusers.VQModel, **_MOVQ),
        "scheduler": _DDPM,
        "unet": model(diffusers.UNet2DConditionModel, **_UNET_22),
    }
    _write_both(folder, ("KandinskyV22Pipeline", decoder), ("KandinskyV22PriorPipeline", prior))


def write_kandinsky_3(folder: Path) -> None:
    unet = model(
        diffusers.Kandinsky3UNet,
        time_embedding_dim=16,
        groups=4,
        attention_head_dim=8,
        layers_per_block=3,
        block_out_channels=[16, 32],
        cross_attention_dim=16,
        encoder_hid_dim=TEXT_WIDTH,
    )
    parts = {
        "movq": model(diffusers.VQModel, **_MOVQ),
        "scheduler": scheduler("DDPMScheduler", beta_schedule="squaredcos_cap_v2"),
        "text_encoder": t5_encoder(),
        "tokenizer": T5_TOKENIZER,
        "unet": unet,
    }
    write_pipeline(folder, "Kandinsky3Pipeline", parts)


def write_stable_cascade(folder: Path) -> None:
    prior = _stage(
        [32, 32],
        in_channels=16,
        out_channels=16,
        num_attention_heads=[2, 2],
        block_types_per_layer=[[*_BLOCKS, "SDCascadeAttnBlock"]] * 2,
        clip_text_in_channels=TEXT_WIDTH,
        clip_image_in_channels=TEXT_WIDTH,
        timestep_conditioning_type=["sca", "crp"],
        switch_level=[False],
    )
    decoder = _stage(
        [16, 32],
        in_channels=4,
        out_channels=4,
        patch_size=2,
        num_attention_heads=[-1, 2],
        block_types_per_layer=[_BLOCKS, [*_BLOCKS, "SDCascadeAttnBlock"]],
        effnet_in_channels=16,
        pixel_mapper_in_channels=3,
        timestep_conditioning_type=["sca"],
    )
    text = {
        "text_encoder": clip_encoder(projected=True),
        "tokenizer": replace(clip_tokenizer(), kind="CLIPTokenizerFast"),
    }
    steps = scheduler("DDPMWuerstchenScheduler")
    vqgan = model(PaellaVQModel, "wuerstchen", levels=2, bottleneck_blocks=1, embed_dim=16, num_vq_embeddings=16)
    image = {"feature_extractor": clip_image_processor(16), "image_encoder": clip_image_encoder(**_VISION)}
    _write_both(
        folder,
        ("StableCascadeDecoderPipeline", text | {"decoder": decoder, "scheduler": steps, "vqgan": vqgan}),
        ("StableCascadePriorPipeline", text | image | {"prior": prior, "scheduler": steps}),
        variant="bf16",
    )


def _stage(widths: list[int], **config: Any) -> Part:
    ones = [1] * len(widths)
    layers = {
        "block_out_channels": widths,
        "down_num_layers_per_block": ones,
        "up_num_layers_per_block": ones,
        "down_blocks_repeat_mappers": ones,
        "up_blocks_repeat_mappers": ones,
    }
    return model(diffusers.StableCascadeUNet, **_STAGE | layers | config)


def _write_both(
    folder: Path, decoder: tuple[str, dict[str, Part]], prior: tuple[str, dict[str, Part]], variant: str = "fp16"
) -> None:
    beside = folder.with_name(f"{folder.name}-prior")
    write_pipeline(beside, *prior, variant=variant)
    write_pipeline(folder, *decoder, variant=variant)
    (folder / "README.md").write_text(f"---\nprior:\n- {beside}\n---\n", encoding="utf-8")
