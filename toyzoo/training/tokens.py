"""The tokenizer of pictures: 128 x 128 pixels become 16 x 16 codes out of 512, and codes become pixels again.

van den Oord et al., Neural Discrete Representation Learning, 2017, eq. 3: the error of what comes back, whose gradient
passes the rounding straight through, and the distance of the encoder's latents from their codes. The codes themselves
follow the mean of their latents (app. A.1). A code that hardly any latent uses is moved to a latent that is badly
rounded, drawn as the next centre in Arthur and Vassilvitskii, k-means++, 2007, step 1b. All begins with the weights of
the continuous autoencoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import VQModel
from PIL import Image as PillowImage
from torch import nn

from toyzoo.layout import write_half_model
from toyzoo.training.autoencoder import CONFIG as AUTOENCODER
from toyzoo.training.autoencoder import as_tensor, batch, distance
from toyzoo.training.data import Pictures, draws
from toyzoo.training.latents import encoded_once
from toyzoo.training.run import Average, Training, clip_gradients, sheet

CODES = 512
GRID = 16
CONFIG: dict[str, Any] = AUTOENCODER | {
    "num_vq_embeddings": CODES,
    "vq_embed_dim": AUTOENCODER["latent_channels"],
    "lookup_from_codebook": True,
}
_SEED = 53
_COMMITMENT = 0.25  # beta of eq. 3
_FIRST_PICTURES = 64  # whose latents the first codes are drawn from
_AT_ONCE = 50


class TokensTraining(Training):
    """Crops first and whole pictures later, as the autoencoder; no code is moved in the last fifth."""

    steps = 4_000
    learning_rate = 1e-3

    def __init__(self, pictures: Pictures, autoencoder: Any) -> None:
        torch.manual_seed(_SEED)
        self._pictures = pictures
        self._model = from_autoencoder(autoencoder).to(memory_format=torch.channels_last)
        self._codes = self._model.quantize.embedding.weight.requires_grad_(requires_grad=False)
        with torch.no_grad():
            latents = as_rows(self._model.encode(_from_zero(as_tensor(pictures.pixels[:_FIRST_PICTURES]))).latents)
        self._codes.copy_(latents[torch.randperm(len(latents))[:CODES]])
        self._uses = Uses(self._codes)
        self._average = Average(self._model)
        trained = [weight for weight in self._model.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(trained, betas=(0.9, 0.98), weight_decay=1e-4)

    def parts(self) -> Mapping[str, Any]:
        return {"model": self._model, "uses": self._uses, "average": self._average, "optimizer": self._optimizer}

    def step(self, n: int) -> Mapping[str, float]:
        torch.manual_seed(n)
        x = batch(self._pictures, draws(_SEED, n), whole=n >= 0.6 * self.steps)
        latents = self._model.encode(_from_zero(x)).latents
        rounded, _, (_, _, nearest) = self._model.quantize(latents)
        made = self._model.decoder(self._model.post_quant_conv(rounded))
        commitment = (latents - rounded.detach()).square().mean()
        loss = distance(2 * made - 1, x) + _COMMITMENT * commitment
        self.set_rate(self._optimizer, n)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        clip_gradients(self._model.parameters())
        self._optimizer.step()
        self._uses.follow(self._codes, as_rows(latents.detach()), nearest, revive=n < 0.8 * self.steps)
        self._average.follow(self._model, n)
        error = (2 * made - 1 - x).detach().abs().mean()
        return {"error": float(error), "perplexity": self._uses.perplexity()}

    def sample(self) -> PillowImage.Image:
        """Originals in the odd rows, what comes back of their codes below each."""
        x = as_tensor(self._pictures.pixels[:16])
        with torch.no_grad():
            made = 2 * self._average.module(_from_zero(x)).sample - 1
        pairs = zip(x.split(8), made.split(8), strict=True)
        return sheet(torch.cat([part for pair in pairs for part in pair]), columns=8)

    def export(self, folder: Path) -> None:
        write_half_model(folder, self._average.module, CONFIG)


class Uses(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """N and m of app. A.1: for each code, moving means of how many latents a step it has, and of their sum."""

    _decay = 0.99
    _new = 0.1  # uses a step that a new code is taken to have had, so that it has a hundred steps to find some
    _least = 0.03

    def __init__(self, codes: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("counts", torch.full((len(codes),), self._new))
        self.register_buffer("sums", self._new * codes)

    def follow(self, codes: torch.Tensor, latents: torch.Tensor, nearest: torch.Tensor, *, revive: bool) -> None:
        """Eq. 6 to 8, in place, for latents of shape (n, width) and the number of each one's code."""
        errors = (latents - codes[nearest]).square().sum(dim=1)
        counts = torch.bincount(nearest, minlength=len(codes)).float()
        sums = torch.zeros_like(codes).index_add_(0, nearest, latents)
        self.counts.lerp_(counts, 1 - self._decay)
        self.sums.lerp_(sums, 1 - self._decay)
        dead = (self.counts < self._least).nonzero()[:, 0]
        if revive and len(dead):
            drawn = torch.multinomial(errors + 1e-12, len(dead))
            self.counts[dead] = self._new
            self.sums[dead] = self._new * latents[drawn]
        codes.copy_(self.sums / self.counts.clamp(min=1e-6)[:, None])

    def perplexity(self) -> float:
        """How many codes there would be if as much was told by codes that were all used equally often."""
        shares = self.counts / self.counts.sum()
        return float(torch.special.entr(shares).sum().exp())


def from_autoencoder(autoencoder: Any) -> Any:
    """The same encoder and decoder, but for latents of unit variance, without their spread, and pixels from 0 to 1."""
    weights = {key: weight.clone() for key, weight in autoencoder.state_dict().items()}
    width, scale = CONFIG["latent_channels"], autoencoder.config.scaling_factor
    mean, shift = weights["quant_conv.weight"][:width, :, 0, 0], weights["quant_conv.bias"][:width]
    weights["encoder.conv_out.weight"] = torch.einsum("oi,icyx->ocyx", mean, weights["encoder.conv_out.weight"])
    weights["encoder.conv_out.bias"] = mean @ weights["encoder.conv_out.bias"] + shift
    weights["quant_conv.weight"] = scale * torch.eye(width)[:, :, None, None]
    weights["quant_conv.bias"] = torch.zeros(width)
    weights["post_quant_conv.weight"] /= scale
    weights["encoder.conv_in.bias"] -= weights["encoder.conv_in.weight"].sum(dim=(1, 2, 3))
    weights["encoder.conv_in.weight"] *= 2
    weights["decoder.conv_out.weight"] /= 2
    weights["decoder.conv_out.bias"] = (weights["decoder.conv_out.bias"] + 1) / 2
    model = VQModel(**CONFIG)
    model.load_state_dict(weights | {"quantize.embedding.weight": model.quantize.embedding.weight})
    return model


def load_vqvae(folder: Path) -> Any:
    model = VQModel.from_pretrained(str(folder), use_safetensors=True, dtype=torch.float32)
    return model.eval().requires_grad_(requires_grad=False)


def load_codes(folder: Path, pictures: Pictures, vqvae: Any) -> torch.Tensor:
    """The training pictures as codes of shape (count, GRID, GRID)."""
    return encoded_once(folder, "codes", pictures, vqvae, lambda x: encode(vqvae, x).short())


def encode(vqvae: Any, x: torch.Tensor) -> torch.Tensor:
    """Pixels from -1 to 1 as codes."""
    with torch.no_grad():
        _, _, (_, _, nearest) = vqvae.quantize(vqvae.encode(_from_zero(x)).latents)
    codes: torch.Tensor = nearest.reshape(len(x), GRID, GRID)
    return codes


def as_rows(latents: torch.Tensor) -> torch.Tensor:
    """Of shape (n, width, height, width) as (n * height * width, width), in the order of the codes."""
    return latents.permute(0, 2, 3, 1).flatten(0, 2)


def _from_zero(x: torch.Tensor) -> torch.Tensor:
    """From 0 to 1 what is from -1 to 1."""
    return (x + 1) / 2
