"""toy-if-xl, a cascade in pixels: this first stage makes 32 x 32 of them from a caption, the next enlarges.

Saharia et al., Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding (Imagen), 2022, sec. 2,
for the cascade, the dynamic thresholding and the text encoder, which here learns along with the first stage; Nichol and
Dhariwal, Improved Denoising Diffusion Probabilistic Models, 2021, eq. 15 to 17, for the variance and the noise
schedule; Ho and Salimans, Classifier-Free Diffusion Guidance, 2021, alg. 1, for leaving the caption out of every tenth.

Where IF predicts the noise eps (Ho et al., Denoising Diffusion Probabilistic Models, 2020, eq. 14), this predicts the
velocity v = alpha eps - sigma x (Salimans and Ho, Progressive Distillation, 2022, app. D). An error of eps becomes one
of the picture that is sigma / alpha times as large, without bound towards the first steps of sampling, and a short
training leaves it too large there; an error of v never grows. The scheduler's file says so, and IF's pipelines obey.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDPMScheduler, IFPipeline, UNet2DConditionModel
from PIL import Image as PillowImage
from torch.nn import functional

from toyzoo.domain.scenes import SIDE
from toyzoo.layout import write_half_model, write_json
from toyzoo.training import t5
from toyzoo.training.autoencoder import as_tensor
from toyzoo.training.data import Pictures, draws
from toyzoo.training.run import Average, Training, clip_gradients, sheet
from toyzoo.training.teacher import SAMPLES
from toyzoo.untrained.deepfloyd import DDPM, INDEX, UNET

SMALL = 32
NOISE: dict[str, Any] = DDPM | {"prediction_type": "v_prediction"}
FIRST: dict[str, Any] = UNET | {
    "sample_size": SMALL,
    "block_out_channels": [16, 32, 64, 96],
    "down_block_types": ["ResnetDownsampleBlock2D"] * 2 + ["SimpleCrossAttnDownBlock2D"] * 2,
    "up_block_types": ["SimpleCrossAttnUpBlock2D"] * 2 + ["ResnetUpsampleBlock2D"] * 2,
    "attention_head_dim": 16,
    "cross_attention_dim": t5.WIDTH,
    "encoder_hid_dim": t5.WIDTH,
    "time_embedding_dim": 128,
}
# What the pipelines of both stages want besides their parts.
UNUSED: dict[str, Any] = dict.fromkeys(("safety_checker", "feature_extractor", "watermarker"))
UNUSED |= {"requires_safety_checker": False}
_APART = (SIDE - 1) / (SMALL - 1)
_SEED = 61
_BATCH = 16
_WITHOUT_CAPTION = 0.1
BOUND_WEIGHT = 0.001  # lambda of eq. 16


class FirstStageTraining(Training):
    steps = 6_500
    learning_rate = 1e-3

    def __init__(self, pictures: Pictures, tokenizer: Any) -> None:
        torch.manual_seed(_SEED)
        self._pictures, self._tokenizer = pictures, tokenizer
        self._tokens = t5.tokenize(tokenizer, pictures.captions)
        self._unet = UNet2DConditionModel(**FIRST)
        self._encoder = t5.make_encoder(len(tokenizer))
        self._model = torch.nn.ModuleList([self._unet, self._encoder])
        self._average = Average(self._model)
        self._noise = make_noise()
        self._optimizer = torch.optim.AdamW(self._model.parameters(), betas=(0.9, 0.98), weight_decay=1e-2)

    def parts(self) -> Mapping[str, Any]:
        return {"model": self._model, "average": self._average, "optimizer": self._optimizer}

    def step(self, n: int) -> Mapping[str, float]:
        torch.manual_seed(n)
        chosen = np.sort(draws(_SEED, n).integers(len(self._pictures.captions), size=_BATCH))
        x = shrink(as_tensor(self._pictures.pixels[chosen]))
        states = t5.encode(self._encoder, leave_out(self._tokens[chosen]))
        noise = torch.randn(x.shape)
        times = torch.randint(1000, (len(x),))
        made = self._unet(self._noise.add_noise(x, noise, times), times, states).sample
        error, bound = losses(self._noise, made, self._noise.get_velocity(x, noise, times), times)
        self.set_rate(self._optimizer, n)
        self._optimizer.zero_grad(set_to_none=True)
        (error + BOUND_WEIGHT * bound).backward()
        clip_gradients(self._model.parameters())
        self._optimizer.step()
        self._average.follow(self._model, n)
        return {"error": float(error.detach()), "bound": float(bound.detach())}

    def sample(self) -> PillowImage.Image:
        made = self.make(list(SAMPLES), num_inference_steps=20, guidance_scale=4.0)
        return sheet(made.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3), columns=4)

    def make(self, prompts: list[str], **arguments: Any) -> torch.Tensor:
        """Pictures of shape (n, 3, SMALL, SMALL) from -1 to 1, with fixed seeds."""
        unet, encoder = self._average.module
        pipeline = IFPipeline(self._tokenizer, encoder, unet, scheduler=make_noise(), **UNUSED)
        return call(pipeline, prompt=prompts, **arguments)

    def export(self, folder: Path) -> None:
        unet, encoder = self._average.module
        write_json(folder / "model_index.json", INDEX)
        write_json(folder / "scheduler" / "scheduler_config.json", NOISE)
        t5.write_tokenizer(folder / "tokenizer")
        t5.write_encoder(folder / "text_encoder", encoder)
        write_half_model(folder / "unet", unet, FIRST)


def losses(
    noise: DDPMScheduler, made: torch.Tensor, true: torch.Tensor, times: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """L_simple and L_vlb of Nichol and Dhariwal's hybrid loss; `made` has the velocity's channels, then the variance's.

    Variance, with v from 0 to 1 made from the channels' -1 to 1 (eq. 15): Sigma = exp(v ln beta + (1 - v) ln beta~).
    The bound is T times the mean over t and over all values of the divergence of q(x_t-1 | x_t, x_0) from the model,
    in nats (eq. 6), whose means differ by beta / sqrt(alpha (1 - alpha-)) times the error of the noise, and that is
    sqrt(alpha-) times the velocity's. It teaches the variance alone (sec. 3.1). t = 0 is left out: the sampler's last
    step adds no noise.
    """
    guess, fraction = made.chunk(2, dim=1)
    error = (guess - true).square()
    beta, alphas = noise.betas, noise.alphas_cumprod
    least = beta * (1 - functional.pad(alphas[:-1], (1, 0), value=1.0)) / (1 - alphas)
    least[0] = least[1]
    gap = beta.square() / ((1 - beta) * (1 - alphas)) * alphas
    beta, least, gap = (table[times][:, None, None, None] for table in (beta, least, gap))
    log_variance = torch.lerp(least.log(), beta.log(), (fraction + 1) / 2)
    ratio = (least + gap * error.detach()) / log_variance.exp()
    divergence = (log_variance - least.log() + ratio - 1) / 2
    counted = (times > 0).float()[:, None, None, None]
    return error.mean(), len(noise.betas) * (counted * divergence).mean()


def shrink(x: torch.Tensor) -> torch.Tensor:
    """To SMALL pixels, by triangles around where the next stage's pipeline puts these when it enlarges.

    It puts corners on corners (align_corners), so means of 4 x 4 pixels would come to lie 1.5 pixels off at the edges.
    """
    places = torch.arange(SMALL) * _APART
    weights = (1 - (torch.arange(SIDE) - places[:, None]).abs() / _APART).clamp(min=0)
    weights /= weights.sum(dim=1, keepdim=True)
    return weights @ x @ weights.T


def leave_out(tokens: torch.Tensor) -> torch.Tensor:
    """Every tenth caption becomes the empty one, as the pipelines encode it: the end's mark and padding."""
    empty = torch.zeros_like(tokens)
    empty[:, 0] = 1
    return torch.where(torch.rand(len(tokens), 1) < _WITHOUT_CAPTION, empty, tokens)


def make_noise() -> DDPMScheduler:
    return DDPMScheduler.from_config(NOISE)


def call(pipeline: Any, **arguments: Any) -> torch.Tensor:
    """What a stage's pipeline makes with fixed seeds, as numbers from -1 to 1."""
    pipeline.set_progress_bar_config(disable=True)
    generators = [torch.Generator().manual_seed(k) for k in range(len(arguments["prompt"]))]
    made = pipeline(generator=generators, output_type="pt", clean_caption=False, **arguments)
    pictures: torch.Tensor = made.images
    return pictures
