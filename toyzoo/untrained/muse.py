"""A tiny OpenMUSE of random weights, in the layout of amused/amused-512."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import UVit2DModel, VQModel
from torch import nn
from transformers import CLIPTextModelWithProjection

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

_CODES = 64
_TOKENS = _CODES + 16  # the last of them is the mask
_CODE_WIDTH = 8
_MICRO_WIDTH = 8
_TOKEN_PIXELS = 16

_INDEX = {
    "_class_name": "AmusedPipeline",
    "_diffusers_version": DIFFUSERS_VERSION,
    "scheduler": ["diffusers", "AmusedScheduler"],
    "text_encoder": ["transformers", "CLIPTextModelWithProjection"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "transformer": ["diffusers", "UVit2DModel"],
    "vqvae": ["diffusers", "VQModel"],
}
_SCHEDULER = {
    "_class_name": "AmusedScheduler",
    "_diffusers_version": DIFFUSERS_VERSION,
    "mask_token_id": _TOKENS - 1,
    "masking_schedule": "cosine",
}
_TRANSFORMER: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "encoder_hidden_size": TEXT_WIDTH,
    "cond_embed_dim": TEXT_WIDTH,
    "micro_cond_encode_dim": _MICRO_WIDTH,
    "micro_cond_embed_dim": 5 * _MICRO_WIDTH,
    "vocab_size": _TOKENS,
    "codebook_size": _CODES,
    "in_channels": 32,
    "block_out_channels": 32,
    "block_num_heads": 4,
    "num_res_blocks": 1,
    "downsample": True,
    "upsample": True,
}
_VQVAE: dict[str, Any] = {
    "block_out_channels": [8, 8, 16, 16, 16],
    "down_block_types": ["DownEncoderBlock2D"] * 5,
    "up_block_types": ["UpDecoderBlock2D"] * 5,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "latent_channels": _CODE_WIDTH,
    "vq_embed_dim": _CODE_WIDTH,
    "num_vq_embeddings": _CODES,
    "mid_block_add_attention": False,
    "lookup_from_codebook": True,
    "force_upcast": True,
}


def write_muse(folder: Path, seed: int, size: int = 128) -> None:
    """Write a random OpenMUSE that makes `size` pixels by default, a multiple of 32."""
    write_atomically(folder, lambda part: _write_pipeline(part, seed, size))


def _write_pipeline(folder: Path, seed: int, size: int) -> None:
    write_json(folder / "model_index.json", _INDEX)
    write_json(folder / "scheduler" / "scheduler_config.json", _SCHEDULER)
    write_clip_tokenizer(folder / "tokenizer", pad="!")
    write_clip_encoder(folder / "text_encoder", CLIPTextModelWithProjection, seed)
    _write_transformer(folder / "transformer", size)
    _write_vqvae(folder / "vqvae", size)


def _write_transformer(folder: Path, size: int) -> None:
    config = _TRANSFORMER | {"sample_size": size // _TOKEN_PIXELS}
    transformer = UVit2DModel(**config)
    for weight in transformer.parameters():
        if weight.ndim > 1:
            nn.init.normal_(weight, std=weight[0].numel() ** -0.5)
    write_model(folder, transformer, config)


def _write_vqvae(folder: Path, size: int) -> None:
    config = _VQVAE | {"sample_size": size}
    vqvae = VQModel(**config)
    draw_weights(vqvae)
    with torch.no_grad():
        vqvae.quantize.embedding.weight.normal_()
        vqvae.decoder.conv_out.bias.fill_(0.5)  # the pipeline cuts the decoder's values off at 0 and 1
    write_model(folder, vqvae, config)
