"""Win rates: of each pair of systems, of each system against the field, and of the left side."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse, special

from analysis.stats.outcomes import (
    BOTH_BAD,
    FloatArray,
    IntArray,
    Kinds,
    VoteTable,
)
from analysis.stats.ratings import Ratings, ratable_votes
from analysis.stats.sums import rows_of, some_rows
from analysis.stats.uncertainty import INDEPENDENT, LEVEL, TWO_WAY, Influence, Intervals, two_way_intervals
from analysis.stats.vote_file import OUTCOMES

_NO_SPREAD = 1e-12


@dataclass(frozen=True, eq=False)
class PairCounts:
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

    @property
    def counted(self) -> IntArray:
        """Votes that the win rate rests on: all but both-bad."""
        return self.a_wins + self.b_wins + self.ties

    @property
    def votes(self) -> IntArray:
        return self.counted + self.both_bad


@dataclass(frozen=True, eq=False)
class Pairs(PairCounts):
    """With the intervals (m,) of the win rates."""

    intervals: Intervals


@dataclass(frozen=True)
class Share:
    """A proportion with its interval; NaN where there is none."""

    value: float
    low: float
    high: float


def pair_win_rates(votes: VoteTable, level: float = LEVEL, cluster: str = TWO_WAY) -> Pairs:
    """How often a is preferred to b, a tie counting half and both-bad nothing, for each pair compared.

    Intervals are those of `cluster` in uncertainty.CLUSTERS; Wilson's where every vote stands for itself.
    """
    counts, pair = _counts(votes, votes.kinds.counts)
    scores = _scores(votes.kinds, pair, counts, cluster)
    bearing = sparse.csr_array((np.ones(scores.nnz), scores.indices, scores.indptr), shape=scores.shape)
    influence = Influence(scores, np.eye(len(counts.a)), bearing, votes.kind)
    if cluster == INDEPENDENT:
        intervals = _wilson(counts.win_rate, counts.counted, _vote_variance(counts), level)
    else:
        intervals = rate_intervals(votes, counts.win_rate, influence, level, cluster)
    return Pairs(**vars(counts), intervals=intervals)


def count_pairs(votes: VoteTable) -> PairCounts:
    """The counts of `pair_win_rates` without its intervals."""
    return _counts(votes, votes.kinds.counts)[0]


def field_win_rates(votes: VoteTable, level: float = LEVEL, cluster: str = TWO_WAY) -> Ratings:
    """Each system's win rate averaged over the opponents that it met, every opponent weighing the same.

    That average, unlike the share of all votes won, does not depend on whom a system happened to meet more
    often. There is no interval (NaN) for a system that met one of its opponents in a single vote.
    RatingError without any vote.
    """
    votes = ratable_votes(votes)
    pairs, pair = _counts(votes, votes.kinds.counted)
    m, k = len(pairs.a), len(votes.systems)
    opponents = np.bincount(np.concatenate([pairs.a, pairs.b]), minlength=k)
    of_pair = np.zeros((m, k))
    of_pair[np.arange(m), pairs.a] = 1 / opponents[pairs.a]
    of_pair[np.arange(m), pairs.b] = -1 / opponents[pairs.b]
    values = pairs.win_rate @ np.maximum(of_pair, 0) + (1 - pairs.win_rate) @ np.maximum(-of_pair, 0)
    scores, weights, ones = _scores(votes.kinds, pair, pairs, cluster), of_pair, np.ones(len(pair))
    if cluster in {TWO_WAY, INDEPENDENT}:  # the jackknife needs to know the pairs
        scores, weights = sparse.csr_array(scores @ sparse.csr_array(of_pair)), np.eye(k)
    bearing = some_rows(rows_of([votes.kinds.left, votes.kinds.right], [ones, ones], k), votes.kinds.is_counted)
    influence = Influence(scores, weights, bearing, votes.kind)
    once = (of_pair[pairs.counted == 1] != 0).any(axis=0)
    intervals = rate_intervals(votes, values, influence, level, cluster).without(once)
    return Ratings(
        systems=votes.systems,
        values=values,
        intervals=intervals,
        parameters={"average": "over opponents", "ties": "half", "level": level},
        diagnostics={"opponents": opponents.astype(np.float64)},
    )


def left_share(votes: VoteTable, level: float = LEVEL, cluster: str = TWO_WAY) -> Share:
    """How often the left image was preferred, a tie counting half.

    One half without position bias, provided that each pair was shown about equally often either way round.
    """
    if not votes.kinds.counted.any():
        return Share(math.nan, math.nan, math.nan)
    value, intervals = left_rate(votes, level, cluster)
    return Share(float(value[0]), float(intervals.low[0]), float(intervals.high[0]))


def left_rate(votes: VoteTable, level: float = LEVEL, cluster: str = TWO_WAY) -> tuple[FloatArray, Intervals]:
    """The value of `left_share` (1,), of votes that are not all both-bad, and all of its interval."""
    kinds = votes.kinds
    n = int(kinds.counted.sum())
    score, ones = np.nan_to_num(kinds.left_score), np.ones(len(kinds.counts))
    value = np.array([score @ kinds.counted / n])
    if cluster == INDEPENDENT:
        variance = (score - value) ** 2 @ kinds.counted / n
        return value, _wilson(value, np.array([n]), np.array([variance]), level)
    everything = [np.zeros(len(score), dtype=np.intp)]
    scores, bearing = (
        some_rows(rows_of(everything, [values], 1), kinds.is_counted) for values in ((score - value) / n, ones)
    )
    influence = Influence(scores, np.eye(1), bearing, votes.kind)
    return value, rate_intervals(votes, value, influence, level, cluster)


def pair_names(systems: tuple[str, ...], a: IntArray, b: IntArray) -> list[tuple[str, str]]:
    return [(systems[first], systems[second]) for first, second in zip(a, b, strict=True)]


def pair_codes(votes: VoteTable) -> tuple[IntArray, IntArray, IntArray]:
    """The pairs that occur, as codes a < b (m,), and the pair of each vote (N,)."""
    a, b, pair = pairs_of_kinds(votes, votes.kinds.counts)
    return a, b, pair.take(votes.kind)


def pairs_of_kinds(votes: VoteTable, counts: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """The pairs that occur among so many votes of each kind, as codes a < b (m,), and the pair of each kind.

    For kinds of no such pair that is m.
    """
    k, kinds = len(votes.systems), votes.kinds
    cells = kinds.first * k + kinds.second
    occurring = np.flatnonzero(np.bincount(cells, counts, minlength=k * k))
    number = np.full(k * k, len(occurring))
    number[occurring] = np.arange(len(occurring))
    first, second = np.divmod(occurring, max(k, 1))
    return first, second, number[cells]


def _counts(votes: VoteTable, counts: IntArray) -> tuple[PairCounts, IntArray]:
    """Of so many votes of each kind; and the pair of each kind of vote, as `pairs_of_kinds` has it."""
    a, b, pair = pairs_of_kinds(votes, counts)
    m, kinds, width = len(a), votes.kinds, len(OUTCOMES)
    table = np.bincount(pair * width + kinds.outcome_of_first, counts, minlength=(m + 1) * width)
    a_wins, b_wins, ties, both_bad = table.reshape(m + 1, width)[:m].T.astype(np.intp)
    simulated = np.bincount(pair[votes.kind[votes.simulated]], minlength=m).astype(np.intp)
    counted = a_wins + b_wins + ties
    win_rate = np.divide(a_wins + ties / 2, counted, out=np.full(m, np.nan), where=counted > 0)
    return PairCounts(votes.systems, a, b, a_wins, b_wins, ties, both_bad, simulated, win_rate), pair


def _scores(kinds: Kinds, pair: IntArray, counts: PairCounts, cluster: str) -> sparse.csr_array:
    """Influence on the win rate of the vote's pair: (y - rate) / n, times sqrt(n / (n - 1)); a row a kind of vote.

    The second factor undoes, as the n - 1 of a sample variance does, that n votes lie closer to their own
    mean than to the truth. With a single vote nothing remains. The jackknife of one kind of cluster sees to it itself.
    """
    n = counts.counted
    occurs = (kinds.outcome != BOTH_BAD) & (kinds.counts > 0)
    own, score = pair[occurs], np.array([1.0, 0.0, 0.5])[kinds.outcome_of_first[occurs]]
    divisor = np.sqrt(n * np.maximum(n - 1, 1)) if cluster in {TWO_WAY, INDEPENDENT} else n
    values = (score - counts.win_rate[own]) / divisor[own]
    starts = np.concatenate([[0], np.cumsum(occurs)])
    return sparse.csr_array((values, own, starts), shape=(len(pair), len(n)))


def _vote_variance(pairs: PairCounts) -> FloatArray:
    """Of one vote's score within its pair, (m,)."""
    with np.errstate(invalid="ignore"):
        return np.asarray((pairs.a_wins + pairs.ties / 4) / pairs.counted - pairs.win_rate**2)


def _wilson(rates: FloatArray, votes: IntArray, variances: FloatArray, level: float) -> Intervals:
    """Wilson (1927), "Probable inference, the law of succession, and statistical inference", Journal of the American
    Statistical Association 22, of independent votes:

        (r + z^2 / 2n -+ z sqrt(r (1 - r) / n + z^2 / 4n^2)) / (1 + z^2 / n).

    A tie counting half, a vote varies less than one that is 0 or 1: with its variance s^2, n votes tell as much as
    n r (1 - r) / s^2 votes without ties would, and that is the n of the formula.
    """
    z = special.ndtri(0.5 + level / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        n = np.where(variances > _NO_SPREAD, votes * rates * (1 - rates) / variances, votes).astype(np.float64)
        centre = (rates + z**2 / (2 * n)) / (1 + z**2 / n)
        margin = z * np.sqrt(rates * (1 - rates) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
        error = np.sqrt(variances / np.maximum(votes - 1, 1))
    number = votes.astype(np.float64)
    return Intervals(centre - margin, centre + margin, error, number, number, level, trials=n)


def rate_intervals(
    votes: VoteTable, rates: FloatArray, influence: Influence, level: float, cluster: str = TWO_WAY
) -> Intervals:
    """Clustered intervals, kept within 0 and 1.

    Where all votes agree the estimated variance is zero and says nothing: those rates get the exact binomial
    interval of as many trials as there are effective clusters (Korn & Graubard 1998, Survey Methodology 24).
    """
    found = two_way_intervals(votes, rates, influence, level, cluster)
    n, tail = found.effective_clusters, (1 - level) / 2
    same = found.standard_error == 0
    with np.errstate(invalid="ignore"):
        lowest = np.where(rates > 0, special.betaincinv(rates * n, n - rates * n + 1, tail), 0.0)
        highest = np.where(rates < 1, special.betainccinv(rates * n + 1, n - rates * n, tail), 1.0)
    return replace(
        found,
        low=np.where(same, lowest, np.clip(found.low, 0, 1)),
        high=np.where(same, highest, np.clip(found.high, 0, 1)),
    )
