"""The second stage of toy-if-xl: 128 x 128 pixels from the first one's 32 x 32 and the caption.

Ho et al., Cascaded Diffusion Models for High Fidelity Image Generation, 2022, sec. 3 and alg. 1, for the enlarged
picture beside the noisy one and the noise that is added to it, of a strength that the UNet is told; Saharia et al.,
2022 (Imagen), sec. 2.5, for training on crops, which a UNet allows that attends to the text alone. The
loss is that of the first stage, whose text encoder is used as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import IFSuperResolutionPipeline, UNet2DConditionModel
from PIL import Image as PillowImage
from torch.nn import functional

from toyzoo.domain.scenes import SIDE
from toyzoo.layout import write_half_model, write_json
from toyzoo.training import t5
from toyzoo.training.autoencoder import as_tensor
from toyzoo.training.cascade import BOUND_WEIGHT, NOISE, UNUSED, call, leave_out, losses, make_noise, shrink
from toyzoo.training.data import Pictures, draws
from toyzoo.training.run import Average, Training, clip_gradients, sheet
from toyzoo.untrained.deepfloyd import ENLARGING, INDEX, UNET

_OWN: dict[str, Any] = {
    "sample_size": SIDE,
    "block_out_channels": [12, 24, 48, 64],
    "down_block_types": ["ResnetDownsampleBlock2D"] * 3 + ["SimpleCrossAttnDownBlock2D"],
    "up_block_types": ["SimpleCrossAttnUpBlock2D"] + ["ResnetUpsampleBlock2D"] * 3,
    "norm_num_groups": 4,
    "attention_head_dim": 16,
    "cross_attention_dim": 64,
    "encoder_hid_dim": t5.WIDTH,
    "only_cross_attention": True,
}
SECOND = UNET | ENLARGING | _OWN
SYSTEM: dict[str, Any] = {
    "catalogue": "if-xl",
    "name": "toy-if-xl",
    "model": "./toy-if-xl-1",
    "variant": None,
    "steps": 50,
    "guidance_scale": 4.0,
    "width": SIDE,
    "height": SIDE,
    "dtype": "float32",
    "arguments": {
        "stage_2_model": "./toy-if-xl-2",
        "stage_2_steps": 25,
        "stage_2_guidance_scale": 1.0,
        "stage_2_noise_level": 100,
    },
}
"""How a study names the two folders as one system; the folders lie in the study's data directory."""
NOISIEST = 400  # of the levels that are trained; IF's pipeline takes 250 where none is said
_SEED = 67
_CROP, _CROPS = 64, 8
_WHOLE = 2  # whole pictures a step, in the last part of the run


class SecondStageTraining(Training):
    """Crops first, which cost a quarter; whole pictures at the end, since normalisation sees the whole."""

    steps = 4_000
    learning_rate = 1e-3

    def __init__(self, pictures: Pictures, tokenizer: Any, encoder: Any) -> None:
        torch.manual_seed(_SEED)
        self._pictures, self._tokenizer, self._encoder = pictures, tokenizer, encoder
        self._tokens = t5.tokenize(tokenizer, pictures.captions)
        self._unet = UNet2DConditionModel(**SECOND)
        self._average = Average(self._unet)
        self._noise = make_noise()
        self._optimizer = torch.optim.AdamW(self._unet.parameters(), betas=(0.9, 0.98), weight_decay=1e-2)

    def parts(self) -> Mapping[str, Any]:
        return {"unet": self._unet, "average": self._average, "optimizer": self._optimizer}

    def step(self, n: int) -> Mapping[str, float]:
        torch.manual_seed(n)
        x, enlarged, tokens = self._batch(draws(_SEED, n), whole=n >= 0.85 * self.steps)
        with torch.no_grad():
            states = t5.encode(self._encoder, leave_out(tokens))
        levels = torch.randint(NOISIEST, (len(x),))
        enlarged = self._noise.add_noise(enlarged, torch.randn(x.shape), levels)
        noise = torch.randn(x.shape)
        times = torch.randint(1000, (len(x),))
        seen = torch.cat([self._noise.add_noise(x, noise, times), enlarged], dim=1)
        made = self._unet(seen, times, states, class_labels=levels).sample
        error, bound = losses(self._noise, made, self._noise.get_velocity(x, noise, times), times)
        self.set_rate(self._optimizer, n)
        self._optimizer.zero_grad(set_to_none=True)
        (error + BOUND_WEIGHT * bound).backward()
        clip_gradients(self._unet.parameters())
        self._optimizer.step()
        self._average.follow(self._unet, n)
        return {"error": float(error.detach()), "bound": float(bound.detach())}

    def sample(self) -> PillowImage.Image:
        """Of training pictures: enlarged, below that as this stage makes them, and the originals in the last row."""
        x = as_tensor(self._pictures.pixels[:8])
        made = self.make(shrink(x), self._pictures.captions[:8], num_inference_steps=10, guidance_scale=1.0)
        return sheet(torch.cat([enlarge(shrink(x)), made, x]), columns=8)

    def make(self, small: torch.Tensor, prompts: list[str], **arguments: Any) -> torch.Tensor:
        """Pictures of shape (n, 3, SIDE, SIDE) from small ones, all from -1 to 1."""
        noises = {"scheduler": make_noise(), "image_noising_scheduler": make_noise()}
        unet = self._average.module
        pipeline = IFSuperResolutionPipeline(self._tokenizer, self._encoder, unet, **noises, **UNUSED)
        level = SYSTEM["arguments"]["stage_2_noise_level"]
        return call(pipeline, **{"prompt": prompts, "image": small, "noise_level": level} | arguments)

    def export(self, folder: Path) -> None:
        """Without a text encoder: the first stage's states are this one's too."""
        own = {"_class_name": "IFSuperResolutionPipeline", "image_noising_scheduler": INDEX["scheduler"]}
        absent = {name: [None, None] for name in ("text_encoder", "tokenizer")}
        write_json(folder / "model_index.json", INDEX | own | absent)
        for name in ("scheduler", "image_noising_scheduler"):
            write_json(folder / name / "scheduler_config.json", NOISE)
        write_half_model(folder / "unet", self._average.module, SECOND)

    def _batch(self, rng: np.random.Generator, *, whole: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pictures, what the pipeline's enlarging makes of them when they were small, and tokens.

        A crop is cut after enlarging, so it is what the UNet will see there of the whole.
        """
        chosen = np.sort(rng.integers(len(self._pictures.captions), size=_WHOLE if whole else _CROPS))
        x = as_tensor(self._pictures.pixels[chosen])
        both = torch.cat([x, enlarge(shrink(x))], dim=1)
        if not whole:
            corners = rng.integers(SIDE - _CROP + 1, size=(len(chosen), 2))
            crops = [picture[:, y : y + _CROP, x : x + _CROP] for picture, (y, x) in zip(both, corners, strict=True)]
            both = torch.stack(crops)
        return both[:, :3].contiguous(), both[:, 3:].contiguous(), self._tokens[chosen]


def enlarge(small: torch.Tensor) -> torch.Tensor:
    """As IFSuperResolutionPipeline does."""
    return functional.interpolate(small, SIDE, mode="bilinear", align_corners=True)
