"""Every family of the catalogue generates from a tiny checkpoint in the hub's layout, through its entry."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageChops, ImageStat

from generation import backends
from generation.backends import Backend, PermanentBackendError
from generation.catalogue import catalogue, resolve
from tests.generation.tiny_systems import (
    DEPENDS_ON_THE_BATCH,
    NEEDS_TORCHVISION,
    TESTED_WITH_THEIR_BACKENDS,
    TINY_SYSTEMS,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers"),
    pytest.mark.filterwarnings("ignore:`upcast_vae`:FutureWarning:diffusers"),
    pytest.mark.filterwarnings("ignore:`callback_steps` is deprecated:FutureWarning:diffusers"),
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.checkpoints import write_lcm_unet
    from toyzoo.untrained.families import WRITERS
    from toyzoo.untrained.lora import write_lora

    folder = tmp_path_factory.mktemp("data")
    for family in {tiny.family for tiny in TINY_SYSTEMS.values()}:
        WRITERS[family](folder / family)
    write_lcm_unet(folder / "lcm-unet", seed=3, size=64)
    write_lora(folder / "loras" / "2.safetensors", folder / "sdxl" / "unet", seed=5)
    return folder


def load(entry: str, data_dir: Path, **overrides: Any) -> Backend:
    (spec,) = resolve(TINY_SYSTEMS[entry].table(entry) | overrides)
    return backends.create(spec, data_dir)


def test_every_entry_has_a_test_or_a_reason() -> None:
    assert sorted(catalogue()) == sorted([*TINY_SYSTEMS, *TESTED_WITH_THEIR_BACKENDS, *NEEDS_TORCHVISION])


def test_every_family_is_used() -> None:
    from toyzoo.untrained.families import WRITERS

    assert {tiny.family for tiny in TINY_SYSTEMS.values()} == set(WRITERS)


@pytest.mark.parametrize("entry", TINY_SYSTEMS)
def test_family_generates(data_dir: Path, entry: str) -> None:
    tiny, backend = TINY_SYSTEMS[entry], load(entry, data_dir)
    first, second = backend.render(["a red cube", "two dogs under the sea"], [7, 7])
    assert (first.image.size, first.image.mode) == ((tiny.size, tiny.size), "RGB")
    assert max(ImageStat.Stat(first.image).stddev) > 10
    assert first.image != second.image
    timings = first.timings
    assert len(timings.forward_ms) == tiny.forwards
    assert min(timings.encode_ms, timings.decode_ms, *timings.forward_ms) > 0
    assert sum(timings.forward_ms) < timings.denoise_ms
    assert timings.encode_ms + timings.denoise_ms + timings.decode_ms < timings.total_ms


@pytest.mark.parametrize("entry", {tiny.family: entry for entry, tiny in TINY_SYSTEMS.items()}.values())
def test_batch_makes_the_pictures_of_single_calls(data_dir: Path, entry: str) -> None:
    backend = load(entry, data_dir, dtype="float32")
    prompts, seeds = ["a cat", "a dog of another length"], [1, 2]
    differences = [
        max(ImageChops.difference(rendered.image, backend.render([prompt], [seed])[0].image).tobytes())
        for rendered, prompt, seed in zip(backend.render(prompts, seeds), prompts, seeds, strict=True)
    ]
    assert (max(differences) <= 2) == (entry not in DEPENDS_ON_THE_BATCH)


@pytest.mark.parametrize(
    ("processor", "reason"),
    [
        (
            "PixtralProcessor",
            "its transformers.models.pixtral.processing_pixtral needs a package that is not installed here, "
            "such as torchvision.",
        ),
        (
            "Qwen2VLProcessor",
            "{folder} cannot be loaded: Qwen2VLVideoProcessor requires the Torchvision library but it was not found "
            "in your environment.",
        ),
    ],
)
def test_some_processors_need_torchvision(data_dir: Path, tmp_path: Path, processor: str, reason: str) -> None:
    """FLUX.2 dev and Kandinsky 5 list them. Once it can be installed, they can have tiny checkpoints too."""
    folder = tmp_path / "klein"
    shutil.copytree(data_dir / "flux.2-klein", folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "tokenizer" / "preprocessor_config.json").write_text('{"image_processor_type": "Qwen2VLImageProcessor"}')
    (folder / "model_index.json").write_text(json.dumps(index | {"tokenizer": ["transformers", processor]}))
    with pytest.raises(PermanentBackendError) as caught:
        load("flux.2-klein-4b", tmp_path, model="./klein")
    assert str(caught.value) == f"flux.2-klein-4b@2: model is './klein', but {reason.format(folder=folder)}"


def test_a_part_of_a_combined_pipeline_gets_the_scheduler(data_dir: Path) -> None:
    trailing = {"class": "DDPMScheduler", "timestep_spacing": "trailing"}
    (own,), (other,) = (
        load("kandinsky-2.2", data_dir, scheduler=scheduler).render(["a red cube"], [7]) for scheduler in ({}, trailing)
    )
    assert own.image != other.image
