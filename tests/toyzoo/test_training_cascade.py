from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

STAGES = ("toy-if-xl-1", "toy-if-xl-2")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")


@pytest.fixture(autouse=True)
def few_pictures_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toyzoo.training.cascade._BATCH", 2)
    monkeypatch.setattr("toyzoo.training.enlarging._CROPS", 2)
    monkeypatch.setattr("toyzoo.training.enlarging._WHOLE", 1)


@pytest.fixture(scope="module")
def trainings() -> dict[str, Callable[[], Any]]:
    """A maker of each stage's training on a handful of pictures."""
    import torch

    from toyzoo.domain.captions import say
    from toyzoo.domain.drawing import draw
    from toyzoo.domain.scenes import picture
    from toyzoo.domain.wishes import draw_wish
    from toyzoo.training import t5
    from toyzoo.training.cascade import FirstStageTraining
    from toyzoo.training.data import Pictures
    from toyzoo.training.enlarging import SecondStageTraining

    rng = random.Random(5)
    wishes = [draw_wish(rng) for _ in range(8)]
    pictures = Pictures(np.stack([draw(picture(wish, rng)) for wish in wishes]), [say(wish) for wish in wishes], "test")
    tokenizer = t5.make_tokenizer()
    torch.manual_seed(1)
    encoder = t5.make_encoder(len(tokenizer)).eval()
    return {
        "toy-if-xl-1": lambda: FirstStageTraining(pictures, tokenizer),
        "toy-if-xl-2": lambda: SecondStageTraining(pictures, tokenizer, encoder),
    }


@pytest.fixture(scope="module")
def data_dir(trainings: dict[str, Callable[[], Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both stages as they are before the first step."""
    folder = tmp_path_factory.mktemp("data")
    for stage in STAGES:
        trainings[stage]().export(folder / stage)
    return folder


def test_both_have_a_name() -> None:
    from toyzoo.train import METHODS

    assert set(STAGES) <= set(METHODS)


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_that_was_interrupted_ends_the_same(
    trainings: dict[str, Callable[[], Any]], stage: str, tmp_path: Path
) -> None:
    import torch

    from toyzoo.training import run

    first, second, resumed = (trainings[stage]() for _ in range(3))
    for training in (first, second):
        assert all(math.isfinite(loss) for loss in training.step(0).values())
    run._save(second, tmp_path / "state.pt", 1, "begun")
    assert run._restore(resumed, tmp_path / "state.pt", "begun") == 1
    for training in (first, resumed):
        training.step(1)
    for name, part in first.parts().items():
        if name != "optimizer":
            there = resumed.parts()[name].state_dict()
            assert all(torch.equal(weight, there[key]) for key, weight in part.state_dict().items())


def test_last_steps_see_whole_pictures(trainings: dict[str, Callable[[], Any]]) -> None:
    training = trainings["toy-if-xl-2"]()
    assert all(math.isfinite(loss) for loss in training.step(training.steps - 1).values())


def test_words_are_one_token_each() -> None:
    from toyzoo.training import t5

    tokenizer = t5.make_tokenizer()
    pieces = tokenizer.tokenize("two striped crosses, on a mint background")
    assert pieces == ["▁two", "▁striped", "▁crosses", ",", "▁on", "▁a", "▁mint", "▁background"]
    assert tokenizer("").input_ids == [tokenizer.eos_token_id] == [1]
    assert tokenizer.unk_token_id not in tokenizer("A cube? (No!)").input_ids


def test_bound_is_least_for_the_true_variance() -> None:
    """With the velocity guessed right, the posterior's own variance, at which v is 0, has no divergence."""
    import torch

    from toyzoo.training.cascade import losses, make_noise

    velocity = torch.randn(4, 3, 2, 2)
    times = torch.tensor([1, 10, 500, 900])
    for v, is_least in ((0.0, True), (0.5, False)):
        made = torch.cat([velocity, torch.full_like(velocity, 2 * v - 1)], dim=1)
        error, bound = losses(make_noise(), made, velocity, times)
        assert float(error) == 0.0
        assert (abs(float(bound)) < 1e-3) is is_least


def test_small_pictures_lie_on_the_large_ones() -> None:
    """A ramp from edge to edge survives shrinking, and the pipeline's enlarging, where no edge is near."""
    import torch

    from toyzoo.training.cascade import shrink
    from toyzoo.training.enlarging import enlarge

    ramp = torch.linspace(-1, 1, 128).expand(1, 3, 128, 128)
    assert (enlarge(shrink(ramp)) - ramp)[..., 6:-6].abs().max() < 1e-3  # 1.5 pixels off would be 0.024


def test_files_are_small_and_loaded_whole(data_dir: Path) -> None:
    from diffusers import UNet2DConditionModel
    from transformers import T5EncoderModel

    assert sum(path.stat().st_size for path in data_dir.rglob("*") if path.is_file()) < 8_000_000
    for kind, name in [
        (T5EncoderModel, "toy-if-xl-1/text_encoder"),
        (UNet2DConditionModel, "toy-if-xl-1/unet"),
        (UNet2DConditionModel, "toy-if-xl-2/unet"),
    ]:
        _, loading = kind.from_pretrained(str(data_dir / name), output_loading_info=True)
        assert not any(loading.values()), name


def test_backend_makes_a_picture_of_both(data_dir: Path) -> None:
    from generation import backends
    from generation.catalogue import resolve
    from toyzoo.training.enlarging import SYSTEM

    arguments = SYSTEM["arguments"] | {"stage_2_steps": 2}
    (spec,) = resolve(SYSTEM | {"steps": 2, "arguments": arguments})
    (rendered,) = backends.create(spec, data_dir).render(["a red ball above a blue ring"], [7])
    assert (rendered.image.size, rendered.image.mode) == ((128, 128), "RGB")
