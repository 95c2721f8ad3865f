"""Looks that are planned: what each showed, and what it took.

The votes are replayed in the order in which they were given. The clock of alpha spending is the share of the planned
votes: known before any outcome is, and cautious where later votes bring less information than earlier ones, as when the
same raters go on. Then the looks are more correlated than the boundaries suppose, and false alarms fewer: Royen (2014),
"A simple proof of the Gaussian correlation conjecture", Far East Journal of Theoretical Statistics 48.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.curves import answer_times
from analysis.stats.errors import LookError, RatingError
from analysis.stats.outcomes import FloatArray, IntArray, VoteTable
from analysis.stats.sequential import Contrasts, pair_contrasts, rating_contrasts
from analysis.stats.spending import boundaries
from analysis.stats.uncertainty import LEVEL
from analysis.stats.win_rates import pair_win_rates

SPENT = 0.8
"""The part of 1 - level that is spent. The rest is kept for the t test itself, which with clustered votes errs a little
more often than it says, at a single look already (benchmarks/sequential.py)."""

ContrastsOf = Callable[[VoteTable], Contrasts]
"""Contrasts of a table of votes; RatingError where they do not determine any."""


@dataclass(frozen=True, eq=False)
class PlannedLooks:
    """What looks at `votes` (looks,) votes showed of `contrasts` (m), those of the last look.

    `p` (looks, m) is the fixed-sample p of each look, NaN where the look does not count, for too few clusters or votes;
    `allowed` (looks,) is the p at which a contrast is told apart. `sign` (m,) is 1 where `a` was found better, -1 where
    `b` was, 0 where that is open; `found_at` (m,) the look (from 1) that found it, 0 for none.
    """

    contrasts: Contrasts
    votes: IntArray
    p: FloatArray
    allowed: FloatArray
    sign: IntArray
    found_at: IntArray
    at_once: int


def pairs_of(votes: VoteTable) -> Contrasts:
    """Win rates of pairs, as contrasts."""
    return pair_contrasts(pair_win_rates(votes))


def ratings_of(votes: VoteTable) -> Contrasts:
    """Differences of Bradley-Terry ratings, as contrasts. Raises RatingError as `bradley_terry` does."""
    return rating_contrasts(bradley_terry(votes), len(votes.counted()))


def planned_looks(
    votes: VoteTable,
    looks: Sequence[int],
    planned: int,
    contrasts_of: ContrastsOf,
    level: float = LEVEL,
    *,
    at_once: int = 1,
    final: bool = False,
) -> PlannedLooks:
    """Test contrasts at each of `looks`, numbers of votes that rise, with O'Brien-Fleming type boundaries (`spending`).

    `planned` votes are the study's planned size; `final` says that it ended with the last look, whatever was planned.
    A contrast is told apart at the first look whose p is at most `allowed_p`. One for which a look does not count loses
    what that look spends, which can only make a false alarm less likely.

    Raises LookError for looks beyond the votes or as `boundaries` does; VoteFileError for times that are none;
    RatingError where all the votes of the last look do not determine the contrasts.
    """
    if not looks or looks[-1] > len(votes):
        found = f"the last is at {looks[-1]}" if looks else "there are none"
        raise LookError(f"Looks: {found}; allowed: one or more, at no more than the {len(votes)} votes that there are.")
    allowed = allowed_p(looks, planned, level, at_once=at_once, final=final)
    place = np.argsort(time_order(votes))
    last = contrasts_of(votes.select(place < looks[-1]))
    p, direction = np.full((len(looks), len(last.a)), np.nan), np.zeros((len(looks), len(last.a)))
    for k, number in enumerate(looks):
        try:
            now = last if k == len(looks) - 1 else contrasts_of(votes.select(place < number))
        except RatingError:
            continue
        at = _positions(now, last)
        p[k, at], direction[k, at] = now.p, np.sign(now.value - now.null)
    crossed = p <= allowed[:, None]
    first = crossed.argmax(axis=0)
    any_look = crossed.any(axis=0)
    return PlannedLooks(
        contrasts=last,
        votes=np.asarray(looks, dtype=np.intp),
        p=p,
        allowed=allowed,
        sign=np.where(any_look, direction[first, np.arange(len(first))], 0).astype(np.intp),
        found_at=np.where(any_look, first + 1, 0).astype(np.intp),
        at_once=at_once,
    )


def allowed_p(
    looks: Sequence[int], planned: int, level: float = LEVEL, *, at_once: int = 1, final: bool = False
) -> FloatArray:
    """The two-sided p, shape (looks,), at which each of so many contrasts at once is told apart at each look.

    2 (1 - Phi(b_k)), where b_k are the boundaries for SPENT (1 - level) / at_once. Raises LookError as they do.
    """
    bounds = boundaries(looks, planned, SPENT * (1 - level) / at_once, final=final)
    return np.asarray(2 * special.ndtr(-bounds), dtype=np.float64)


def _positions(some: Contrasts, everything: Contrasts) -> list[int]:
    """Where contrasts of fewer votes are among those of more, by the systems' names."""
    where = {pair: i for i, pair in enumerate(_names(everything))}
    return [where[pair] for pair in _names(some)]


def _names(contrasts: Contrasts) -> list[tuple[str, str]]:
    return [(contrasts.systems[a], contrasts.systems[b]) for a, b in zip(contrasts.a, contrasts.b, strict=True)]


def time_order(votes: VoteTable) -> IntArray:
    """Positions of the votes (N,), the first given first: by `curves.answer_times`, which may raise, else by rows."""
    times = answer_times(votes)
    return np.arange(len(votes), dtype=np.intp) if times is None else np.argsort(times, kind="stable").astype(np.intp)
