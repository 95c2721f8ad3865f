"""Messages that were lost, or died with a worker, and those of jobs that are to be tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from generation import jobs
from generation.models import Image, ImageJob
from tests.generation.conftest import Messages
from tests.generation.job_rows import claim_all, let_delay_pass, let_lease_lapse, make_jobs, make_system
from tests.generation.painter import paint

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_retry_whose_delay_has_ended_gets_one_message_while_other_images_are_made(messages: Messages) -> None:
    made = make_jobs(3)
    jobs.dispatch(ImageJob.objects.all())
    first, _ = claim_all(made[:2])
    messages().clear()
    jobs.retry_later(first, "the hub is out of reach")
    assert jobs.dispatch_retries() == 0, "its delay has not ended"
    let_delay_pass(first)
    assert jobs.dispatch_retries() == 1
    assert messages()[-1] == (jobs.GENERATE_IMAGES, [first.system_id, [first.id]])
    assert jobs.dispatch_retries() == 0, "a worker knows of it"
    (again,) = claim_all([first])
    jobs.retry_later(again, "the hub is out of reach")
    let_delay_pass(first)
    assert jobs.dispatch_retries() == 1


def test_what_a_dead_worker_was_told_of_is_told_again_while_others_work(messages: Messages) -> None:
    made, others = make_jobs(3), make_jobs(2, make_system("beta"))
    _, (dying,) = jobs.claim(made[0].system_id, [job.id for job in made], limit=1)
    assert len(claim_all(others)) == 2
    let_lease_lapse(dying)
    assert jobs.requeue_lapsed() == 1
    assert messages() == [(jobs.GENERATE_IMAGES, [made[0].system_id, [job.id for job in made]])]


def test_jobs_whose_messages_were_lost_get_new_ones(messages: Messages) -> None:
    made = make_jobs(2)
    assert jobs.dispatch_forgotten() == 1
    assert messages() == [(jobs.GENERATE_IMAGES, [made[0].system_id, [job.id for job in made]])]


def test_no_messages_are_added_while_images_are_being_made(messages: Messages, settings: Settings) -> None:
    made = make_jobs(3)
    _, claimed = jobs.claim(made[0].system_id, [made[0].id], limit=1)
    assert jobs.dispatch_forgotten() == 0
    jobs.finish(claimed[0], paint(1))
    assert jobs.dispatch_forgotten() == 0, "a lone worker finds nothing running between two of its messages"
    silent_since = timezone.now() - timedelta(seconds=settings.JOB_LEASE_SECONDS + 1)
    Image.objects.update(created_at=silent_since)
    assert jobs.dispatch_forgotten() == 1
    assert len(messages()) == 1
