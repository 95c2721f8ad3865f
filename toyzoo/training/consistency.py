"""toy-lcm-xl: the teacher distilled into a UNet that needs few steps.

Luo et al., Latent Consistency Models, 2023, alg. 1: a student f(z, w, c, t) gives the same clean latents at two
neighbouring times of the teacher's guided path, the earlier one by a slow average of itself. The guidance w is an
input, drawn anew for each picture (eq. 14); f meets its boundary condition by the scaled sum of eq. 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMScheduler, LCMScheduler, UNet2DConditionModel
from PIL import Image as PillowImage

from toyzoo.layout import write_half_model
from toyzoo.training import text
from toyzoo.training.run import Average, Training, clip_gradients
from toyzoo.training.teacher import NOISE, UNET, Captioned, Teacher, make_pipeline, sample_sheet, velocity

UNET_WITH_GUIDANCE = UNET | {"time_cond_proj_dim": 32}
_SEED = 37
_BATCH = 24
_GUIDANCE = (1.0, 7.0)  # as pipelines count it, where 1 is none
_SKIP = 1000 // 50  # the student learns the 50 times that LCMScheduler's steps are taken from
_TIME_SCALE, _DATA = 10.0, 0.5  # of eq. 9 as LCMScheduler has it
_HUBER = 0.001


class ConsistencyTraining(Training):
    steps = 3_000
    learning_rate = 3e-4

    def __init__(self, data: Captioned, teacher: Teacher) -> None:
        torch.manual_seed(_SEED)
        self._data, self._teacher = data, teacher
        self._student = UNet2DConditionModel(**UNET_WITH_GUIDANCE).to(memory_format=torch.channels_last)
        self._student.load_state_dict(teacher.unet.state_dict(), strict=False)
        torch.nn.init.zeros_(self._student.time_embedding.cond_proj.weight)
        self._average = Average(self._student, decay=0.98)
        self._noise = DDPMScheduler(**NOISE)
        self._optimizer = torch.optim.AdamW(self._student.parameters(), betas=(0.9, 0.98), weight_decay=1e-3)

    def parts(self) -> Mapping[str, Any]:
        return {"model": self._student, "average": self._average, "optimizer": self._optimizer}

    def step(self, n: int) -> Mapping[str, float]:
        torch.manual_seed(n)
        x, tokens = self._data.draw(_SEED, n, _BATCH)
        later = torch.randint(1, 51, (len(x),)) * _SKIP - 1
        earlier = (later - _SKIP).clamp(min=0)
        guidance = torch.empty(len(x)).uniform_(*_GUIDANCE)
        noisy = self._noise.add_noise(x, torch.randn(x.shape), later)
        with torch.no_grad():
            states, embeds = text.encode(self._teacher.encoders, tokens)
            denoised = self._one_step_back(noisy, later, earlier, guidance, states, embeds)
            wanted = self._clean(self._average.module, denoised, earlier, guidance, states, embeds)
        made = self._clean(self._student, noisy, later, guidance, states, embeds)
        loss = ((made - wanted).square() + _HUBER**2).sqrt().mean() - _HUBER
        self.set_rate(self._optimizer, n)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        clip_gradients(self._student.parameters())
        self._optimizer.step()
        self._average.follow(self._student, n)
        return {"loss": float(loss.detach())}

    def sample(self) -> PillowImage.Image:
        teacher = self._teacher
        scheduler = LCMScheduler(**NOISE)
        pipeline = make_pipeline(
            teacher.autoencoder, teacher.encoders, teacher.tokenizers, self._average.module, scheduler
        )
        return sample_sheet(pipeline, num_inference_steps=4, guidance_scale=4.0)

    def export(self, folder: Path) -> None:
        """The UNet alone, to be swapped into toy-sdxl, as latent-consistency/lcm-sdxl is into SDXL."""
        write_half_model(folder, self._average.module, UNET_WITH_GUIDANCE)

    def _one_step_back(
        self,
        noisy: torch.Tensor,
        later: torch.Tensor,
        earlier: torch.Tensor,
        guidance: torch.Tensor,
        states: torch.Tensor,
        embeds: torch.Tensor,
    ) -> torch.Tensor:
        """A step of DDIM (Song et al. 2021, eq. 12) along the guided teacher's path."""
        both = [torch.cat([part, part]) for part in (noisy, later)]
        given = velocity(self._teacher.unet, *both, *(torch.cat([part, part * 0]) for part in (states, embeds)))
        with_caption, without = given.chunk(2)
        v = without + guidance[:, None, None, None] * (with_caption - without)
        alpha, sigma = self._levels(later)
        next_alpha, next_sigma = self._levels(earlier)
        return next_alpha * (alpha * noisy - sigma * v) + next_sigma * (sigma * noisy + alpha * v)

    def _clean(
        self,
        unet: Any,
        noisy: torch.Tensor,
        times: torch.Tensor,
        guidance: torch.Tensor,
        states: torch.Tensor,
        embeds: torch.Tensor,
    ) -> torch.Tensor:
        """f of eq. 9: the noisy latents themselves at time 0, the denoised ones elsewhere."""
        alpha, sigma = self._levels(times)
        v = velocity(unet, noisy, times, states, embeds, timestep_cond=guidance_embedding(guidance - 1.0))
        scaled = (times.float() * _TIME_SCALE)[:, None, None, None]
        keep = _DATA**2 / (scaled**2 + _DATA**2)
        take = scaled / (scaled**2 + _DATA**2).sqrt()
        return keep * noisy + take * (alpha * noisy - sigma * v)

    def _levels(self, times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        kept = self._noise.alphas_cumprod[times][:, None, None, None]
        return kept.sqrt(), (1 - kept).sqrt()


def guidance_embedding(guidance: torch.Tensor) -> torch.Tensor:
    """Sines and cosines of a thousand times the guidance, as SDXL's pipeline gives it to such a UNet."""
    width = int(UNET_WITH_GUIDANCE["time_cond_proj_dim"]) // 2
    rates = torch.exp(torch.arange(width) * -(torch.log(torch.tensor(10_000.0)) / (width - 1)))
    angles = guidance[:, None] * 1000.0 * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
