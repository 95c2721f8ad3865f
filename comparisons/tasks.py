"""Periodic work: comparisons for images that have come, capacity of leases that have gone."""

from __future__ import annotations

from celery import shared_task

from comparisons import leases, rules, studies
from comparisons.models import Study


@shared_task(name="comparisons.build_comparisons")
def build_comparisons() -> None:
    for study in Study.objects.filter(state=Study.State.OPEN):
        studies.build_comparisons(study)


@shared_task(name="comparisons.apply_rules")
def apply_rules() -> None:
    for study in studies.getting_answers():
        rules.apply_rules(study)


@shared_task(name="comparisons.release_expired_assignments")
def release_expired_assignments() -> None:
    leases.release_expired()
