from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from generation.timing import StageClock, StageTimings

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from diffusers import StableDiffusionXLPipeline

    from toyzoo.untrained.checkpoints import write_sdxl

    folder = tmp_path_factory.mktemp("zoo") / "sdxl"
    write_sdxl(folder, seed=1, size=64)
    loaded = StableDiffusionXLPipeline.from_pretrained(str(folder), add_watermarker=False)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def clock_of(pipeline: Any) -> StageClock:
    encoders = [pipeline.text_encoder, pipeline.text_encoder_2]
    return StageClock(encoders, [pipeline.unet], [pipeline.vae.decoder])


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


def test_a_call_may_lack_stages(pipeline: Any) -> None:
    import torch

    with StageClock([pipeline.text_encoder], [], []) as encoding:
        pipeline.text_encoder(torch.zeros(1, 77, dtype=torch.long))
    assert 0 < encoding.timings.encode_ms < encoding.timings.total_ms
    assert (encoding.timings.forward_ms, encoding.timings.denoise_ms, encoding.timings.decode_ms) == ((), 0.0, 0.0)
    with StageClock([], [pipeline.unet], []) as denoising:
        draw(pipeline, 2)
    timings = denoising.timings
    assert sum(timings.forward_ms) < timings.denoise_ms < timings.total_ms


def test_calls_one_after_the_other() -> None:
    first = StageTimings(encode_ms=1.0, forward_ms=(2.0,), denoise_ms=3.0, decode_ms=0.0, total_ms=5.0)
    second = StageTimings(encode_ms=0.5, forward_ms=(4.0, 6.0), denoise_ms=11.0, decode_ms=2.0, total_ms=15.0)
    assert first + second == StageTimings(
        encode_ms=1.5, forward_ms=(2.0, 4.0, 6.0), denoise_ms=14.0, decode_ms=2.0, total_ms=20.0
    )


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
