"""One row for each checkpoint's content, asked for once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation import checkpoints, jobs
from generation.backends import RenderedImage
from generation.backends.provenance import Checkpoint
from generation.models import Checkpoint as Row
from generation.models import Image
from tests.generation.job_rows import make_jobs
from tests.generation.painter import paint

pytestmark = pytest.mark.django_db
MODEL = Checkpoint("org/name", "c" * 40, {"unet/x.safetensors": "a" * 64})
VAE = Checkpoint("./vae", None, {"x.safetensors": "b" * 64})


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "_kept", set())


def painted(**made_with: Checkpoint) -> RenderedImage:
    digests = {key: checkpoint.digest for key, checkpoint in made_with.items()}
    rendered = paint(7)
    return replace(rendered, environment={**rendered.environment, "checkpoints": digests}, checkpoints=made_with)


def finish(count: int, rendered: RenderedImage) -> list[Image]:
    made = make_jobs(count)
    _, claimed = jobs.claim(made[0].system_id, [job.id for job in made], limit=count)
    for job in claimed:
        assert jobs.finish(job, rendered)
    return list(Image.objects.order_by("id"))


def test_images_of_one_system_share_a_row() -> None:
    images = finish(3, painted(model=MODEL))
    assert [image.environment["checkpoints"] for image in images] == [{"model": MODEL.digest}] * 3
    (row,) = Row.objects.all()
    assert (row.sha256, row.location, row.revision) == (MODEL.digest, "org/name", "c" * 40)


def test_provenance_names_the_files() -> None:
    (image,) = finish(1, painted(model=MODEL, vae=VAE))
    assert image.provenance()["checkpoints"] == {
        "model": {
            "sha256": MODEL.digest,
            "location": "org/name",
            "revision": "c" * 40,
            "files": {"unet/x.safetensors": "a" * 64},
        },
        "vae": {"sha256": VAE.digest, "location": "./vae", "revision": None, "files": {"x.safetensors": "b" * 64}},
    }


def test_provenance_without_checkpoints() -> None:
    (image,) = finish(1, paint(7))
    assert image.provenance()["checkpoints"] == {}


@pytest.mark.django_db(transaction=True)
def test_the_database_is_asked_once() -> None:
    checkpoints.keep([MODEL, VAE])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        checkpoints.keep([MODEL, VAE, replace(MODEL, location="./elsewhere")])
    assert not queries.captured_queries
    assert Row.objects.count() == 2


def test_what_is_rolled_back_is_not_remembered() -> None:
    checkpoints.keep([MODEL])  # inside the test's transaction, which never commits
    Row.objects.all().delete()
    checkpoints.keep([MODEL])
    assert Row.objects.count() == 1
