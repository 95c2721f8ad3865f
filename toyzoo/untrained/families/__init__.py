"""A tiny checkpoint of random weights for every family of the catalogue that can be built without the hub."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from toyzoo.untrained.checkpoints import write_sdxl
from toyzoo.untrained.families import efficient, flux, priors, stable_diffusion

WRITERS: dict[str, Callable[[Path], None]] = {
    "sdxl": partial(write_sdxl, seed=1, size=64),
    "sdxl-turbo": partial(write_sdxl, seed=4, size=64, turbo=True),
    "playground": stable_diffusion.write_playground,
    "sd-1.5": stable_diffusion.write_sd_15,
    "sd-turbo": stable_diffusion.write_sd_turbo,
    "sd-3.5": stable_diffusion.write_sd_35,
    "flux.1-schnell": flux.write_flux_schnell,
    "flux.1-dev": flux.write_flux_dev,
    "flux.2-klein": flux.write_flux2_klein,
    "z-image": flux.write_z_image,
    "qwen-image": flux.write_qwen_image,
    "pixart-sigma": efficient.write_pixart_sigma,
    "sana": efficient.write_sana,
    "sana-sprint": efficient.write_sana_sprint,
    "lumina-2": efficient.write_lumina2,
    "kandinsky-2.2": priors.write_kandinsky_22,
    "kandinsky-3": priors.write_kandinsky_3,
    "stable-cascade": priors.write_stable_cascade,
}
