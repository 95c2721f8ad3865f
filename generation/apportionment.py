"""Turns shared out between groups so that, however many are taken, each group has had its share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate


def turns(sizes: Sequence[int]) -> Iterator[int]:
    """The group whose turn it is, time after time, until a group of `size` has had `size` turns.

    After t turns each group has had its quota, q = t * size / total, rounded down or up, and never fewer
    than after t - 1: the first turns of this one order are a proportional allocation at every t. This
    is the house monotone method of Balinski and Young that follows Webster's divisors, so a quota is
    mostly rounded to the nearest number (Quotatone apportionment methods, Mathematics of Operations
    Research 4, 1979, 31-38). Ties go to the earlier group. Sizes are at least 1.

    A group is owed a turn by the first at which its quota rounded down counts it. slack[d] is how many of the turns
    left until d are owed to nobody by d; where it is 0, the next turn goes to a group that is owed one by d.
    One of those is below its quota: else they would be owed at most what their quotas grow by until d, which is
    less than the turns left.
    """
    total = sum(sizes)
    owed = Counter(-(-nth * total // size) for size in sizes for nth in range(1, size + 1))
    slack = [turn - count for turn, count in enumerate(accumulate(owed[turn] for turn in range(total + 1)))]
    tight = [turn for turn in range(total, 0, -1) if slack[turn] == 0]
    had = [0] * len(sizes)
    for turn in range(1, total + 1):
        while tight[-1] < turn:
            tight.pop()
        below_quota = [group for group, size in enumerate(sizes) if had[group] * total < turn * size]
        pressing = [group for group in below_quota if (had[group] + 1) * total <= tight[-1] * sizes[group]]
        chosen = min(pressing, key=lambda group: (had[group] + 0.5) / sizes[group])
        yield chosen
        had[chosen] += 1
        owed_by = -(-had[chosen] * total // sizes[chosen])
        for earlier in range(owed_by - 1, turn - 1, -1):
            slack[earlier] -= 1
            if slack[earlier] == 0:
                tight.append(earlier)
