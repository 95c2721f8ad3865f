"""The autoencoder of the latent systems: 128 x 128 pixels become 16 x 16 latents of 4 channels, as in SDXL.

Kingma and Welling, Auto-Encoding Variational Bayes, 2014, eq. 10, with a small weight of the divergence, as in Rombach
et al., High-Resolution Image Synthesis with Latent Diffusion Models, 2022, app. G, though not as small: it is the sum
over all latents against the mean error of a pixel, and ends as an eighth of the loss. The perceptual and the
adversarial loss of the latter give way to the errors of neighbouring pixels' differences and of each latent's average
colour, since in this world edges and colours are all that matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from PIL import Image as PillowImage
from torch.nn import functional

from toyzoo.domain.scenes import SIDE
from toyzoo.layout import write_half_model
from toyzoo.training.data import Pictures, draws
from toyzoo.training.run import Average, Training, clip_gradients, sheet

CONFIG: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "block_out_channels": [8, 24, 48, 64],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "layers_per_block": 1,
    "norm_num_groups": 4,  # with a channel a group, the average colour would be lost, and with it the background
    "mid_block_add_attention": False,
    "sample_size": SIDE,
    "force_upcast": False,
}
_SEED = 11
_CROP, _CROPS = 64, 12
_WHOLE = 4  # whole pictures a step, in the last part of the run
_DIVERGENCE = 1e-6


class AutoencoderTraining(Training):
    """Crops first, which cost a quarter; whole pictures at the end, since normalisation sees the whole."""

    steps = 5_000
    learning_rate = 3e-3

    def __init__(self, pictures: Pictures) -> None:
        torch.manual_seed(_SEED)
        self._pictures = pictures
        self._model = AutoencoderKL(**CONFIG).to(memory_format=torch.channels_last)
        _start_simple(self._model)
        self._average = Average(self._model)
        self._optimizer = torch.optim.AdamW(self._model.parameters(), betas=(0.9, 0.98), weight_decay=1e-4)

    def parts(self) -> Mapping[str, Any]:
        return {"model": self._model, "average": self._average, "optimizer": self._optimizer}

    def step(self, n: int) -> Mapping[str, float]:
        rng = draws(_SEED, n)
        x = batch(self._pictures, rng, whole=n >= 0.85 * self.steps)
        torch.manual_seed(n)
        posterior = self._model.encode(x).latent_dist
        made = self._model.decode(posterior.sample()).sample
        loss = distance(made, x) + _DIVERGENCE * posterior.kl().mean()
        self.set_rate(self._optimizer, n)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        clip_gradients(self._model.parameters())
        self._optimizer.step()
        self._average.follow(self._model, n)
        error = (made - x).detach()
        return {"error": float(error.abs().mean()), "hue": float(hue(error).abs().mean())}

    def sample(self) -> PillowImage.Image:
        """Originals in the odd rows, what comes back of them below each."""
        x = as_tensor(self._pictures.pixels[:16])
        with torch.no_grad():
            made = self._average.module(x).sample
        pairs = zip(x.split(8), made.split(8), strict=True)
        return sheet(torch.cat([part for pair in pairs for part in pair]), columns=8)

    def export(self, folder: Path) -> None:
        """With the scaling factor that gives latents unit variance (Rombach et al., app. G)."""
        model = self._average.module
        parts = as_tensor(self._pictures.pixels[:1000]).split(50)
        with torch.no_grad():
            latents = torch.cat([model.encode(part).latent_dist.mean for part in parts])
        factor = round(1 / float(latents.std()), 5)
        write_half_model(folder, model, CONFIG | {"scaling_factor": factor})


def batch(pictures: Pictures, rng: np.random.Generator, *, whole: bool) -> torch.Tensor:
    """Pixels from -1 to 1 of some pictures or, at three quarters of the cost, of parts of three times as many."""
    chosen = rng.integers(len(pictures.captions), size=_WHOLE if whole else _CROPS)
    if whole:
        return as_tensor(pictures.pixels[np.sort(chosen)])
    corners = rng.integers(SIDE - _CROP + 1, size=(len(chosen), 2))
    places = zip(chosen, corners, strict=True)
    crops = [pictures.pixels[k, y : y + _CROP, x : x + _CROP] for k, (y, x) in places]
    return as_tensor(np.stack(crops))


def distance(made: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Of pixels; of hue once more, or brightness alone would be learnt at first; of colours of 8 x 8; of edges."""
    error = made - x
    pixels = 4 * error.square().mean() + 8 * hue(error).square().mean()
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    return pixels + 8 * functional.avg_pool2d(error, 8).square().mean() + 0.5 * edges


def hue(error: torch.Tensor) -> torch.Tensor:
    """What is left of it without the brightness."""
    return error - error.mean(dim=1, keepdim=True)


def _start_simple(model: Any) -> None:
    """Begin as averaging to the latents and repeating from them, with blocks that add nothing: He et al., Identity
    Mappings in Deep Residual Networks, 2016, taken to the resampling layers too. And with little noise on latents."""
    with torch.no_grad():
        model.quant_conv.bias[model.config.latent_channels :] = -6.0  # log-variances
        for module in model.modules():
            if isinstance(module, ResnetBlock2D):
                module.conv2.weight.zero_()
                if module.conv_shortcut is not None:
                    torch.nn.init.orthogonal_(module.conv_shortcut.weight)
            elif isinstance(module, Downsample2D | Upsample2D):
                channels = torch.arange(module.channels)
                module.conv.weight *= 0.1
                if isinstance(module, Downsample2D):
                    module.conv.weight[channels, channels, :2, :2] += 0.25
                else:
                    module.conv.weight[channels, channels, 1, 1] += 1.0


def as_tensor(pixels: np.ndarray[Any, Any]) -> torch.Tensor:
    """Bytes of shape (n, height, width, 3) as numbers from -1 to 1 of shape (n, 3, height, width)."""
    tensor = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    return tensor.contiguous(memory_format=torch.channels_last)
