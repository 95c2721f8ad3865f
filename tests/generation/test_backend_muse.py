from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import ImageStat

from generation import backends
from generation.backends import PermanentBackendError, RenderedImage
from generation.catalogue import resolve
from generation.systems import SystemSpec

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")
SMALL = {"catalogue": "openmuse", "model": "./muse", "steps": 3, "width": 64, "height": 64, "dtype": "float32"}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.muse import write_muse

    folder = tmp_path_factory.mktemp("data")
    write_muse(folder / "muse", seed=1, size=64)
    return folder


def spec_of(**overrides: Any) -> SystemSpec:
    (spec,) = resolve(SMALL | overrides)
    return spec


def draw(data_dir: Path, **overrides: Any) -> RenderedImage:
    (rendered,) = backends.create(spec_of(**overrides), data_dir).render(["a red cube"], [7])
    return rendered


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_system_makes_a_picture(data_dir: Path, steps: int, dtype: str) -> None:
    rendered = draw(data_dir, steps=steps, dtype=dtype)
    assert (rendered.image.size, rendered.image.mode) == ((64, 64), "RGB")
    assert max(ImageStat.Stat(rendered.image).stddev) > 20
    assert rendered.environment["dtype"] == dtype
    timings = rendered.timings
    assert len(timings.forward_ms) == steps
    assert min(timings.encode_ms, timings.decode_ms, *timings.forward_ms) > 0
    assert timings.encode_ms + timings.denoise_ms + timings.decode_ms < timings.total_ms


def test_same_seed_is_bit_identical(data_dir: Path) -> None:
    backend = backends.create(spec_of(), data_dir)
    first, again, other_seed, other_prompt = (
        backend.render([prompt], [seed])[0].image.tobytes()
        for prompt, seed in [("a cat", 1), ("a cat", 1), ("a cat", 2), ("a dog", 1)]
    )
    assert first == again
    assert len({first, other_seed, other_prompt}) == 3


def test_images_of_a_batch_are_made_one_by_one(data_dir: Path) -> None:
    backend = backends.create(spec_of(), data_dir)
    batch = backend.render(["a cat", "a dog"], [1, 2])
    singles = [backend.render([prompt], [seed])[0] for prompt, seed in [("a cat", 1), ("a dog", 2)]]
    assert [rendered.image for rendered in batch] == [rendered.image for rendered in singles]
    assert [rendered.environment["batch_size"] for rendered in batch] == [1, 1]
    assert batch[0].timings != batch[1].timings


@pytest.mark.parametrize(
    "change", [{"guidance_scale": 1.0}, {"arguments": {"temperature": 9}}, {"arguments": {"negative_prompt": "grey"}}]
)
def test_settings_change_the_picture(data_dir: Path, change: dict[str, Any]) -> None:
    assert draw(data_dir, **change).image != draw(data_dir).image


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"pipeline": "AmusedImg2ImgPipeline"},
            "pipeline is 'AmusedImg2ImgPipeline', but backend 'muse' runs AmusedPipeline only.",
        ),
        ({"vae": "./muse/vqvae"}, "vae is './muse/vqvae', but backend 'muse' has no use for it; leave it out."),
        ({"width": 72}, "width is 72 and height is 64, but it makes 64 x 64 pixels; correct both."),
        (
            {"arguments": {"temperatur": 1}},
            "AmusedPipeline takes no argument 'temperatur'; did you mean 'temperature'?",
        ),
        (
            {"variant": "bf16"},
            "variant is 'bf16', but {data}/muse/text_encoder has no weights of that variant; "
            "leave variant out or add them.",
        ),
        (
            {"model": "./none"},
            "model is './none', but there is no folder {data}/none; put the checkpoint there or correct the path.",
        ),
    ],
)
def test_bad_spec(data_dir: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(spec_of(**changes), data_dir)
    assert str(caught.value) == f"openmuse@3: {message.format(data=data_dir)}"
