"""How few votes, or raters, have to be left out for a conclusion to fall.

Which to leave out is chosen by influence: to first order an estimate changes by minus the influence of what is removed,
so that those go first which hold the conclusion up most. Broderick, Giordano & Meager (2020), "An automatic
finite-sample robustness metric: when can dropping a little data make a big difference?"; for Bradley-Terry ratings
Huang, Shen, Wei & Broderick (2025), "Dropping just a handful of preferences can change top large language model
rankings". The approximation only chooses: what is returned has been estimated again without the removed and found to
overturn the conclusion. Their number therefore suffices, and `is_exact` says where no smaller one does.

"Above" is strictly above: a conclusion falls as soon as the two are level. A removal after which there are no ratings
(a system never wins any more) overturns nothing. Both-bad counts nowhere, a tie is half a win for each. Votes are those
of one question.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.stats.errors import ConclusionError, counted, listed
from analysis.stats.outcomes import BOTH_BAD, BoolArray, FloatArray, IntArray, VoteTable
from analysis.stats.removal import LEVEL_WITHIN, Cells, Evaluate, Unit, checked, fewest
from analysis.stats.uncertainty import LEVEL
from analysis.stats.win_rates import pair_win_rates


@dataclass(frozen=True, eq=False)
class Fragility:
    """What suffices to overturn `conclusion`.

    `removed`: rows of the table (`unit` "vote"; of votes on the same sides with the same outcome any may take the place
    of another) or codes of its raters. `share`: of the votes that the conclusion rests on, how many go with them.
    `overtaken_by`: the system that is then level with `above` or better; None where only significance is lost.
    `is_exact`: nothing less overturns it. `number` and `share` are None where no removal was found that does.
    """

    conclusion: str
    unit: Unit
    above: str
    overtaken_by: str | None
    number: int | None
    share: float | None
    removed: IntArray
    is_exact: bool


def first_place(votes: VoteTable, ratings: str = "bradley-terry", unit: Unit = "vote") -> Fragility:
    """The fewest votes or raters without which the first system is no longer alone in first place.

    `ratings`: "bradley-terry" or "win-rate" (against the field). It takes some 20 estimates for each rival.
    Raises as the ratings do; ConclusionError where several systems share the first place.
    """
    cells = Cells.of(votes, ratings, unit)
    values = cells.measured(np.zeros_like(cells.available))[0]
    order = np.argsort(-values, kind="stable")
    level = values[order[0]] - values[order] <= LEVEL_WITHIN
    if level.sum() > 1:
        shared = listed([cells.systems[i] for i in order[level]])
        raise ConclusionError(f"No system is alone in first place: {shared} are level.")
    return _of_ratings(cells, votes, f"{cells.systems[order[0]]} is first", int(order[0]), order[1:])


def rated_above(
    votes: VoteTable, above: str, below: str, ratings: str = "bradley-terry", unit: Unit = "vote"
) -> Fragility:
    """The fewest votes or raters without which `above` is no longer rated above `below`.

    `ratings` as in `first_place`. Raises as the ratings do; ConclusionError where `above` is not above with all votes.
    """
    cells = Cells.of(votes, ratings, unit)
    first, second = _code(cells.systems, above), _code(cells.systems, below)
    values = cells.measured(np.zeros_like(cells.available))[0]
    if values[first] - values[second] <= LEVEL_WITHIN:
        raise ConclusionError(f"{above} is not rated above {below}: {values[first]:.6g} and {values[second]:.6g}.")
    return _of_ratings(cells, votes, f"{above} is rated above {below}", first, np.array([second]))


def preferred(votes: VoteTable, above: str, below: str, unit: Unit = "vote") -> Fragility:
    """The fewest votes or raters without which `above` no longer wins more than half against `below`; always exact.

    With w wins and l losses the rate is above one half while w > l, whatever the ties: w - l wins must go; or raters,
    those whose own wins less losses are the largest, until these add up to w - l.
    ConclusionError where the rate is not above one half with all votes.
    """
    rows, score, member = _pair(votes, above, below, unit)
    net = np.bincount(member, 2 * score - 1)
    order = np.argsort(-net, kind="stable")
    number = 1 + int(np.argmax(np.cumsum(net[order]) >= net.sum()))
    gone = np.isin(member, order[:number])
    removed = _removed(votes, unit, rows, gone)
    return Fragility(f"{above} is preferred to {below}", unit, above, below, *removed, is_exact=True)


def significantly_preferred(
    votes: VoteTable, above: str, below: str, unit: Unit = "vote", level: float = LEVEL
) -> Fragility:
    """The fewest votes or raters without which the interval of the win rate no longer lies above one half.

    The interval is that of `pair_win_rates` at `level`; a rate without an interval is not significant.
    ConclusionError where the rate is not significantly above one half with all votes.
    """
    rows, score, member = _pair(votes, above, below, unit)
    unit_of = np.unique(member, return_inverse=True)[1].astype(np.intp)
    pair = replace(votes, optional={}).select(np.isin(np.arange(len(votes)), rows))
    evaluate = _significance(pair, above, score, unit_of, level)
    available = np.ones(unit_of.max() + 1, dtype=np.intp)
    if evaluate(np.zeros_like(available))[0] <= LEVEL_WITHIN:
        raise ConclusionError(f"{above} is not significantly preferred to {below} at the {level:.0%} level.")
    found, is_exact = checked(evaluate, available, fewest(evaluate, available, len(available)))
    conclusion = f"{above} is significantly preferred to {below} at the {level:.0%} level"
    gone = np.zeros(len(rows), dtype=np.bool_) if found is None else np.asarray(found[unit_of] > 0)
    is_reversed = not gone.all() and score[~gone].mean() <= 0.5
    overtaken_by = below if is_reversed else None
    return Fragility(conclusion, unit, above, overtaken_by, *_removed(votes, unit, rows, gone), is_exact)


def _of_ratings(cells: Cells, votes: VoteTable, conclusion: str, first: int, rivals: IntArray) -> Fragility:
    found, limit = None, int(cells.available.sum())
    for rival in rivals:
        fewer = fewest(cells.lead(first, np.array([rival])), cells.available, limit)
        if fewer is not None:
            found, limit = fewer, int(fewer.sum()) - 1
    found, is_exact = checked(cells.lead(first, rivals), cells.available, found)
    overtaken_by, gone = None, np.zeros(len(cells.rows), dtype=np.bool_)
    if found is not None:
        values = cells.measured(found)[0]
        overtaken_by, gone = cells.systems[rivals[np.argmax(values[rivals])]], cells.gone(found)
    removed = _removed(votes, cells.unit, cells.rows, gone)
    return Fragility(conclusion, cells.unit, cells.systems[first], overtaken_by, *removed, is_exact)


def _removed(
    votes: VoteTable, unit: Unit, rows: IntArray, gone: BoolArray
) -> tuple[int | None, float | None, IntArray]:
    """Number, share and names of what goes with the votes `rows` where `gone`, of all votes `rows`."""
    removed = rows[gone] if unit == "vote" else np.unique(votes.rater[rows[gone]])
    return (len(removed), float(gone.mean()), removed) if len(removed) else (None, None, removed)


def _code(systems: tuple[str, ...], name: str) -> int:
    if name not in systems:
        raise ConclusionError(f'No vote rates "{name}"; systems are {listed(systems, len(systems))}.')
    return systems.index(name)


def _pair(votes: VoteTable, above: str, below: str, unit: Unit) -> tuple[IntArray, FloatArray, IntArray]:
    """Rows of the votes on two systems, what `above` got of each, and to which unit each belongs."""
    first, second = _code(votes.systems, above), _code(votes.systems, below)
    is_left = (votes.system_left == first) & (votes.system_right == second)
    is_right = (votes.system_left == second) & (votes.system_right == first)
    rows = np.flatnonzero((is_left | is_right) & (votes.outcome != BOTH_BAD))
    score = np.where(is_left, votes.left_score, 1 - votes.left_score)[rows]
    if not score.sum() > len(rows) / 2:
        raise ConclusionError(
            f"{above} is not preferred to {below}: it got {score.sum():g} of {counted(len(rows), 'vote')}."
        )
    return rows, score, np.arange(len(rows)) if unit == "vote" else votes.rater[rows]


def _significance(pair: VoteTable, above: str, score: FloatArray, unit_of: IntArray, level: float) -> Evaluate:
    """The margin is how far the interval of the win rate of `above` lies above one half; below all where it has none.

    With residuals e_i = y_i - rate and their sums E over clusters, V = sum E^2 / (n (n - 1)), and the lower end is
    rate - q sqrt(V). Without vote i the rate is rate - e_i / (n - 1), all other residuals e_j + e_i / (n - 1), so that
    sum E^2 changes by about 2 e_i (sum n_c E_c / (n - 1) - E_c(i)) + e_i^2; q is taken as fixed.
    """
    cell = pair.prompt * len(pair.raters) + pair.rater

    def evaluate(removed: IntArray) -> tuple[float, FloatArray]:
        kept = removed[unit_of] == 0
        intervals = pair_win_rates(pair.select(kept), level).intervals if kept.any() else None
        if intervals is None or np.isnan(intervals.low[0]):
            return -np.inf, np.zeros(len(removed))
        low = float(intervals.low[0] if pair.systems[0] == above else 1 - intervals.high[0])
        n, rate, error = int(kept.sum()), float(score[kept].mean()), float(intervals.standard_error[0])
        if error == 0:
            # All votes agree: any that goes makes the exact interval a little wider.
            change = np.full(n, -1 / n)
        else:
            residual = score[kept] - rate
            of = [_squares(residual, codes[kept]) for codes in (pair.prompt, pair.rater, cell)]
            two_way = of[0][0] + of[1][0] - of[2][0], of[0][1] + of[1][1] - of[2][1]
            squares, slope = max(two_way, of[0], of[1], key=lambda found: found[0])
            relative = 2 / n + slope / squares  # dV / V
            change = -residual / (n - 1) - (rate - low) / 2 * relative
        return low - 0.5, np.bincount(unit_of[kept], change, minlength=len(removed)).astype(np.float64)

    return evaluate


def _squares(residual: FloatArray, codes: IntArray) -> tuple[float, FloatArray]:
    """Sum over clusters of the squared sums of residuals, and how it changes without each vote."""
    codes = np.unique(codes, return_inverse=True)[1]
    sums, sizes = np.bincount(codes, residual), np.bincount(codes)
    shift = (sizes * sums).sum() / (len(residual) - 1)
    return float((sums**2).sum()), 2 * residual * (shift - sums[codes]) + residual**2
