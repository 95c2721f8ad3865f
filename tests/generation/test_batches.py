"""What happens to a batch: halved where memory runs out, and taken apart until a bad prompt stands alone."""

from __future__ import annotations

import json
import os
import signal
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest_django import Settings

from generation import jobs, rendering
from generation.backends import DeviceLost, OutOfDeviceMemory, PermanentBackendError
from generation.models import ImageJob, Prompt
from generation.residency import Residency
from generation.tasks import generate_images
from tests.generation.conftest import Messages
from tests.generation.job_rows import make_jobs
from tests.generation.painter import Painter

State = ImageJob.State
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def batches_of_four(settings: Settings) -> None:
    settings.GENERATION_BATCH_SIZE = 4


def ids(made: Sequence[ImageJob]) -> list[int]:
    return [job.id for job in made]


def states() -> list[str]:
    return list(ImageJob.objects.order_by("id").values_list("state", flat=True))


def sizes(painter: type[Painter]) -> list[int]:
    return [len(seeds) for _, seeds in painter.calls]


def test_a_batch_is_one_call_of_the_model(painter: type[Painter]) -> None:
    made = make_jobs(5)
    generate_images(made[0].system_id, ids(made))
    assert sizes(painter) == [4, 1]
    assert set(states()) == {State.DONE}


def test_a_model_that_takes_one_prompt_gets_one(painter: type[Painter]) -> None:
    painter.largest_batch = 1
    made = make_jobs(5)
    generate_images(made[0].system_id, ids(made))
    assert sizes(painter) == [1] * 5
    assert set(states()) == {State.DONE}


def test_out_of_memory_halves_the_batch_and_the_next_ones(painter: type[Painter]) -> None:
    made = make_jobs(8)

    def need_too_much(seeds: Sequence[int]) -> None:
        if len(seeds) > 2:
            raise OutOfDeviceMemory("alpha@4 ran out of memory on cuda with a batch of 4.")

    painter.before = need_too_much
    generate_images(made[0].system_id, ids(made))
    assert sizes(painter) == [4, 2, 2, 2, 2]
    assert set(states()) == {State.DONE}
    assert set(ImageJob.objects.values_list("attempts", flat=True)) == {1}


def test_what_a_failed_call_has_put_on_the_device_is_gone_before_the_halves_come(painter: type[Painter]) -> None:
    class Activation:
        pass

    made = make_jobs(4)
    activations: list[weakref.ref[Activation]] = []

    def need_too_much(seeds: Sequence[int]) -> None:
        assert [activation() for activation in activations] == [None] * len(activations)
        activation = Activation()
        activations.append(weakref.ref(activation))
        if len(seeds) > 1:
            try:
                raise MemoryError
            except MemoryError as error:
                raise OutOfDeviceMemory("alpha@4 ran out of memory on cuda.") from error

    painter.before = need_too_much
    generate_images(made[0].system_id, ids(made))
    assert sizes(painter) == [4, 2, 1, 1, 2, 1, 1]
    assert set(states()) == {State.DONE}


def test_a_worker_whose_device_has_failed_ends_and_another_tries_each_image_alone(
    painter: type[Painter], messages: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda process, number: signals.append((process, number)))
    monkeypatch.setattr(rendering, "stopping", threading.Event())
    made = make_jobs(6)

    def fail(seeds: Sequence[int]) -> None:
        raise DeviceLost("alpha@4: cuda has failed: CUDA error: an illegal memory access was encountered.")

    painter.before = fail
    generate_images(made[0].system_id, ids(made))
    assert sizes(painter) == [4], "what is left of the device answers no call"
    assert signals == [(os.getpid(), signal.SIGTERM)]
    assert states() == [State.QUEUED] * 6
    assert list(ImageJob.objects.order_by("id").values_list("attempts", flat=True)) == [1, 1, 1, 1, 0, 0]
    assert messages() == [(jobs.GENERATE_IMAGES, [made[0].system_id, ids(made[4:])])]


def test_one_image_that_does_not_fit_is_tried_again_later(painter: type[Painter]) -> None:
    made = make_jobs(1)

    def need_too_much(seeds: Sequence[int]) -> None:
        raise OutOfDeviceMemory("alpha@4 ran out of memory on cuda with a batch of 1.")

    painter.before = need_too_much
    generate_images(made[0].system_id, ids(made))
    (job,) = ImageJob.objects.all()
    assert (job.state, job.error) == (State.QUEUED, "alpha@4 ran out of memory on cuda with a batch of 1.")


@pytest.mark.parametrize(
    ("error", "state", "sentence"),
    [
        (PermanentBackendError("alpha@4 made pixels that are not numbers."), State.FAILED, "alpha@4 made pixels"),
        (RuntimeError("shapes differ"), State.QUEUED, "RuntimeError: shapes differ"),
    ],
)
def test_a_poison_prompt_fails_alone(painter: type[Painter], error: Exception, state: str, sentence: str) -> None:
    made = make_jobs(4)
    ImageJob.objects.filter(id=made[2].id).update(seed=13)

    def refuse(seeds: Sequence[int]) -> None:
        if 13 in seeds:
            raise error

    painter.before = refuse
    generate_images(made[0].system_id, ids(made))
    assert states() == [State.DONE, State.DONE, state, State.DONE]
    assert ImageJob.objects.get(seed=13).error.startswith(sentence)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")
def test_one_picture_of_no_numbers_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a batch of a real pipeline: one letter's embedding is spoilt, and one prompt has that letter."""
    from safetensors.torch import load_file, save_file

    from toyzoo.untrained.checkpoints import write_sdxl

    write_sdxl(tmp_path / "alpha", seed=2, size=64, turbo=True)
    letter = json.loads((tmp_path / "alpha" / "tokenizer" / "vocab.json").read_text())["z</w>"]
    file = tmp_path / "alpha" / "text_encoder" / "model.safetensors"
    weights = load_file(file)
    weights["text_model.embeddings.token_embedding.weight"][letter] = float("nan")
    save_file(weights, file, metadata={"format": "pt"})
    monkeypatch.setattr(rendering, "residency", Residency(tmp_path, limit_bytes=10**9))
    made = make_jobs(4)
    Prompt.objects.filter(id=made[2].prompt_id).update(text="a quiz")
    generate_images(made[0].system_id, ids(made))
    assert states() == [State.DONE, State.DONE, State.FAILED, State.DONE]
    assert ImageJob.objects.get(id=made[2].id).error.startswith(
        "alpha@4 made pixels that are not numbers of 'a quiz' with seed 7; "
    )


def test_too_few_pictures_are_never_matched_to_prompts(painter: type[Painter], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose is missing? Nobody can tell, so none of them is kept, and each prompt is asked for alone."""
    whole = painter.render
    monkeypatch.setattr(painter, "render", lambda self, prompts, seeds: whole(self, prompts, seeds)[:2])
    made = make_jobs(4)
    generate_images(made[0].system_id, ids(made))
    assert sizes(painter) == [4, 2, 2]
    monkeypatch.setattr(painter, "render", lambda self, prompts, seeds: [])
    (more,) = make_jobs(5, made[0].system)[4:5]
    generate_images(more.system_id, [more.id])
    assert states()[:5] == [State.DONE] * 4 + [State.FAILED]
    assert ImageJob.objects.get(id=more.id).error == "alpha@4 made 0 picture(s) of 1 prompt(s)."


def test_a_job_that_was_tried_before_is_claimed_alone_and_last() -> None:
    """It may be the one that killed the worker, and would take the others with it."""
    made = make_jobs(4)
    ImageJob.objects.filter(id__in=ids(made[:2])).update(attempts=1)
    claims = [ids(jobs.claim(made[0].system_id, ids(made), limit=4)[1]) for _ in range(4)]
    assert claims == [ids(made[2:]), [made[0].id], [made[1].id], []]
