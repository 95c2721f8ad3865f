"""Win rates: of each pair of systems, of each system against the field, and of the left side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats

from analysis.stats.outcomes import BOTH_BAD, LEFT, RIGHT, TIE, BoolArray, FloatArray, IntArray, VoteTable
from analysis.stats.ratings import Ratings, rated_votes
from analysis.stats.uncertainty import LEVEL, Influence, Intervals, two_way_intervals


@dataclass(frozen=True, eq=False)
class Pairs:
    """The m pairs of systems that were compared, `a` before `b` in the order of names; all columns (m,).

    `a` and `b` are codes into `systems`. `votes` = `a_wins` + `b_wins` + `ties` + `both_bad`;
    `simulated` of the votes no person has given.
    `win_rate` = (`a_wins` + `ties` / 2) / (`votes` - `both_bad`), NaN where every vote said both-bad.
    """

    systems: tuple[str, ...]
    a: IntArray
    b: IntArray
    a_wins: IntArray
    b_wins: IntArray
    ties: IntArray
    both_bad: IntArray
    simulated: IntArray
    win_rate: FloatArray
    intervals: Intervals

    @property
    def counted(self) -> IntArray:
        """Votes that the win rate rests on: all but both-bad."""
        return self.a_wins + self.b_wins + self.ties

    @property
    def votes(self) -> IntArray:
        return self.counted + self.both_bad


@dataclass(frozen=True)
class Share:
    """A proportion with its interval; NaN where there is none."""

    value: float
    low: float
    high: float


def pair_win_rates(votes: VoteTable, level: float = LEVEL) -> Pairs:
    """How often a is preferred to b, a tie counting half and both-bad nothing, for each pair compared."""
    a, b, pair = pair_codes(votes)
    flipped = votes.system_left > votes.system_right

    def count(rows: BoolArray) -> IntArray:
        return np.bincount(pair[rows], minlength=len(a)).astype(np.intp)

    a_wins = count(votes.outcome == np.where(flipped, RIGHT, LEFT))
    b_wins = count(votes.outcome == np.where(flipped, LEFT, RIGHT))
    ties = count(votes.outcome == TIE)
    both_bad = count(votes.outcome == BOTH_BAD)
    simulated = count(votes.simulated)
    counted = a_wins + b_wins + ties
    win_rate = np.divide(a_wins + ties / 2, counted, out=np.full(len(a), np.nan), where=counted > 0)
    influence = Influence(_scores(votes, pair, win_rate, counted), np.eye(len(a)), _bearing(votes, pair, len(a)))
    intervals = _rate_intervals(votes, win_rate, influence, level)
    return Pairs(votes.systems, a, b, a_wins, b_wins, ties, both_bad, simulated, win_rate, intervals)


def field_win_rates(votes: VoteTable, level: float = LEVEL) -> Ratings:
    """Each system's win rate averaged over the opponents that it met, every opponent weighing the same.

    That average, unlike the share of all votes won, does not depend on whom a system happened to meet more
    often. There is no interval (NaN) for a system that met one of its opponents in a single vote.
    RatingError without any vote.
    """
    votes = rated_votes(votes)
    pairs = pair_win_rates(votes, level)
    m, k = len(pairs.a), len(votes.systems)
    opponents = np.bincount(np.concatenate([pairs.a, pairs.b]), minlength=k)
    of_pair = np.zeros((m, k))
    of_pair[np.arange(m), pairs.a] = 1 / opponents[pairs.a]
    of_pair[np.arange(m), pairs.b] = -1 / opponents[pairs.b]
    values = pairs.win_rate @ np.maximum(of_pair, 0) + (1 - pairs.win_rate) @ np.maximum(-of_pair, 0)
    pair = pair_codes(votes)[2]
    bearing = _bearing(votes, votes.system_left, k) + _bearing(votes, votes.system_right, k)
    influence = Influence(_scores(votes, pair, pairs.win_rate, pairs.counted), of_pair, bearing)
    once = (of_pair[pairs.counted == 1] != 0).any(axis=0)
    intervals = _rate_intervals(votes, values, influence, level).without(once)
    return Ratings(
        systems=votes.systems,
        values=values,
        intervals=intervals,
        parameters={"average": "over opponents", "ties": "half", "level": level},
        diagnostics={"opponents": opponents.astype(np.float64)},
    )


def left_share(votes: VoteTable, level: float = LEVEL) -> Share:
    """How often the left image was preferred, a tie counting half.

    One half without position bias, provided that each pair was shown about equally often either way round.
    """
    votes = votes.counted()
    if not len(votes):
        return Share(math.nan, math.nan, math.nan)
    everything = np.zeros(len(votes), dtype=np.intp)
    value = np.array([votes.left_score.mean()])
    scores = sparse.csr_array((votes.left_score - value)[:, None] / len(votes))
    influence = Influence(scores, np.eye(1), _bearing(votes, everything, 1))
    intervals = _rate_intervals(votes, value, influence, level)
    return Share(float(value[0]), float(intervals.low[0]), float(intervals.high[0]))


def pair_codes(votes: VoteTable) -> tuple[IntArray, IntArray, IntArray]:
    """The pairs that occur, as codes a < b (m,), and the pair of each vote (N,)."""
    k = len(votes.systems)
    a = np.minimum(votes.system_left, votes.system_right)
    b = np.maximum(votes.system_left, votes.system_right)
    keys, pair = np.unique(a * k + b, return_inverse=True)
    first, second = np.divmod(keys, max(k, 1))
    return first, second, pair.astype(np.intp)


def _scores(votes: VoteTable, pair: IntArray, win_rate: FloatArray, counted: IntArray) -> sparse.csr_array:
    """Influence on the win rate of the vote's pair: (y - rate) / n, times sqrt(n / (n - 1)).

    The second factor undoes, as the n - 1 of a sample variance does, that n votes lie closer to their own
    mean than to the truth. With a single vote nothing remains.
    """
    rows = np.flatnonzero(votes.outcome != BOTH_BAD)
    left = votes.left_score[rows]
    score = np.where(votes.system_left[rows] < votes.system_right[rows], left, 1 - left)
    columns = pair[rows]
    n = counted[columns]
    values = (score - win_rate[columns]) / np.sqrt(n * np.maximum(n - 1, 1))
    return sparse.csr_array((values, (rows, columns)), shape=(len(votes), len(win_rate)))


def _bearing(votes: VoteTable, column: IntArray, columns: int) -> sparse.csr_array:
    rows = np.flatnonzero(votes.outcome != BOTH_BAD)
    return sparse.csr_array((np.ones(len(rows)), (rows, column[rows])), shape=(len(votes), columns))


def _rate_intervals(votes: VoteTable, rates: FloatArray, influence: Influence, level: float) -> Intervals:
    """Two-way clustered intervals, kept within 0 and 1.

    Where all votes agree the estimated variance is zero and says nothing: those rates get the exact binomial
    interval of as many trials as there are effective clusters (Korn & Graubard 1998, Survey Methodology 24).
    """
    found = two_way_intervals(votes, rates, influence, level)
    n, tail = found.effective_clusters, (1 - level) / 2
    same = found.standard_error == 0
    with np.errstate(invalid="ignore"):
        lowest = np.where(rates > 0, stats.beta.ppf(tail, rates * n, n - rates * n + 1), 0.0)
        highest = np.where(rates < 1, stats.beta.isf(tail, rates * n + 1, n - rates * n), 1.0)
    return Intervals(
        np.where(same, lowest, np.clip(found.low, 0, 1)),
        np.where(same, highest, np.clip(found.high, 0, 1)),
        found.standard_error,
        found.effective_prompts,
        found.effective_raters,
        level,
    )
