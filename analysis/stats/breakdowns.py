"""Win rates in slices of the votes (a category, a challenge), pooled so that small slices do not shout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from analysis.stats.errors import VoteFileError, listed
from analysis.stats.outcomes import BoolArray, FloatArray, IntArray, VoteTable
from analysis.stats.pair_tests import holm
from analysis.stats.pooling import Pooled, pool
from analysis.stats.ratings import rated_votes
from analysis.stats.uncertainty import LEVEL, Influence, Intervals, covariances
from analysis.stats.win_rates import rate_intervals

MOST_SLICES = 50
TOO_FEW_CLUSTERS = 3.0
"""With no more effective prompts or raters an estimated variance is not believed: Student's t has none itself."""
_LARGEST_CORRELATION = 0.99  # keeps their matrix invertible


@dataclass(frozen=True, eq=False)
class Breakdown:
    """Win rates against the field of k systems in c slices; all (c, k) unless said otherwise.

    `votes`, `prompts`, `raters` (c,) count those of a slice, both-bad left out. `raw` are the slices' own rates, with
    two-way clustered `standard_error` and interval; `pooled` with `low` and `high` borrow from the other slices.
    `reasons` is empty where the raw rate went into the pool and otherwise says why not: then `pooled` is what the other
    slices lead to expect of one more, with as wide an interval. NaN: the votes do not determine it.
    `mean`, `tau`, `q`, `p` (k,) are those of pooling.Pooled; `p_holm` is corrected for the number of systems.
    """

    column: str
    slices: tuple[str, ...]
    systems: tuple[str, ...]
    votes: IntArray
    prompts: IntArray
    raters: IntArray
    raw: FloatArray
    raw_low: FloatArray
    raw_high: FloatArray
    standard_error: FloatArray
    pooled: FloatArray
    low: FloatArray
    high: FloatArray
    reasons: tuple[tuple[str, ...], ...]
    mean: FloatArray
    tau: FloatArray
    q: FloatArray
    p: FloatArray
    p_holm: FloatArray
    level: float


@dataclass(frozen=True, eq=False)
class _Rates:
    """Of columns (c * k,), slice by slice: opponents met, and whether one of them was met in a single vote."""

    values: FloatArray
    opponents: IntArray
    once: BoolArray
    influence: Influence


def break_down(votes: VoteTable, column: str, level: float = LEVEL) -> Breakdown:
    """Each system's win rate against the field in each slice, raw and pooled over the slices (`pooling`).

    `column` names an optional column (category, challenge); votes where it is empty are the slice "". Within a slice
    every opponent weighs the same, as in `field_win_rates`. For the win rate of one pair, pass its votes alone.

    The covariance V of the slices has the two-way clustered variances, each times nu / (nu - 2), the variance of
    Student's t with its nu = G - 1 degrees: slices of few prompts or raters are believed less, and where nothing is
    pooled the interval is about that of t. All slices of a system share one correlation, the mean of those of
    V_prompt + V_rater, since raters carry their taste from one slice to the next.

    VoteFileError without the column, or with more than MOST_SLICES values; RatingError without any vote.
    """
    votes = rated_votes(votes)
    slices, slice_of = slice_codes(votes, column)
    c, k = len(slices), len(votes.systems)
    rates = _rates(votes, slice_of, c)
    intervals = rate_intervals(votes, rates.values, rates.influence, level).without(rates.once)
    reasons = _reasons(rates, intervals, _opponents(votes), c)
    found = _pooled(votes, rates, intervals, reasons == "", level)

    def of_slices(codes: IntArray, number: int) -> IntArray:
        occurs = np.bincount(codes * c + slice_of, minlength=number * c) > 0
        return np.asarray(occurs.reshape(number, c).sum(axis=0), dtype=np.intp)

    def stacked(name: str) -> FloatArray:
        return np.stack([getattr(of, name) for of in found], axis=-1)

    return Breakdown(
        column=column,
        slices=slices,
        systems=votes.systems,
        votes=np.bincount(slice_of, minlength=c).astype(np.intp),
        prompts=of_slices(votes.prompt, len(votes.prompts)),
        raters=of_slices(votes.rater, len(votes.raters)),
        raw=rates.values.reshape(c, k),
        raw_low=intervals.low.reshape(c, k),
        raw_high=intervals.high.reshape(c, k),
        standard_error=intervals.standard_error.reshape(c, k),
        pooled=stacked("values"),
        low=np.clip(stacked("low"), 0, 1),
        high=np.clip(stacked("high"), 0, 1),
        reasons=tuple(tuple(row) for row in reasons),
        mean=stacked("mean"),
        tau=stacked("tau"),
        q=stacked("q"),
        p=stacked("p"),
        p_holm=holm(stacked("p")),
        level=level,
    )


def slice_codes(votes: VoteTable, column: str) -> tuple[tuple[str, ...], IntArray]:
    """The sorted values of an optional column, and which of them each vote has (N,). VoteFileError as `break_down`."""
    if column not in votes.optional:
        others = listed(list(votes.optional), len(votes.optional)) or "none"
        raise VoteFileError(f'There is no column "{column}" to break the votes down by; optional columns are {others}.')
    codes, names = pd.factorize(votes.optional[column], sort=True)
    if len(names) > MOST_SLICES:
        raise VoteFileError(f"{column} has {len(names)} different values; at most {MOST_SLICES} can be told apart.")
    return tuple(str(name) for name in names), codes.astype(np.intp)


def _rates(votes: VoteTable, slice_of: IntArray, c: int) -> _Rates:
    """A system in a slice counts as a system of its own, that meets those of its slice."""
    k = len(votes.systems)
    a = np.minimum(votes.system_left, votes.system_right)
    b = np.maximum(votes.system_left, votes.system_right)
    code = (slice_of * k + a) * k + b
    occurs = np.bincount(code, minlength=c * k * k) > 0
    keys, pair = np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[code]
    first, second = keys // k, keys // (k * k) * k + keys % k
    score = np.where(votes.system_left == a, votes.left_score, 1 - votes.left_score)
    n = np.bincount(pair)
    rate = np.bincount(pair, score) / n

    def added(of_first: FloatArray, of_second: FloatArray) -> FloatArray:
        sums = np.bincount(first, of_first, c * k) + np.bincount(second, of_second, c * k)
        return np.asarray(sums, dtype=np.float64)

    ones = np.ones(len(n))
    opponents = added(ones, ones)
    totals = added(rate, 1 - rate)
    values = np.divide(totals, opponents, out=np.full(c * k, np.nan), where=opponents > 0)
    # As in win_rates: the second factor undoes that votes lie closer to their own mean than to the truth.
    residual = (score - rate[pair]) / np.sqrt(n * np.maximum(n - 1, 1))[pair]
    where = np.tile(np.arange(len(votes)), 2), np.concatenate([first[pair], second[pair]])
    data = np.concatenate([residual, -residual]) / opponents[where[1]]
    scores = sparse.csr_array((data, where), shape=(len(votes), c * k))
    bearing = sparse.csr_array((np.ones(len(data)), where), shape=(len(votes), c * k))
    once = added(ones * (n == 1), ones * (n == 1)) > 0
    return _Rates(values, opponents.astype(np.intp), once, Influence(scores, np.eye(c * k), bearing))


def _opponents(votes: VoteTable) -> IntArray:
    """How many others each system met in all slices together (k,)."""
    k = len(votes.systems)
    met = np.zeros((k, k), dtype=np.bool_)
    met[votes.system_left, votes.system_right] = met[votes.system_right, votes.system_left] = True
    return np.asarray(met.sum(axis=1), dtype=np.intp)


def _reasons(rates: _Rates, intervals: Intervals, opponents: IntArray, c: int) -> npt.NDArray[np.object_]:
    """Why a raw rate (c, k) cannot go into the pool; empty where it can."""
    clusters, k = intervals.effective_clusters, len(opponents)

    def reason(column: int) -> str:
        met, of_all = rates.opponents[column], opponents[column % k]
        if not met:
            return "no vote"
        if met < of_all:
            return f"met {met} of its {of_all} opponents"
        if rates.once[column]:
            return "met an opponent in a single vote"
        if clusters[column] <= TOO_FEW_CLUSTERS:
            return f"{clusters[column]:.1f} effective prompts or raters; more than {TOO_FEW_CLUSTERS:.0f} are needed"
        return ""

    reasons = np.array([reason(column) for column in range(c * k)], dtype=object).reshape(c, k)
    alone = ((reasons == "").sum(axis=0) < 2) & (c > 1)
    reasons[(reasons == "") & alone] = "no other slice has enough votes to pool with"
    return reasons


def _pooled(votes: VoteTable, rates: _Rates, intervals: Intervals, enough: BoolArray, level: float) -> list[Pooled]:
    """One a system. A single slice is the whole, with nothing to borrow from."""
    c, k = enough.shape
    if c == 1:
        each = zip(rates.values, intervals.low, intervals.high, strict=True)
        alone = [(np.array([value]), np.array([low]), np.array([high])) for value, low, high in each]
        return [Pooled(*values, mean=np.nan, tau=np.nan, q=np.nan, p=np.nan) for values in alone]
    by_prompt, by_rater, _ = covariances(votes, rates.influence)
    deviation, together = np.sqrt(_variances(rates.values, intervals)), by_prompt + by_rater
    found = []
    for system in range(k):
        columns = np.arange(c) * k + system
        used = columns[enough[:, system]]
        estimates = np.where(enough[:, system], rates.values[columns], np.nan)
        covariance = np.outer(deviation[used], deviation[used]) * _correlation(together[np.ix_(used, used)])
        found.append(pool(estimates, covariance, level))
    return found


def _variances(rates: FloatArray, intervals: Intervals) -> FloatArray:
    """(c * k,). Where all votes agree and the estimate is zero: as if two of each kind were added to G votes.

    (Agresti & Coull, 1998, "Approximate is better than exact for interval estimation of binomial proportions", The
    American Statistician 52.)
    """
    G = intervals.effective_clusters
    share = (rates * G + 2) / (G + 4)
    variance = np.where(intervals.standard_error == 0, share * (1 - share) / (G + 4), intervals.standard_error**2)
    degrees = np.maximum(G, TOO_FEW_CLUSTERS + 1e-9) - 1
    return np.asarray(variance * degrees / (degrees - 2))


def _correlation(covariance: FloatArray) -> FloatArray:
    """One correlation for all pairs of slices, the mean: single ones are noise with few raters. Never negative."""
    deviation = np.sqrt(np.diag(covariance))
    product = np.outer(deviation, deviation)
    each = np.divide(covariance, product, out=np.zeros_like(product), where=product > 0)
    off_diagonal = ~np.eye(len(each), dtype=np.bool_)
    common = float(np.clip(each[off_diagonal].mean(), 0, _LARGEST_CORRELATION)) if off_diagonal.any() else 0.0
    return np.where(off_diagonal, common, 1.0)
