"""Which pair of systems comes next. Pure: a strategy reads counts and draws; it never touches the database.

A strategy takes the candidates of one question and a random generator, and returns all of them in the order in which
they should be tried, each with the probability with which it was drawn first. Analyses that weight by the inverse of
that probability need it, so it is stored with every lease.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Candidate(NamedTuple):
    """A pair of systems with capacity left, and how many votes it has or waits for."""

    matchup_id: int
    taken: int


class Draw(NamedTuple):
    matchup_id: int
    probability: float


Strategy = Callable[[Sequence[Candidate], random.Random], list[Draw]]


def balanced(candidates: Sequence[Candidate], rng: random.Random) -> list[Draw]:
    """Fill all pairs evenly: draw uniformly among those with the fewest votes, then among the next fewest, ...

    The order among equals is random, so no rater can guess what comes next.
    """
    shuffled = rng.sample(candidates, len(candidates))
    shuffled.sort(key=lambda candidate: candidate.taken)
    ties: dict[int, int] = {}
    for candidate in candidates:
        ties[candidate.taken] = ties.get(candidate.taken, 0) + 1
    return [Draw(candidate.matchup_id, 1 / ties[candidate.taken]) for candidate in shuffled]


def uniform(candidates: Sequence[Candidate], rng: random.Random) -> list[Draw]:
    """Every pair that has capacity left is equally likely."""
    shuffled = rng.sample(candidates, len(candidates))
    return [Draw(candidate.matchup_id, 1 / len(candidates)) for candidate in shuffled]


STRATEGIES: dict[str, Strategy] = {"balanced": balanced, "uniform": uniform}
