"""Win rates and Bradley-Terry ratings of many tables of counts side by side, as a bootstrap needs them.

Counts (b, 3, k, k) say how often the outcomes LEFT, RIGHT and TIE occurred in each of b tables, with the row's system
on the left of the column's; they need not be whole numbers. A tie counts half.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit

from analysis.stats.bradley_terry import MAX_ITERATIONS, MEAN, POINTS, side_is_estimable
from analysis.stats.errors import NotConvergedError
from analysis.stats.outcomes import LEFT, TIE, BoolArray, FloatArray

_TOLERANCE = 1e-7  # Newton's last step in log odds; the error left is of the order of its square


def left_wins(counts: FloatArray) -> FloatArray:
    """A tie counting half: (b, k, k)."""
    return np.asarray(counts[:, LEFT] + counts[:, TIE] / 2, dtype=np.float64)


def win_rates(counts: FloatArray) -> FloatArray:
    """Of row against column (b, k, k), NaN where they did not meet."""
    left, games = left_wins(counts), counts.sum(axis=1)
    met = games + games.transpose(0, 2, 1)
    wins = left + (games - left).transpose(0, 2, 1)
    return np.asarray(np.divide(wins, met, out=np.full(met.shape, np.nan), where=met > 0), dtype=np.float64)


def ratings(counts: FloatArray, start: FloatArray) -> FloatArray:
    """Bradley-Terry ratings (b, k), each table's by itself: what `fit_counts` gives, in points; NaN where none exist.

    The iteration starts at the strengths and side `start` (k + 1,), in log odds. Raises NotConvergedError.
    """
    left, games = left_wins(counts), counts.sum(axis=1)
    exists = _is_strongly_connected(left + (games - left).transpose(0, 2, 1) > 0)
    found = np.full((len(counts), len(start) - 1), np.nan)
    if exists.any():
        left, games = left[exists], games[exists]
        found[exists] = MEAN + POINTS * _strengths(left, games, _has_side(left, games - left), start)
    return found


def _is_strongly_connected(edges: BoolArray) -> BoolArray:
    """Whether edges (b, k, k) lead from every node to every other: what a finite maximum needs (Ford 1957)."""
    k = edges.shape[-1]
    reach = (edges | np.eye(k, dtype=np.bool_)).astype(np.float32)
    for _ in range(math.ceil(math.log2(max(k, 2)))):
        reach = (reach @ reach > 0).astype(np.float32)
    return np.asarray(reach.all(axis=(1, 2)), dtype=np.bool_)


def _has_side(left: FloatArray, right: FloatArray) -> BoolArray:
    """bradley_terry.side_is_estimable of each table, after a quick look that is enough for most.

    Two systems that each won on the left against the other bound the side from below, and two on the right from above.
    """
    bounded = [((wins > 0) & (wins.transpose(0, 2, 1) > 0)).any(axis=(1, 2)) for wins in (left, right)]
    found: BoolArray = np.asarray(bounded[0] & bounded[1], dtype=np.bool_)
    for i in np.flatnonzero(~found):
        found[i] = side_is_estimable(left[i], right[i])
    return found


def _strengths(left: FloatArray, games: FloatArray, with_side: BoolArray, start: FloatArray) -> FloatArray:
    """Maximum-likelihood strengths (b, k), summing to zero, of b tables at once, by damped Newton steps.

    A step that changes no comparison's log odds by more than S is taken log(1 + S) / S times, with which the likelihood
    of a logistic model always rises: Sun & Tran-Dinh (2019), "Generalized self-concordant functions: a recipe for
    Newton-type methods", Mathematical Programming 178.
    """
    b, k = len(left), left.shape[1]
    parameters = np.tile(start, (b, 1))
    parameters[:, k] *= with_side
    diagonal = np.arange(k)
    information = np.zeros((b, k + 1, k + 1))
    for _ in range(MAX_ITERATIONS):
        chance = expit(_logits(parameters))
        surplus, weight = left - games * chance, games * chance * (1 - chance)
        gradient = np.concatenate([_net(surplus), (surplus.sum(axis=(1, 2)) * with_side)[:, None]], axis=1)
        information[:, :k, :k] = 1.0 - weight - weight.transpose(0, 2, 1)  # 1 1' fixes the sum of the strengths
        information[:, diagonal, diagonal] += weight.sum(axis=1) + weight.sum(axis=2)
        information[:, :k, k] = information[:, k, :k] = _net(weight) * with_side[:, None]
        information[:, k, k] = np.where(with_side, weight.sum(axis=(1, 2)), 1.0)
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        size = np.maximum(np.abs(_logits(step)).max(axis=(1, 2)), 1e-300)
        parameters += step * (np.log1p(size) / size)[:, None]
        if size.max() < _TOLERANCE:
            strengths: FloatArray = parameters[:, :k] - parameters[:, :k].mean(axis=1, keepdims=True)
            return strengths
    raise NotConvergedError(f"Bradley-Terry did not converge after {MAX_ITERATIONS} iterations.")


def _logits(parameters: FloatArray) -> FloatArray:
    """Log odds (b, k, k) of left against right, of strengths and side (b, k + 1)."""
    strengths, side = parameters[:, :-1], parameters[:, -1]
    return np.asarray(strengths[:, :, None] - strengths[:, None, :] + side[:, None, None])


def _net(cells: FloatArray) -> FloatArray:
    """What belongs to each system (b, k): as the left one, less as the right one."""
    return np.asarray(cells.sum(axis=2) - cells.sum(axis=1))
