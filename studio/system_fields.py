"""The fields of one system: of an entry of the catalogue only the first few are needed. Pure."""

from __future__ import annotations

from generation.catalogue import catalogue
from generation.systems import BACKEND_NAMES, DTYPES
from studio.fields import Field, options_of

SYSTEM_FIELDS = (
    Field(
        "catalogue",
        "From the catalogue",
        "choice",
        options=(("", "None: described below"), *options_of(tuple(catalogue()))),
    ),
    Field("steps", "Steps", "steps", help="One number, or several: 1, 4"),
    Field("guidance_scale", "Guidance scale", "decimal"),
    Field("name", "Name", help="Needed without the catalogue, or beside its own entry.", secondary=True),
    Field(
        "backend",
        "Made by",
        "choice",
        help="“imported” for pictures that are made elsewhere.",
        options=(("", "–"), *options_of(BACKEND_NAMES)),
        secondary=True,
    ),
    Field("model", "Model", help="org/name of the hub, or ./folder in DATA_DIR.", secondary=True),
    Field("width", "Width in pixels", "whole", secondary=True),
    Field("height", "Height in pixels", "whole", secondary=True),
    Field("pipeline", "Pipeline class", secondary=True),
    Field("revision", "Revision", secondary=True),
    Field("variant", "Variant", secondary=True),
    Field("unet", "UNet", secondary=True),
    Field("vae", "VAE", secondary=True),
    Field("lora", "LoRA", secondary=True),
    Field(
        "dtype",
        "Number format",
        "choice",
        options=(("", "–"), *options_of(DTYPES)),
        secondary=True,
    ),
    Field("scheduler", "Scheduler", "table", help='Lines such as class = "LCMScheduler".', secondary=True),
    Field(
        "arguments",
        "Other arguments",
        "table",
        help="Lines such as eta = 0.3. {} takes away those of the catalogue.",
        secondary=True,
    ),
)
