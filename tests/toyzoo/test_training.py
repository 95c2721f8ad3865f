"""The training of the toy systems: steps that can be resumed, and results that the ordinary backends load."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL

from generation import backends
from generation.systems import SystemSpec
from toyzoo.domain.scenes import SIDE
from toyzoo.domain.wishes import EVALUATION_FILE
from toyzoo.training import autoencoder, data, latents, run, text
from toyzoo.training.adversarial import AdversarialTraining
from toyzoo.training.consistency import ConsistencyTraining, guidance_embedding
from toyzoo.training.data import Pictures
from toyzoo.training.run import Average, Training
from toyzoo.training.teacher import SAMPLES, Captioned, Teacher, TeacherTraining

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

STEPS = 3


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return data.load_pictures(tmp_path_factory.mktemp("pictures"), count=24)


@pytest.fixture(scope="module")
def teacher(pictures: Pictures, tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    """toy-sdxl as its training writes it, without any step of it."""
    folder = tmp_path_factory.mktemp("teacher") / "toy-sdxl"
    teacher_training(pictures).export(folder)
    return Teacher.load(folder)


def teacher_training(pictures: Pictures) -> TeacherTraining:
    tokenizers = text.make_tokenizers()
    torch.manual_seed(1)
    model = AutoencoderKL(**autoencoder.CONFIG).eval()
    return TeacherTraining(captioned(pictures, tokenizers), tokenizers, model)


def captioned(pictures: Pictures, tokenizers: text.Tokenizers) -> Captioned:
    encoded = torch.randn(len(pictures.captions), 4, 16, 16, generator=torch.Generator().manual_seed(2)).half()
    return Captioned(encoded, text.tokenize(tokenizers, pictures.captions))


MAKERS: dict[str, Callable[[Pictures, Teacher], Training]] = {
    "autoencoder": lambda pictures, _: autoencoder.AutoencoderTraining(pictures),
    "toy-sdxl": lambda pictures, _: teacher_training(pictures),
    "toy-lcm-xl": lambda pictures, teacher: ConsistencyTraining(captioned(pictures, teacher.tokenizers), teacher),
    "toy-sdxl-turbo": lambda pictures, teacher: AdversarialTraining(captioned(pictures, teacher.tokenizers), teacher),
}


Weights = dict[str, torch.Tensor]


def weights(training: Training) -> Weights:
    parts = {key: part for key, part in training.parts().items() if isinstance(part, torch.nn.Module)}
    return {f"{key}.{name}": value for key, part in parts.items() for name, value in part.state_dict().items()}


@pytest.mark.parametrize("name", MAKERS)
def test_an_interrupted_run_goes_on_as_one_that_was_not(
    name: str, pictures: Pictures, teacher: Teacher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to rounding: the order of sums depends on where tensors lie in memory."""
    monkeypatch.setattr(Training, "set_rate", lambda _, optimizer, n: set_rate(optimizer, n))
    monkeypatch.setattr(run, "_SAVE_EVERY_S", 0.0)

    def train(folder: str, interrupted_at: int | None = None) -> tuple[list[dict[str, float]], Weights, Weights]:
        training = MAKERS[name](pictures, teacher)
        training.steps = STEPS
        before = {key: value.clone() for key, value in weights(training).items()}
        losses: list[dict[str, float]] = []
        step = training.step

        def noted(n: int) -> dict[str, float]:
            if n == interrupted_at:
                raise KeyboardInterrupt
            losses.append(dict(step(n)))
            return losses[-1]

        training.step = noted  # type: ignore[method-assign]
        with suppress(KeyboardInterrupt):
            run.run(training, tmp_path / folder, name)
        return losses, before, weights(training)

    whole, begun, ended = train("whole")
    first, *_ = train("parts", interrupted_at=1)
    rest, _, ended_in_parts = train("parts")
    assert (len(first), len(rest), len(whole)) == (1, STEPS - 1, STEPS)
    for one, other in zip(whole, first + rest, strict=True):
        assert one == pytest.approx(other, rel=0.02)
    assert whole[1] != pytest.approx(whole[2], rel=0.02), "each step has pictures of its own"
    parts = {key.partition(".")[0] for key in ended}
    assert {"model", "average"} <= parts
    for part in parts:
        way, apart = (
            sum(float((ended[key] - other[key]).square().sum()) for key in ended if key.startswith(part))
            for other in (begun, ended_in_parts)
        )
        assert way > 0
        assert apart < 0.25 * way, f"{part}: Adam makes much of rounding where a gradient is nearly 0, but not so much"
    assert (tmp_path / "parts" / f"{name}.png").stat().st_size > 1000


def test_the_state_of_another_run_is_refused(pictures: Pictures, teacher: Teacher, tmp_path: Path) -> None:
    """Another teacher, say: its student would go on from what it had learned of the first."""
    training = MAKERS["toy-lcm-xl"](pictures, teacher)
    training.steps = 0
    run.run(training, tmp_path, "toy-lcm-xl")
    run.run(training, tmp_path, "toy-lcm-xl")
    with torch.no_grad():
        next(iter(training.parts()["model"].parameters())).add_(1.0)
    with pytest.raises(SystemExit, match=r"toy-lcm-xl\.state\.pt is of another run, .*: remove it to begin anew"):
        run.run(training, tmp_path, "toy-lcm-xl")


def set_rate(optimizer: torch.optim.Optimizer, n: int) -> None:
    """Without a schedule, as it depends on the number of steps."""
    for group in optimizer.param_groups:
        group["lr"] = 1e-3 / (n + 1)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path, pictures: Pictures) -> None:
    training = autoencoder.AutoencoderTraining(pictures)
    training.step = lambda n: {"loss": float("nan") if n else 1.0}  # type: ignore[method-assign]
    with pytest.raises(ArithmeticError, match=r"autoencoder: loss is nan at step 1; no earlier state was saved"):
        run.run(training, tmp_path, "autoencoder")


SPEC: dict[str, Any] = {
    "name": "toy",
    "backend": "diffusers",
    "pipeline": "StableDiffusionXLPipeline",
    "model": "./toy-sdxl",
    "width": SIDE,
    "height": SIDE,
    "dtype": "float32",
}
LIKE: dict[str, dict[str, Any]] = {
    "toy-sdxl": {"steps": 3, "guidance_scale": 4.0},
    "toy-lcm-xl": {"steps": 2, "guidance_scale": 4.0, "unet": "./toy-lcm-xl", "scheduler": {"class": "LCMScheduler"}},
    "toy-sdxl-turbo": {
        "steps": 1,
        "guidance_scale": 0.0,
        "unet": "./toy-sdxl-turbo",
        "scheduler": {"class": "EulerAncestralDiscreteScheduler"},
    },
}


@pytest.mark.parametrize("name", LIKE)
def test_what_is_written_is_loaded_by_the_ordinary_backend(
    name: str, pictures: Pictures, teacher: Teacher, tmp_path: Path
) -> None:
    teacher_training(pictures).export(tmp_path / "toy-sdxl")
    if name != "toy-sdxl":
        MAKERS[name](pictures, teacher).export(tmp_path / name)
    model = backends.create(SystemSpec(**SPEC | LIKE[name]), tmp_path)
    (image,) = model.render([SAMPLES[2]], [5])
    assert image.image.size == (SIDE, SIDE)
    assert len(image.timings.forward_ms) == LIKE[name]["steps"]
    largest = max(path.stat().st_size for path in tmp_path.rglob("*.safetensors"))
    assert largest < 6_000_000, "half precision, as it is kept in the repository"


def test_every_word_of_a_caption_is_one_token() -> None:
    rows = [row.split("\t") for row in EVALUATION_FILE.read_text().splitlines()[1:]]
    for tokenizer in text.make_tokenizers():
        for caption, *_ in rows:
            assert tokenizer.tokenize(caption) == [f"{word}</w>" for word in caption.replace(",", " ,").split()]
        ids = tokenizer([caption for caption, *_ in rows]).input_ids
        assert max(map(len, ids)) <= text.LENGTH


def test_rendering_again_gives_the_same_pictures(pictures: Pictures, tmp_path: Path) -> None:
    again = data.load_pictures(tmp_path, count=24)
    assert again.captions == pictures.captions
    assert (again.pixels == pictures.pixels).all()


def test_latents_have_unit_variance(pictures: Pictures, tmp_path: Path) -> None:
    training = autoencoder.AutoencoderTraining(pictures)
    training.export(tmp_path / "autoencoder")
    model = latents.load_autoencoder(tmp_path / "autoencoder")
    made = latents.load_latents(tmp_path, pictures, model)
    assert made.shape == (24, 4, 16, 16)
    assert float(made.float().std()) == pytest.approx(1.0, abs=0.02)


def test_pictures_are_encoded_once_for_each_state_of_the_model(pictures: Pictures, tmp_path: Path) -> None:
    model, calls = torch.nn.Linear(1, 1), []

    def encode(x: torch.Tensor) -> torch.Tensor:
        calls.append(len(x))
        return x.mean(dim=(1, 2, 3)) + model.bias

    first = latents.encoded_once(tmp_path, "means", pictures, model, encode)
    assert torch.equal(latents.encoded_once(tmp_path, "means", pictures, model, encode), first)
    assert calls == [24]
    with torch.no_grad():
        model.bias += 1
    assert torch.allclose(latents.encoded_once(tmp_path, "means", pictures, model, encode), first + 1)
    assert calls == [24, 24]


def test_the_average_follows_slowly_but_for_the_beginning() -> None:
    module = torch.nn.Linear(1, 1)
    average = Average(module, decay=0.9)
    with torch.no_grad():
        module.weight.fill_(1.0)
        average.module.weight.zero_()
    average.follow(module, 0)
    assert float(average.module.weight) == pytest.approx(0.9)
    average.follow(module, 10_000)
    assert float(average.module.weight) == pytest.approx(0.9 * 0.9 + 0.1)


def test_guidance_is_embedded_as_the_pipeline_embeds_it(teacher: Teacher) -> None:
    from diffusers import StableDiffusionXLPipeline

    guidance = torch.tensor([0.0, 3.0, 7.0])
    theirs = StableDiffusionXLPipeline.get_guidance_scale_embedding(None, guidance, embedding_dim=32)
    assert np.allclose(guidance_embedding(guidance), theirs, atol=1e-4)
