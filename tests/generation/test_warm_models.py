"""A warm model goes on with what the table has for it before another is loaded, though not for ever."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from django.utils import timezone
from pytest_django import Settings

from generation.models import ImageJob
from generation.tasks import generate_images
from tests.generation.job_rows import make_jobs, make_system
from tests.generation.painter import Painter

State = ImageJob.State
pytestmark = pytest.mark.django_db(transaction=True)


def ids(made: Sequence[ImageJob]) -> list[int]:
    return [job.id for job in made]


def send_interleaved(*made: list[ImageJob]) -> None:
    for message in itertools.chain.from_iterable(zip(*made, strict=True)):
        generate_images(message.system_id, [message.id])


def test_interleaved_messages_load_each_model_once(painter: type[Painter]) -> None:
    send_interleaved(*(make_jobs(5, make_system(name)) for name in ("alpha", "beta", "gamma", "delta")))
    assert painter.loaded == ["alpha@4", "beta@4", "gamma@4", "delta@4"]
    assert not ImageJob.objects.exclude(state=State.DONE).exists()
    assert len(painter.calls) == 20


def test_a_warm_model_lets_others_have_their_turn(painter: type[Painter], settings: Settings) -> None:
    settings.WARM_IMAGES_AHEAD = 3
    alpha, beta = make_jobs(10, make_system("alpha")), make_jobs(1, make_system("beta"))
    generate_images(alpha[0].system_id, ids(alpha[:1]))
    generate_images(beta[0].system_id, ids(beta))
    assert painter.loaded == ["alpha@4", "beta@4"]
    assert ImageJob.objects.filter(state=State.DONE).count() == 1 + 3 + 1


def test_an_image_that_is_tried_twice_takes_nobodys_turn(painter: type[Painter], settings: Settings) -> None:
    """Its delay ends while the warm model works, so of three images there are four tries."""
    settings.WARM_IMAGES_AHEAD = 3
    one, four = make_jobs(4, make_system("alpha", steps=1)), make_jobs(2, make_system("alpha", steps=4))
    beta = make_jobs(1, make_system("beta"))
    generate_images(one[0].system_id, ids(one[:1]))
    tries: list[int] = []

    def fail_once(seeds: Sequence[int]) -> None:
        tries.append(len(seeds))
        ImageJob.objects.filter(state=State.QUEUED).update(not_before=timezone.now())
        if len(tries) == 1:
            raise RuntimeError("once")

    painter.before = fail_once
    generate_images(beta[0].system_id, ids(beta))
    assert len(tries) == 3 + 1 + 1
    assert ImageJob.objects.filter(id__in=ids(beta), state=State.DONE).exists()
    assert not ImageJob.objects.filter(id__in=ids(four), state=State.DONE).exists()


def test_another_step_count_of_the_warm_model_needs_no_other_work_first(painter: type[Painter]) -> None:
    one, four = make_jobs(2, make_system("alpha", steps=1)), make_jobs(2, make_system("alpha", steps=4))
    generate_images(one[0].system_id, ids(one[:1]))
    generate_images(four[0].system_id, ids(four[:1]))
    assert painter.loaded == ["alpha@1"]
    assert ImageJob.objects.filter(state=State.DONE).count() == 2


def test_work_for_the_warm_weights_counts_at_every_step_count(painter: type[Painter]) -> None:
    one, four = make_jobs(2, make_system("alpha", steps=1)), make_jobs(2, make_system("alpha", steps=4))
    beta = make_jobs(1, make_system("beta"))
    generate_images(one[0].system_id, ids(one[:1]))
    generate_images(beta[0].system_id, ids(beta))
    assert painter.loaded == ["alpha@1", "beta@4"]
    assert not ImageJob.objects.filter(id__in=ids([*one, *four])).exclude(state=State.DONE).exists()
