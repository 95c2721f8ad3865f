"""toy-sdxl-turbo: the teacher distilled into a UNet that needs one step.

Sauer et al., Adversarial Diffusion Distillation, 2023: a student that denoises latents of four noise levels in one
step is trained by a discriminator (eq. 2 and 3, without the penalty R1 of the latter, which such a short training does
without) and by the teacher's answer to its noised result (eq. 4). As in
Sauer et al., Fast High-Resolution Image Synthesis with Latent Adversarial Diffusion Distillation, 2024, sec. 3, the
discriminator judges noised latents by the features of the frozen teacher, so no picture has to be decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMScheduler, EulerAncestralDiscreteScheduler, UNet2DConditionModel
from PIL import Image as PillowImage
from torch import nn
from torch.nn import functional

from toyzoo.layout import write_half_model
from toyzoo.training import text
from toyzoo.training.run import Average, Training, clip_gradients
from toyzoo.training.teacher import NOISE, UNET, Captioned, Teacher, make_pipeline, sample_sheet, velocity

_SEED = 41
_BATCH = 16
_TIMES = (249, 499, 749, 999)  # what the student is trained on, and EulerAncestral's own with 4 steps
_GUIDANCE = 4.0  # of the teacher's answers
_DISTILLATION = 2.5  # lambda of eq. 1
_HEAD = 64


class Discriminator(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """Judges each place of two feature maps of the teacher, given the caption's embedding (Miyato and Koyama 2018)."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        widths = UNET["block_out_channels"]
        self.heads = nn.ModuleList(_Head(width) for width in (widths[0], widths[1]))
        self._features: list[torch.Tensor] = []
        for block in (unet.down_blocks[0].resnets[-1], unet.mid_block):
            block.register_forward_hook(lambda _module, _given, made: self._features.append(made))
        self._unet = [unet]  # in a list, so that it is no part of the discriminator

    def forward(
        self, noisy: torch.Tensor, times: torch.Tensor, states: torch.Tensor, embeds: torch.Tensor
    ) -> torch.Tensor:
        """A row of verdicts for each latent; positive means real."""
        self._features.clear()
        velocity(self._unet[0], noisy, times, states, embeds)
        verdicts = [head(features, embeds) for head, features in zip(self.heads, self._features, strict=True)]
        self._features.clear()
        return torch.cat(verdicts, dim=1)


class _Head(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, _HEAD, 3, padding=1),
            nn.GroupNorm(8, _HEAD),
            nn.LeakyReLU(0.2),
            nn.Conv2d(_HEAD, _HEAD, 3, padding=1),
            nn.GroupNorm(8, _HEAD),
            nn.LeakyReLU(0.2),
        )
        self.verdict = nn.Conv2d(_HEAD, 1, 1)
        self.projection = nn.Linear(text.WIDTHS[1], _HEAD)

    def forward(self, features: torch.Tensor, embeds: torch.Tensor) -> torch.Tensor:
        body = self.body(features)
        meant = functional.normalize(self.projection(embeds), dim=1) * _HEAD**0.5
        fit = (body * meant[:, :, None, None]).mean(dim=1, keepdim=True)
        return (self.verdict(body) + fit).flatten(1)


class AdversarialTraining(Training):
    steps = 3_000
    learning_rate = 2e-4

    def __init__(self, data: Captioned, teacher: Teacher) -> None:
        torch.manual_seed(_SEED)
        self._data, self._teacher = data, teacher
        self._student = UNet2DConditionModel(**UNET).to(memory_format=torch.channels_last)
        self._student.load_state_dict(teacher.unet.state_dict())
        self._average = Average(self._student, decay=0.99)
        self._discriminator = Discriminator(teacher.unet)
        self._noise = DDPMScheduler(**NOISE)
        self._optimizer = torch.optim.AdamW(self._student.parameters(), betas=(0.0, 0.95), weight_decay=1e-4)
        self._judge_optimizer = torch.optim.AdamW(self._discriminator.parameters(), betas=(0.0, 0.95))

    def parts(self) -> Mapping[str, Any]:
        return {
            "model": self._student,
            "average": self._average,
            "discriminator": self._discriminator,
            "optimizer": self._optimizer,
            "discriminator_optimizer": self._judge_optimizer,
        }

    def step(self, n: int) -> Mapping[str, float]:
        torch.manual_seed(n)
        x, tokens = self._data.draw(_SEED, n, _BATCH)
        with torch.no_grad():
            given = text.encode(self._teacher.encoders, tokens)
        times = torch.tensor(_TIMES)[torch.randint(len(_TIMES), (len(x),))]
        noisy = self._noise.add_noise(x, torch.randn(x.shape), times)
        made = self._denoise(self._student, noisy, times, *given)
        fooled = -self._judge(made, given).mean()
        distilled = self._distillation(made, given)
        self.set_rate(self._optimizer, n)
        self._update(self._optimizer, self._student, fooled + _DISTILLATION * distilled)
        judged = self._judgement(x, made.detach(), given)
        self.set_rate(self._judge_optimizer, n)
        self._update(self._judge_optimizer, self._discriminator, judged)
        self._average.follow(self._student, n)
        return {
            "fooled": float(fooled.detach()),
            "distilled": float(distilled.detach()),
            "judged": float(judged.detach()),
        }

    def sample(self) -> PillowImage.Image:
        teacher = self._teacher
        scheduler = EulerAncestralDiscreteScheduler(**NOISE)
        pipeline = make_pipeline(
            teacher.autoencoder, teacher.encoders, teacher.tokenizers, self._average.module, scheduler
        )
        return sample_sheet(pipeline, num_inference_steps=1, guidance_scale=0.0)

    def export(self, folder: Path) -> None:
        write_half_model(folder, self._average.module, UNET)

    def _judge(self, latents: torch.Tensor, given: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """The discriminator sees latents through noise, mostly little of it."""
        times = (torch.rand(len(latents)).square() * 700).long()
        verdicts: torch.Tensor = self._discriminator(
            self._noise.add_noise(latents, torch.randn(latents.shape), times), times, *given
        )
        return verdicts

    def _judgement(
        self, real: torch.Tensor, made: torch.Tensor, given: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """Hinge loss; real latents under the caption of another count half of the false ones (Reed et al. 2016)."""
        others = (given[0].roll(1, 0), given[1].roll(1, 0))
        right = functional.relu(1 - self._judge(real, given)).mean()
        false = functional.relu(1 + self._judge(made, given)).mean()
        mistaken = functional.relu(1 + self._judge(real, others)).mean()
        return right + (false + mistaken) / 2

    def _distillation(self, made: torch.Tensor, given: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """Eq. 4 with the weighting c(t) = alpha_t: the teacher's guided answer to the noised result."""
        times = torch.randint(1, 1000, (len(made),))
        noisy = self._noise.add_noise(made.detach(), torch.randn(made.shape), times)
        with torch.no_grad():
            both = [torch.cat([part, part]) for part in (noisy, times)]
            answers = self._denoise(self._teacher.unet, *both, *(torch.cat([part, part * 0]) for part in given))
            with_caption, without = answers.chunk(2)
            answer = without + _GUIDANCE * (with_caption - without)
        weight = self._noise.alphas_cumprod[times].sqrt()[:, None, None, None]
        return (weight * (made - answer).square()).mean()

    def _denoise(
        self, unet: Any, noisy: torch.Tensor, times: torch.Tensor, states: torch.Tensor, embeds: torch.Tensor
    ) -> torch.Tensor:
        kept = self._noise.alphas_cumprod[times][:, None, None, None]
        return kept.sqrt() * noisy - (1 - kept).sqrt() * velocity(unet, noisy, times, states, embeds)

    def _update(self, optimizer: torch.optim.Optimizer, module: nn.Module, loss: torch.Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        clip_gradients(module.parameters())
        optimizer.step()
