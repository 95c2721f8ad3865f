"""The two networks of toy-stylegan-t: what makes latents of noise and a caption, and what judges them.

Sauer et al., StyleGAN-T, 2023, sec. 3.1 for the generator and 3.2 for the discriminator's heads; Karras et al.,
Analyzing and Improving the Image Quality of StyleGAN, 2020, eq. 1 and 3, for modulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from toyzoo.training.teacher import SIZES, UNET
from toyzoo.training.text import WIDTHS

Z_DIM = 64
TEXT = WIDTHS[1]
_W_DIM = Z_DIM + TEXT
_SIDE = 4  # of the first feature map
_WIDE, _NARROW = 80, 64  # channels up to 8 x 8, and at 16 x 16
_HIDDEN = 256
_GROUP = 16
_HEAD = 64
_TIME = 4 * UNET["block_out_channels"][0]


class ModulatedConvolution(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """w'_ijk = s_i w_ijk / |s_i w_ijk|, by scaling what goes in and what comes out instead of the weights."""

    def __init__(self, channels: int, made: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(made, channels, size, size) * (channels * size**2) ** -0.5)
        self.bias = nn.Parameter(torch.zeros(made))

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        power = style.square() @ self.weight.square().sum((2, 3)).T
        made = functional.conv2d(x * style[:, :, None, None], self.weight, padding=self.weight.shape[-1] // 2)
        scaled = made * power.add(1e-8).rsqrt()[:, :, None, None]
        return scaled + self.bias[:, None, None]


class Style(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """s = s1 s2 + s3, each affine in w (StyleGAN-T, sec. 3.1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.affine = nn.Linear(_W_DIM, 3 * channels)
        nn.init.normal_(self.affine.weight, std=0.5 * _W_DIM**-0.5)
        nn.init.constant_(self.affine.bias, 0.5)

    def forward(self, w: torch.Tensor) -> torch.Tensor:
        one, two, three = self.affine(w).chunk(3, dim=1)
        return one * two + three


class Residual(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """x + gamma f(norm(x), w), with two modulated convolutions of one style as f."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(channels // _GROUP, channels)
        self.style = Style(channels)
        self.layers = nn.ModuleList(ModulatedConvolution(channels, channels, 3) for _ in range(2))
        self.gamma = nn.Parameter(torch.full((channels, 1, 1), 0.3))

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        made, style = self.norm(x), self.style(w)
        for layer in self.layers:
            made = functional.leaky_relu(layer(made, style), 0.2) * 2**0.5
        return x + self.gamma * made


class Mapping(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """z -> x, without the caption, so that truncation pulls towards one mean."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(Z_DIM, Z_DIM), nn.LeakyReLU(0.2), nn.Linear(Z_DIM, Z_DIM))
        for layer in (self.layers[0], self.layers[2]):
            nn.init.normal_(layer.weight, std=1.4 * Z_DIM**-0.5)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.layers(_unit(z))
        return made


class Synthesis(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """w = (x, text) -> latents of 4 x 16 x 16.

    The first feature map comes of w by two layers instead of being a constant, and so places the things: one vector of
    a caption binds poorly where it can only scale channels, alike at every place.
    """

    def __init__(self) -> None:
        super().__init__()
        self.text = nn.Sequential(nn.Linear(TEXT, TEXT), nn.LeakyReLU(0.2), nn.Linear(TEXT, TEXT))
        self.start = nn.Sequential(
            nn.Linear(_W_DIM, _HIDDEN),
            nn.LeakyReLU(0.2),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.LeakyReLU(0.2),
            nn.Linear(_HIDDEN, _WIDE * _SIDE**2),
        )
        self.low = nn.ModuleList(Residual(_WIDE) for _ in range(1))
        self.middle = nn.ModuleList(Residual(_WIDE) for _ in range(2))
        self.narrow = nn.Conv2d(_WIDE, _NARROW, 1)
        self.high = nn.ModuleList(Residual(_NARROW) for _ in range(2))
        self.norm = nn.GroupNorm(_NARROW // _GROUP, _NARROW)
        self.last = nn.Conv2d(_NARROW, 4, 3, padding=1)
        for layer in [*self.text, *self.start]:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=1.4 * layer.in_features**-0.5)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        w = torch.cat([x, self.text(_unit(embedding))], dim=1)
        made = self.start(w).reshape(-1, _WIDE, _SIDE, _SIDE).contiguous(memory_format=torch.channels_last)
        for block in self.low:
            made = block(made, w)
        made = functional.interpolate(made, scale_factor=2.0, mode="bilinear")
        for block in self.middle:
            made = block(made, w)
        made = self.narrow(functional.interpolate(made, scale_factor=2.0, mode="bilinear"))
        for block in self.high:
            made = block(made, w)
        latents: torch.Tensor = self.last(functional.leaky_relu(self.norm(made), 0.2))
        return latents


class Generator(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    def __init__(self) -> None:
        super().__init__()
        self.mapping, self.synthesis = Mapping(), Synthesis()

    def forward(self, z: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        latents: torch.Tensor = self.synthesis(self.mapping(z), embedding)
        return latents


class Head(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """Logits of each place of an 8 x 8 map and of the whole, (n, 64) and (n, 1).

    a(phi) + <phi, V(caption, time)> (Miyato and Koyama, cGANs with Projection Discriminator, 2018).
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, _HEAD, 3, stride=stride, padding=1)
        self.second = nn.Conv2d(_HEAD, _HEAD, 3, padding=1)
        self.shrink = nn.Conv2d(_HEAD, _HEAD, 3, stride=2, padding=1)
        self.whole = nn.Linear(_HEAD * 16, _HEAD)
        self.plain = nn.ModuleList(nn.Linear(_HEAD, 1) for _ in range(2))
        self.caption = nn.Sequential(nn.Linear(TEXT + _TIME, _HIDDEN), nn.LeakyReLU(0.2), nn.Linear(_HIDDEN, 2 * _HEAD))

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> list[torch.Tensor]:
        x = functional.leaky_relu(self.first(x), 0.2)
        x = x + functional.leaky_relu(self.second(x), 0.2)
        whole = functional.leaky_relu(self.whole(functional.leaky_relu(self.shrink(x), 0.2).flatten(1)), 0.2)
        found = (x.flatten(2).transpose(1, 2), whole[:, None])
        asked = self.caption(condition).chunk(2, dim=1)
        return [
            plain(phi)[:, :, 0] + (phi @ v[:, :, None])[:, :, 0] * _HEAD**-0.5
            for phi, v, plain in zip(found, asked, self.plain, strict=True)
        ]


class Heads(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """What of the discriminator is trained: a head for each of the frozen network's features."""

    def __init__(self) -> None:
        super().__init__()
        narrow, wide = UNET["block_out_channels"]
        self.heads = nn.ModuleList([Head(narrow, 2), Head(wide, 1), Head(wide, 1)])

    def forward(self, seen: Sequence[torch.Tensor], condition: torch.Tensor) -> list[torch.Tensor]:
        return [logits for head, x in zip(self.heads, seen, strict=True) for logits in head(x, condition)]


def look(
    unet: Any, noisy: torch.Tensor, times: torch.Tensor, states: torch.Tensor, embeds: torch.Tensor
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Features of the UNet's way down and of its middle, each picture's of unit size; and the heads' condition.

    The way up, which costs twice as much again, is left out, as in Lin et al., SDXL-Lightning, 2024.
    """
    time = unet.time_embedding(unet.get_time_embed(noisy, times))
    added = {"text_embeds": embeds, "time_ids": torch.tensor([SIZES]).float().expand(len(noisy), 6)}
    emb = time + unet.get_aug_embed(time, states, added)
    plain, crossing = unet.down_blocks
    x, (fine, _) = plain(unet.conv_in(noisy), emb)
    x, _ = crossing(x, emb, encoder_hidden_states=states)
    middle = unet.mid_block(x, emb, encoder_hidden_states=states)
    seen = [feature / feature.square().mean((1, 2, 3), keepdim=True).add(1e-8).sqrt() for feature in (fine, x, middle)]
    return seen, torch.cat([_unit(embeds), _unit(time)], dim=1)


def _unit(x: torch.Tensor) -> torch.Tensor:
    return x * x.square().mean(1, keepdim=True).add(1e-8).rsqrt()
