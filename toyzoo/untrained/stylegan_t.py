"""A tiny text-conditional GAN of random weights, exported as the owner of a StyleGAN-T exports theirs."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from transformers import CLIPTextModelWithProjection

from toyzoo.layout import TEXT_WIDTH, write_atomically, write_clip_encoder, write_clip_tokenizer

_Z_DIM = 16
_W_DIM = _Z_DIM + TEXT_WIDTH
_CHANNELS = 12
_START = 4


class ModulatedConvolution(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """A convolution whose weights are scaled by a style and brought back to unit size."""

    def __init__(self, channels: int, made: int, size: int) -> None:
        super().__init__()
        self.affine = nn.Linear(_W_DIM, channels)
        self.weight = nn.Parameter(torch.randn(made, channels, size, size))
        nn.init.normal_(self.affine.weight, std=_W_DIM**-0.5)
        nn.init.ones_(self.affine.bias)

    def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        weight = self.weight * self.affine(w).reshape(1, -1, 1, 1)
        weight = weight * weight.square().sum((1, 2, 3), keepdim=True).add(1e-8).rsqrt()
        return functional.conv2d(x, weight, padding=self.weight.shape[-1] // 2)


class ToyGenerator(nn.Module):  # type: ignore[misc]  # mypy does not follow torch
    """(z, text_embedding, psi) -> picture in [-1, 1]: mapping with truncation, then modulated convolutions."""

    x_avg: torch.Tensor

    def __init__(self, resolution: int) -> None:
        super().__init__()
        self.mapping = nn.Sequential(nn.Linear(_Z_DIM, _Z_DIM), nn.LeakyReLU(0.2), nn.Linear(_Z_DIM, _Z_DIM))
        self.register_buffer("x_avg", torch.randn(_Z_DIM))
        self.start = nn.Parameter(torch.randn(1, _CHANNELS, _START, _START))
        doublings = (resolution // _START).bit_length() - 1
        self.layers = nn.ModuleList(ModulatedConvolution(_CHANNELS, _CHANNELS, 3) for _ in range(doublings))
        self.to_rgb = ModulatedConvolution(_CHANNELS, 3, 1)

    def forward(self, z: torch.Tensor, text_embedding: torch.Tensor, psi: torch.Tensor) -> torch.Tensor:
        x = self.mapping(z * z.square().mean(1, keepdim=True).add(1e-8).rsqrt())
        x = torch.lerp(self.x_avg, 4 * x, psi)
        w = torch.cat([x, functional.normalize(text_embedding, dim=1) * TEXT_WIDTH**0.5], dim=1)
        picture = self.start
        for layer in self.layers:
            picture = functional.interpolate(picture, scale_factor=2.0, mode="bilinear")
            picture = functional.leaky_relu(layer(picture, w), 0.2) * 2**0.5
        return torch.tanh(self.to_rgb(picture, w))


def make_generator(seed: int, resolution: int = 64) -> ToyGenerator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = ToyGenerator(resolution)
    generator.eval()
    return generator


def write_stylegan_t(folder: Path, seed: int, resolution: int = 64, truncation_psi: float = 1.0) -> None:
    """Write an exported generator of `resolution` pixels, a power of 2, with its text encoder."""
    generator = make_generator(seed, resolution)

    def write(part: Path) -> None:
        for name in ("tokenizer", "text_encoder"):
            (part / name).mkdir()
        write_clip_tokenizer(part / "tokenizer", pad="!")
        write_clip_encoder(part / "text_encoder", CLIPTextModelWithProjection, seed)
        export(generator, part, _Z_DIM, TEXT_WIDTH, resolution, truncation_psi)

    write_atomically(folder, write)


def export(
    generator: nn.Module, folder: Path, z_dim: int, text_width: int, resolution: int, truncation_psi: float
) -> None:
    inputs = (torch.randn(1, z_dim), torch.randn(1, text_width), torch.tensor(truncation_psi))
    program = torch.export.export(generator.eval(), inputs)
    torch.export.save(program, folder / "generator.pt2")
    config = {"z_dim": z_dim, "resolution": resolution, "truncation_psi": truncation_psi}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
