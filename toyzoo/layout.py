"""Files as the hub's repositories have them: key names, tokenizers, half-precision copies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextConfig, CLIPVisionConfig, CLIPVisionModelWithProjection

TEXT_WIDTH = 32
DIFFUSERS_VERSION = "0.19.0.dev0"

_CLIP = {
    "vocab_size": 514,
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 2 * TEXT_WIDTH,
    "projection_dim": TEXT_WIDTH,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 77,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 1,
}


def write_atomically(folder: Path, write: Callable[[Path], None]) -> None:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        write(part)
    part.rename(folder)


def write_clip_tokenizer(folder: Path, pad: str) -> None:
    """A CLIP tokenizer without merges: one token for each byte of the text."""
    bytes_ = byte_symbols()
    write_clip_words(folder, [*bytes_, *(f"{symbol}</w>" for symbol in bytes_)], [], pad, 77)


def write_clip_words(folder: Path, symbols: Sequence[str], merges: Sequence[str], pad: str, length: int) -> None:
    symbols = [*symbols, "<|startoftext|>", "<|endoftext|>"]
    write_json(folder / "vocab.json", {symbol: number for number, symbol in enumerate(symbols)})
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    marks = {"bos_token": symbols[-2], "eos_token": symbols[-1], "unk_token": symbols[-1], "pad_token": pad}
    write_json(folder / "special_tokens_map.json", marks)
    options = {"tokenizer_class": "CLIPTokenizer", "model_max_length": length, "do_lower_case": True}
    write_json(folder / "tokenizer_config.json", marks | options)


def byte_symbols() -> list[str]:
    """The printable character that byte-level BPE writes for each byte, in CLIP's order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(byte) for byte in printable] + [chr(256 + extra) for extra in range(256 - len(printable))]


def write_clip_encoder(folder: Path, kind: Any, seed: int) -> None:
    torch.manual_seed(seed)
    model = kind(CLIPTextConfig(**_CLIP))
    for name, weight in model.named_parameters():
        if weight.ndim == 2:
            # Full-sized embeddings and strong attention: transformers' own start is too small for a
            # prompt to be seen in the picture.
            scale = 1.0 if "embedding" in name else 2.0 * weight.shape[1] ** -0.5
            nn.init.normal_(weight, std=scale)
    config = _CLIP | {"architectures": [kind.__name__], "model_type": "clip_text_model"}
    write_json(folder / "config.json", config)
    write_weights(folder, "model", {hub_key(key): value for key, value in model.state_dict().items()})


def write_clip_vision(folder: Path, config: Mapping[str, Any], seed: int) -> None:
    torch.manual_seed(seed)
    model = CLIPVisionModelWithProjection(CLIPVisionConfig(**config))
    header = {"architectures": ["CLIPVisionModelWithProjection"], "model_type": "clip_vision_model"}
    write_json(folder / "config.json", dict(config) | header)
    write_weights(folder, "model", model.state_dict())


def hub_key(key: str) -> str:
    return key if key.startswith(("text_model.", "text_projection.")) else f"text_model.{key}"


def draw_weights(model: nn.Module) -> None:
    """Random weights whose 3 x 3 convolutions blur, which is what turns noise into large blobs."""
    blur = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])
    for weight in model.parameters():
        if weight.ndim < 2:
            continue
        if weight.shape[2:] == (3, 3):
            nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
            weight.data = weight[:, :, :1, :1].detach() * blur / blur.norm()
        else:
            nn.init.normal_(weight, std=weight[0].numel() ** -0.5)


def write_model(folder: Path, model: Any, config: Mapping[str, Any]) -> None:
    header = {"_class_name": type(model).__name__, "_diffusers_version": DIFFUSERS_VERSION}
    write_json(folder / "config.json", header | dict(config))
    write_weights(folder, "diffusion_pytorch_model", model.state_dict())


def write_half_model(folder: Path, model: Any, config: Mapping[str, Any]) -> None:
    """A trained model in half precision alone, under the name of a file that has no variant."""
    header = {"_class_name": type(model).__name__, "_diffusers_version": DIFFUSERS_VERSION}
    write_json(folder / "config.json", header | dict(config))
    write_half_weights(folder, "diffusion_pytorch_model", model.state_dict())


def write_half_weights(folder: Path, stem: str, weights: Mapping[str, torch.Tensor]) -> None:
    cast = {key: weight.half().contiguous() for key, weight in weights.items()}
    save_file(cast, folder / f"{stem}.safetensors", metadata={"format": "pt"})


def write_weights(folder: Path, stem: str, weights: Mapping[str, torch.Tensor]) -> None:
    for suffix, dtype in (("", torch.float32), (".fp16", torch.float16)):
        cast = {key: weight.to(dtype).contiguous() for key, weight in weights.items()}
        save_file(cast, folder / f"{stem}{suffix}.safetensors", metadata={"format": "pt"})


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
