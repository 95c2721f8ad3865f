"""The site as it would be if its web processes imported the libraries of the models."""

from __future__ import annotations

from diffusers import StableDiffusionXLPipeline

from evalsite.wsgi import application

__all__ = ["StableDiffusionXLPipeline", "application"]
