"""What is said of several kinds of numbers together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from analysis.ages import PATIENCE, Age, age_of_all

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
FRESH = Age(
    computed_at=NOW, newer_votes=0, has_changed=False, is_computed_now=False, due_at=NOW, asked_at=None, error=""
)
NEVER = replace(FRESH, computed_at=None, due_at=None)
TIMES = st.none() | st.integers(0, 50).map(lambda minutes: NOW - timedelta(minutes=minutes))
COMPUTED = st.builds(
    Age,
    computed_at=TIMES.filter(bool),
    newer_votes=st.integers(0, 10_001),
    has_changed=st.booleans(),
    is_computed_now=st.booleans(),
    due_at=TIMES.filter(bool),
    asked_at=TIMES,
    error=st.sampled_from(["", "one", "two"]),
)
AGES = st.lists(COMPUTED | st.just(NEVER), min_size=1, max_size=4)


@given(COMPUTED | st.just(NEVER))
def test_one_kind_is_as_it_is(age: Age) -> None:
    all_of_one = age_of_all([age])
    assert replace(all_of_one, due_at=age.due_at, asked_at=age.asked_at) == age
    assert (all_of_one.is_stale, all_of_one.is_due) == (age.is_stale, age.is_due)


@given(AGES)
def test_what_holds_of_any_is_told(ages: list[Age]) -> None:
    together = age_of_all(ages)
    assert together.is_stale == any(age.is_stale for age in ages)
    assert together.is_due == any(age.is_due for age in ages)
    assert bool(together.error) == any(age.error for age in ages)
    assert all(together.computed_at <= age.computed_at for age in ages if together.computed_at and age.computed_at)
    assert (together.computed_at is None) == (ages[0].computed_at is None)


def test_numbers_that_are_not_there_while_others_are_have_come_with_a_change() -> None:
    together = age_of_all([FRESH, NEVER])
    assert (together.computed_at, together.has_changed) == (NOW, True)
    assert age_of_all([NEVER, FRESH]).computed_at is None
    assert not age_of_all([NEVER, NEVER]).has_changed


def test_what_was_asked_for_first_is_what_has_waited() -> None:
    long_ago = datetime.now(UTC) - 2 * PATIENCE
    waiting = replace(FRESH, newer_votes=1, asked_at=long_ago)
    assert age_of_all([FRESH, waiting]).is_neglected
    due = replace(waiting, asked_at=None)
    assert not age_of_all([replace(FRESH, asked_at=long_ago), due]).is_neglected, "nobody waits for what is fresh"
    assert not age_of_all([FRESH, replace(waiting, is_computed_now=True)]).is_neglected
