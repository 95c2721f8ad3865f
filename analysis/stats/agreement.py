"""How much raters agree, with each other and with themselves, and what that leaves of N votes.

A unit is a pair of images: one prompt and two systems. Outcomes are told from the systems' side (a, b, tie, both-bad),
so that it does not matter which image stood left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.stats.outcomes import BOTH_BAD, LEFT, RIGHT, FloatArray, IntArray, VoteTable
from analysis.stats.vote_file import OUTCOMES
from analysis.stats.win_rates import Pairs, pair_codes

A, B = LEFT, RIGHT  # once sides are turned back: the first and the second of the pair, by name


@dataclass(frozen=True)
class Agreement:
    """NaN where no pair of images has two votes of different raters.

    `alpha`: Krippendorff's; `pairwise`: the share of pairs of votes on one unit that are the same; `leave_one_out`: how
    often a vote agrees with the majority of the others' on its unit, over the votes where there is one.
    `prompt_icc`, `rater_icc`: correlation of votes on the same two systems that share the prompt, or the rater.
    """

    alpha: float
    pairwise: float
    leave_one_out: float
    prompt_icc: float
    rater_icc: float


def agreement(votes: VoteTable) -> Agreement:
    pair = pair_codes(votes)[2]
    flipped = votes.system_left > votes.system_right
    swapped = np.where(votes.outcome == LEFT, RIGHT, np.where(votes.outcome == RIGHT, LEFT, votes.outcome))
    outcome = np.where(flipped, swapped, votes.outcome)
    unit = np.unique(pair * len(votes.prompts) + votes.prompt, return_inverse=True)[1]
    counts = _counts(unit, outcome)
    return Agreement(
        alpha=krippendorff_alpha(counts),
        pairwise=pairwise_agreement(counts),
        leave_one_out=_leave_one_out(counts, unit, outcome),
        prompt_icc=_correlation(votes, pair, outcome, unit),
        rater_icc=_correlation(
            votes, pair, outcome, np.unique(pair * len(votes.raters) + votes.rater, return_inverse=True)[1]
        ),
    )


def krippendorff_alpha(counts: FloatArray) -> float:
    """Nominal alpha of counts (units, categories): 1 - D_o / D_e.

    With n_uc votes for category c on unit u, m_u = sum_c n_uc, and n and n_c the sums over units with m_u >= 2,

        D_o = 1/n sum_u 1/(m_u - 1) sum_{c != k} n_uc n_uk,    D_e = 1/(n (n - 1)) sum_{c != k} n_c n_k.

    Krippendorff (2011), "Computing Krippendorff's alpha-reliability". NaN without two votes on a unit, or where all
    votes are the same and nothing could disagree.
    """
    counts = counts[counts.sum(axis=1) >= 2]
    totals = counts.sum(axis=0)
    n = totals.sum()
    expected = (n**2 - (totals**2).sum()) / (n * (n - 1)) if n else 0.0
    if not expected:
        return math.nan
    of_unit = counts.sum(axis=1)
    observed = ((of_unit**2 - (counts**2).sum(axis=1)) / (of_unit - 1)).sum() / n
    return float(1 - observed / expected)


def pairwise_agreement(counts: FloatArray) -> float:
    """sum_u sum_c n_uc (n_uc - 1) / sum_u m_u (m_u - 1), of counts (units, categories)."""
    of_unit = counts.sum(axis=1)
    pairs = (of_unit * (of_unit - 1)).sum()
    return float((counts * (counts - 1)).sum() / pairs) if pairs else math.nan


def design_effect(pairs: Pairs) -> float:
    """How many times as large the variance of pair win rates is as that of as many independent votes.

    The sum of their two-way clustered variances over the sum of s^2 / n, where s^2 is a vote's own variance; over the
    pairs whose votes vary. Kish (1965), Survey Sampling, sec. 8.2. N votes are worth N divided by it.
    """
    n = pairs.counted
    with np.errstate(invalid="ignore", divide="ignore"):
        score2 = (pairs.a_wins + pairs.ties / 4) / n - pairs.win_rate**2
        independent = score2 / (n - 1)
    variance = pairs.intervals.standard_error**2
    known = np.isfinite(variance) & (variance > 0) & (independent > 0)
    return float(variance[known].sum() / independent[known].sum()) if known.any() else math.nan


def _counts(unit: IntArray, outcome: IntArray) -> FloatArray:
    units = int(unit.max(initial=-1)) + 1
    cells = np.bincount(unit * len(OUTCOMES) + outcome, minlength=units * len(OUTCOMES))
    return cells.reshape(units, len(OUTCOMES)).astype(np.float64)


def _leave_one_out(counts: FloatArray, unit: IntArray, outcome: IntArray) -> float:
    """Of the votes for a or b, where the others on the unit prefer one of the two."""
    decided = (outcome == A) | (outcome == B)
    mine = counts[unit, outcome][decided] - 1
    other = counts[unit, np.where(outcome == A, B, A)][decided]
    differs = mine != other
    return float((mine > other)[differs].mean()) if differs.any() else math.nan


def _correlation(votes: VoteTable, pair: IntArray, outcome: IntArray, cluster: IntArray) -> float:
    """Intra-class correlation of a's score within clusters: the mean product of the residuals of two votes of one
    cluster over their mean square; residuals are from the win rate of the pair of systems.

    (Donner, 1986, "A review of inference procedures for the intraclass correlation coefficient", sec. 2.)
    """
    counted = outcome != BOTH_BAD
    if not counted.any():
        return math.nan
    pair, cluster = pair[counted], np.unique(cluster[counted], return_inverse=True)[1]
    score = np.array([1.0, 0.0, 0.5])[outcome[counted]]
    n = np.bincount(pair)
    mean = np.bincount(pair, score) / np.maximum(n, 1)
    residual = (score - mean[pair]) * np.sqrt(n[pair] / np.maximum(n[pair] - 1, 1))
    sums, squares, sizes = np.bincount(cluster, residual), np.bincount(cluster, residual**2), np.bincount(cluster)
    pairs, square = (sizes * (sizes - 1)).sum(), (residual**2).mean()
    return float((sums**2 - squares).sum() / pairs / square) if pairs and square else math.nan
