"""A T5 tokenizer that knows the world's words, and the small T5 encoder that is trained along with the cascade."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sentencepiece.sentencepiece_model_pb2 import ModelProto  # type: ignore[attr-defined]  # defined as it is imported
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from toyzoo.domain.words import all_words
from toyzoo.layout import write_half_weights, write_json

LENGTH = 77  # tokens, as IF's pipelines pad them; their UNets see the padding's states too
WIDTH = 128
_CONFIG: dict[str, Any] = {
    "d_model": WIDTH,
    "d_kv": 32,
    "d_ff": 2 * WIDTH,
    "num_layers": 2,
    "num_heads": 4,
    "feed_forward_proj": "gated-gelu",
    "dropout_rate": 0.0,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
}
_MARKS = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}


def write_tokenizer(folder: Path) -> None:
    """A unigram model (Kudo, Subword Regularization, 2018, eq. 6): a word is likelier whole than in its letters."""
    model = ModelProto()
    model.trainer_spec.model_type = model.trainer_spec.UNIGRAM
    model.trainer_spec.pad_id, model.trainer_spec.eos_id = 0, 1
    model.trainer_spec.unk_id, model.trainer_spec.bos_id = 2, -1
    model.normalizer_spec.name = "identity"
    kind = ModelProto.SentencePiece
    for mark in _MARKS.values():
        model.pieces.add(piece=mark, score=0.0, type=kind.UNKNOWN if mark == "<unk>" else kind.CONTROL)
    words = dict.fromkeys(word if word == "," else f"▁{word}" for word in all_words())
    letters = ["▁", *(chr(code) for code in range(33, 127) if chr(code) not in words)]
    for pieces, score in ((words, -1.0), (letters, -20.0)):
        for piece in pieces:
            model.pieces.add(piece=piece, score=score, type=kind.NORMAL)
    options = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "model_max_length": LENGTH}
    write_json(folder / "special_tokens_map.json", _MARKS)
    write_json(folder / "tokenizer_config.json", _MARKS | options)
    (folder / "spiece.model").write_bytes(model.SerializeToString())


def make_tokenizer() -> T5Tokenizer:
    with tempfile.TemporaryDirectory() as folder:
        write_tokenizer(Path(folder))
        return T5Tokenizer.from_pretrained(folder)


def tokenize(tokenizer: T5Tokenizer, captions: Sequence[str]) -> torch.Tensor:
    """(n, LENGTH) numbers, the padding's 0."""
    texts = list(captions)
    ids: torch.Tensor = tokenizer(texts, padding="max_length", max_length=LENGTH, return_tensors="pt").input_ids
    return ids


def make_encoder(vocabulary: int) -> T5EncoderModel:
    return T5EncoderModel(T5Config(vocab_size=vocabulary, **_CONFIG))


def load_encoder(folder: Path) -> T5EncoderModel:
    encoder = T5EncoderModel.from_pretrained(str(folder), use_safetensors=True, dtype=torch.float32)
    return encoder.eval().requires_grad_(requires_grad=False)


def encode(encoder: T5EncoderModel, ids: torch.Tensor) -> torch.Tensor:
    """(n, LENGTH, WIDTH) states, as IF's pipelines have them encoded."""
    states: torch.Tensor = encoder(ids, attention_mask=(ids != 0).long()).last_hidden_state
    return states


def write_encoder(folder: Path, encoder: T5EncoderModel) -> None:
    header = {"architectures": ["T5EncoderModel"], "model_type": "t5", "vocab_size": encoder.config.vocab_size}
    write_json(folder / "config.json", header | _CONFIG)
    weights = {key: value for key, value in encoder.state_dict().items() if key != "encoder.embed_tokens.weight"}
    write_half_weights(folder, "model", weights)
