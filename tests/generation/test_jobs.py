"""The table of jobs is the truth: who moves a row owns it, everybody else finds nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from generation import jobs
from generation.models import Image, ImageJob
from tests.comparisons.browsing import at_once
from tests.generation.conftest import Messages
from tests.generation.job_rows import claim_all, let_delay_pass, let_lease_lapse, make_jobs, make_prompts, make_system
from tests.generation.painter import paint

State = ImageJob.State
pytestmark = pytest.mark.django_db


def requeued(job: ImageJob) -> ImageJob:
    """The job of another worker now: the first one's lease ran out."""
    let_lease_lapse(job)
    assert jobs.requeue_lapsed() == 1
    (again,) = claim_all([job])
    return again


# Requesting


def test_a_wish_that_is_there_is_not_inserted_again() -> None:
    system, prompts = make_system("alpha"), make_prompts(3)
    assert jobs.request([(system, prompt, 7) for prompt in prompts], display_px=32) == 3
    assert jobs.request([(system, prompt, 7) for prompt in prompts], display_px=32) == 0
    assert jobs.request([(system, prompt, 8) for prompt in prompts[:1]], display_px=32) == 1
    assert jobs.request([], display_px=32) == 0
    assert ImageJob.objects.count() == 4


def test_a_request_leaves_finished_and_running_jobs_as_they_are() -> None:
    made = make_jobs(2)
    running = claim_all(made)
    assert jobs.finish(running[0], paint(1))
    before = list(ImageJob.objects.order_by("id").values())
    assert jobs.request([(job.system, job.prompt, job.seed) for job in made], display_px=32) == 0
    assert list(ImageJob.objects.order_by("id").values()) == before


# Dispatching


@pytest.mark.django_db(transaction=True)
def test_messages_name_at_most_so_many_jobs_of_one_system(messages: Messages, settings: Settings) -> None:
    settings.JOBS_PER_MESSAGE = 2
    alpha, beta = make_system("alpha"), make_system("beta")
    prompts = make_prompts(3)
    jobs.request([(system, prompt, 7) for prompt in prompts for system in (alpha, beta)], display_px=32)
    assert jobs.dispatch(ImageJob.objects.claimable()) == 4
    ids = {system: list(system.jobs.order_by("id").values_list("id", flat=True)) for system in (alpha, beta)}
    assert messages() == [
        (jobs.GENERATE_IMAGES, [system.id, ids[system][start : start + 2]])
        for system in (alpha, beta)
        for start in (0, 2)
    ]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_before_the_commit_and_nothing_after_a_rollback(messages: Messages) -> None:
    with transaction.atomic():
        made = make_jobs(1)
        jobs.dispatch(ImageJob.objects.claimable())
        assert messages() == []
    assert messages() == [(jobs.GENERATE_IMAGES, [made[0].system_id, [made[0].id]])]
    with transaction.atomic():
        make_jobs(1, make_system("beta"))
        jobs.dispatch(ImageJob.objects.claimable())
        transaction.set_rollback(True)
    assert len(messages()) == 1


@pytest.mark.django_db(transaction=True)
def test_periodic_work_does_not_wait_behind_images(messages: Messages, settings: Settings) -> None:
    settings.JOBS_PER_MESSAGE = 1
    make_jobs(3)
    jobs.dispatch(ImageJob.objects.claimable())
    current_app.send_task("comparisons.build_comparisons")
    assert [task for task, _ in messages()] == ["comparisons.build_comparisons"] + [jobs.GENERATE_IMAGES] * 3


# Claiming


def test_a_claim_takes_the_oldest_due_jobs_and_counts_the_attempt() -> None:
    made = make_jobs(4)
    ImageJob.objects.filter(id=made[0].id).update(not_before=timezone.now() + timedelta(minutes=1))
    token, claimed = jobs.claim(made[0].system_id, [job.id for job in made], limit=2)
    assert [job.id for job in claimed] == [made[1].id, made[2].id]
    for job in claimed:
        assert (job.state, job.attempts, job.claim) == (State.RUNNING, 1, token)
        assert job.lease_expires_at
        assert job.lease_expires_at > timezone.now()


def test_a_claim_takes_no_job_of_another_system_or_message() -> None:
    alpha, beta = make_jobs(2), make_jobs(2, make_system("beta"))
    _, claimed = jobs.claim(alpha[0].system_id, [alpha[0].id, beta[0].id], limit=10)
    assert [job.id for job in claimed] == [alpha[0].id]


def test_a_job_that_is_running_done_or_failed_is_not_claimed() -> None:
    made = make_jobs(3)
    _, done, failed = claim_all(made)
    jobs.finish(done, paint(1))
    jobs.fail(failed, "no such model")
    assert claim_all(made) == []


@pytest.mark.django_db(transaction=True)
def test_claims_at_one_moment_never_share_a_job() -> None:
    made = make_jobs(10)
    ids = [job.id for job in made]
    claims = at_once([lambda: jobs.claim(made[0].system_id, ids, limit=3)] * 8)
    taken = [job.id for _, claimed in claims for job in claimed]
    assert len(taken) == len(set(taken)) >= 3
    for token, claimed in claims:
        assert set(jobs.held(token).values_list("id", flat=True)) == {job.id for job in claimed}
    assert set(ImageJob.objects.filter(state=State.RUNNING).values_list("id", flat=True)) == set(taken)


# Finishing and failing


def test_a_finished_job_has_its_image_and_provenance() -> None:
    (job,) = claim_all(make_jobs(1))
    assert jobs.finish(job, paint(7))
    image = Image.objects.get(job=job)
    assert (image.width, image.height, image.forward_ms, image.environment) == (64, 64, [2.0, 3.0], {"device": "easel"})
    job.refresh_from_db()
    assert (job.state, job.lease_expires_at, job.claim, job.error) == (State.DONE, None, "", "")
    assert not jobs.finish(job, paint(8))
    assert not jobs.fail(job, "late")
    assert not jobs.retry_later(job, "late")
    assert Image.objects.get(job=job).sha256 == image.sha256


def test_a_worker_whose_job_belongs_to_another_changes_nothing() -> None:
    (first,) = claim_all(make_jobs(1))
    second = requeued(first)
    assert (second.id, second.attempts) == (first.id, 2)
    before = ImageJob.objects.filter(id=first.id).values().get()
    assert not jobs.finish(first, paint(1))
    assert not jobs.fail(first, "too late")
    assert not jobs.retry_later(first, "too late")
    assert jobs.extend_lease(first.claim) == 0
    assert ImageJob.objects.filter(id=first.id).values().get() == before
    assert not Image.objects.exists()
    assert jobs.finish(second, paint(2))
    assert not jobs.finish(first, paint(1))
    assert Image.objects.count() == 1


def test_a_worker_whose_lease_lapsed_may_finish_while_nobody_has_taken_the_job() -> None:
    (job,) = claim_all(make_jobs(1))
    let_lease_lapse(job)
    assert jobs.finish(job, paint(1))
    assert jobs.requeue_lapsed() == 0


@pytest.mark.django_db(transaction=True)
def test_two_finishes_at_one_moment_make_one_image() -> None:
    (job,) = claim_all(make_jobs(1))
    assert sorted(at_once([lambda: jobs.finish(job, paint(1))] * 4)) == [False, False, False, True]
    assert Image.objects.count() == 1


# Images made elsewhere


def image_of(job: ImageJob) -> Image:
    return Image(job=job, sha256="0" * 64, width=64, height=64, environment={"imported": True})


def test_delivered_images_finish_their_jobs_without_an_attempt() -> None:
    queued, failed = made = make_jobs(2)
    (claimed,) = jobs.claim(failed.system_id, [failed.id], limit=1)[1]
    assert jobs.fail(claimed, "no such model")
    jobs.deliver([image_of(job) for job in made])
    for job, attempts in ((queued, 0), (failed, 1)):
        job.refresh_from_db()
        assert (job.state, job.attempts, job.error, job.image.total_ms) == (State.DONE, attempts, "", None)
    assert claim_all(made) == []


@pytest.mark.parametrize("finished", [False, True])
def test_a_delivery_is_whole_or_changes_nothing(finished: bool) -> None:
    free, taken = made = make_jobs(2)
    (claimed,) = jobs.claim(taken.system_id, [taken.id], limit=1)[1]
    if finished:
        assert jobs.finish(claimed, paint(1))
    with pytest.raises(jobs.JobTaken):
        jobs.deliver([image_of(job) for job in made])
    free.refresh_from_db()
    assert free.state == State.QUEUED
    assert Image.objects.count() == finished


# Trying again


def test_an_error_puts_the_job_back_with_a_growing_delay_until_it_stops(settings: Settings) -> None:
    made = make_jobs(1)
    delays = []
    for attempt in range(1, settings.MAX_JOB_ATTEMPTS):
        (job,) = claim_all(made)
        assert job.attempts == attempt
        assert jobs.retry_later(job, "out of memory")
        assert claim_all(made) == []
        job.refresh_from_db()
        assert (job.state, job.error) == (State.QUEUED, "out of memory")
        delays.append((job.not_before - timezone.now()).total_seconds())
        let_delay_pass(job)
    assert 0 < delays[0] < delays[1] < 60
    (job,) = claim_all(made)
    assert jobs.retry_later(job, "out of memory")
    job.refresh_from_db()
    assert (job.state, job.error) == (State.FAILED, "out of memory (after 3 attempts)")


def test_only_lapsed_jobs_are_given_back() -> None:
    lapsed, alive = claim_all(make_jobs(2))
    let_lease_lapse(lapsed)
    assert jobs.requeue_lapsed() == 1
    lapsed.refresh_from_db()
    alive.refresh_from_db()
    assert (lapsed.state, lapsed.claim, lapsed.lease_expires_at, lapsed.attempts) == (State.QUEUED, "", None, 1)
    assert alive.state == State.RUNNING
    let_lease_lapse(alive)
    assert jobs.extend_lease(alive.claim) == 1
    assert jobs.requeue_lapsed() == 0


def test_a_job_that_kills_its_worker_each_time_stops(settings: Settings) -> None:
    made = make_jobs(1)
    for _ in range(settings.MAX_JOB_ATTEMPTS):
        (job,) = claim_all(made)
        let_lease_lapse(job)
        jobs.requeue_lapsed()
    assert claim_all(made) == []
    job.refresh_from_db()
    assert job.state == State.FAILED
    assert job.error == "the worker died or fell silent while making this image"


@pytest.mark.django_db(transaction=True)
def test_failed_jobs_are_tried_again_from_the_first_attempt_when_asked(messages: Messages) -> None:
    made = make_jobs(3)
    done, failed, running = claim_all(made)
    jobs.finish(done, paint(1))
    jobs.fail(failed, "no such model")
    assert jobs.retry_failed(ImageJob.objects.all()) == 1
    assert messages() == [(jobs.GENERATE_IMAGES, [failed.system_id, [failed.id]])]
    failed.refresh_from_db()
    assert (failed.state, failed.attempts, failed.error) == (State.QUEUED, 0, "")
    assert [job.id for job in claim_all(made)] == [failed.id]
    assert jobs.retry_failed(ImageJob.objects.all()) == 0
    running.refresh_from_db()
    assert running.state == State.RUNNING
