from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageChops, ImageStat

from generation import backends
from generation.backends import RenderedImage
from generation.catalogue import resolve
from generation.systems import SystemSpec

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")
SMALL = {"width": 64, "height": 64, "dtype": "float32"}
SYSTEMS: dict[str, dict[str, Any]] = {
    "sdxl": {"catalogue": "sdxl", "model": "./sdxl", "vae": "./sdxl/vae"},
    "turbo": {"catalogue": "sdxl-turbo", "model": "./turbo"},
    "lcm": {"catalogue": "lcm-xl", "model": "./sdxl", "vae": "./sdxl/vae", "unet": "./lcm-unet"},
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.checkpoints import write_lcm_unet, write_sdxl

    folder = tmp_path_factory.mktemp("data")
    write_sdxl(folder / "sdxl", seed=1, size=64)
    write_sdxl(folder / "turbo", seed=2, size=64, turbo=True)
    write_lcm_unet(folder / "lcm-unet", seed=3, size=64)
    return folder


def spec_of(system: str, **overrides: Any) -> SystemSpec:
    (spec,) = resolve(SYSTEMS[system] | SMALL | overrides)
    return spec


def draw(spec: SystemSpec, data_dir: Path, *, prompt: str = "a red cube", seed: int = 7) -> RenderedImage:
    (rendered,) = backends.create(spec, data_dir).render([prompt], [seed])
    return rendered


@pytest.mark.parametrize(
    ("system", "steps"), [("sdxl", 3), ("turbo", 1), ("turbo", 4), ("lcm", 1), ("lcm", 2), ("lcm", 4)]
)
def test_system_makes_a_picture(data_dir: Path, system: str, steps: int) -> None:
    rendered = draw(spec_of(system, steps=steps), data_dir)
    assert (rendered.image.size, rendered.image.mode) == ((64, 64), "RGB")
    assert max(ImageStat.Stat(rendered.image).stddev) > 20
    assert len(rendered.timings.forward_ms) == steps


@pytest.mark.parametrize("system", ["sdxl", "turbo", "lcm"])
def test_same_seed_is_bit_identical(data_dir: Path, system: str) -> None:
    spec = spec_of(system, steps=2)
    backend = backends.create(spec, data_dir)
    first, again, other_seed, other_prompt = (
        backend.render([prompt], [seed])[0].image.tobytes()
        for prompt, seed in [("a cat", 1), ("a cat", 1), ("a cat", 2), ("a dog", 1)]
    )
    assert first == again == draw(spec, data_dir, prompt="a cat", seed=1).image.tobytes()
    assert len({first, other_seed, other_prompt}) == 3


def test_batch_makes_the_pictures_of_single_calls(data_dir: Path) -> None:
    backend = backends.create(spec_of("turbo", steps=2), data_dir)
    batch = backend.render(["a cat", "a dog"], [1, 2])
    for rendered, prompt, seed in zip(batch, ["a cat", "a dog"], [1, 2], strict=True):
        (single,) = backend.render([prompt], [seed])
        assert max(ImageChops.difference(rendered.image, single.image).tobytes()) <= 1
    assert batch[0].timings == batch[1].timings
    assert [rendered.environment["batch_size"] for rendered in batch] == [2, 2]


def test_guidance_reaches_the_lcm_embedding(data_dir: Path) -> None:
    weak, strong = (draw(spec_of("lcm", guidance_scale=scale), data_dir) for scale in (1.5, 8.0))
    assert weak.image != strong.image


def test_scheduler_and_arguments_change_the_picture(data_dir: Path) -> None:
    reference = draw(spec_of("turbo", steps=2), data_dir)
    own_scheduler = draw(spec_of("turbo", steps=2, scheduler={}), data_dir)
    leading = {"class": "EulerAncestralDiscreteScheduler", "timestep_spacing": "leading"}
    assert own_scheduler.image == reference.image
    assert draw(spec_of("turbo", steps=2, scheduler=leading), data_dir).image != reference.image
    skipped = {"clip_skip": 1}
    assert draw(spec_of("turbo", steps=2, arguments=skipped), data_dir).image != reference.image


def test_swapped_components_change_the_picture(data_dir: Path) -> None:
    reference = draw(spec_of("sdxl", steps=2), data_dir)
    assert draw(spec_of("sdxl", steps=2, vae="./turbo/vae"), data_dir).image != reference.image
    assert draw(spec_of("sdxl", steps=2, unet="./turbo/unet"), data_dir).image != reference.image


def test_swapped_component_without_the_variant_gives_its_plain_weights(data_dir: Path, tmp_path: Path) -> None:
    from toyzoo.untrained.checkpoints import write_lcm_unet

    write_lcm_unet(tmp_path / "unet", seed=3, size=64)
    (tmp_path / "unet" / "diffusion_pytorch_model.fp16.safetensors").unlink()
    rendered = draw(spec_of("lcm", unet=str(tmp_path / "unet")), data_dir)
    assert len(rendered.timings.forward_ms) == 4


@pytest.mark.filterwarnings("ignore:`upcast_vae`:FutureWarning:diffusers")
def test_half_precision(data_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rendered = draw(spec_of("turbo", steps=1, dtype="float16"), data_dir)
    assert capfd.readouterr() == ("", "")
    assert rendered.environment["dtype"] == "float16"
    assert max(ImageStat.Stat(rendered.image).stddev) > 20


def test_environment_is_recorded(data_dir: Path) -> None:
    environment = draw(spec_of("turbo", steps=1), data_dir).environment
    assert set(environment) == {
        "python", "torch", "diffusers", "transformers", "peft", "accelerate", "safetensors", "tokenizers", "numpy",
        "pillow", "cuda", "driver", "device", "dtype", "batch_size", "threads", "platform",
        "wall_ms", "peak_host_bytes", "peak_device_bytes", "checkpoints",
    }  # fmt: skip
    assert json.loads(json.dumps(environment)) == environment


def test_nothing_is_printed(data_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    draw(spec_of("lcm", steps=2), data_dir)
    assert capfd.readouterr() == ("", "")
