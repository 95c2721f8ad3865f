"""Checkpoints of the hub that a worker finds in its local cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from generation import backends
from generation.backends import PermanentBackendError
from generation.systems import SystemSpec

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")
COMMIT = "c0ffee" * 6 + "c0ff"
SDXL: dict[str, Any] = {
    "name": "sdxl",
    "backend": "diffusers",
    "pipeline": "StableDiffusionXLPipeline",
    "model": "org/sdxl",
    "steps": 1,
    "guidance_scale": 0.0,
    "width": 64,
    "height": 64,
    "dtype": "float32",
}


@pytest.fixture(autouse=True)
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from toyzoo.untrained.checkpoints import write_sdxl

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--org--sdxl"
    write_sdxl(repository / "snapshots" / COMMIT, seed=1, size=64, turbo=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    return repository / "snapshots" / COMMIT


@pytest.mark.parametrize("revision", [None, COMMIT])
@pytest.mark.parametrize(("variant", "weights"), [(None, "model.safetensors"), ("fp16", "model.fp16.safetensors")])
def test_an_image_has_the_commit_and_the_files(revision: str | None, variant: str | None, weights: str) -> None:
    backend = backends.create(SystemSpec(**SDXL, revision=revision, variant=variant), Path())
    (rendered,) = backend.render(["a cat"], [7])
    recorded = rendered.checkpoints["model"]
    assert (recorded.location, recorded.revision) == ("org/sdxl", COMMIT)
    assert [name for name in recorded.files if name.startswith("text_encoder/")] == [
        "text_encoder/config.json",
        f"text_encoder/{weights}",
    ]
    assert rendered.environment["checkpoints"] == {"model": recorded.digest}


def test_a_missing_variant() -> None:
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(SystemSpec(**SDXL, variant="bf16"), Path())
    assert str(caught.value) == (
        "sdxl@1: variant is 'bf16', but org/sdxl has no weights of that variant; leave variant out."
    )


def test_pickled_weights_are_not_loaded(snapshot: Path) -> None:
    import torch
    from safetensors.torch import load_file

    for file in (snapshot / "unet").glob("*.safetensors"):
        torch.save(load_file(file), file.with_suffix(".bin"))
        file.unlink()
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(SystemSpec(**SDXL), Path())
    assert str(caught.value).startswith("sdxl@1: model is 'org/sdxl', but ")
    assert "\n" not in str(caught.value)


def test_pixels_are_not_marked_where_the_library_for_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not, here: made to believe that it is, a pipeline fails unless it was told to leave it alone."""
    from diffusers.pipelines.stable_diffusion_xl import pipeline_stable_diffusion_xl

    monkeypatch.setattr(pipeline_stable_diffusion_xl, "is_invisible_watermark_available", lambda: True)
    backends.create(SystemSpec(**SDXL), Path())
