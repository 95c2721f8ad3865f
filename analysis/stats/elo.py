"""Elo ratings as the paper on Adversarial Diffusion Distillation (SDXL Turbo) computes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from analysis.stats import elo_kernel
from analysis.stats.bradley_terry import fit_counts
from analysis.stats.errors import RatingError
from analysis.stats.outcomes import FloatArray, IntArray, VoteTable
from analysis.stats.ratings import Ratings, ratable_votes
from analysis.stats.vote_file import OUTCOMES

K = 1.0
START = 1000.0
SHUFFLES = 1000
SCALE = 400.0
FORGOTTEN = 12.0
"""After so many time constants the start is forgotten: e^-12 of it remains."""
SETTLED = 4.0
"""After so many time constants ratings that began at their centre vary as they always will."""
_LANES = 8
_PER_POINT = np.log(10) / SCALE


def elo(
    votes: VoteTable, rng: np.random.Generator, k: float = K, start: float = START, shuffles: int = SHUFFLES
) -> Ratings:
    """Play all votes in `shuffles` random orders and average the final ratings.

    Everyone starts at `start`; after each vote R_a += k (y - p), R_b -= k (y - p), where y is a's score (1,
    0, half for a tie; both-bad is dropped) and p = 1 / (1 + 10^((R_b - R_a) / 400)). Elo (1978), "The Rating
    of Chessplayers"; k = 1, start 1000 and 1000 orders as in Sauer, Lorenz, Blattmann & Rombach (2023),
    "Adversarial Diffusion Distillation", appendix on human preference.

    `diagnostics["order_sd"]` (systems,) is the standard deviation between orders. It is order noise: it
    shrinks no interval and covers no truth, so there are no intervals. With few votes the values stay near
    the start.

    With very many votes ratings forget how they began. Near the point R* where expected changes are zero (it exists
    where Bradley-Terry's maximum does, and is that), a difference from it shrinks by e^-1 in tau votes,

        1 / tau = k ln(10) / 400 * (second least eigenvalue of the mean over votes of p (1 - p) d d^T),  d = e_a - e_b,

    so that orders of more than FORGOTTEN tau votes end as if they had begun at R*. Of those only the last SETTLED tau
    votes are played, from R*: what that leaves out is e^-SETTLED of the distance between R* and the mean, itself below
    the order noise. `diagnostics["played"]` says how many votes of each order were played.

    The result does not depend on the order of rows or on sides. Time is linear in votes played x shuffles.
    """
    cells = _cells(ratable_votes(votes))
    played, began = _end_of_order(cells, k, start)
    blocks = _blocks(cells, played, shuffles, rng)

    def final(block: _Block) -> FloatArray:
        lanes = block.shuffled()
        strengths = np.tile(np.exp((began - start) * _PER_POINT), (len(lanes), 1))
        elo_kernel.play(lanes, cells.first, cells.second, cells.score, k * _PER_POINT, strengths)
        return np.asarray(start + np.log(strengths) / _PER_POINT, dtype=np.float64)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        ratings = np.concatenate(list(threads.map(final, blocks)))
    return Ratings(
        systems=cells.systems,
        values=ratings.mean(axis=0),
        intervals=None,
        parameters={"k": k, "start": start, "shuffles": float(shuffles), "scale": SCALE, "ties": "half"},
        diagnostics={
            "order_sd": ratings.std(axis=0, ddof=1) if shuffles > 1 else np.zeros(len(cells.systems)),
            "played": float(played),
        },
    )


@dataclass(frozen=True, eq=False)
class _Cells:
    """Votes alike: `counts` of them on `first` before `second`, by name, with that `score` for the first; all (c,)."""

    systems: tuple[str, ...]
    first: elo_kernel.UnsignedArray
    second: elo_kernel.UnsignedArray
    score: FloatArray
    counts: IntArray


@dataclass(frozen=True, eq=False)
class _Block:
    """Some of the orders, and the randomness that is theirs: results do not depend on which thread plays when."""

    cells: _Cells
    played: int
    orders: int
    rng: np.random.Generator

    def shuffled(self) -> elo_kernel.Codes:
        """The cells (orders, played) of the votes at the end of each order."""
        counts = self.cells.counts
        codes: elo_kernel.Codes = np.arange(len(counts), dtype=np.uint32)
        if len(counts) < 2**16:
            codes = codes.astype(np.uint16)  # the smaller, the nearer to the processor
        lanes: elo_kernel.Codes
        if self.played == counts.sum():
            lanes = np.tile(np.repeat(codes, counts), (self.orders, 1))
        else:
            drawn = self.rng.multivariate_hypergeometric(counts, self.played, self.orders, method="marginals")
            lanes = np.array([np.repeat(codes, row) for row in drawn])
        elo_kernel.shuffle(lanes, self.rng.integers(0, 2**64, self.orders, dtype=np.uint64))
        return lanes


def _blocks(cells: _Cells, played: int, shuffles: int, rng: np.random.Generator) -> Iterator[_Block]:
    sizes = [min(_LANES, shuffles - first) for first in range(0, shuffles, _LANES)]
    for orders, own in zip(sizes, rng.spawn(len(sizes)), strict=True):
        yield _Block(cells, played, orders, own)


def _cells(votes: VoteTable) -> _Cells:
    k = len(votes.systems)
    kinds = votes.kinds
    table = np.bincount((kinds.first * k + kinds.second) * len(OUTCOMES) + kinds.outcome_of_first, kinds.counted)
    pair, outcome = np.divmod(occurring := np.flatnonzero(table), len(OUTCOMES))
    first, second = np.divmod(pair, k)
    score, counts = np.array([1.0, 0.0, 0.5])[outcome], table[occurring].astype(np.intp)
    return _Cells(votes.systems, first.astype(np.uint64), second.astype(np.uint64), score, counts)


def _end_of_order(cells: _Cells, k: float, start: float) -> tuple[int, FloatArray]:
    """How many votes at the end of an order are to be played, and the ratings (systems,) from which on."""
    total, systems = int(cells.counts.sum()), len(cells.systems)
    wins = np.zeros((systems, systems))
    np.add.at(wins, (cells.first, cells.second), cells.score * cells.counts)
    np.add.at(wins, (cells.second, cells.first), (1 - cells.score) * cells.counts)
    games = wins + wins.T
    try:
        strengths = fit_counts(wins, games, cells.systems).strengths  # every vote both ways round, so without a side
    except RatingError:
        return total, np.full(systems, start)
    chance = 1 / (1 + np.exp(np.subtract.outer(strengths, strengths)))
    weight = games * chance * (1 - chance) / total
    pull = np.linalg.eigvalsh(np.diag(weight.sum(axis=0)) - weight)[1]
    constant = 1 / (k * _PER_POINT * pull)
    if total <= FORGOTTEN * constant:
        return total, np.full(systems, start)
    return int(np.ceil(SETTLED * constant)), np.asarray(start + strengths / _PER_POINT)
