"""toy-openmuse: a transformer that fills in the masked codes of a picture, told by the teacher's second text encoder.

Chang et al., Muse: Text-To-Image Generation via Masked Generative Transformers, 2023, sec. 2.6: a share r of the codes
is masked, of density 2 / pi (1 - r^2)^(-1/2); sec. 2.3: the cross-entropy is that of the masked ones; sec. 2.7: every
tenth picture has no caption, so that logits can be guided. Sampling in parallel is Chang et al., MaskGIT, 2022, sec.
3.2, as AmusedScheduler has it. The text encoder is frozen (sec. 2.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AmusedPipeline, AmusedScheduler, UVit2DModel
from PIL import Image as PillowImage
from torch import nn
from torch.nn import functional

from toyzoo.domain.scenes import SIDE
from toyzoo.layout import DIFFUSERS_VERSION, write_half_model, write_json
from toyzoo.training import text, tokens
from toyzoo.training.data import draws
from toyzoo.training.run import Average, Training, clip_gradients, sheet
from toyzoo.training.teacher import SAMPLES

MASK = tokens.CODES
MICRO = (SIDE, SIDE, 0, 0, 6)  # width, height, corner and the score of beauty, as AmusedPipeline tells by default
_MICRO_WIDTH = 8
TRANSFORMER: dict[str, Any] = {
    "sample_size": tokens.GRID,
    "vocab_size": tokens.CODES + 1,
    "codebook_size": tokens.CODES,
    "in_channels": 128,
    "block_out_channels": 80,
    "block_num_heads": 2,
    "num_res_blocks": 3,  # their convolutions alone tell the places of an 8 x 8 grid from one another
    "downsample": True,
    "upsample": True,
    "hidden_size": 160,
    "intermediate_size": 320,
    "num_hidden_layers": 3,
    "num_attention_heads": 5,
    "encoder_hidden_size": text.WIDTHS[1],
    "cond_embed_dim": text.WIDTHS[1],
    "micro_cond_encode_dim": _MICRO_WIDTH,
    "micro_cond_embed_dim": len(MICRO) * _MICRO_WIDTH,
}
SCHEDULER: dict[str, Any] = {"mask_token_id": MASK, "masking_schedule": "cosine"}
_INDEX = {
    "_class_name": "AmusedPipeline",
    "_diffusers_version": DIFFUSERS_VERSION,
    "scheduler": ["diffusers", "AmusedScheduler"],
    "text_encoder": ["transformers", "CLIPTextModelWithProjection"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "transformer": ["diffusers", "UVit2DModel"],
    "vqvae": ["diffusers", "VQModel"],
}
_SEED = 59
_BATCH = 32
_WITHOUT_CAPTION = 0.1
_NOT_MASKED = -100  # what cross_entropy leaves out


@dataclass(frozen=True)
class Coded:
    """Pictures as codes of shape (n, GRID, GRID), and each one's caption as the tokenizer numbers it."""

    codes: torch.Tensor
    ids: torch.Tensor

    def draw(self, seed: int, n: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = torch.from_numpy(draws(seed, n).integers(len(self.codes), size=size))
        return self.codes[chosen].long(), self.ids[chosen]


class MuseTraining(Training):
    steps = 4_400
    learning_rate = 1e-3

    def __init__(self, data: Coded, tokenizer: Any, encoder: Any, vqvae: Any) -> None:
        torch.manual_seed(_SEED)
        self._data, self._tokenizer, self._encoder, self._vqvae = data, tokenizer, encoder, vqvae
        (self._no_caption,) = text.tokenize([tokenizer], [""])
        self._model = make_transformer()
        self._average = Average(self._model)
        self._optimizer = torch.optim.AdamW(self._model.parameters(), betas=(0.9, 0.98), weight_decay=1e-2)

    def parts(self) -> Mapping[str, Any]:
        return {"model": self._model, "average": self._average, "optimizer": self._optimizer}

    def step(self, n: int) -> Mapping[str, float]:
        torch.manual_seed(n)
        codes, ids = self._data.draw(_SEED, n, _BATCH)
        unsaid = torch.rand(len(ids)) < _WITHOUT_CAPTION
        masked = draw_masks(len(codes))
        logits = self._logits(codes.masked_fill(masked, MASK), torch.where(unsaid[:, None], self._no_caption, ids))
        loss = functional.cross_entropy(logits, codes.masked_fill(~masked, _NOT_MASKED))
        self.set_rate(self._optimizer, n)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        clip_gradients(self._model.parameters())
        self._optimizer.step()
        self._average.follow(self._model, n)
        return {"loss": float(loss.detach())}

    def sample(self) -> PillowImage.Image:
        pipeline = AmusedPipeline(
            self._vqvae, self._tokenizer, self._encoder, self._average.module, AmusedScheduler(**SCHEDULER)
        )
        pipeline.set_progress_bar_config(disable=True)
        options = {"num_inference_steps": 16, "guidance_scale": 3.0, "output_type": "pt"}
        made = pipeline(list(SAMPLES), generator=torch.Generator().manual_seed(0), **options).images
        return sheet(2 * made - 1, columns=4)

    def export(self, folder: Path) -> None:
        write_json(folder / "model_index.json", _INDEX)
        header = {"_class_name": "AmusedScheduler", "_diffusers_version": DIFFUSERS_VERSION}
        write_json(folder / "scheduler" / "scheduler_config.json", header | SCHEDULER)
        text.write_tokenizer(folder / "tokenizer", text.PADS[1])
        text.write_encoder(folder / "text_encoder", self._encoder)
        write_half_model(folder / "transformer", self._average.module, TRANSFORMER)
        write_half_model(folder / "vqvae", self._vqvae, tokens.CONFIG)

    def _logits(self, codes: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """(n, CODES, GRID, GRID), told what AmusedPipeline tells."""
        with torch.no_grad():
            said = self._encoder(ids, output_hidden_states=True)
        micro = torch.tensor([MICRO]).float().expand(len(ids), len(MICRO))
        logits: torch.Tensor = self._model(codes, said.hidden_states[-2], said.text_embeds, micro)
        return logits


def make_transformer() -> Any:
    """Its normalisations begin without a say of the caption's embedding, as in open-MUSE."""
    model = UVit2DModel(**TRANSFORMER)
    for name, weight in model.named_parameters():
        if "cond_embeds_mapper" in name or (".norm" in name and name.endswith(".linear.weight")):
            nn.init.zeros_(weight)
    return model


def draw_masks(count: int) -> torch.Tensor:
    """Truth of shape (count, GRID, GRID): for each picture a number of places anew, and that many, at least one."""
    places = tokens.GRID**2
    shares = torch.cos(math.pi / 2 * torch.rand(count))
    numbers = (shares * places).ceil().clamp(min=1)
    ranks = torch.rand(count, places).argsort(dim=1).argsort(dim=1)
    return (ranks < numbers[:, None]).reshape(count, tokens.GRID, tokens.GRID)
