"""What a pipeline is called with: nothing that it lacks, nothing that changes a prompt, no step too many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generation import backends
from generation.backends import PermanentBackendError
from generation.catalogue import resolve
from tests.generation.tiny_systems import TINY_SYSTEMS

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers"),
    pytest.mark.filterwarnings("ignore:`callback_steps` is deprecated:FutureWarning:diffusers"),
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.families import WRITERS

    folder = tmp_path_factory.mktemp("data")
    for family in (
        "sdxl",
        "flux.1-schnell",
        "pixart-sigma",
        "qwen-image",
        "stable-cascade",
        "kandinsky-2.2",
        "z-image",
    ):
        WRITERS[family](folder / family)
    return folder


def load_error(data_dir: Path, entry: str, **changes: Any) -> str:
    (spec,) = resolve(TINY_SYSTEMS[entry].table(entry) | changes)
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(spec, data_dir)
    return str(caught.value)


@pytest.mark.parametrize(
    ("entry", "changes", "message"),
    [
        (
            "stable-cascade",
            {"guidance_scale": 4.0},
            "StableCascadeCombinedPipeline takes no argument 'guidance_scale'; did you mean 'prior_guidance_scale'?",
        ),
        (
            "kandinsky-2.2",
            {"arguments": {"prior_steps": 5}},
            "KandinskyV22CombinedPipeline takes no argument 'prior_steps'; did you mean 'prior_num_inference_steps'?",
        ),
        (
            "flux.1-schnell",
            {"arguments": {"clip_skip": 1}},
            "FluxPipeline takes no argument 'clip_skip'.",
        ),
        (
            "pixart-sigma",
            {"arguments": {"clean_caption": True}},
            "arguments has 'clean_caption', which Evalsite sets itself; leave it out.",
        ),
        (
            "flux.1-schnell",
            {"width": 72},
            "width is 72 and height is 64, but it makes 64 x 64 pixels; correct both.",
        ),
    ],
)
def test_bad_arguments(data_dir: Path, entry: str, changes: dict[str, Any], message: str) -> None:
    assert load_error(data_dir, entry, **changes) == f"{entry}@2: {message}"


def test_a_pipeline_without_a_size(data_dir: Path) -> None:
    message = load_error(data_dir, "kandinsky-2.2", pipeline="KandinskyV22PriorPipeline", model="./kandinsky-2.2-prior")
    assert message == "kandinsky-2.2@2: KandinskyV22PriorPipeline takes no argument 'height'."


def test_a_pipeline_whose_denoiser_has_an_unknown_name(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from generation.backends import pipelines

    monkeypatch.setattr(pipelines, "DENOISERS", ("unet", "mixer"))
    assert load_error(data_dir, "flux.1-schnell") == (
        "flux.1-schnell@2: FluxPipeline has none of unet, mixer, so the forwards of its denoiser cannot be timed."
    )


def test_a_prompt_is_not_cleaned(data_dir: Path) -> None:
    """Cleaning is the pipeline's default, and does nothing where its packages are missing, as they are here."""
    from diffusers import PixArtSigmaPipeline

    from generation.backends import pipelines

    (spec,) = resolve(TINY_SYSTEMS["pixart-sigma"].table("pixart-sigma"))
    pipeline = PixArtSigmaPipeline.from_pretrained(str(data_dir / "pixart-sigma"))
    assert pipelines.call_arguments(spec, pipeline)["clean_caption"] is False


def test_guidance_of_qwen_image_is_on(data_dir: Path) -> None:
    table = TINY_SYSTEMS["qwen-image"].table("qwen-image")
    pictures = []
    for scale in (1.5, 4.0):
        (spec,) = resolve(table | {"arguments": {"true_cfg_scale": scale, "negative_prompt": " "}})
        pictures += backends.create(spec, data_dir).render(["a cat"], [1])
    assert pictures[0].image != pictures[1].image


def test_one_negative_prompt_is_every_image_s(data_dir: Path) -> None:
    """Z-Image takes a list for a batch, and nothing else."""
    table = {
        "name": "z-image",
        "backend": "diffusers",
        "pipeline": "ZImagePipeline",
        "model": "./z-image",
        "steps": 2,
        "guidance_scale": 4.0,
        "width": 64,
        "height": 64,
        "dtype": "float32",
        "arguments": {"negative_prompt": "grey"},
    }
    (spec,) = resolve(table)
    cat, dog = backends.create(spec, data_dir).render(["a cat", "a dog"], [1, 2])
    assert cat.image != dog.image


@pytest.mark.parametrize("most", [None, 20])
def test_steps_of_a_checkpoint_whose_scheduler_is_lcm(data_dir: Path, tmp_path: Path, most: int | None) -> None:
    """Only the checkpoint tells that its scheduler takes no more."""
    folder = tmp_path / "lcm"
    folder.mkdir()
    for part in (data_dir / "sdxl").iterdir():
        (folder / part.name).symlink_to(part)
    (folder / "scheduler").unlink()
    (folder / "scheduler").mkdir()
    config = {"_class_name": "LCMScheduler"} | ({} if most is None else {"original_inference_steps": most})
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))
    index = json.loads((folder / "model_index.json").read_text()) | {"scheduler": ["diffusers", "LCMScheduler"]}
    (folder / "model_index.json").unlink()
    (folder / "model_index.json").write_text(json.dumps(index))
    steps = (most or 50) + 1
    assert load_error(data_dir, "sdxl", model=str(folder), scheduler={}, steps=steps) == (
        f"sdxl@{steps}: steps is {steps}, but the checkpoint's LCMScheduler was distilled over {steps - 1} steps "
        "and takes no more."
    )
