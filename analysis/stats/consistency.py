"""How consistent raters are with themselves, where they saw the same two images again.

Votes are those of one question.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.stats.outcomes import BOTH_BAD, LEFT, RIGHT, FloatArray, IntArray, VoteTable
from analysis.stats.uncertainty import LEVEL
from analysis.stats.win_rates import Share, pair_codes


@dataclass(frozen=True, eq=False)
class Consistency:
    """Of answers to the same prompt and systems by the same rater: `repeats` (r,) after the first, and how many agree.

    `share`, `low`, `high` (r,) by rater, NaN without repeats; `overall` is of all raters.
    """

    raters: tuple[str, ...]
    repeats: IntArray
    share: FloatArray
    low: FloatArray
    high: FloatArray
    overall: Share


def self_consistency(votes: VoteTable, level: float = LEVEL) -> Consistency:
    """How often raters who saw a prompt's two images again gave the same answer, whatever the sides.

    The share of pairs of a rater's votes on one prompt and two systems that are the same, a tie and both-bad being
    answers of their own. Intervals of Wilson (1927), "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22, for as many trials as there are repeats.
    """
    pair = pair_codes(votes)[2]
    flipped = votes.system_left > votes.system_right
    swapped = np.where(votes.outcome == LEFT, RIGHT, np.where(votes.outcome == RIGHT, LEFT, votes.outcome))
    of_rater = (votes.rater * len(votes.prompts) + votes.prompt) * (int(pair.max(initial=0)) + 1) + pair
    keys, unit = np.unique(of_rater, return_inverse=True)
    rater = np.zeros(len(keys), dtype=np.intp)
    rater[unit] = votes.rater
    counts = np.zeros((len(keys), BOTH_BAD + 1))
    np.add.at(counts, (unit, np.where(flipped, swapped, votes.outcome)), 1.0)
    size = counts.sum(axis=1)

    def by_rater(values: FloatArray) -> FloatArray:
        return np.bincount(rater, values, minlength=len(votes.raters)).astype(np.float64)

    same, pairs = by_rater((counts * (counts - 1)).sum(axis=1)), by_rater(size * (size - 1))
    repeats = by_rater(size - 1)
    share, low, high = _wilson(same, pairs, repeats, level)
    sums = [column.sum(keepdims=True) for column in (same, pairs, repeats)]
    overall = _wilson(sums[0], sums[1], sums[2], level)
    return Consistency(
        votes.raters, repeats.astype(np.intp), share, low, high, Share(*(float(bound[0]) for bound in overall))
    )


def _wilson(
    same: FloatArray, pairs: FloatArray, trials: FloatArray, level: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    share = np.divide(same, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
    z2, n = stats.norm.ppf(0.5 + level / 2) ** 2, np.maximum(trials, 1)
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    margin = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return share, middle - margin, middle + margin
