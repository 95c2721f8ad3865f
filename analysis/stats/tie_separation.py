"""Whether a model of ties has finite ratings, told from who won, lost and tied alone.

Let x = d_i - d_j + s for i on the left of j, where strengths move along d, the side along s and the tie parameter
along T: log nu along T / 2 in Davidson's model, log theta along T in Rao and Kupper's. The log likelihood is concave
and falls without end along (d, s, T) unless

    x >= T  for every pair of which the left won,    -x >= T  for every one of which the right won,
    |x| <= T  for every tie.

These are the directions of recession (Rockafellar 1970, "Convex Analysis", secs. 8 and 27): the likelihood has a
maximum exactly if it is constant along each of them. With a tie that is x = T = 0 for all pairs that were compared;
the maximum is unique if then d is constant and s = 0. What Albert & Anderson (1984), "On the existence of maximum
likelihood estimates in logistic regression models", Biometrika 71, call separation is here a linear programme, as in
Konis (2007), "Linear programming algorithms for detecting separated data in binary logistic regression models", thesis,
University of Oxford. A tie asks for T >= 0, and directions can be stretched, so that three cases are all: T = s = 0, as
in plain Bradley-Terry (Ford 1957); s = 0 and T = 1; s = 1 or -1 and any T.

Counts are (k, k), [i, j] with i on the left of j; only whether they are zero matters.
"""

from __future__ import annotations

import numpy as np

from analysis.stats.bradley_terry import check_separation
from analysis.stats.errors import NotConvergedError, SeparationError, listed
from analysis.stats.outcomes import FloatArray

Counts = tuple[FloatArray, FloatArray, FloatArray]  # left wins, right wins, ties
_FEASIBLE, _INFEASIBLE = 0, 2  # the statuses of scipy.optimize.linprog


def check_tie_separation(counts: Counts, model: str, systems: tuple[str, ...]) -> None:
    """Raise SeparationError, which names systems, unless ratings without a side are finite.

    There must be a tie, and comparisons must connect all systems. NotConvergedError if the programme finds no answer.
    """
    left, right, ties = counts
    check_separation(left + right.T + ties + ties.T, systems)
    d = _direction(counts, side=0.0, least_tie=1.0)
    if d is not None:
        order = [systems[i] for i in np.argsort(-d, kind="stable")]
        raise SeparationError(
            f"No finite ratings with a tie parameter: of {listed(order)}, best first, none ever lost to a later one, "
            f"so that in the {model} model greater differences with more ties always fit better; count ties as half."
        )


def side_is_estimable_with_ties(counts: Counts) -> bool:
    """Whether a finite, unique side intercept exists, given strengths that exist without one.

    There must be a tie. NotConvergedError if the programme finds no answer.
    """
    return all(_direction(counts, side=side, least_tie=0.0) is None for side in (1.0, -1.0))


def _direction(counts: Counts, *, side: float, least_tie: float) -> FloatArray | None:
    """The d (k,) of a direction of recession with this s and T >= `least_tie`; None without one."""
    from scipy.optimize import linprog  # which takes long to import
    from scipy.sparse import csr_array

    won, lost, tied = (np.argwhere(count > 0) for count in counts)
    pairs = np.concatenate([won, lost, tied, tied])
    sizes = [len(won), len(lost), len(tied), len(tied)]
    x_sign, tie_sign = np.repeat([1.0, -1.0, 1.0, -1.0], sizes), np.repeat([-1.0, -1.0, 1.0, 1.0], sizes)
    n, k = len(pairs), len(counts[0])
    columns = np.column_stack([pairs, np.full(n, k), np.full(n, k + 1)])
    signs = np.column_stack([x_sign, -x_sign, x_sign, tie_sign])
    at_least_zero = csr_array((signs.ravel(), columns.ravel(), np.arange(0, 4 * n + 1, 4)), shape=(n, k + 2))
    bounds = [(None, None)] * k + [(side, side), (least_tie, None)]
    found = linprog(  # type: ignore[call-overload]  # whose stubs know no sparse matrices
        np.zeros(k + 2), A_ub=-at_least_zero, b_ub=np.zeros(n), bounds=bounds, method="highs"
    )
    if found.status not in (_FEASIBLE, _INFEASIBLE):
        raise NotConvergedError(f"Whether ratings with a tie parameter are finite is not known: {found.message}")
    return np.asarray(found.x[:k], dtype=np.float64) if found.status == _FEASIBLE else None
