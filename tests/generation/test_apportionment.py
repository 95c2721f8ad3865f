"""Turns between groups: at every number of them, each group has had its quota rounded down or up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generation.apportionment import turns

# What PartiPrompts' 1,632 prompts have of each category.
PARTI = [314, 287, 214, 177, 131, 124, 104, 74, 66, 51, 50, 40]


def had(sizes: list[int], taken: int) -> list[int]:
    order = list(turns(sizes))[:taken]
    return [order.count(group) for group in range(len(sizes))]


@pytest.mark.parametrize(
    ("sizes", "order"),
    [
        ([3], [0, 0, 0]),
        ([1, 1, 1], [0, 1, 2]),
        ([3, 1], [0, 0, 1, 0]),
        ([1, 3], [1, 0, 1, 1]),
        ([2, 4, 2], [1, 0, 2, 1, 1, 0, 2, 1]),
    ],
)
def test_orders_worked_out_by_hand(sizes: list[int], order: list[int]) -> None:
    assert list(turns(sizes)) == order


def test_parti_prompts_as_largest_remainders_have_them() -> None:
    assert had(PARTI, 100) == [19, 18, 13, 11, 8, 8, 6, 5, 4, 3, 3, 2]


def test_a_large_group_does_not_run_ahead_of_many_small_ones() -> None:
    """Webster's divisors alone would give the large group all of the first 50 turns."""
    assert had([100] + [1] * 100, 50)[0] == 25


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
@example([1] * 30 + [30])
@example([100, 1, 1, 1])
@example(PARTI)
def test_every_group_has_its_quota_at_every_turn(sizes: list[int]) -> None:
    total, counts = sum(sizes), [0] * len(sizes)
    order = list(turns(sizes))
    assert len(order) == total
    for taken, group in enumerate(order, start=1):
        counts[group] += 1
        assert all(abs(count * total - taken * size) < total for count, size in zip(counts, sizes, strict=True))
    assert counts == sizes


def plain_turns(sizes: list[int]) -> list[int]:
    """Webster's divisors among the groups that leave enough turns for all that any group is owed at any later one."""
    total, had, order = sum(sizes), [0] * len(sizes), []
    for turn in range(1, total + 1):
        for group in sorted(range(len(sizes)), key=lambda group: Fraction(2 * had[group] + 1, sizes[group])):
            after = [count + (other == group) for other, count in enumerate(had)]
            claims = (
                sum(max(count, later * size // total) for count, size in zip(after, sizes, strict=True)) <= later
                for later in range(turn, total + 1)
            )
            if had[group] * total < turn * sizes[group] and all(claims):
                break
        had[group] += 1
        order.append(group)
    return order


@given(st.lists(st.integers(1, 9), min_size=1, max_size=7))
@example([9, 9, 9, 1, 1, 1, 1])
def test_the_order_is_that_of_the_definition(sizes: list[int]) -> None:
    assert list(turns(sizes)) == plain_turns(sizes)
