"""toy-stylegan-t: a text-conditional GAN, which makes a picture in one pass.

Sauer et al., StyleGAN-T, 2023: mapping with truncation, the caption beside what is mapped, modulated convolutions with
residuals, a frozen feature network with trained heads, the hinge loss (sec. 3.1 and 3.2). It differs from the paper
where a CPU has to do: it makes the autoencoder's latents, whose decoder ends the exported generator; and the feature
network is the first half of the teacher's UNet, which has been trained to read captions, on latents with noise (Sauer
et al., Fast High-Resolution Image Synthesis with Latent Adversarial Diffusion Distillation, 2024, sec. 3). The noise is
the only augmentation (Wang et al., Diffusion-GAN, 2023), since flips and shifts would make captions false. The teacher
makes no pictures here, and nothing is regressed on its predictions.

Real latents r, made ones f and captions c, with the heads' logits D; false captions c' count half (Reed et al.,
Generative Adversarial Text to Image Synthesis, 2016, alg. 1):

    L_D = E[(1 - D(r, c))+] + (E[(1 + D(f, c))+] + E[(1 + D(r, c'))+]) / 2 + gamma / 2 E|dD(r, c) / d features|^2
    L_G = -E[D(f, c)]

The last term of L_D is R1 (Mescheder et al., Which Training Methods for GANs do actually Converge?, 2018, eq. 9).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMScheduler
from PIL import Image as PillowImage
from torch import nn
from torch.nn import functional

from toyzoo.domain.scenes import SIDE
from toyzoo.training import text
from toyzoo.training.data import draws
from toyzoo.training.false_captions import FalseCaptions
from toyzoo.training.run import Average, Training, clip_gradients, sheet
from toyzoo.training.stylegan_t_networks import TEXT, Z_DIM, Generator, Heads, look
from toyzoo.training.teacher import NOISE, SAMPLES, Captioned, Teacher

_SEED = 41
_BATCH = 24
_FALSE = 16  # real pictures a step that are also shown with a false caption
_NOISE_SHIFT = -1.0  # of the time's logit, which is normal with deviation 1; most times are early
_GAMMA = 0.1
_PENALTY_EVERY = 4
_MEAN_OF = 10_000
_TRACES = ("stack_trace", "nn_module_stack", "from_node", "torch_fn")  # half a megabyte, and paths of this machine


class StyleGanTTraining(Training):
    steps = 3_000
    learning_rate = 1e-3

    def __init__(self, data: Captioned, teacher: Teacher) -> None:
        torch.manual_seed(_SEED)
        self._data, self.teacher = data, teacher
        for frozen in (teacher.unet, *teacher.encoders, teacher.autoencoder):
            frozen.eval().requires_grad_(requires_grad=False)
        self._false = FalseCaptions(teacher.tokenizers[0])
        self._noise = DDPMScheduler(**NOISE)
        self._generator = Generator().to(memory_format=torch.channels_last)
        self._heads = Heads().to(memory_format=torch.channels_last)
        self._average = Average(self._generator)
        self._optimizers = [
            torch.optim.Adam(network.parameters(), betas=(0.0, 0.99)) for network in (self._generator, self._heads)
        ]

    def parts(self) -> Mapping[str, Any]:
        modules = {"generator": self._generator, "heads": self._heads, "average": self._average}
        return modules | dict(zip(("generator_optimizer", "heads_optimizer"), self._optimizers, strict=True))

    def step(self, n: int) -> Mapping[str, float]:
        """Both networks learn from the same pictures; the generator is the first."""
        torch.manual_seed(n)
        x, tokens = self._data.draw(_SEED, n, _BATCH)
        false = self._false.draw(tokens, _FALSE, draws(_SEED + 1, n))
        with torch.no_grad():
            said = [torch.cat(pair) for pair in zip(tokens, false, strict=True)]
            states, embeds = text.encode(self.teacher.encoders, said)
        times = (1000 * torch.sigmoid(torch.randn(_BATCH) + _NOISE_SHIFT)).long()
        made = self._generator(torch.randn(_BATCH, Z_DIM), embeds[:_BATCH])
        seen, condition = self._look(made, times, states[:_BATCH], embeds[:_BATCH])
        fooled = -_mean(self._heads(seen, condition))
        self._descend(0, fooled, n)
        self._average.follow(self._generator, n)

        judged = _mean_hinge(self._heads([feature.detach() for feature in seen], condition), 1.0)
        real = torch.cat([x, x[:_FALSE]]), torch.cat([times, times[:_FALSE]])
        with torch.no_grad():
            seen, condition = self._look(*real, states, embeds)
        true = [feature.requires_grad_() for feature in seen]
        logits = self._heads(true, condition)
        penalty = _penalty([part[:_BATCH] for part in logits], true) if n % _PENALTY_EVERY == 0 else None
        told = _mean_hinge([part[:_BATCH] for part in logits], -1.0)
        misread = _mean_hinge([part[_BATCH:] for part in logits], 1.0)
        loss = told + (judged + misread) / 2
        self._descend(1, loss if penalty is None else loss + _GAMMA / 2 * _PENALTY_EVERY * penalty, n)
        losses = {"generator": fooled, "real": told, "made": judged, "false": misread}
        return {key: float(value.detach()) for key, value in losses.items()}

    def sample(self) -> PillowImage.Image:
        """A picture of each sample caption, four in a row, with fixed noise."""
        ids = text.tokenize(self.teacher.tokenizers, list(SAMPLES))
        with torch.no_grad():
            _, embeds = text.encode(self.teacher.encoders, ids)
            z = torch.randn(len(SAMPLES), Z_DIM, generator=torch.Generator().manual_seed(0))
            return sheet(self.exported()(z, embeds, torch.tensor(1.0)), columns=4)

    def export(self, folder: Path) -> None:
        """As docs/systems.md describes it."""
        folder.mkdir(parents=True, exist_ok=True)
        text.write_encoder(folder / "text_encoder", self.teacher.encoders[1])
        text.write_tokenizer(folder / "tokenizer", text.PADS[1])
        inputs = (torch.randn(1, Z_DIM), torch.randn(1, TEXT), torch.tensor(1.0))
        program = torch.export.export(Halved(self.exported()).eval(), inputs)
        for node in program.graph.nodes:
            for key in _TRACES:
                node.meta.pop(key, None)
        torch.export.save(program, folder / "generator.pt2")
        config = {"z_dim": Z_DIM, "resolution": SIDE, "truncation_psi": 1.0}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")

    def _look(
        self, x: torch.Tensor, times: torch.Tensor, states: torch.Tensor, embeds: torch.Tensor
    ) -> tuple[list[torch.Tensor], torch.Tensor]:
        noisy = self._noise.add_noise(x, torch.randn(x.shape), times)
        return look(self.teacher.unet, noisy, times, states, embeds)

    def _descend(self, which: int, loss: torch.Tensor, n: int) -> None:
        optimizer = self._optimizers[which]
        weights = list((self._generator, self._heads)[which].parameters())
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = gradient
        clip_gradients(weights)
        self.set_rate(optimizer, n)
        optimizer.step()

    def exported(self) -> Exported:
        return Exported(self._average.module, self.teacher.autoencoder)


class Exported(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """(z, text_embedding, psi) -> picture in [-1, 1]: x is drawn towards the mean of all x by psi."""

    x_mean: torch.Tensor

    def __init__(self, generator: Generator, autoencoder: Any) -> None:
        super().__init__()
        self.mapping, self.synthesis = generator.mapping, generator.synthesis
        self.unquantize, self.decoder = autoencoder.post_quant_conv, autoencoder.decoder
        self.factor = autoencoder.config.scaling_factor
        with torch.no_grad():
            mapped = self.mapping(torch.randn(_MEAN_OF, Z_DIM, generator=torch.Generator().manual_seed(_SEED)))
        self.register_buffer("x_mean", mapped.mean(0))

    def forward(self, z: torch.Tensor, text_embedding: torch.Tensor, psi: torch.Tensor) -> torch.Tensor:
        x = torch.lerp(self.x_mean, self.mapping(z), psi)
        latents = self.synthesis(x, text_embedding) / self.factor
        picture: torch.Tensor = self.decoder(self.unquantize(latents))
        return picture


class Halved(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """A module whose weights are kept in half precision and used in single, which halves the exported file."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._inside = (module,)  # in a tuple, so that its own weights are no part of this module
        self._names = dict(enumerate(module.state_dict()))
        for number, name in self._names.items():
            self.register_buffer(f"weight_{number}", module.state_dict()[name].half().contiguous())

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        weights = {name: getattr(self, f"weight_{number}").float() for number, name in self._names.items()}
        picture: torch.Tensor = torch.func.functional_call(self._inside[0], weights, inputs)
        return picture


def _mean(logits: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack([part.mean() for part in logits]).mean()


def _mean_hinge(logits: Sequence[torch.Tensor], sign: float) -> torch.Tensor:
    return _mean([functional.relu(1 + sign * part) for part in logits])


def _penalty(logits: Sequence[torch.Tensor], seen: Sequence[torch.Tensor]) -> torch.Tensor:
    total = sum(part.mean(1).sum() for part in logits) / len(logits)
    gradients = torch.autograd.grad(total, list(seen), create_graph=True)
    return sum((gradient.square().sum() for gradient in gradients), torch.zeros(())) / len(logits[0])
