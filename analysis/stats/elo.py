"""Elo ratings as the paper on Adversarial Diffusion Distillation (SDXL Turbo) computes them."""

from __future__ import annotations

import numpy as np

from analysis.stats.outcomes import FloatArray, IntArray, VoteTable
from analysis.stats.ratings import Ratings, rated_votes

K = 1.0
START = 1000.0
SHUFFLES = 1000
SCALE = 400.0
_CELLS_AT_ONCE = 20_000_000


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

    The result does not depend on the order of rows or on sides: votes are put in a canonical order first.
    Time is linear in votes x shuffles, memory bounded.
    """
    votes = rated_votes(votes)
    a, b, score = _canonical(votes)
    systems = len(votes.systems)
    lanes = max(1, min(shuffles, _CELLS_AT_ONCE // len(score)))
    ratings = np.empty((shuffles, systems))
    for first in range(0, shuffles, lanes):
        block = range(first, min(first + lanes, shuffles))
        orders = np.array([rng.permutation(len(score)) for _ in block], dtype=np.intp).T
        ratings[block.start : block.stop] = _play(a, b, score, orders, systems, k, start)
    return Ratings(
        systems=votes.systems,
        values=ratings.mean(axis=0),
        intervals=None,
        parameters={"k": k, "start": start, "shuffles": float(shuffles), "scale": SCALE, "ties": "half"},
        diagnostics={"order_sd": ratings.std(axis=0, ddof=1) if shuffles > 1 else np.zeros(systems)},
    )


def _canonical(votes: VoteTable) -> tuple[IntArray, IntArray, FloatArray]:
    flipped = votes.system_left > votes.system_right
    a = np.where(flipped, votes.system_right, votes.system_left)
    b = np.where(flipped, votes.system_left, votes.system_right)
    score = np.where(flipped, 1 - votes.left_score, votes.left_score)
    order = np.lexsort((score, b, a))
    return a[order], b[order], score[order]


def _play(
    a: IntArray, b: IntArray, score: FloatArray, orders: IntArray, systems: int, k: float, start: float
) -> FloatArray:
    """Play every column of `orders` (N, lanes) side by side; the final ratings (lanes, systems)."""
    lanes = orders.shape[1]
    ratings = np.full(lanes * systems, start, dtype=np.float64)
    offset = np.arange(lanes) * systems
    growth = np.log(10) / SCALE
    for order in orders:
        first, second = a[order] + offset, b[order] + offset
        before_a, before_b = ratings[first], ratings[second]
        change = k * (score[order] - 1 / (1 + np.exp((before_b - before_a) * growth)))
        ratings[first] = before_a + change
        ratings[second] = before_b - change
    return ratings.reshape(lanes, systems)
