"""How votes change over a rater's work: side bias, agreement and ties by position, and the time that answers take.

Curves are made for a chart: shares in bins, with two-way clustered intervals. Raters who stop early are in the first
bins only, so that a curve also shows who stayed; a trend compares each rater with themselves. Under adaptive
matchmaking later pairs are closer, and raters agree less on them without being any more tired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import sparse, stats

from analysis.stats.errors import VoteFileError, listed
from analysis.stats.outcomes import BOTH_BAD, LEFT, RIGHT, TIE, BoolArray, FloatArray, IntArray, VoteTable
from analysis.stats.uncertainty import LEVEL, Influence, two_way_intervals
from analysis.stats.vote_file import OUTCOMES
from analysis.stats.win_rates import pair_codes, pair_win_rates, rate_intervals

POSITIONS = 10  # votes of a rater that a trend's slope is about
CLOSENESS = (0.5, 0.6, 0.7, 0.8, 1.0)
"""Bounds of the better system's win rate, by which response times are told apart."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A share in m bins of about as many votes each, that lie from `first` to `last`; all (m,).

    `votes` and `raters` are those that the share rests on; NaN where there are none, or too few for an interval.
    """

    first: FloatArray
    last: FloatArray
    votes: IntArray
    raters: IntArray
    value: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class Trend:
    """Change of a share with one step of what it is plotted against, within raters; p of "none". NaN: not known."""

    slope: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, eq=False)
class SessionCurves:
    """By the position of a vote within its rater's work, from 1; a trend's step is POSITIONS votes.

    `order` is what positions rest on: "answered_at", or "rows" where that column is absent or empty. `agreement`: the
    share of votes for one system that the others on the same images side with (`consensus`); without any bin where no
    two raters judged the same images. `left`: the share of the left image, a tie counting half. `ties`: their share of
    the votes that are not both-bad.
    """

    order: str
    agreement: Curve
    agreement_trend: Trend
    left: Curve
    left_trend: Trend
    ties: Curve
    ties_trend: Trend


@dataclass(frozen=True)
class Quartiles:
    """Of `votes` response times in ms; NaN without any."""

    votes: int
    lower: float
    median: float
    upper: float


@dataclass(frozen=True, eq=False)
class ResponseTimes:
    """`missing` votes have no time. `by_closeness` is keyed by CLOSENESS bounds of the better system's win rate;
    `by_position` by first and last position within the rater's work.

    `agreement` is a curve over response times in ms; its trend's step is a doubling of the time.
    """

    missing: int
    overall: Quartiles
    by_outcome: Mapping[str, Quartiles]
    by_closeness: Mapping[tuple[float, float], Quartiles]
    by_position: Mapping[tuple[int, int], Quartiles]
    agreement: Curve
    agreement_trend: Trend


def session_curves(votes: VoteTable, bins: int = 10, level: float = LEVEL) -> SessionCurves:
    """VoteFileError where `answered_at` cannot be read."""
    order, position = positions(votes)
    scored = votes.outcome != BOTH_BAD
    shares = {
        "agreement": consensus(votes),
        "left": votes.left_score,
        "ties": np.where(scored, votes.outcome == TIE, np.nan),
    }
    curves = {name: share_curve(votes, position, share, bins, level) for name, share in shares.items()}
    trends = {name: within_rater_trend(votes, position / POSITIONS, share, level) for name, share in shares.items()}
    return SessionCurves(
        order=order,
        agreement=curves["agreement"],
        agreement_trend=trends["agreement"],
        left=curves["left"],
        left_trend=trends["left"],
        ties=curves["ties"],
        ties_trend=trends["ties"],
    )


def response_times(votes: VoteTable, bins: int = 10, level: float = LEVEL) -> ResponseTimes | None:
    """None without a single time. VoteFileError where `response_ms` or `answered_at` cannot be read."""
    times = response_ms(votes)
    known = ~np.isnan(times)
    if not known.any():
        return None
    position = positions(votes)[1]
    bin_of, edges = _binned(position, known, bins)
    closeness = _closeness(votes)
    agreement = np.where(known & (times > 0), consensus(votes), np.nan)
    doublings = np.log2(np.where(times > 0, times, 1.0))
    return ResponseTimes(
        missing=int((~known).sum()),
        overall=_quartiles(times),
        by_outcome={name: _quartiles(times[votes.outcome == code]) for code, name in enumerate(OUTCOMES)},
        by_closeness={
            (low, high): _quartiles(times[(closeness >= low) & ((closeness < high) | (high == CLOSENESS[-1]))])
            for low, high in pairwise(CLOSENESS)
        },
        by_position={(int(a), int(b)): _quartiles(times[bin_of == i]) for i, (a, b) in enumerate(edges)},
        agreement=share_curve(votes, times, agreement, bins, level),
        agreement_trend=within_rater_trend(votes, doublings, agreement, level),
    )


def response_ms(votes: VoteTable) -> FloatArray:
    """Response times (N,) in ms, NaN where there is none. VoteFileError unless each is a number from 0, or empty."""
    if "response_ms" not in votes.optional:
        return np.full(len(votes), np.nan)
    text = pd.Series(votes.optional["response_ms"], dtype=object)
    empty = (text == "").to_numpy()
    times = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64)
    _refuse(votes, "response_ms", ~empty & ~(np.isfinite(times) & (times >= 0)), "milliseconds from 0, or nothing")
    return times


def answer_times(votes: VoteTable) -> IntArray | None:
    """When the votes were given (N,), in microseconds; None where there are no times at all.

    A time without a zone is UTC. VoteFileError where only some votes have one, or one that is not ISO 8601.
    """
    text = pd.Series(votes.optional.get("answered_at", np.full(len(votes), "", dtype=object)), dtype=object)
    if (text == "").all():
        return None
    parsed = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
    _refuse(votes, "answered_at", parsed.isna().to_numpy(), "ISO 8601 times in all rows, or in none")
    return parsed.to_numpy(dtype="datetime64[us]").astype(np.intp)


def positions(votes: VoteTable) -> tuple[str, IntArray]:
    """What gives the order, and the position of each vote within its rater's work (N,), from 1.

    By `answer_times`, which may raise; by row among equal times, and where there are none at all.
    """
    times = answer_times(votes)
    order = "rows" if times is None else "answered_at"
    rows = np.lexsort((np.zeros(len(votes)) if times is None else times, votes.rater))
    counts = np.bincount(votes.rater, minlength=len(votes.raters))
    position = np.empty(len(votes), dtype=np.intp)
    position[rows] = np.arange(len(votes)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    return order, position


def consensus(votes: VoteTable) -> FloatArray:
    """Whether a vote for one system is that of most other raters on the same prompt and systems (N,): 1, 0, or NaN
    for a tie, for both-bad, and where the others are split or absent."""
    pair = pair_codes(votes)[2]
    unit = np.unique(pair * len(votes.prompts) + votes.prompt, return_inverse=True)[1]
    of_rater = np.unique(unit * len(votes.raters) + votes.rater, return_inverse=True)[1]
    flipped = votes.system_left > votes.system_right
    lean = np.where(votes.outcome == LEFT, 1, np.where(votes.outcome == RIGHT, -1, 0)) * np.where(flipped, -1, 1)
    others = np.bincount(unit, lean)[unit] - np.bincount(of_rater, lean)[of_rater]
    decided = (lean != 0) & (others != 0)
    return np.where(decided, (lean > 0) == (others > 0), np.nan)


def share_curve(
    votes: VoteTable, along: FloatArray | IntArray, share: FloatArray, bins: int, level: float = LEVEL
) -> Curve:
    """Mean of `share` (N,), within 0 and 1, in up to `bins` bins of `along` (N,); NaN is left out of both.

    Intervals as those of win rates: two-way clustered, exact binomial where all votes of a bin are the same.
    """
    used = ~np.isnan(share) & ~np.isnan(along)
    bin_of, edges = _binned(along, used, bins)
    m, rows = len(edges), np.flatnonzero(used)
    column = bin_of[rows]
    n = np.bincount(column, minlength=m)
    value = np.bincount(column, share[rows], minlength=m) / n
    # As in win_rates: the second factor undoes that votes lie closer to their own mean than to the truth.
    scores = (share[rows] - value[column]) / np.sqrt(n * np.maximum(n - 1, 1))[column]
    shape = (len(votes), m)
    bearing = sparse.csr_array((np.ones(len(rows)), (rows, column)), shape=shape)
    influence = Influence(sparse.csr_array((scores, (rows, column)), shape=shape), np.eye(m), bearing)
    intervals = rate_intervals(votes, value, influence, level)
    seen = np.bincount(votes.rater[rows] * m + column, minlength=len(votes.raters) * m) > 0
    return Curve(
        first=edges[:, 0],
        last=edges[:, 1],
        votes=n.astype(np.intp),
        raters=np.asarray(seen.reshape(len(votes.raters), m).sum(axis=0), dtype=np.intp),
        value=value,
        low=intervals.low,
        high=intervals.high,
    )


def within_rater_trend(
    votes: VoteTable, along: FloatArray | IntArray, share: FloatArray, level: float = LEVEL
) -> Trend:
    """Least-squares slope of `share` on `along` (N,) with an intercept for each rater; NaN in `share` is left out.

    With x and y less their rater's means, b = sum x y / sum x^2, and the influence of a vote is x (y - b x) / sum x^2.
    Two-way clustered; p by Student's t with the effective clusters less one. (Wooldridge, 2010, Econometric Analysis of
    Cross Section and Panel Data, sec. 10.5.)
    """
    rows = np.flatnonzero(~np.isnan(share))
    n = np.maximum(np.bincount(votes.rater[rows], minlength=len(votes.raters)), 1)

    def centred(values: FloatArray | IntArray) -> FloatArray:
        rater = votes.rater[rows]
        return np.asarray(values[rows] - (np.bincount(rater, values[rows], minlength=len(n)) / n)[rater])

    x, y = centred(along), centred(share)
    total = float((x**2).sum())
    if total < 1e-9:
        return Trend(np.nan, np.nan, np.nan, np.nan)
    slope = np.array([(x * y).sum() / total])
    moves = np.abs(x) > 1e-9  # a rater's only vote says nothing of a change
    score = sparse.csr_array((x * (y - slope * x) / total, (rows, np.zeros_like(rows))), shape=(len(votes), 1))
    bearing = sparse.csr_array((moves.astype(float), (rows, np.zeros_like(rows))), shape=(len(votes), 1))
    found = two_way_intervals(votes, slope, Influence(score, np.eye(1), bearing), level)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = abs(slope[0]) / found.standard_error[0]
    p = 2 * stats.t.sf(t, found.effective_clusters[0] - 1) if found.standard_error[0] > 0 else np.nan
    return Trend(float(slope[0]), float(found.low[0]), float(found.high[0]), float(p))


def _binned(along: FloatArray | IntArray, used: BoolArray, bins: int) -> tuple[IntArray, FloatArray]:
    """The bin of each vote (N,), -1 where not `used`, and the first and last value in each bin (m, 2).

    Bounds are quantiles; equal values share a bin.
    """
    bin_of = np.full(len(along), -1, dtype=np.intp)
    values = along[used]
    if not len(values):
        return bin_of, np.empty((0, 2))
    bounds = np.unique(np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf"))
    bin_of[used] = np.unique(np.searchsorted(bounds, values), return_inverse=True)[1]
    m = int(bin_of.max()) + 1
    edges = np.array([[np.inf, -np.inf]] * m)
    np.minimum.at(edges[:, 0], bin_of[used], values)
    np.maximum.at(edges[:, 1], bin_of[used], values)
    return bin_of, edges


def _closeness(votes: VoteTable) -> FloatArray:
    """The better system's win rate in the pair of each vote (N,); NaN where both-bad is all there is."""
    rate = pair_win_rates(votes).win_rate[pair_codes(votes)[2]]
    return np.maximum(rate, 1 - rate)


def _quartiles(times: FloatArray) -> Quartiles:
    known = times[~np.isnan(times)]
    if not len(known):
        return Quartiles(0, np.nan, np.nan, np.nan)
    lower, median, upper = np.quantile(known, [0.25, 0.5, 0.75])
    return Quartiles(len(known), float(lower), float(median), float(upper))


def _refuse(votes: VoteTable, name: str, wrong: BoolArray, allowed: str) -> None:
    if wrong.any():
        values = votes.optional[name]
        found = listed(list(dict.fromkeys(f'"{values[row]}"' for row in np.flatnonzero(wrong))))
        numbers = [int(row) + 1 for row in np.flatnonzero(wrong)]
        where = f"{'vote' if len(numbers) == 1 else 'votes'} {listed(numbers)}, counted from 1"
        raise VoteFileError(f"{name} is {found} in {where}; allowed are {allowed}.")
