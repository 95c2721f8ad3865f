"""The training pictures as the autoencoder's latents, made once and kept beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL
from tqdm import tqdm

from toyzoo.training.autoencoder import as_tensor
from toyzoo.training.data import Pictures

_AT_ONCE = 50


def load_autoencoder(folder: Path) -> Any:
    model = AutoencoderKL.from_pretrained(str(folder), use_safetensors=True, dtype=torch.float32)
    return model.eval().requires_grad_(requires_grad=False)


def load_latents(folder: Path, pictures: Pictures, autoencoder: Any) -> torch.Tensor:
    """Scaled to unit variance, of shape (count, 4, 16, 16); the mean of each picture's posterior."""

    def encode(x: torch.Tensor) -> torch.Tensor:
        mean: torch.Tensor = autoencoder.encode(x).latent_dist.mean
        return (mean * autoencoder.config.scaling_factor).half()

    return encoded_once(folder, "latents", pictures, autoencoder, encode)


def encoded_once(
    folder: Path,
    name: str,
    pictures: Pictures,
    model: torch.nn.Module,
    encode: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """What `encode` makes of all pictures, kept in a file that is named after them and the model's weights."""
    file = folder / f"{name}-{pictures.world}-{_digest(model)}.npy"
    if not file.exists():
        starts = tqdm(range(0, len(pictures.captions), _AT_ONCE), name, mininterval=5.0)
        with torch.no_grad():
            parts = [encode(as_tensor(pictures.pixels[k : k + _AT_ONCE])) for k in starts]
        part = file.with_suffix(".part.npy")
        np.save(part, torch.cat(parts).numpy())
        part.replace(file)
    return torch.from_numpy(np.load(file))


def _digest(model: torch.nn.Module) -> str:
    found = hashlib.sha256()
    for key, weight in sorted(model.state_dict().items()):
        found.update(key.encode() + weight.numpy().tobytes())
    return found.hexdigest()[:8]
