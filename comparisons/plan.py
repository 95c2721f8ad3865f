"""What one session is shown under one question, and when: judgements, attention checks, repeats. Pure.

Everything follows from the session's random id, so a reload or another process plans the same.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

JUDGEMENT, REPEAT, GOLD = "judgement", "repeat", "gold"


@dataclass(frozen=True)
class Plan:
    """At most so many `judgements`; `check_kinds` come in turns, one in every `every` judgements; there are `golds`."""

    seed: str
    judgements: int
    check_kinds: tuple[str, ...] = ()
    every: int | None = None
    golds: int = 0
    repeats: int = 0

    @cached_property
    def checks(self) -> list[tuple[int, str]]:
        """After how many judgements, and of which kind: never first, at a random place of each run."""
        if not self.check_kinds or not self.every:
            return []
        rng = random.Random(f"places:{self.seed}")
        runs = self.judgements // self.every
        places = [run * self.every + rng.randint(2, self.every) for run in range(runs)]
        return list(zip(places, self._kinds(runs), strict=False))

    def _kinds(self, count: int) -> list[str]:
        """In turns, in an order drawn anew for each round; each gold pair once. More comparisons only add to them."""
        rng = random.Random(f"kinds:{self.seed}")
        kinds: list[str] = []
        golds = self.golds
        while len(kinds) < count:
            turn = [kind for kind in self.check_kinds if kind != GOLD or golds > 0]
            if not turn:
                break
            kinds += rng.sample(turn, len(turn))
            golds -= 1  # where there are any, each round has one
        return kinds[:count]

    @cached_property
    def repeats_after(self) -> list[int]:
        """After how many judgements each repeat comes: spread over the second half."""
        half = self.judgements / 2
        return [max(1, round(half + half * (number + 1) / (self.repeats + 1))) for number in range(self.repeats)]

    @property
    def total(self) -> int:
        if not self.judgements:
            return 0
        return self.judgements + len(self.checks) + len(self.repeats_after)

    def following(self, shown: Mapping[str, int]) -> list[str]:
        """The kinds of what may come next, the first that can be had, given how much of each has been shown.

        Each kind is counted by itself: a gold pair that was lost and cannot come again holds nothing else up.
        """
        steps = [*self.checks, *((place, REPEAT) for place in self.repeats_after)]
        due = Counter(kind for place, kind in steps if place <= shown[JUDGEMENT])
        kinds = [kind for kind, count in due.items() if count > shown[kind]]
        return [*kinds, JUDGEMENT] if shown[JUDGEMENT] < self.judgements else kinds
