"""Whether the votes so far are enough, asked again and again: for "A beats B" and for the whole ranking.

What is compared are contrasts: the win rates of pairs against one half, or differences of ratings against nought, each
with the p-value of its two-way clustered t test (`uncertainty`). Two ways keep the probability of a false alarm at
1 - level over all looks: boundaries for planned looks (`spending`), and confidence sequences for looking whenever one
likes (`confidence_sequence`). For m contrasts at once, as a ranking needs, each is held to (1 - level) / m: with
probability `level` none of them is wrong at any look (union bound), and so neither is any rank range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.stats.confidence_sequence import always_valid_p, critical_p, prior_votes
from analysis.stats.outcomes import BoolArray, FloatArray, IntArray, VoteTable
from analysis.stats.ratings import Ratings
from analysis.stats.uncertainty import LEVEL
from analysis.stats.win_rates import Pairs, left_rate

FEWEST_CLUSTERS = 5.0
"""With fewer effective prompts or raters a look at a contrast does not count."""
MOST_TIMES = 1000.0
"""Beyond so many times the votes given, no number is named."""
_NO_SPREAD = 1e-6  # rating points: votes fitted without any residue
_SAME_RATING = 1e-6  # rating points: equal but for rounding
_HALVINGS = 14  # which leave 0.04% of the votes open


@dataclass(frozen=True, eq=False)
class Contrasts:
    """m comparisons of system `a` with `b`, codes into `systems`; all columns (m,), NaN where nothing can be said.

    `value` is `null` where neither is better, and larger where `a` is; `votes` are those it rests on, `prompts` and
    `raters` the effective numbers of theirs, of which the smaller is G. `error` is its standard error,

        sqrt(V / (1 - 1 / G_prompt - 1 / G_rater)),    V as in `uncertainty`:

    distances from an estimate lie closer than those from the truth, by about V / G for either kind of cluster. `p`
    is the two-sided p-value of value / error by t(G - 1). Both are NaN with fewer than FEWEST_CLUSTERS.
    """

    systems: tuple[str, ...]
    a: IntArray
    b: IntArray
    value: FloatArray
    null: float
    error: FloatArray
    prompts: FloatArray
    raters: FloatArray
    votes: FloatArray
    p: FloatArray

    @property
    def clusters(self) -> FloatArray:
        """G."""
        return np.minimum(self.prompts, self.raters)

    @property
    def limits(self) -> tuple[float, float]:
        """Of `value`: a win rate lies from 0 to 1, a difference of ratings anywhere."""
        return (0.0, 1.0) if self.null else (-np.inf, np.inf)


@dataclass(frozen=True, eq=False)
class ConfidenceSequence:
    """What stays true of contrasts however often one looks; columns (m,), NaN where nothing can be said.

    With probability `level` the intervals from `low` to `high` of `at_once` contrasts hold the truth, at all looks at
    once. `p` is always valid, of each contrast by itself; Holm's adjustment (`pair_tests.holm`) keeps it so for all.
    `more_votes` is about how many votes are still needed: 0 where they are enough, infinity for more than MOST_TIMES
    those given.
    """

    contrasts: Contrasts
    low: FloatArray
    high: FloatArray
    p: FloatArray
    more_votes: FloatArray
    level: float
    at_once: int

    @property
    def sign(self) -> IntArray:
        """1 where `a` is surely better, -1 where `b` is, 0 where that is open."""
        null = self.contrasts.null
        return (self.low > null).astype(np.intp) - (self.high < null).astype(np.intp)


def pair_contrasts(pairs: Pairs) -> Contrasts:
    """Win rates against one half."""
    error, votes = pairs.intervals.standard_error, pairs.counted.astype(np.float64)
    margins = pairs.intervals.effective_prompts, pairs.intervals.effective_raters
    return _contrasts(pairs.systems, (pairs.a, pairs.b), pairs.win_rate, 0.5, error, margins, votes)


def rating_contrasts(ratings: Ratings, votes: float) -> Contrasts:
    """Differences of `ratings`, which have intervals and covariances, for all pairs; `votes` are all that are rated.

    For every vote bears on every difference. The standard error follows the rule of the maximum for each difference;
    effective prompts and raters are those of the system that has fewer. ValueError for ratings without covariances.
    """
    spread, intervals = ratings.covariances, ratings.intervals
    if spread is None or intervals is None:
        raise ValueError("These ratings have no covariances: nothing tells how uncertain a difference is.")
    a, b = (code.astype(np.intp) for code in np.triu_indices(len(ratings.systems), 1))
    variance = np.maximum.reduce([v[a, a] + v[b, b] - 2 * v[a, b] for v in spread.candidates])
    error = np.sqrt(np.where(variance > _NO_SPREAD**2, variance, np.nan))
    prompts, raters = (np.minimum(g[a], g[b]) for g in (intervals.effective_prompts, intervals.effective_raters))
    value = ratings.values[a] - ratings.values[b]
    return _contrasts(ratings.systems, (a, b), value, 0.0, error, (prompts, raters), np.full(len(a), float(votes)))


def system_contrasts(ratings: Ratings, null: float, votes: FloatArray) -> Contrasts:
    """Each system's own rating or win rate against `null`; `a` and `b` are both that system.

    `votes` (k,) are those that each rests on. ValueError for ratings without intervals.
    """
    if ratings.intervals is None:
        raise ValueError("These ratings have no intervals: nothing tells how uncertain they are.")
    own = np.arange(len(ratings.systems))
    # Without one for a single look there is none for many: a rating without any residue, an opponent met once.
    error = np.where(np.isnan(ratings.intervals.low), np.nan, ratings.intervals.standard_error)
    margins = ratings.intervals.effective_prompts, ratings.intervals.effective_raters
    return _contrasts(ratings.systems, (own, own), ratings.values, null, error, margins, votes)


def side_contrast(votes: VoteTable) -> Contrasts:
    """How often the left image was preferred to the right one, against one half: a single contrast, of the two sides.

    `votes` have none that is both-bad, and there are some.
    """
    value, intervals = left_rate(votes)
    margins = intervals.effective_prompts, intervals.effective_raters
    left, right = (np.array([code], dtype=np.intp) for code in range(2))
    number = np.array([float(len(votes))])
    return _contrasts(("left", "right"), (left, right), value, 0.5, intervals.standard_error, margins, number)


def _contrasts(
    systems: tuple[str, ...],
    codes: tuple[IntArray, IntArray],
    value: FloatArray,
    null: float,
    error: FloatArray,
    margins: tuple[FloatArray, FloatArray],
    votes: FloatArray,
) -> Contrasts:
    clusters = np.minimum(*margins)
    error = np.where(clusters >= FEWEST_CLUSTERS, error, np.nan) / np.sqrt(_kept(*margins))
    p = _p_values(value - null, error, clusters)
    return Contrasts(systems, *codes, value, null, error, *margins, votes, p)


def _kept(prompts: FloatArray, raters: FloatArray) -> FloatArray:
    """The share of the variance that distances from an estimate show."""
    return np.asarray(1 - 1 / np.maximum(prompts, FEWEST_CLUSTERS) - 1 / np.maximum(raters, FEWEST_CLUSTERS))


def _p_values(distance: FloatArray, error: FloatArray, clusters: FloatArray) -> FloatArray:
    """Two-sided p of t = distance / error, G - 1 degrees of freedom; NaN where the error is.

    An error of zero is that of votes which all agree: the exact binomial test of G trials, as in `pair_tests`, and
    p = 1 where all are ties.
    """
    t = np.divide(np.abs(distance), error, out=np.zeros_like(error), where=error > 0)
    student = 2 * special.stdtr(np.maximum(clusters, FEWEST_CLUSTERS) - 1, -t)
    unanimous = np.where(distance != 0, np.minimum(1.0, 2 * 0.5**clusters), 1.0)
    return np.where(np.isnan(error), np.nan, np.where(error > 0, student, unanimous))


def confidence_sequence(
    contrasts: Contrasts, planned: float, level: float = LEVEL, at_once: int = 1
) -> ConfidenceSequence:
    """Of each contrast, or of `at_once` of them together: value -+ t(1 - c / 2; G - 1) se, where c is `critical_p`.

    `planned` votes on a contrast, fixed before any is seen, are where the intervals are tightest for what the votes
    hold; fewer and more are as valid. Where all votes agree, a win rate has the exact binomial interval of G trials, as
    in `win_rates`. Raises SequenceError for `planned` or `level` out of range.

    `more_votes` supposes that votes go on as before, with new prompts and raters in the same measure, so that V and
    1 / G fall as 1 / votes, and that the estimate is the truth: about every second study then needs no more.
    """
    prior = prior_votes(planned, 1 - level)
    alpha = (1 - level) / at_once
    tail = critical_p(contrasts.votes, prior, alpha) / 2
    known = ~np.isnan(contrasts.p)
    quantile = -special.stdtrit(np.maximum(contrasts.clusters, FEWEST_CLUSTERS) - 1, tail)
    low, high = contrasts.value - quantile * contrasts.error, contrasts.value + quantile * contrasts.error
    unanimous = known & (contrasts.error == 0)
    low[unanimous], high[unanimous] = _binomial(
        contrasts.value[unanimous], contrasts.clusters[unanimous], tail[unanimous]
    )
    return ConfidenceSequence(
        contrasts=contrasts,
        low=np.where(known, np.clip(low, *contrasts.limits), np.nan),
        high=np.where(known, np.clip(high, *contrasts.limits), np.nan),
        p=always_valid_p(contrasts.p, contrasts.votes, prior),
        more_votes=_more_votes(contrasts, prior, alpha),
        level=level,
        at_once=at_once,
    )


def rank_ranges_of(contrasts: Contrasts, sign: IntArray) -> tuple[IntArray, IntArray]:
    """Best and worst rank of each system, two (k,), that contrasts told apart leave open.

    `sign` (m,) is 1 where `a` is surely better, -1 where `b` is. As in `ranks`: 1 + those surely above, and k - those
    surely below; they hold at once for all systems where the contrasts do.
    """
    k = len(contrasts.systems)
    better = np.concatenate([contrasts.a[sign > 0], contrasts.b[sign < 0]])
    worse = np.concatenate([contrasts.b[sign > 0], contrasts.a[sign < 0]])
    low, high = 1 + np.bincount(worse, minlength=k), k - np.bincount(better, minlength=k)
    return low.astype(np.intp), high.astype(np.intp)


def first_place(sequence: ConfidenceSequence) -> tuple[str | None, float]:
    """The system that is ahead, and about how many more votes until it is surely above every other.

    Of a sequence for all differences of ratings at once. Ahead is the largest rating, None where several share it;
    `more_votes` is that of the rival who needs most.
    """
    contrasts = sequence.contrasts
    ahead = contrasts.value - contrasts.null
    k = len(contrasts.systems)
    lead = np.bincount(contrasts.a, ahead, k) - np.bincount(contrasts.b, ahead, k)
    leader = int(np.argmax(lead))
    is_shared = np.isclose(lead, lead[leader], rtol=0, atol=_SAME_RATING * k).sum() > 1
    own = (contrasts.a == leader) | (contrasts.b == leader)
    return None if is_shared else contrasts.systems[leader], float(sequence.more_votes[own].max())


def verdict(more_votes: float) -> str:
    """In words: "enough", "about 1,300 more votes" (two figures), or why no number can be named."""
    if np.isnan(more_votes):
        return f"cannot be said: fewer than {FEWEST_CLUSTERS:g} effective prompts or raters, or votes without variation"
    if np.isinf(more_votes):
        return f"more than {MOST_TIMES:g} times the votes so far: the two are about equal"
    if more_votes == 0:
        return "enough"
    unit = 10 ** max(0, int(np.log10(more_votes)) - 1)
    return f"about {int(np.ceil(more_votes / unit)) * unit:,} more votes"


def _binomial(rate: FloatArray, trials: FloatArray, tail: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Exact interval of a rate that leaves out `tail` on either side (Clopper & Pearson 1934, Biometrika 26)."""
    won, lost = rate * trials, (1 - rate) * trials
    low = np.where(won > 0, special.betaincinv(np.maximum(won, 1e-9), lost + 1, tail), 0.0)
    high = np.where(lost > 0, special.betainccinv(won + 1, np.maximum(lost, 1e-9), tail), 1.0)
    return low, high


def _more_votes(contrasts: Contrasts, prior: float, alpha: float) -> FloatArray:
    """By bisection of the logarithm of how many times the votes are needed: what is enough once is so from there on."""

    def enough(log_times: FloatArray) -> BoolArray:
        times = np.exp(log_times)
        error = contrasts.error * np.sqrt(kept / _kept(contrasts.prompts * times, contrasts.raters * times) / times)
        p = _p_values(contrasts.value - contrasts.null, error, contrasts.clusters * times)
        return np.asarray(p <= critical_p(contrasts.votes * times, prior, alpha))

    kept = _kept(contrasts.prompts, contrasts.raters)
    low, high = np.zeros(len(contrasts.p)), np.full(len(contrasts.p), np.log(MOST_TIMES))
    now, at_last = enough(low), enough(high)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        reached = enough(middle)
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    needed = np.where(now, 0.0, np.ceil(contrasts.votes * np.expm1(high)))
    return np.where(np.isnan(contrasts.p), np.nan, np.where(at_last, needed, np.inf))
