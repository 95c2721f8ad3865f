"""Study files for tests."""

from __future__ import annotations

from pathlib import Path

from comparisons.study_file import StudySpec, read_study

GOOD = """
slug = "colours"
prompt_set = "words"
seed = 7

[rating]
votes_wanted = 4

[display]
size = 64

[[questions]]
key = "quality"
wording = "Which picture is better?"

[[systems]]
name = "alpha"
backend = "diffusers"
pipeline = "StableDiffusionXLPipeline"
model = "./first-model"
steps = [1, 4]
width = 64
height = 64
"""
ANOTHER_SYSTEM = """
[[systems]]
name = "beta"
backend = "diffusers"
pipeline = "StableDiffusionXLPipeline"
model = "painters/second-model"
unet = "painters/faster-unet"
steps = 50
width = 128
height = 128
"""


def read(folder: Path, content: str) -> StudySpec:
    file = folder / "study.toml"
    file.write_text(content, encoding="utf-8")
    return read_study(file)
