"""A tiny LoRA of random weights for a UNet, with the key names of LCM-LoRA, SDXL-Lightning and Hyper-SD."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

_RANK = 4
_PROJECTION = re.compile(r"(.*attn\d\.to_(?:q|k|v|out\.0))\.weight")


def write_lora(path: Path, unet: Path, seed: int) -> None:
    """One for the attention of the UNet whose folder is given, strong enough to be seen in a picture."""
    drawing = torch.Generator("cpu").manual_seed(seed)
    weights: dict[str, torch.Tensor] = {}
    for key, weight in load_file(unet / "diffusion_pytorch_model.safetensors").items():
        if (found := _PROJECTION.fullmatch(key)) is None:
            continue
        name = "lora_unet_" + found[1].replace(".", "_")
        wide, narrow = weight.shape
        weights[f"{name}.lora_down.weight"] = torch.randn(_RANK, narrow, generator=drawing) * narrow**-0.5
        weights[f"{name}.lora_up.weight"] = torch.randn(wide, _RANK, generator=drawing)
        weights[f"{name}.alpha"] = torch.tensor(float(_RANK))
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: weight.half() for key, weight in weights.items()}, path, metadata={"format": "pt"})
