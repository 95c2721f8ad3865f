"""The parts that a pipeline's folder is made of, each with the line that model_index.json has about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors.torch import load_file, save_file

from toyzoo.layout import (
    DIFFUSERS_VERSION,
    TEXT_WIDTH,
    draw_weights,
    write_atomically,
    write_clip_encoder,
    write_clip_tokenizer,
    write_clip_vision,
    write_json,
    write_model,
)
from toyzoo.untrained import text_encoders

SEED = 1


@dataclass(frozen=True)
class Part:
    library: str
    kind: str
    write: Callable[[Path], None]


def write_pipeline(folder: Path, kind: str, parts: Mapping[str, Part], variant: str = "fp16", **options: Any) -> None:
    """A pipeline of the class `kind`; the options are what else its model_index.json holds."""

    def write(part_folder: Path) -> None:
        index = {name: [part.library, part.kind] for name, part in parts.items()}
        header = {"_class_name": kind, "_diffusers_version": DIFFUSERS_VERSION}
        write_json(part_folder / "model_index.json", header | options | index)
        for name, part in parts.items():
            part.write(part_folder / name)
        if variant != "fp16":
            _recast(part_folder, variant)

    write_atomically(folder, write)


def _recast(folder: Path, variant: str) -> None:
    """Half-precision copies under another name, where a repository has them so."""
    for path in folder.rglob("*.fp16.safetensors"):
        plain = load_file(path.with_name(path.name.replace(".fp16", "")))
        weights = {key: weight.to(torch.bfloat16) for key, weight in plain.items()}
        save_file(weights, path.with_name(path.name.replace("fp16", variant)), metadata={"format": "pt"})
        path.unlink()


def model(kind: Any, library: str = "diffusers", **config: Any) -> Part:
    """A denoiser or an autoencoder, with every weight drawn, the gates that start at zero too."""

    def write(folder: Path) -> None:
        torch.manual_seed(SEED)
        drawn = kind(**config)
        draw_weights(drawn)
        write_model(folder, drawn, config)

    return Part(library, kind.__name__, write)


def scheduler(kind: str, **config: Any) -> Part:
    header = {"_class_name": kind, "_diffusers_version": DIFFUSERS_VERSION}
    return Part("diffusers", kind, lambda folder: write_json(folder / "scheduler_config.json", header | config))


def kl_vae(latent_channels: int, **config: Any) -> Part:
    """The autoencoder of most families: 8 pixels a latent."""
    common: dict[str, Any] = {
        "block_out_channels": [8, 8, 16, 16],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "latent_channels": latent_channels,
    }
    return model(diffusers.AutoencoderKL, **common | config)


def clip_tokenizer(pad: str = "<|endoftext|>") -> Part:
    return Part("transformers", "CLIPTokenizer", lambda folder: write_clip_tokenizer(folder, pad))


def clip_encoder(*, projected: bool = False) -> Part:
    kind = transformers.CLIPTextModelWithProjection if projected else transformers.CLIPTextModel
    return Part("transformers", kind.__name__, lambda folder: write_clip_encoder(folder, kind, SEED))


def clip_image_encoder(**config: Any) -> Part:
    return Part("transformers", "CLIPVisionModelWithProjection", lambda folder: write_clip_vision(folder, config, SEED))


def clip_image_processor(size: int) -> Part:
    config = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": size}, "crop_size": size}
    return Part(
        "transformers", "CLIPImageProcessor", lambda folder: write_json(folder / "preprocessor_config.json", config)
    )


def _text(kind: str, write: Callable[..., None], **options: Any) -> Part:
    return Part("transformers", kind, partial(write, **options))


# "Fast" is in the names that repositories list; transformers 5 has one class for both.
T5_TOKENIZER = _text("T5Tokenizer", text_encoders.write_t5_tokenizer)
T5_TOKENIZER_FAST = _text("T5TokenizerFast", text_encoders.write_t5_tokenizer)
GEMMA_TOKENIZER = _text("GemmaTokenizerFast", text_encoders.write_gemma_tokenizer)
GEMMA2_ENCODER = _text("Gemma2Model", text_encoders.write_gemma2_encoder, seed=SEED)
QWEN_TOKENIZER = _text("Qwen2Tokenizer", text_encoders.write_qwen_tokenizer)
QWEN25_VL_ENCODER = _text("Qwen2_5_VLForConditionalGeneration", text_encoders.write_qwen25_vl_encoder, seed=SEED)


def t5_encoder(width: int = TEXT_WIDTH) -> Part:
    return _text("T5EncoderModel", text_encoders.write_t5_encoder, seed=SEED, width=width)


def qwen3_encoder(layers: int = 3, *, language_model: bool = False) -> Part:
    kind = "Qwen3ForCausalLM" if language_model else "Qwen3Model"
    return _text(kind, text_encoders.write_qwen3_encoder, seed=SEED, layers=layers, language_model=language_model)
