"""How much raters agree, with each other and with themselves, and what that leaves of N votes.

A unit is a pair of images: one prompt and two systems. Outcomes are told from the systems' side (a, b, tie, both-bad),
so that it does not matter which image stood left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.stats.clusters import Clusters
from analysis.stats.compiled import compiled, count_units
from analysis.stats.outcomes import LEFT, RIGHT, FloatArray, VoteTable
from analysis.stats.vote_file import OUTCOMES
from analysis.stats.win_rates import Pairs, count_pairs, pairs_of_kinds

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
    units, prompt_icc = _units(votes, votes.clusters_of_kinds.prompt, len(votes) // 2)
    counts = units.astype(np.float64)
    return Agreement(
        alpha=krippendorff_alpha(counts),
        pairwise=pairwise_agreement(counts),
        leave_one_out=_leave_one_out(counts),
        prompt_icc=prompt_icc,
        rater_icc=_units(votes, votes.clusters_of_kinds.rater, 0)[1],
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
    observed = ((of_unit**2 - np.einsum("uc,uc->u", counts, counts)) / (of_unit - 1)).sum() / n
    return float(1 - observed / expected)


def pairwise_agreement(counts: FloatArray) -> float:
    """sum_u sum_c n_uc (n_uc - 1) / sum_u m_u (m_u - 1), of counts (units, categories)."""
    of_unit = counts.sum(axis=1)
    pairs = (of_unit * (of_unit - 1)).sum()
    return float((np.einsum("uc,uc->", counts, counts) - counts.sum()) / pairs) if pairs else math.nan


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


def _leave_one_out(counts: FloatArray) -> float:
    """Of the votes for a or b, where the others on the unit prefer one of the two."""
    agreeing = differing = 0.0
    for mine, other in ((counts[:, A], counts[:, B]), (counts[:, B], counts[:, A])):
        agreeing += mine[mine - 1 > other].sum()
        differing += mine[mine - 1 != other].sum()
    return float(agreeing / differing) if differing else math.nan


def _units(votes: VoteTable, by: Clusters, room: int) -> tuple[npt.NDArray[np.int32], float]:
    """Of votes on two systems that share a prompt, or a rater: the counts (u, outcomes) of those that are not alone, as
    far as there is `room`, and the intra-class correlation of the score of the pair's first system.

    That is the mean product of the residuals of two votes of one unit over their mean square; residuals are from the
    win rate of the pair of systems. (Donner, 1986, "A review of inference procedures for the intraclass correlation
    coefficient", sec. 2.)
    """
    pairs, pair = count_pairs(votes), pairs_of_kinds(votes, votes.kinds.counts)[2]
    n = pairs.counted
    residual = np.array([1.0, 0.0, 0.5]) - np.nan_to_num(pairs.win_rate)[:, None]
    residual *= np.sqrt(n / np.maximum(n - 1, 1))[:, None]
    counts, totals = np.empty((room, len(OUTCOMES)), dtype=np.int32), np.zeros(5)
    compiled(count_units)(by.rows, by.ends, pair, votes.kinds.outcome_of_first, residual, counts, totals)
    products, two, squares, one, number = totals
    return counts[: int(number)], float(products / two / (squares / one)) if two and squares else math.nan
