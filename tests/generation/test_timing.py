from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from generation.timing import StageClock

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from diffusers import StableDiffusionXLPipeline

    from toyzoo.checkpoints import write_sdxl

    folder = tmp_path_factory.mktemp("zoo") / "sdxl"
    write_sdxl(folder, seed=1, size=64)
    loaded = StableDiffusionXLPipeline.from_pretrained(str(folder), add_watermarker=False)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def clock_of(pipeline: Any) -> StageClock:
    encoders = [pipeline.text_encoder, pipeline.text_encoder_2]
    return StageClock(encoders, pipeline.unet, pipeline.vae.decoder)


def draw(pipeline: Any, steps: int = 3) -> bytes:
    import torch

    generator = torch.Generator("cpu").manual_seed(5)
    image = pipeline("a cat", num_inference_steps=steps, generator=generator).images[0]
    content: bytes = image.tobytes()
    return content


def test_pixels_are_the_same_with_and_without(pipeline: Any) -> None:
    before = draw(pipeline)
    with clock_of(pipeline):
        timed = draw(pipeline)
    assert timed == before == draw(pipeline)


@pytest.mark.parametrize("steps", [1, 4])
def test_stages_add_up(pipeline: Any, steps: int) -> None:
    with clock_of(pipeline) as clock:
        draw(pipeline, steps)
    timings = clock.timings
    assert len(timings.forward_ms) == steps
    assert min(timings.encode_ms, timings.decode_ms, *timings.forward_ms) > 0
    assert sum(timings.forward_ms) < timings.denoise_ms
    assert timings.encode_ms + timings.denoise_ms + timings.decode_ms < timings.total_ms


def test_hooks_are_gone_afterwards(pipeline: Any) -> None:
    with clock_of(pipeline) as clock:
        draw(pipeline, 2)
    draw(pipeline, 2)
    assert len(clock.timings.forward_ms) == 2


def test_hooks_are_gone_after_an_error(pipeline: Any) -> None:
    clock = clock_of(pipeline)
    with pytest.raises(KeyboardInterrupt), clock:
        raise KeyboardInterrupt
    with clock_of(pipeline) as other:
        draw(pipeline, 2)
    assert len(other.timings.forward_ms) == 2
    with pytest.raises(IndexError):
        clock.timings  # noqa: B018


def test_no_torch_is_imported() -> None:
    code = "import sys, generation.timing, generation.backends; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
