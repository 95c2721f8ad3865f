"""A whole study whose images are in S3: imported and rendered there, and seen by raters from there."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from PIL import Image as PillowImage
from pytest_django import Settings

from comparisons.models import Assignment
from comparisons.studies import build_comparisons, image_jobs
from generation import jobs, storage
from generation.models import Image
from tests.buckets import Bucket
from tests.comparisons.browsing import Browser
from tests.comparisons.manifests import make_manifest, make_waiting_study, refusal
from tests.factories import make_image, make_open_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_bucket(bucket: Bucket, settings: Settings, tmp_path: Path) -> Bucket:
    settings.MEDIA_ROOT = tmp_path / "unused"
    settings.STORAGES = settings.STORAGES | bucket.storages()
    return bucket


@pytest.fixture
def lost(bucket: Bucket, settings: Settings) -> None:
    settings.STORAGES = settings.STORAGES | bucket.storages(bucket_name="nowhere")


def test_images_go_from_a_manifest_and_a_worker_to_a_rater(in_bucket: Bucket, tmp_path: Path) -> None:
    study = make_waiting_study()
    prompts = study.prompt_set.prompts.all()
    jobs.request([(study.systems.get(slug="alpha@4"), prompt, 7 + prompt.position) for prompt in prompts], 64)
    for job in image_jobs(study):
        make_image(job)
    manifest = make_manifest(tmp_path)
    call_command("import_images", study.slug, str(manifest))
    call_command("import_images", study.slug, str(manifest))
    build_comparisons(study)
    assert not (tmp_path / "unused").exists()
    stored = in_bucket.files()
    assert len(stored) == 2 * Image.objects.count() == 8
    rater = Browser(study).consent()
    shown = rater.judge()
    assert shown
    lease = Assignment.objects.get(state="open")
    for side, is_a in (("left", lease.a_is_left), ("right", not lease.a_is_left)):
        sha256 = (lease.comparison.image_a if is_a else lease.comparison.image_b).sha256
        response = rater.get(shown[side])
        assert (response.status_code, response.headers["Content-Type"]) == (200, "image/webp")
        shown_, there = (
            PillowImage.open(io.BytesIO(content))
            for content in (response.content, stored[storage.display_name(sha256, 64)])
        )
        assert (shown_.size, shown_.tobytes()) == (there.size, there.tobytes())


@pytest.fixture
def rater(in_bucket: Bucket) -> Browser:
    return Browser(make_open_study(["a red fox"])).consent()


def test_a_rater_is_asked_to_wait_while_the_bucket_is_gone(
    rater: Browser, bucket: Bucket, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    payload = rater.judge()
    assert payload
    working = settings.STORAGES
    settings.STORAGES = working | bucket.storages(bucket_name="nowhere")
    response = rater.get(payload["left"])
    assert (response.status_code, response.headers["Retry-After"]) == (503, "60")
    sentence = "The pictures cannot be read at the moment. Please try again in a minute."
    assert response.content.decode() == sentence
    assert "s3://nowhere/studies/2023 cannot be reached: there is no such bucket." in caplog.text
    settings.STORAGES = working
    assert rater.get(payload["left"]).status_code == 200


def test_a_rater_is_asked_to_wait_when_a_file_is_lost(tmp_path: Path, settings: Settings) -> None:
    settings.MEDIA_ROOT = tmp_path
    rater = Browser(make_open_study(["a red fox"])).consent()
    payload = rater.judge()
    assert payload
    settings.MEDIA_ROOT = tmp_path / "elsewhere"
    assert rater.get(payload["right"]).status_code == 503


@pytest.mark.usefixtures("lost")
def test_an_import_without_a_bucket_is_one_sentence(tmp_path: Path) -> None:
    make_waiting_study()
    assert refusal("colours", make_manifest(tmp_path)) == [
        "Nothing was imported. The images in s3://nowhere/studies/2023 cannot be reached: there is no such bucket."
    ]
