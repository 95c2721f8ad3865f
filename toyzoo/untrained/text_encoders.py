"""Tiny text encoders besides CLIP, and their tokenizers, which give a token for each character or byte."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import (
    Gemma2Config,
    Gemma2Model,
    GemmaTokenizer,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
)

from toyzoo.layout import TEXT_WIDTH, byte_symbols, write_json, write_weights

_T5: dict[str, Any] = {
    "vocab_size": 256,
    "d_model": TEXT_WIDTH,
    "d_kv": 8,
    "d_ff": 2 * TEXT_WIDTH,
    "num_layers": 2,
    "num_heads": 4,
    "feed_forward_proj": "gated-gelu",
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
}
_DECODER: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 2 * TEXT_WIDTH,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "tie_word_embeddings": False,
}
_QWEN_MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>")
_QWEN_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_VISION: dict[str, Any] = {
    "depth": 1,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_heads": 2,
    "out_hidden_size": TEXT_WIDTH,
    "fullatt_block_indexes": [0],
}
_OLD_NAMES = {"model.language_model.": "model.", "model.visual.": "visual."}  # of before transformers 4.52


def write_t5_tokenizer(folder: Path) -> None:
    """A T5 tokenizer with a piece for each printable ASCII character."""
    model = io.BytesIO()
    characters = "".join(chr(code) for code in range(32, 127))
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([characters]),
        model_writer=model,
        model_type="char",
        vocab_size=110,
        hard_vocab_limit=False,
        character_coverage=1.0,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    marks = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    write_json(folder / "special_tokens_map.json", marks)
    options = {"tokenizer_class": "T5Tokenizer", "extra_ids": 100, "model_max_length": 512}
    write_json(folder / "tokenizer_config.json", marks | options)
    (folder / "spiece.model").write_bytes(model.getvalue())


def write_gemma_tokenizer(folder: Path) -> None:
    """A Gemma tokenizer without merges: a token for each ASCII character, and bytes for the rest."""
    marks = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    symbols = [*marks, "▁", "\n", *(f"<0x{byte:02X}>" for byte in range(256)), *map(chr, range(33, 127))]
    tokenizer = GemmaTokenizer(vocab={symbol: number for number, symbol in enumerate(symbols)}, merges=[])
    tokenizer.save_pretrained(str(folder))


def write_qwen_tokenizer(folder: Path) -> None:
    """A Qwen tokenizer without merges, and a chat template as short as can be."""
    bytes_ = byte_symbols()
    write_json(folder / "vocab.json", {symbol: number for number, symbol in enumerate(bytes_)})
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    mark = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    config = {
        "added_tokens_decoder": {str(256 + k): mark | {"content": text} for k, text in enumerate(_QWEN_MARKS)},
        "chat_template": _QWEN_CHAT,
        "eos_token": "<|im_end|>",
        "model_max_length": 131072,
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "Qwen2Tokenizer",
    }
    write_json(folder / "tokenizer_config.json", config)


def write_t5_encoder(folder: Path, seed: int, *, width: int = TEXT_WIDTH, shards: bool = False) -> None:
    """Plain weights in one file; with shards, half-precision ones in two with an index, as DeepFloyd's are."""
    torch.manual_seed(seed)
    config = _T5 | {"d_model": width}
    encoder = T5EncoderModel(T5Config(**config))
    _draw(encoder)
    write_json(folder / "config.json", config | {"architectures": ["T5EncoderModel"], "model_type": "t5"})
    weights = {key: value for key, value in encoder.state_dict().items() if key != "encoder.embed_tokens.weight"}
    write_weights(folder, "model", weights)
    if shards:
        (folder / "model.fp16.safetensors").unlink()
        _write_shards(folder, weights)


def write_gemma2_encoder(folder: Path, seed: int) -> None:
    config = Gemma2Config(**_DECODER | {"sliding_window": 64, "query_pre_attn_scalar": 8})
    _write_encoder(folder, seed, Gemma2Model, config)


def write_qwen3_encoder(folder: Path, seed: int, *, layers: int = 3, language_model: bool = False) -> None:
    """With its language-model head or without, as repositories differ in that."""
    config = Qwen3Config(**_DECODER | {"num_hidden_layers": layers})
    _write_encoder(folder, seed, Qwen3ForCausalLM if language_model else Qwen3Model, config)


def write_qwen25_vl_encoder(folder: Path, seed: int) -> None:
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    text = {key: value for key, value in _DECODER.items() if key != "head_dim"} | {"rope_parameters": rope}
    config = Qwen2_5_VLConfig(text_config=text, vision_config=_VISION, tie_word_embeddings=False)
    _write_encoder(folder, seed, Qwen2_5_VLForConditionalGeneration, config)


def _write_encoder(folder: Path, seed: int, kind: Any, config: Any) -> None:
    torch.manual_seed(seed)
    model = kind(config)
    _draw(model)
    write_json(folder / "config.json", config.to_dict() | {"architectures": [kind.__name__]})
    write_weights(folder, "model", {_old_name(key): value for key, value in model.state_dict().items()})


def _old_name(key: str) -> str:
    for new, old in _OLD_NAMES.items():
        if key.startswith(new):
            return old + key.removeprefix(new)
    return key


def _draw(model: nn.Module) -> None:
    """Full-sized embeddings: transformers' own start is too small for a prompt to be seen in the picture."""
    for name, weight in model.named_parameters():
        if weight.ndim >= 2:
            is_embedding = "embed" in name or "shared" in name
            nn.init.normal_(weight, std=1.0 if is_embedding else weight[0].numel() ** -0.5)


def _write_shards(folder: Path, weights: Mapping[str, torch.Tensor]) -> None:
    keys = sorted(weights)
    index: dict[str, str] = {}
    for number, part in enumerate((keys[::2], keys[1::2]), start=1):
        name = f"model.fp16-{number:05}-of-00002.safetensors"
        shard = {key: weights[key].half().contiguous() for key in part}
        save_file(shard, folder / name, metadata={"format": "pt"})
        index |= dict.fromkeys(part, name)
    total = 2 * sum(weight.numel() for weight in weights.values())
    write_json(folder / "model.safetensors.index.fp16.json", {"metadata": {"total_size": total}, "weight_map": index})
