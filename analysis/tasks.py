"""Numbers are computed by a worker of their own: they wait for no images, and no images wait for them."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="analysis.compute_due")
def compute_due() -> None:
    from analysis import snapshots  # pandas and SciPy, which the workers that make images do without

    snapshots.compute_due()


@shared_task(name="analysis.compute_snapshot")
def compute_snapshot(study_id: int, kind: str) -> None:
    from analysis import snapshots

    snapshots.compute_asked(study_id, kind)
