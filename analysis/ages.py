"""How old stored numbers are, and what a page says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

MOST_COUNTED = 10_000  # of newer votes: beyond that a page says "more than"
PATIENCE = timedelta(seconds=90)  # after which a page says that nobody computes


@dataclass(frozen=True)
class Age:
    computed_at: datetime | None
    newer_votes: int  # at most MOST_COUNTED + 1
    has_changed: bool  # more than votes: the study's state, exclusions, the code
    is_computed_now: bool
    due_at: datetime | None  # when the pause is over
    asked_at: datetime | None
    error: str

    @property
    def is_stale(self) -> bool:
        return self.computed_at is None or self.has_changed or self.newer_votes > 0

    @property
    def is_due(self) -> bool:
        return self.is_stale and (self.has_changed or self.due_at is None or self.due_at <= timezone.now())

    @property
    def newer_in_words(self) -> str:
        return f"more than {MOST_COUNTED:,}" if self.newer_votes > MOST_COUNTED else f"{self.newer_votes:,}"

    @property
    def is_neglected(self) -> bool:
        """Nobody has taken it up: no worker runs, or no broker answers."""
        waits = self.asked_at is not None and timezone.now() - self.asked_at > PATIENCE
        return waits and self.is_due and not self.is_computed_now


def age_of_all(ages: Sequence[Age]) -> Age:
    """Of numbers of several kinds on one page: as old as the oldest, and whatever any of them lacks.

    The first are what the page is about: without them it has none. Others that are not there yet have come with a
    change.
    """
    computed = [age.computed_at for age in ages if age.computed_at]
    return Age(
        computed_at=min(computed) if ages[0].computed_at else None,
        newer_votes=max(age.newer_votes for age in ages),
        has_changed=any(age.has_changed for age in ages) or 0 < len(computed) < len(ages),
        is_computed_now=any(age.is_computed_now for age in ages),
        due_at=min((age.due_at for age in ages if age.is_stale and age.due_at), default=None),
        asked_at=min((age.asked_at for age in ages if age.is_stale and age.asked_at), default=None),
        error=next((age.error for age in ages if age.error), ""),
    )
