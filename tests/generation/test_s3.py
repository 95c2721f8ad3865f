"""Images in a bucket: what is said when it cannot be reached, and that the jobs then wait for another try."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image
from pytest_django import Settings

from generation import jobs, storage
from generation.models import ImageJob
from generation.tasks import generate_images
from scripts.with_postgres import free_port
from tests.buckets import PREFIX, Bucket
from tests.generation.job_rows import make_jobs
from tests.generation.painter import Painter

RED = Image.new("RGB", (32, 32), "red")


@pytest.fixture
def in_bucket(bucket: Bucket, settings: Settings) -> Bucket:
    settings.STORAGES = settings.STORAGES | bucket.storages()
    return bucket


@pytest.fixture
def distrusted(in_bucket: Bucket) -> Iterator[Bucket]:
    in_bucket.ask_for_known_keys(True)
    yield in_bucket
    in_bucket.ask_for_known_keys(False)


def refusal() -> str:
    """The one sentence that asking, writing and reading end with."""
    name = "originals/aa/a.png"
    sentences = []
    for attempt in (
        lambda: default_storage.save(name, ContentFile(b"a")),
        lambda: default_storage.open(name),
    ):
        with pytest.raises(storage.StorageUnavailable) as caught:
            attempt()
        sentences.append(str(caught.value))
    assert sentences[0] == sentences[1]
    return sentences[0]


def test_objects_are_pictures_under_the_prefix(in_bucket: Bucket) -> None:
    sha256 = storage.store_original(RED)
    storage.ensure_display(sha256, 16)
    kinds = {
        name: in_bucket.client.head_object(Bucket=in_bucket.name, Key=f"{PREFIX}/{name}")["ContentType"]
        for name in in_bucket.files()
    }
    assert kinds == {
        storage.original_name(sha256): "image/png",
        storage.display_name(sha256, 16): "image/webp",
    }


def test_a_picture_is_written_once(in_bucket: Bucket) -> None:
    first = storage.store_original(RED)
    key = f"{PREFIX}/{storage.original_name(first)}"
    in_bucket.client.put_object(Bucket=in_bucket.name, Key=key, Body=b"marked")
    assert storage.store_original(RED) == first
    assert in_bucket.files() == {storage.original_name(first): b"marked"}


def test_no_such_bucket(bucket: Bucket, settings: Settings) -> None:
    settings.STORAGES = settings.STORAGES | bucket.storages(bucket_name="nowhere", location="")
    assert refusal() == "The images in s3://nowhere cannot be reached: there is no such bucket."
    with pytest.raises(storage.StorageUnavailable, match="there is no such bucket"):
        storage.store_original(RED)


def test_refused_credentials(distrusted: Bucket) -> None:
    place = f"s3://{distrusted.name}/{PREFIX}"
    needed = "s3:GetObject, s3:PutObject and s3:ListBucket are needed"
    refused = f"The images in {place} cannot be reached: the service refuses the credentials"
    assert refusal() == f"{refused} (InvalidAccessKeyId); {needed}."
    with pytest.raises(storage.StorageUnavailable) as caught:
        storage.store_original(RED)  # which asks first: the answer to that has no body
    assert str(caught.value) == f"{refused} (403); {needed}."


def test_no_credentials(in_bucket: Bucket, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    settings.STORAGES = settings.STORAGES | in_bucket.storages()
    assert refusal() == (
        f"The images in s3://{in_bucket.name}/{PREFIX} cannot be reached: there are no credentials; "
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile."
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("messages")
def test_jobs_wait_while_the_bucket_does_not_answer(
    in_bucket: Bucket, settings: Settings, painter: type[Painter]
) -> None:
    working = settings.STORAGES
    silent = f"http://127.0.0.1:{free_port()}"
    settings.STORAGES = working | in_bucket.storages(endpoint_url=silent)
    (job,) = make_jobs(1)
    generate_images(job.system_id, [job.id])
    job.refresh_from_db()
    assert (job.state, job.attempts) == (ImageJob.State.QUEUED, 1)
    assert job.error.startswith(
        f"The images in s3://{in_bucket.name}/{PREFIX} cannot be reached: "
        f'Could not connect to the endpoint URL: "{silent}/{in_bucket.name}/'
    )
    ImageJob.objects.update(state=ImageJob.State.FAILED)
    settings.STORAGES = working
    jobs.retry_failed(ImageJob.objects.all())
    generate_images(job.system_id, [job.id])
    job.refresh_from_db()
    assert (job.state, job.error) == (ImageJob.State.DONE, "")
    assert storage.original_name(job.image.sha256) in in_bucket.files()
