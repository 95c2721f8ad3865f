"""How a researcher follows the images of a study, and has failed ones tried again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from comparisons.asking import NO_BROKER
from comparisons.models import Study
from comparisons.progress import GenerationProgress, generation_progress
from comparisons.studies import build_comparisons, image_jobs, open_study, request_images
from generation import jobs
from generation.models import Image, ImageJob
from people.models import AuditEntry
from tests.factories import make_draft, make_image, make_system_spec

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What would have gone to the broker for a worker that makes images."""
    messages: list[object] = []

    def send(name: str, args: object, **options: object) -> None:
        if name == jobs.GENERATE_IMAGES:
            messages.append(args)

    monkeypatch.setattr(current_app, "send_task", send)
    return messages


@pytest.fixture
def study() -> Study:
    """Every image is asked for, and none is made."""
    study = make_draft(slug="one")
    open_study(study)
    request_images(study, list(study.systems.all()))
    return study


def make_at(job: ImageJob, seconds_ago: float) -> None:
    make_image(job)
    Image.objects.filter(job=job).update(created_at=timezone.now() - timedelta(seconds=seconds_ago))


def row(study: Study, slug: str) -> GenerationProgress:
    (found,) = [row for row in generation_progress(study) if row.system == slug]
    return found


def test_pace_and_time_left_come_from_the_last_images(study: Study) -> None:
    first, second, third, _ = image_jobs(study).filter(system__slug="alpha@4").order_by("id")
    assert row(study, "alpha@4").per_second is None
    make_at(first, seconds_ago=3600)
    make_at(second, seconds_ago=250)
    assert row(study, "alpha@4").per_second is None, "one image in the last minutes has no interval"
    make_at(third, seconds_ago=50)
    assert row(study, "alpha@4").per_second == pytest.approx(1 / 200, rel=0.01)
    assert row(study, "alpha@4").left == "4 min"
    assert row(study, "beta@4").left == ""


def make_batch_at(made: list[ImageJob], seconds_ago: float) -> None:
    for number, job in enumerate(made):
        make_at(job, seconds_ago - 0.01 * number)
        Image.objects.filter(job=job).update(environment={"batch_size": len(made)})


def test_images_of_a_batch_come_at_once_and_its_call_counts() -> None:
    study = make_draft([f"{number} cats" for number in range(12)], slug="batches")
    open_study(study)
    request_images(study, list(study.systems.all()))
    made = list(image_jobs(study).filter(system__slug="alpha@4").order_by("id"))
    make_batch_at(made[:4], seconds_ago=75)
    assert row(study, "alpha@4").per_second is None, "nobody knows how long the first batch took"
    make_batch_at(made[4:8], seconds_ago=10)
    assert row(study, "alpha@4").per_second == pytest.approx(4 / 65, rel=0.01)
    assert row(study, "alpha@4").left == "2 min"


def test_a_system_whose_images_have_ceased_to_come_has_no_pace(study: Study) -> None:
    first, second, *_ = image_jobs(study).filter(system__slug="alpha@4").order_by("id")
    make_at(first, seconds_ago=310)
    make_at(second, seconds_ago=300)
    assert row(study, "alpha@4").per_second is None
    assert row(study, "alpha@4").left == ""


def test_a_system_that_has_all_its_images_has_no_pace(study: Study) -> None:
    for number, job in enumerate(image_jobs(study).filter(system__slug="alpha@4")):
        make_at(job, seconds_ago=number)
    assert row(study, "alpha@4").per_second is None


@pytest.mark.parametrize(
    ("seconds_each", "words"),
    [
        (1, "under 1 min"),
        (40, "2 min"),
        (7200 / 3 + 1, "2 h 1 min"),
        (47.9 * 1200, "47 h 54 min"),
        (71.9 * 1200, "3 days 0 h"),
        (70.9 * 1200, "2 days 23 h"),
    ],
)
def test_time_left_is_told_in_the_unit_that_fits(
    study: Study, monkeypatch: pytest.MonkeyPatch, seconds_each: float, words: str
) -> None:
    from comparisons import progress

    monkeypatch.setattr(progress, "_paces", lambda study: {study.systems.get(slug="alpha@4").id: 1 / seconds_each})
    make_image(image_jobs(study).filter(system__slug="alpha@4")[0])
    assert row(study, "alpha@4").left == words


@pytest.mark.parametrize(("per_second", "words"), [(12.34, "12.3/s"), (0.5, "30.0/min"), (0.004, "14.4/h")])
def test_a_pace_is_told_in_the_unit_that_fits(
    study: Study, researcher: Client, monkeypatch: pytest.MonkeyPatch, per_second: float, words: str
) -> None:
    from comparisons import progress

    monkeypatch.setattr(progress, "_paces", lambda study: {study.systems.get(slug="alpha@4").id: per_second})
    assert f'<td class="number">{words}</td>' in researcher.get("/studies/one/images/").content.decode()


def test_the_section_can_be_taken_in_anew_and_says_when_that_is_over(researcher: Client, study: Study) -> None:
    page = researcher.get("/studies/one/").content.decode()
    section = researcher.get("/studies/one/images/").content.decode()
    assert section.strip() in page
    assert section.startswith("<section")
    assert 'data-refresh="/studies/one/images/"' in section
    for job in image_jobs(study):
        make_image(job)
    assert "data-refresh" not in researcher.get("/studies/one/images/").content.decode()


def test_failed_images_are_tried_again_from_the_page(
    researcher: Client,
    study: Study,
    sent: list[object],
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    job = image_jobs(study).order_by("id")[0]
    _, (claimed,) = jobs.claim(job.system_id, [job.id], limit=1)
    jobs.fail(claimed, "alpha@4: <broken>")
    page = researcher.get("/studies/one/").content.decode()
    assert "<p>Prompt 0: &lt;broken&gt;</p>" in page
    assert "1 failed" in researcher.get("/studies/").content.decode()
    assert 'action="/studies/one/images/retry/"' in page
    sent.clear()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        answer = researcher.post("/studies/one/images/retry/", follow=True)
    assert answer.redirect_chain == [("/studies/one/", 302)]
    assert "1 image will be tried again." in answer.content.decode()
    assert (job.system_id, [job.id]) in sent
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == ("queued", 0, "")
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.study_slug, entry.details) == ("retried", "one", {"images": 1})
    assert entry.actor == User.objects.get()


def test_images_that_nobody_has_asked_for_are_asked_for_as_well(researcher: Client) -> None:
    study = make_draft(["a red fox", "two teapots"], slug="two")
    assert "is a draft: open it first" in researcher.post("/studies/two/images/retry/", follow=True).content.decode()
    assert not AuditEntry.objects.exists()
    open_study(study)
    answer = researcher.post("/studies/two/images/retry/", follow=True)
    assert "0 images will be tried again, and 6 more made." in answer.content.decode()
    assert image_jobs(study).filter(state="queued").count() == 6


def test_the_page_tells_the_commonest_reasons_of_each_system(researcher: Client, study: Study) -> None:
    for job in image_jobs(study).select_related("system", "prompt"):
        _, (claimed,) = jobs.claim(job.system_id, [job.id], limit=1)
        own = f"{job.prompt.text} is cursed"
        assert jobs.fail(claimed, own if job.system.slug == "beta@4" else f"{job.system.slug}: model is torn")
    alpha, beta = row(study, "alpha@4"), row(study, "beta@4")
    assert [(failure.which, failure.reason) for failure in alpha.failures] == [
        ("prompt 0 and 3 others", "model is torn")
    ]
    assert [failure.which for failure in beta.failures] == ["prompt 0", "prompt 1", "prompt 2"]
    assert (alpha.other_reasons, beta.other_reasons) == (0, 1)
    assert "And 1 other reason." in researcher.get("/studies/one/images/").content.decode()


def test_the_page_says_which_images_come_by_import(researcher: Client) -> None:
    study = make_draft(slug="two", systems=(make_system_spec("alpha"), make_system_spec("outside", backend="imported")))
    generate, bring = "manage.py generate two --wait", "manage.py import_images two manifest.csv"
    assert bring not in researcher.get("/studies/two/").content.decode(), "of a draft nothing can be imported"
    open_study(study)
    page = researcher.get("/studies/two/").content.decode()
    assert "Images of outside@4 are made elsewhere." in page
    assert generate in page and bring in page
    request_images(study, [study.systems.get(slug="alpha@4")])
    page = researcher.get("/studies/two/images/").content.decode()
    assert generate not in page, "they are asked for"
    assert "make worker" in page
    for job in image_jobs(study):
        make_image(job)
    page = researcher.get("/studies/two/images/").content.decode()
    assert generate not in page and "make worker" not in page and bring in page
    jobs.request([(study.systems.get(slug="outside@4"), p, 7 + p.position) for p in study.prompt_set.prompts.all()], 64)
    for job in image_jobs(study).filter(state="queued"):
        make_image(job)
    assert bring not in researcher.get("/studies/two/images/").content.decode()


def test_a_study_without_pairs_says_when_they_come(researcher: Client, study: Study) -> None:
    assert "No pairs yet." in researcher.get("/studies/one/").content.decode()
    for job in image_jobs(study):
        make_image(job)
    build_comparisons(study)
    assert "No pairs yet." not in researcher.get("/studies/one/").content.decode()


def test_without_a_broker_the_page_says_that_a_worker_is_missing(
    researcher: Client, study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no such socket")

    monkeypatch.setattr(jobs, "dispatch", refuse)
    assert NO_BROKER in researcher.post("/studies/one/images/retry/", follow=True).content.decode()


def test_only_those_who_may_try_again(client: Client, study: Study) -> None:
    analyst = User.objects.create_user("somebody")
    assert client.post("/studies/one/images/retry/").url.startswith("/login/")  # type: ignore[attr-defined]
    client.force_login(analyst)
    assert client.post("/studies/one/images/retry/").status_code == 404
    study.memberships.create(user=analyst, role="analyst")
    assert client.post("/studies/one/images/retry/").status_code == 403


def test_trying_again_takes_a_post(researcher: Client, study: Study) -> None:
    assert researcher.get("/studies/one/images/retry/").status_code == 405
