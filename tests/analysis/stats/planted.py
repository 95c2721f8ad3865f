"""Votes whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from analysis.stats.bradley_terry import POINTS, fit_counts
from analysis.stats.outcomes import LEFT, RIGHT, TIE, FloatArray, IntArray, VoteTable

COLUMNS = ("question", "prompt_id", "system_left", "system_right", "outcome", "rater")


def table(*rows: Sequence[str]) -> VoteTable:
    """A table of rows (prompt, left, right, outcome, rater), all on one question."""
    return VoteTable.from_columns({name: [("quality", *row)[i] for row in rows] for i, name in enumerate(COLUMNS)})


@dataclass(frozen=True, eq=False)
class Occasions:
    """Who sees what, and what a vote is made of besides strengths; n votes.

    `prompt`, `rater`, `left`, `right`, `side`, `luck` and `tie_luck` are (n,), `liked` is (prompts, k) and `taste`
    (raters, k).
    """

    prompt: IntArray
    rater: IntArray
    left: IntArray
    right: IntArray
    liked: FloatArray
    taste: FloatArray
    side: FloatArray
    luck: FloatArray
    tie_luck: FloatArray


@dataclass(frozen=True)
class Population:
    """Prompts and raters who like systems a little differently each: normal effects, in log odds.

    `side_sd` is that of the raters' side preferences around `side`. The r-th rater is r^-`rater_skew` times as busy as
    the first.
    """

    strengths: tuple[float, ...] = (-0.6, -0.2, 0.2, 0.6)
    prompt_sd: float = 1.0
    rater_sd: float = 0.5
    side: float = 0.15
    ties: float = 0.2
    side_sd: float = 0.0
    rater_skew: float = 0.0

    @property
    def systems(self) -> tuple[str, ...]:
        return tuple(f"system-{i}" for i in range(len(self.strengths)))

    def votes(self, rng: np.random.Generator, prompts: int, raters: int, per_prompt: int) -> VoteTable:
        """Every prompt gets `per_prompt` votes on pairs drawn at random, by raters drawn at random."""
        return self.answered(self.occasions(rng, prompts, raters, per_prompt))

    def occasions(self, rng: np.random.Generator, prompts: int, raters: int, per_prompt: int) -> Occasions:
        k, n = len(self.strengths), prompts * per_prompt
        liked = rng.normal(0, self.prompt_sd, (prompts, k))
        taste = rng.normal(0, self.rater_sd, (raters, k))
        prompt, rater = np.repeat(np.arange(prompts), per_prompt), self._judges(rng, raters, n)
        left = rng.integers(0, k, n)
        right = (left + rng.integers(1, k, n)) % k
        side = self.side + (rng.normal(0, self.side_sd, raters)[rater] if self.side_sd else np.zeros(n))
        return Occasions(prompt, rater, left, right, liked, taste, side, rng.random(n), rng.random(n))

    def asked_besides(self, first: Occasions, rng: np.random.Generator, alike: float) -> Occasions:
        """Another question on the same occasions. Effects of prompts and raters correlate by `alike` with those of the
        first, and in such a share of the votes chance decides for the same side.
        """

        def mixed(effects: FloatArray, sd: float) -> FloatArray:
            return np.asarray(alike * effects + np.sqrt(1 - alike**2) * rng.normal(0, sd, effects.shape))

        n = len(first.prompt)
        return replace(
            first,
            liked=mixed(first.liked, self.prompt_sd),
            taste=mixed(first.taste, self.rater_sd),
            luck=np.where(rng.random(n) < alike, first.luck, rng.random(n)),
            tie_luck=rng.random(n),
        )

    def answered(self, drawn: Occasions, question: str = "quality") -> VoteTable:
        n = len(drawn.prompt)
        worth = np.array(self.strengths) + drawn.liked[drawn.prompt] + drawn.taste[drawn.rater]
        rows = np.arange(n)
        left_wins = drawn.luck < expit(worth[rows, drawn.left] - worth[rows, drawn.right] + drawn.side)
        outcome = np.where(drawn.tie_luck < self.ties, TIE, np.where(left_wins, LEFT, RIGHT))
        prompt, prompt_names = _coded("p", drawn.prompt)
        rater, rater_names = _coded("r", drawn.rater)
        sides, system_names = _coded("system-", np.concatenate([drawn.left, drawn.right]))
        return VoteTable(
            questions=(question,),
            prompts=prompt_names,
            raters=rater_names,
            systems=system_names,
            question=np.zeros(n, dtype=np.intp),
            prompt=prompt,
            rater=rater,
            system_left=sides[:n],
            system_right=sides[n:],
            outcome=outcome.astype(np.intp),
            optional={},
        )

    def _judges(self, rng: np.random.Generator, raters: int, n: int) -> IntArray:
        """Who gives each of the n votes."""
        if not self.rater_skew:
            return rng.integers(0, raters, n)
        busy = np.arange(1, raters + 1) ** -self.rater_skew
        return rng.choice(raters, n, p=busy / busy.sum())

    def left_chance(self) -> FloatArray:
        """Expected score of the left system (k, k) over all prompts and raters, by quadrature."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        sd = np.sqrt(2 * (self.prompt_sd**2 + self.rater_sd**2) + self.side_sd**2)
        logits = np.subtract.outer(self.strengths, self.strengths) + self.side
        wins = (expit(logits[..., None] + sd * nodes) * weights).sum(axis=-1) / weights.sum()
        return np.asarray(self.ties / 2 + (1 - self.ties) * wins)

    def ratings(self) -> FloatArray:
        """The Bradley-Terry ratings that votes without end would give."""
        games = 1.0 - np.eye(len(self.strengths))
        return np.asarray(1000 + POINTS * fit_counts(self.left_chance() * games, games, self.systems).strengths)

    def win_rates(self) -> FloatArray:
        """Expected win rate of row against column (k, k)."""
        chance = self.left_chance()
        return np.asarray((chance + 1 - chance.T) / 2)

    def field_win_rates(self) -> FloatArray:
        k = len(self.strengths)
        return np.asarray((self.win_rates().sum(axis=1) - 0.5) / (k - 1))


def side_by_side(*tables: VoteTable) -> VoteTable:
    """Votes on different questions in one table, without their optional columns."""

    def names(of: str) -> tuple[str, ...]:
        return tuple(sorted(set().union(*(getattr(table, of) for table in tables))))

    def codes(of: str, column: str) -> IntArray:
        number = {name: code for code, name in enumerate(names(of))}
        own = [np.array([number[name] for name in getattr(table, of)], dtype=np.intp) for table in tables]
        return np.concatenate([codes[getattr(table, column)] for codes, table in zip(own, tables, strict=True)])

    return VoteTable(
        questions=names("questions"),
        prompts=names("prompts"),
        raters=names("raters"),
        systems=names("systems"),
        question=codes("questions", "question"),
        prompt=codes("prompts", "prompt"),
        rater=codes("raters", "rater"),
        system_left=codes("systems", "system_left"),
        system_right=codes("systems", "system_right"),
        outcome=np.concatenate([table.outcome for table in tables]),
        optional={},
    )


def _coded(prefix: str, numbers: IntArray) -> tuple[IntArray, tuple[str, ...]]:
    """Codes into the sorted names, a prefix and a number, that occur."""
    found, code = np.unique(numbers, return_inverse=True)
    names = [f"{prefix}{number}" for number in found]
    order = sorted(range(len(names)), key=names.__getitem__)
    return np.argsort(order)[code].astype(np.intp), tuple(names[i] for i in order)
