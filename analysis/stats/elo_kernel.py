"""The two loops over every vote of every order of Elo.

Several orders go side by side (lanes), so that a processor need not wait for one vote's result before the next.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.stats.compiled import compiled
from analysis.stats.outcomes import FloatArray

Codes = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
UnsignedArray = npt.NDArray[np.uint64]
_SERIES = 0.4  # up to this change in log odds the series below is exact to 1e-12


def shuffle(lanes: Codes, seeds: UnsignedArray) -> None:
    """Put each row of `lanes` (L, n) in random order, by Fisher and Yates' exchanges.

    Its random numbers are those of splitmix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number
    generators", OOPSLA) from each row's own seed; n must be less than 2^32.
    """
    compiled(_shuffle)(lanes, seeds)


def play(
    lanes: Codes, first: UnsignedArray, second: UnsignedArray, score: FloatArray, step: float, strengths: FloatArray
) -> None:
    """Play each row of `lanes` (L, n) from left to right, changing `strengths` (L, systems), which are 10^(R / 400).

    Code c is a vote on systems first[c] and second[c] with score[c] for the first; `step` is K in log odds.
    """
    compiled(_play_by_series if abs(step) <= _SERIES else _play)(lanes, first, second, score, step, strengths)


def _shuffle(lanes: Codes, seeds: UnsignedArray) -> None:
    orders, n = lanes.shape
    for order in range(orders):
        state = seeds[order]
        for i in range(n):
            state += np.uint64(0x9E3779B97F4A7C15)
            mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed = mixed ^ (mixed >> np.uint64(31))
            j = np.uint64(i) + (((mixed >> np.uint64(32)) * np.uint64(n - i)) >> np.uint64(32))
            code = lanes[order, j]
            lanes[order, j] = lanes[order, i]
            lanes[order, i] = code


def _play(
    lanes: Codes, first: UnsignedArray, second: UnsignedArray, score: FloatArray, step: float, strengths: FloatArray
) -> None:
    orders, n = lanes.shape
    for i in range(n):
        for order in range(orders):
            code = lanes[order, i]
            a, b = first[code], second[code]
            strength_a, strength_b = strengths[order, a], strengths[order, b]
            growth = np.exp(step * (score[code] - strength_a / (strength_a + strength_b)))
            strengths[order, a] = strength_a * growth
            strengths[order, b] = strength_b / growth


def _play_by_series(
    lanes: Codes, first: UnsignedArray, second: UnsignedArray, score: FloatArray, step: float, strengths: FloatArray
) -> None:
    """As _play, with e^x and e^-x from the series of cosh and sinh, which takes half the time."""
    orders, n = lanes.shape
    for i in range(n):
        for order in range(orders):
            code = lanes[order, i]
            a, b = first[code], second[code]
            strength_a, strength_b = strengths[order, a], strengths[order, b]
            x = step * (score[code] - strength_a / (strength_a + strength_b))
            xx = x * x
            cosh = 1 + xx * (1 / 2 + xx * (1 / 24 + xx * (1 / 720 + xx * (1 / 40320 + xx / 3628800))))
            sinh = x * (1 + xx * (1 / 6 + xx * (1 / 120 + xx * (1 / 5040 + xx / 362880))))
            strengths[order, a] = strength_a * (cosh + sinh)
            strengths[order, b] = strength_b * (cosh - sinh)
