"""Which tiny checkpoint stands in for the real one of a catalogue entry, and the entries that none can stand in for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TinySystem:
    """`family` names a writer of toyzoo.untrained.families; `forwards` are those of one image at `steps` steps."""

    family: str
    steps: int = 2
    forwards: int = 2
    size: int = 64
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def table(self, entry: str) -> dict[str, Any]:
        """The table of a study file: the entry with its checkpoints and sizes replaced by tiny ones."""
        small = {"model": f"./{self.family}", "width": self.size, "height": self.size, "steps": self.steps}
        return {"catalogue": entry, **small, **self.overrides}


_VAE = {"vae": "./sdxl/vae"}
_LORA = {"lora": "./loras/{steps}.safetensors"}
TINY_SYSTEMS = {
    "sdxl": TinySystem("sdxl", overrides=_VAE),
    "sdxl-turbo": TinySystem("sdxl-turbo"),
    "lcm-xl": TinySystem("sdxl", overrides=_VAE | {"unet": "./lcm-unet"}),
    "lcm-lora-xl": TinySystem("sdxl", overrides=_VAE | _LORA),
    "sdxl-lightning": TinySystem("sdxl", overrides=_LORA),
    "hyper-sdxl": TinySystem("sdxl", overrides=_LORA),
    "hyper-sdxl-unified": TinySystem("sdxl", overrides=_LORA),
    "playground-2.5": TinySystem("playground"),
    "sd-1.5": TinySystem("sd-1.5", forwards=3),  # its scheduler takes a forward more
    "sd-turbo": TinySystem("sd-turbo"),
    "sd-3.5-medium": TinySystem("sd-3.5"),
    "sd-3.5-large": TinySystem("sd-3.5"),
    "sd-3.5-large-turbo": TinySystem("sd-3.5"),
    "flux.1-schnell": TinySystem("flux.1-schnell"),
    "flux.1-dev": TinySystem("flux.1-dev"),
    "flux.2-klein-4b": TinySystem("flux.2-klein"),
    # Random weights at half precision leave its range, as the trained ones do not.
    "pixart-sigma": TinySystem("pixart-sigma", overrides={"dtype": "float32"}),
    "sana": TinySystem("sana"),
    "sana-sprint": TinySystem("sana-sprint"),
    "kandinsky-2.2": TinySystem("kandinsky-2.2", forwards=25 + 2),  # the prior's and the decoder's
    "kandinsky-3": TinySystem("kandinsky-3"),
    "stable-cascade": TinySystem("stable-cascade", forwards=20 + 2, size=128),
    "qwen-image": TinySystem("qwen-image", forwards=4),  # guidance in forwards of its own
    "z-image-turbo": TinySystem("z-image"),
    "lumina-2": TinySystem("lumina-2", steps=4, forwards=5),  # guidance in the first quarter of the steps
}
TESTED_WITH_THEIR_BACKENDS = ("if-xl", "openmuse", "stylegan-t-pp")
NEEDS_TORCHVISION = ("flux.2-dev", "kandinsky-5-lite")
# The mean of the text's tokens enters its UNet, and a shorter prompt of a batch is padded.
DEPENDS_ON_THE_BATCH = ("kandinsky-3",)
