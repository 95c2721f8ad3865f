"""What a worker does with a message, whichever way it comes and whatever the backend does."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from django.utils import timezone
from pytest_django import Settings

from generation import jobs, rendering
from generation.backends import PermanentBackendError, TransientBackendError
from generation.models import Image, ImageJob
from generation.tasks import generate_images
from tests.generation.conftest import Messages
from tests.generation.job_rows import make_jobs
from tests.generation.painter import Painter, do_nothing, nothing_more

State = ImageJob.State
pytestmark = pytest.mark.django_db(transaction=True)


def ids(made: Sequence[ImageJob]) -> list[int]:
    return [job.id for job in made]


def states() -> list[str]:
    return list(ImageJob.objects.order_by("id").values_list("state", flat=True))


def test_a_message_makes_its_images_and_no_others(painter: type[Painter]) -> None:
    made = make_jobs(3)
    generate_images(made[0].system_id, ids(made[:2]))
    assert states() == [State.DONE, State.DONE, State.QUEUED]
    assert painter.calls == [([made[0].prompt.text], [7]), ([made[1].prompt.text], [7])]


def test_a_message_that_comes_again_makes_nothing(painter: type[Painter]) -> None:
    made = make_jobs(3)
    generate_images(made[0].system_id, ids(made[1:]))
    before = set(Image.objects.values_list("public_id", flat=True))
    for message in (ids(made[1:]), ids(made), ids(made)):
        generate_images(made[0].system_id, message)
    assert len(painter.calls) == 3
    assert before < set(Image.objects.values_list("public_id", flat=True))
    assert set(ImageJob.objects.values_list("attempts", flat=True)) == {1}


def test_a_permanent_error_stops_its_image_and_not_the_next(painter: type[Painter]) -> None:
    made = make_jobs(3)
    ImageJob.objects.filter(id=made[1].id).update(seed=13)

    def refuse(seeds: Sequence[int]) -> None:
        if 13 in seeds:
            raise PermanentBackendError("alpha@4 made pixels that are not numbers.")

    painter.before = refuse
    generate_images(made[0].system_id, ids(made))
    assert states() == [State.DONE, State.FAILED, State.DONE]
    assert ImageJob.objects.get(id=made[1].id).error == "alpha@4 made pixels that are not numbers."


def test_a_model_that_cannot_be_loaded_is_tried_once_a_message(painter: type[Painter]) -> None:
    made = make_jobs(5)

    def refuse() -> None:
        raise PermanentBackendError("alpha@4: model is './alpha', but there is no such folder.")

    painter.while_loading = refuse
    generate_images(made[0].system_id, ids(made[:3]))
    assert painter.loaded == ["alpha@4"]
    assert states() == [State.FAILED] * 3 + [State.QUEUED] * 2
    painter.while_loading = nothing_more
    generate_images(made[0].system_id, ids(made[3:]))
    assert states() == [State.FAILED] * 3 + [State.DONE] * 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TransientBackendError("no memory left"), "no memory left"),
        (KeyError("a bug"), "KeyError: 'a bug'"),
        (OSError(28, "No space left on device"), "There is no room for images in "),
    ],
)
def test_any_other_error_is_tried_again_later(painter: type[Painter], error: Exception, reason: str) -> None:
    made = make_jobs(2)

    def fail(seeds: Sequence[int]) -> None:
        raise error

    painter.before = fail
    generate_images(made[0].system_id, ids(made))
    assert len(painter.calls) == 2, "each image was tried once, and its delay kept"
    for job in ImageJob.objects.all():
        assert (job.state, job.attempts) == (State.QUEUED, 1)
        assert job.error.startswith(reason)
        assert job.not_before > timezone.now()


def test_a_long_render_keeps_its_lease(painter: type[Painter], settings: Settings) -> None:
    settings.JOB_LEASE_SECONDS = 1
    made = make_jobs(1)

    def dawdle(seeds: Sequence[int]) -> None:
        time.sleep(1.6)
        assert jobs.requeue_lapsed() == 0

    painter.before = dawdle
    generate_images(made[0].system_id, ids(made))
    assert states() == [State.DONE]


def test_an_image_that_another_worker_took_over_is_made_once(painter: type[Painter]) -> None:
    made = make_jobs(1)

    def lose_the_lease(seeds: Sequence[int]) -> None:
        painter.before = do_nothing
        ImageJob.objects.update(lease_expires_at=timezone.now())
        assert jobs.requeue_lapsed() == 1
        generate_images(made[0].system_id, ids(made))

    painter.before = lose_the_lease
    generate_images(made[0].system_id, ids(made))
    assert len(painter.calls) == 2
    assert states() == [State.DONE]
    assert Image.objects.count() == 1


def test_a_worker_told_to_stop_sends_the_rest_of_its_message_back(painter: type[Painter], messages: Messages) -> None:
    made = make_jobs(3)

    def stop(seeds: Sequence[int]) -> None:
        rendering.stopping.set()

    painter.before = stop
    generate_images(made[0].system_id, ids(made))
    assert states() == [State.DONE, State.QUEUED, State.QUEUED]
    assert messages() == [(jobs.GENERATE_IMAGES, [made[0].system_id, ids(made[1:])])]
