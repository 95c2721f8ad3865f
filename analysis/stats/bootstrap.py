"""Bootstrap intervals: the votes, the prompts, the raters, or prompts and raters at once are drawn anew.

A draw is a multiplicity w_v of each vote v, and its estimate that of the votes so repeated:

    votes      (w_v) multinomial over the N votes, as if they were independent (Efron 1979, "Bootstrap methods: another
               look at the jackknife", Annals of Statistics 7);
    prompts    w_v = how often v's prompt is drawn among as many prompts, with replacement; raters likewise
               (Davison & Hinkley 1997, Bootstrap Methods and their Application, sec. 3.8);
    two-way    w_v = the product of the multiplicities of v's prompt and of v's rater, drawn independently: the
               pigeonhole bootstrap of Owen (2007), "The pigeonhole bootstrap", Annals of Applied Statistics 1.
               Valid for arrays that both margins share (Davezies, D'Haultfoeuille & Guyonvarch 2021, "Empirical process
               results for exchangeable arrays", Annals of Statistics 49); it counts what belongs to single votes up to
               three times, so that intervals are too wide where prompts and raters hardly matter.

Every draw is estimated in full: multiplicities add up to counts (left wins, right wins and ties of each pair), on which
alone these estimates depend. The interval is the percentile interval, from the (B + 1) alpha/2-th smallest to the
(B + 1) alpha/2-th largest of B values (Davison & Hinkley, sec. 5.3). How often it holds the truth is measured in
benchmarks/coverage.py; the intervals of `uncertainty` are to be preferred.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from analysis.stats.asked import RESAMPLED
from analysis.stats.batches import ratings, win_rates
from analysis.stats.bradley_terry import fit_votes
from analysis.stats.errors import BootstrapError, counted
from analysis.stats.outcomes import BOTH_BAD, FloatArray, IntArray, VoteTable
from analysis.stats.ratings import rated_votes
from analysis.stats.uncertainty import FEW_CLUSTERS, LEVEL
from analysis.stats.win_rates import pair_codes

DRAWS = 999
_COUNTED = BOTH_BAD  # LEFT, RIGHT and TIE come before it
_FORGOTTEN = {"votes": "prompts or raters", "prompts": "raters", "raters": "prompts that stand for others"}
_FEWEST_CLUSTERS = 2
_NO_SPREAD = 1e-9
_CELLS_AT_ONCE = 4_000_000

Statistic = Callable[[FloatArray], FloatArray]
"""From counts (b, 3, k, k), outcome by left by right system, of b draws to estimates (b, m), NaN where undetermined."""
Resample = Callable[[int], FloatArray]


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Intervals of m estimates, in their unit; all arrays have shape (m,).

    `undetermined` counts the draws whose votes do not determine the estimate: a pair or a system is missing, or a
    system never lost or never won. Each stands beyond both ends of the interval; where they are alpha/2 of all draws or
    more, there is no interval (NaN), nor where no draw differs from another. `standard_error` is of the other draws.
    `clusters` is the effective number of what was drawn, the smaller of the two for both.
    """

    values: FloatArray
    low: FloatArray
    high: FloatArray
    standard_error: FloatArray
    undetermined: IntArray
    by: str
    draws: int
    level: float
    clusters: float

    def cautions(self) -> Iterator[str]:
        """What a reader must know before believing the intervals; one sentence each."""
        if worst := int(self.undetermined.max(initial=0)):
            yield (
                f"Bootstrap ({self.by}): up to {worst} of {counted(self.draws, 'draw')} did not determine "
                f"{counted(int((self.undetermined > 0).sum()), 'estimate')}; they count as beyond both ends."
            )
        if absent := int(np.isnan(self.low).sum()):
            yield (
                f"Bootstrap ({self.by}): no interval for {absent} of {counted(len(self.low), 'estimate')}, "
                "whose draws are too often undetermined or all the same."
            )
        if self.by in _FORGOTTEN:
            yield f"Bootstrap ({self.by}): the intervals are too short wherever votes share {_FORGOTTEN[self.by]}."
        if self.clusters < FEW_CLUSTERS:
            yield (
                f"Bootstrap ({self.by}): only {self.clusters:.1f} were effectively drawn from; "
                f"with fewer than {FEW_CLUSTERS}, intervals are approximate."
            )


def bootstrap_ratings(
    votes: VoteTable, by: str, rng: np.random.Generator, draws: int = DRAWS, level: float = LEVEL
) -> Bootstrap:
    """Of Bradley-Terry ratings (bradley_terry.bradley_terry), m the systems with a vote that counts.

    Raises as `bradley_terry` where the votes themselves do not determine the ratings, and as `bootstrap`.
    """
    votes = rated_votes(votes)
    fit = fit_votes(votes)
    start = np.append(fit.strengths, 0.0 if math.isnan(fit.side) else fit.side)
    return bootstrap(votes, lambda counts: ratings(counts, start), by, rng, draws, level)


def bootstrap_pair_win_rates(
    votes: VoteTable, by: str, rng: np.random.Generator, draws: int = DRAWS, level: float = LEVEL
) -> Bootstrap:
    """Of the win rates of `pair_win_rates(votes.counted())`, in its order. Raises as `bootstrap`."""
    votes = rated_votes(votes)
    a, b, _ = pair_codes(votes)
    return bootstrap(votes, lambda counts: win_rates(counts)[:, a, b], by, rng, draws, level)


def bootstrap_field_win_rates(
    votes: VoteTable, by: str, rng: np.random.Generator, draws: int = DRAWS, level: float = LEVEL
) -> Bootstrap:
    """Of `field_win_rates(votes)`. A draw in which a system misses one of its opponents leaves it undetermined.

    Raises as `bootstrap`.
    """
    votes = rated_votes(votes)
    a, b, _ = pair_codes(votes)
    met = np.zeros((len(votes.systems), len(votes.systems)), dtype=np.bool_)
    met[a, b] = met[b, a] = True

    def averages(counts: FloatArray) -> FloatArray:
        rates = np.where(met, win_rates(counts), 0.0)
        return np.asarray(rates.sum(axis=2) / met.sum(axis=1), dtype=np.float64)

    return bootstrap(votes, averages, by, rng, draws, level)


def bootstrap(
    votes: VoteTable,
    statistic: Statistic,
    by: str,
    rng: np.random.Generator,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Bootstrap:
    """Of any estimate that depends on nothing but how often each outcome occurred between each two systems.

    `by` is one of RESAMPLED. Both-bad is dropped first, and k counts the systems that are left. Draws depend on `rng`
    and on which votes there are, not on their order. Time is linear in draws, times cells of prompt and rater for both
    ways; memory is bounded. BootstrapError for another `by`, with fewer than two effective clusters, and for fewer than
    2 / alpha - 1 draws; RatingError without any vote.
    """
    votes = rated_votes(votes)
    _check(by, draws, level)
    clusters = _clusters(votes, by)
    k = len(votes.systems)
    code = (votes.outcome * k + votes.system_left) * k + votes.system_right
    codes, cell = np.unique(code, return_inverse=True)

    def estimates(of_cells: FloatArray) -> FloatArray:
        counts = np.zeros((len(of_cells), _COUNTED * k * k))
        counts[:, codes] = of_cells
        return statistic(counts.reshape(-1, _COUNTED, k, k))

    resample, cells = _resampling(votes, cell.astype(np.intp), by, rng)
    block = max(1, _CELLS_AT_ONCE // max(cells, _COUNTED * k * k))
    sizes = [min(block, draws - start) for start in range(0, draws, block)]
    drawn = np.concatenate([estimates(resample(size)) for size in sizes])
    value = estimates(np.bincount(cell).astype(np.float64)[None])[0]
    low, high, error = _percentiles(drawn, level)
    return Bootstrap(value, low, high, error, np.isnan(drawn).sum(axis=0), by, draws, level, clusters)


def _check(by: str, draws: int, level: float) -> None:
    if by not in RESAMPLED:
        raise BootstrapError(f'Bootstrap of "{by}"; allowed are {", ".join(RESAMPLED)}.')
    if not 0 < level < 1:
        raise BootstrapError(f"Bootstrap at level {level}; allowed are numbers between 0 and 1.")
    fewest = math.ceil(2 / (1 - level) - 1 - 1e-9)
    if draws < fewest:
        raise BootstrapError(f"Bootstrap of {draws} draws; {level:.0%} intervals need {fewest} at least.")


def _clusters(votes: VoteTable, by: str) -> float:
    """Effective number of what is drawn, as in `uncertainty`: 1 / sum of the squared shares of the votes."""
    margins = {"prompts": votes.prompt, "raters": votes.rater}
    if by == "votes":
        return float(len(votes))
    numbers = {}
    for name in margins if by == "two-way" else (by,):
        numbers[name] = len(votes) ** 2 / float((np.bincount(margins[name]).astype(np.float64) ** 2).sum())
        if numbers[name] < _FEWEST_CLUSTERS:
            raise BootstrapError(
                f"Bootstrap ({by}): {numbers[name]:.1f} effective {name}, counting each by its share of the votes; "
                f"{_FEWEST_CLUSTERS} are needed at least."
            )
    return min(numbers.values())


def _resampling(votes: VoteTable, cell: IntArray, by: str, rng: np.random.Generator) -> tuple[Resample, int]:
    """What draws b times how many votes each cell (one outcome of one pair) has, (b, cells); and a draw's size."""
    if by == "votes":
        share = np.bincount(cell) / len(cell)
        return lambda b: rng.multinomial(len(cell), share, b).astype(np.float64), len(share)
    prompts, raters = len(votes.prompts), len(votes.raters)
    if by == "two-way":
        keys, group = np.unique(votes.prompt * raters + votes.rater, return_inverse=True)
        of_prompt, of_rater = np.divmod(keys, raters)
        table = _counts(cell, group)

        def both(b: int) -> FloatArray:
            weights = _multiplicities(rng, b, prompts)[:, of_prompt] * _multiplicities(rng, b, raters)[:, of_rater]
            return np.asarray((table @ weights.T).T, dtype=np.float64)

        return both, max(len(keys), prompts, raters)
    table, clusters = (
        (_counts(cell, votes.prompt), prompts) if by == "prompts" else (_counts(cell, votes.rater), raters)
    )
    return lambda b: np.asarray((table @ _multiplicities(rng, b, clusters).T).T, dtype=np.float64), clusters


def _counts(cell: IntArray, group: IntArray) -> sparse.csr_array:
    """Votes of each cell that each group (votes that are always drawn together) has: (cells, groups)."""
    return sparse.csr_array(sparse.coo_array((np.ones(len(cell)), (cell, group))))


def _multiplicities(rng: np.random.Generator, b: int, clusters: int) -> FloatArray:
    """How often each is drawn when as many are drawn with replacement, b times over: (b, clusters)."""
    drawn = rng.integers(clusters, size=(b, clusters)) + np.arange(b)[:, None] * clusters
    return np.bincount(drawn.ravel(), minlength=b * clusters).reshape(b, clusters).astype(np.float64)


def _percentiles(drawn: FloatArray, level: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Low, high and standard error (m,) of estimates (draws, m)."""
    known = ~np.isnan(drawn)
    tail = math.floor((len(drawn) + 1) * (1 - level) / 2 + 1e-9) - 1
    low = np.sort(np.where(known, drawn, -np.inf), axis=0)[tail]
    high = np.sort(np.where(known, drawn, np.inf), axis=0)[-1 - tail]
    n = known.sum(axis=0)
    mean = np.where(known, drawn, 0.0).sum(axis=0) / np.maximum(n, 1)
    squares = np.where(known, (drawn - mean) ** 2, 0.0).sum(axis=0)
    error = np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1)), np.nan)
    known_ends = np.isfinite(low) & np.isfinite(high) & (error > _NO_SPREAD)
    return np.where(known_ends, low, np.nan), np.where(known_ends, high, np.nan), error
