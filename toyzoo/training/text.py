"""CLIP tokenizers that know the world's words, and the small text encoders that are trained along with the teacher."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from toyzoo.domain.words import all_words
from toyzoo.layout import byte_symbols, hub_key, write_clip_words, write_half_weights, write_json

LENGTH = 32  # tokens; the longest caption has 26
WIDTHS = (96, 128)
_LAYERS = 3
_MERGES = 2_000  # more than are needed until every word is one token
Tokenizers = tuple[CLIPTokenizer, CLIPTokenizer]
PADS = ("<|endoftext|>", "!")


def write_tokenizer(folder: Path, pad: str) -> None:
    merges = _merges()
    bytes_ = byte_symbols()
    symbols = [*bytes_, *(f"{symbol}</w>" for symbol in bytes_), *(one + two for one, two in merges)]
    write_clip_words(folder, symbols, [f"{one} {two}" for one, two in merges], pad, LENGTH)


def make_encoders(vocabulary: int) -> tuple[nn.Module, nn.Module]:
    """As in SDXL: both give the tokens' next-to-last states, the second also a projected embedding of the whole."""
    configs = [_config(width, vocabulary, pad) for width, pad in zip(WIDTHS, (vocabulary - 1, 0), strict=True)]
    return CLIPTextModel(CLIPTextConfig(**configs[0])), CLIPTextModelWithProjection(CLIPTextConfig(**configs[1]))


def encode(encoders: Sequence[nn.Module], tokens: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, LENGTH, sum of WIDTHS) states and (n, WIDTHS[1]) embeddings, as SDXL's pipeline takes them."""
    first, second = (encoder(ids, output_hidden_states=True) for encoder, ids in zip(encoders, tokens, strict=True))
    return torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1), second.text_embeds


def tokenize(tokenizers: Sequence[CLIPTokenizer], captions: list[str]) -> list[torch.Tensor]:
    return [_ids(tokenizer, captions) for tokenizer in tokenizers]


def load_tokenizers(folder: Path) -> Tokenizers:
    return tuple(CLIPTokenizer.from_pretrained(str(folder / name)) for name in ("tokenizer", "tokenizer_2"))


def load_second(folder: Path) -> tuple[CLIPTokenizer, Any]:
    """Of a trained teacher's two, the one that also embeds the whole; frozen."""
    encoder = CLIPTextModelWithProjection.from_pretrained(
        str(folder / "text_encoder_2"), use_safetensors=True, dtype=torch.float32
    )
    tokenizer = CLIPTokenizer.from_pretrained(str(folder / "tokenizer_2"))
    return tokenizer, encoder.eval().requires_grad_(requires_grad=False)


def make_tokenizers() -> Tokenizers:
    with tempfile.TemporaryDirectory() as folder:
        for name, pad in zip(("tokenizer", "tokenizer_2"), PADS, strict=True):
            write_tokenizer(Path(folder) / name, pad)
        return load_tokenizers(Path(folder))


def write_encoder(folder: Path, encoder: Any) -> None:
    config = {key: value for key, value in encoder.config.to_diff_dict().items() if not key.startswith("_")}
    write_json(folder / "config.json", config | {"architectures": [type(encoder).__name__]})
    write_half_weights(folder, "model", {hub_key(key): value for key, value in encoder.state_dict().items()})


def _config(width: int, vocabulary: int, pad: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "projection_dim": width,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": width // 32,
        "max_position_embeddings": LENGTH,
        "hidden_act": "gelu",
        "bos_token_id": vocabulary - 2,
        "eos_token_id": 2,  # by which the model looks for the highest number, as in SDXL's own files
        "pad_token_id": pad,
    }


def _ids(tokenizer: CLIPTokenizer, captions: list[str]) -> torch.Tensor:
    return tokenizer(captions, padding="max_length", max_length=LENGTH, truncation=False, return_tensors="pt").input_ids


def _merges() -> list[tuple[str, str]]:
    """Byte pairs merged until every word is one token (Sennrich et al., Neural Machine Translation of Rare Words)."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=_MERGES, min_frequency=1, end_of_word_suffix="</w>", show_progress=False, special_tokens=[]
    )
    tokenizer.train_from_iterator(sorted(set(all_words())), trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [(one, two) for one, two in merges]
