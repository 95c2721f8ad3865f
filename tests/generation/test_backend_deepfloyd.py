from __future__ import annotations

import shutil
import weakref
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageChops, ImageStat

from generation import backends
from generation.backends import PermanentBackendError, RenderedImage, TransientBackendError
from generation.catalogue import resolve
from generation.systems import SystemSpec

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers"),
    pytest.mark.filterwarnings("ignore:The `local_dir_use_symlinks`:UserWarning:huggingface_hub"),
]
SECOND = {
    "stage_2_model": "./cascade/stage-2",
    "stage_2_steps": 2,
    "stage_2_guidance_scale": 4.0,
    "stage_2_noise_level": 250,
}
THIRD = {
    "stage_3_model": "./cascade/stage-3",
    "stage_3_steps": 4,
    "stage_3_guidance_scale": 9.0,
    "stage_3_noise_level": 20,
}
STAGES: dict[int, dict[str, Any]] = {
    1: {"arguments": {}, "width": 16, "height": 16},
    2: {"arguments": SECOND, "width": 32, "height": 32},
    3: {"arguments": SECOND | THIRD, "width": 128, "height": 128},
}
SMALL = {"catalogue": "if-xl", "model": "./cascade/stage-1", "steps": 3, "dtype": "float32"}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from toyzoo.untrained.deepfloyd import write_cascade

    folder = tmp_path_factory.mktemp("data")
    write_cascade(folder / "cascade", seed=1)
    return folder


def spec_of(stages: int = 3, **overrides: Any) -> SystemSpec:
    (spec,) = resolve(SMALL | STAGES[stages] | overrides)
    return spec


def draw(data_dir: Path, stages: int = 3, **overrides: Any) -> RenderedImage:
    (rendered,) = backends.create(spec_of(stages, **overrides), data_dir).render(["a red cube"], [7])
    return rendered


@pytest.mark.parametrize(("stages", "size", "forwards"), [(1, 16, 3), (2, 32, 3 + 2), (3, 128, 3 + 2 + 4)])
def test_cascade_makes_a_picture(data_dir: Path, stages: int, size: int, forwards: int) -> None:
    rendered = draw(data_dir, stages)
    assert (rendered.image.size, rendered.image.mode) == ((size, size), "RGB")
    assert max(ImageStat.Stat(rendered.image).stddev) > 20
    timings = rendered.timings
    assert len(timings.forward_ms) == forwards
    assert min(timings.encode_ms, *timings.forward_ms) > 0
    assert (timings.decode_ms > 0) == (stages == 3)
    assert sum(timings.forward_ms) < timings.denoise_ms
    assert timings.encode_ms + timings.denoise_ms + timings.decode_ms < timings.total_ms


def test_same_seed_is_bit_identical(data_dir: Path) -> None:
    backend = backends.create(spec_of(), data_dir)
    first, again, other_seed, other_prompt = (
        backend.render([prompt], [seed])[0].image.tobytes()
        for prompt, seed in [("a cat", 1), ("a cat", 1), ("a cat", 2), ("a dog", 1)]
    )
    assert first == again
    assert len({first, other_seed, other_prompt}) == 3


def test_batch_makes_the_pictures_of_single_calls(data_dir: Path) -> None:
    backend = backends.create(spec_of(), data_dir)
    batch = backend.render(["a cat", "a dog"], [1, 2])
    for rendered, prompt, seed in zip(batch, ["a cat", "a dog"], [1, 2], strict=True):
        (single,) = backend.render([prompt], [seed])
        assert max(ImageChops.difference(rendered.image, single.image).tobytes()) <= 2
    assert [rendered.environment["batch_size"] for rendered in batch] == [2, 2]


def test_every_stage_has_its_own_settings(data_dir: Path) -> None:
    names = [name for name in SECOND | THIRD if not name.endswith("model")]
    changes: list[dict[str, Any]] = [{"arguments": SECOND | THIRD | {name: 1}} for name in names]
    changes += [{}, {"steps": 2}, {"guidance_scale": 1.0}]
    changes += [{"scheduler": {"class": "DDPMScheduler", "timestep_spacing": "trailing"}}]
    assert len({draw(data_dir, **change).image.tobytes() for change in changes}) == len(changes) == 6 + 4


def test_later_stages_may_lack_the_variant(data_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(data_dir / "cascade", tmp_path / "cascade")
    for path in (tmp_path / "cascade" / "stage-3").rglob("*.fp16.safetensors"):
        path.unlink()
    assert draw(tmp_path).image.size == (128, 128)


def test_without_its_words_it_makes_nothing(data_dir: Path, tmp_path: Path) -> None:
    """T5's tokenizer would make do with an alphabet of its own, and the picture would be of something else."""
    shutil.copytree(data_dir / "cascade", tmp_path / "cascade")
    (tmp_path / "cascade" / "stage-1" / "tokenizer" / "spiece.model").unlink()
    with pytest.raises(PermanentBackendError, match=r"stage-1/tokenizer has no vocabulary \(.*spiece\.model"):
        draw(tmp_path)


def test_half_precision_in_shards(data_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(data_dir / "cascade", tmp_path / "cascade")
    (tmp_path / "cascade" / "stage-1" / "text_encoder" / "model.safetensors").unlink()
    rendered = draw(tmp_path, stages=3, dtype="float16")
    assert capfd.readouterr() == ("", "")
    assert rendered.environment["dtype"] == "float16"
    assert max(ImageStat.Stat(rendered.image).stddev) > 20


def test_one_part_at_a_time_is_on_the_device(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The moves are watched: without a GPU, processor 0 stands in for the device, and is not the host."""
    import torch

    from generation.backends import pipelines

    device, host = torch.device("cpu:0"), torch.device("cpu")
    moves: list[tuple[tuple[int, ...], torch.device]] = []
    move = pipelines.move

    def watch(spec: SystemSpec, modules: Any, target: Any) -> None:
        moves.append((tuple(map(id, modules)), target))
        move(spec, modules, target)

    monkeypatch.setattr(pipelines, "pick_device", lambda: device)
    monkeypatch.setattr(pipelines, "move", watch)
    backend = backends.create(spec_of(), data_dir)
    moves.clear()
    backend.render(["a cat"], [1])
    parts = list(dict.fromkeys(part for part, _ in moves))
    assert len(parts) == 4
    assert moves == [(part, place) for part in parts for place in (device, host)]


@pytest.mark.parametrize("limit", [0, 300_000])
def test_parts_that_do_not_fit_into_memory_together_take_turns_there_too(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    import torch

    from generation.backends import loading, pipelines

    unlimited = draw(data_dir).image.tobytes()
    backend = backends.load(spec_of(), data_dir)
    backend.most_bytes = limit
    alive: weakref.WeakSet[torch.nn.Module] = weakref.WeakSet()
    present: list[int] = []
    read = loading.load_pipeline

    def watched(*args: Any, **options: Any) -> Any:
        present.append(sum(weight.nbytes for module in alive for weight in module.parameters()))
        pipeline = read(*args, **options)
        alive.update(pipelines.modules_of(pipeline))
        return pipeline

    monkeypatch.setattr(loading, "load_pipeline", watched)
    backend.load(spec_of(), data_dir)
    backend.prepare(spec_of())
    assert backend.render(["a red cube"], [7])[0].image.tobytes() == unlimited
    assert backend.render(["a red cube"], [7])[0].image.tobytes() == unlimited
    assert max(present) <= limit, "what stays in memory while a part is read"
    assert (present == [0] * 12) == (limit == 0), "all four parts are read for the first call and for two more"


def test_out_of_memory_may_be_tried_again(data_dir: Path) -> None:
    """A hook stands in for the full GPU; afterwards the cascade works as if nothing had been."""
    import torch

    def fill_memory(module: Any, *_: object) -> None:
        if type(module).__name__ == "UNet2DConditionModel":
            raise torch.OutOfMemoryError("CUDA out of memory.")

    backend = backends.create(spec_of(), data_dir)
    (before,) = backend.render(["a cat"], [3])
    handle = torch.nn.modules.module.register_module_forward_pre_hook(fill_memory)
    try:
        with pytest.raises(TransientBackendError) as caught:
            backend.render(["a cat", "a dog"], [3, 4])
    finally:
        handle.remove()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    assert str(caught.value) == f"if-xl@3 ran out of memory on {device} with a batch of 2."
    assert backend.render(["a cat"], [3])[0].image == before.image


@pytest.mark.parametrize(
    ("stages", "changes", "message"),
    [
        (1, {"width": 64}, "width is 64 and height is 16, but it makes 16 x 16 pixels; correct both."),
        (
            3,
            {"width": 256, "height": 256},
            "width is 256 and height is 256, but it makes 128 x 128 pixels; correct both.",
        ),
        (1, {"unet": "./x"}, "unet is './x', but backend 'deepfloyd' has no use for it; leave it out."),
        (
            1,
            {"arguments": {"stage_2_step": 3}},
            "a cascade takes no argument 'stage_2_step'; did you mean 'stage_2_steps'?",
        ),
        (
            1,
            {"arguments": {"stage_2_steps": 3}},
            "arguments has stage_2_steps, but no stage_2_model; add it or leave both out.",
        ),
        (
            1,
            {"arguments": THIRD},
            "arguments has stage_3_model, but no stage_2_model; add it or leave both out.",
        ),
        (
            2,
            {"arguments": SECOND | {"stage_2_steps": 0}},
            "arguments.stage_2_steps is 0; allowed: a whole number of at least 1.",
        ),
        (
            2,
            {"arguments": SECOND | {"stage_2_guidance_scale": "high"}},
            "arguments.stage_2_guidance_scale is 'high'; allowed: a number of at least 0.",
        ),
        (
            2,
            {"arguments": SECOND | {"stage_2_noise_level": 1000}},
            "the cascade failed in its first call: `noise_level`: 1000 must be a valid timestep in "
            "`self.noising_scheduler`, [0, 1000)",
        ),
        (
            2,
            {"arguments": SECOND | {"stage_2_model": "./none"}},
            "arguments.stage_2_model is './none', but there is no folder {data}/none; "
            "put the checkpoint there or correct the path.",
        ),
        (
            2,
            {"arguments": SECOND | {"stage_2_model": "DeepFloyd/IF-II-L-v1.0"}},
            "arguments.stage_2_model is 'DeepFloyd/IF-II-L-v1.0', but DeepFloyd/IF-II-L-v1.0 is not in "
            "the local cache, and the hub cannot be reached; check the name and the network.",
        ),
    ],
)
def test_bad_spec(data_dir: Path, stages: int, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(spec_of(stages, **changes), data_dir)
    assert str(caught.value) == f"if-xl@3: {message.format(data=data_dir)}"
