"""Bradley-Terry ratings by maximum likelihood, with a side intercept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from analysis.stats.errors import DisconnectedError, NotConvergedError, SeparationError, listed
from analysis.stats.jackknife import Curvature
from analysis.stats.outcomes import LEFT, TIE, FloatArray, VoteTable
from analysis.stats.ratings import Ratings, ratable_votes
from analysis.stats.sums import rows_of, some_rows
from analysis.stats.uncertainty import LEVEL, TWO_WAY, Influence, clustered_covariances, intervals_of

SCALE = 400.0
BASE = 10.0
MEAN = 1000.0
MAX_ITERATIONS = 100
_TOLERANCE = 1e-10
POINTS = SCALE / np.log(BASE)
"""Rating points to one unit of log odds."""


@dataclass(frozen=True, eq=False)
class Fit:
    """Maximum-likelihood estimate in log odds.

    `strengths` (k,) sum to zero; `side` is the log odds of the left image among equals, NaN when the votes
    cannot tell it from strength; `covariance` (k + 1, k + 1) is the inverse information under independence,
    with the side last (zero where it was not fitted).
    """

    strengths: FloatArray
    side: float
    covariance: FloatArray
    log_likelihood: float
    iterations: int


def bradley_terry(votes: VoteTable, level: float = LEVEL, cluster: str = TWO_WAY) -> Ratings:
    """Rate systems so that P(left beats right) = 1 / (1 + 10^(-(R_left - R_right + S) / 400)), mean 1000.

    Bradley & Terry (1952), Biometrika 39; the side intercept S is the order effect of Davidson & Beaver
    (1977), Biometrics 33. A tie counts as half a win for each, both-bad not at all. Intervals are the two-way
    clustered sandwich of `uncertainty`: the influence of vote v is I^-1 x_v (y_v - p_v), where x_v is +1 and
    -1 at its systems and 1 at the side, and I the Fisher information; or of another `cluster` of uncertainty.CLUSTERS.

    Raises DisconnectedError, SeparationError or NotConvergedError; RatingError without any vote.
    """
    votes = ratable_votes(votes)
    fit = fit_votes(votes)
    values: FloatArray = MEAN + POINTS * fit.strengths
    found = influence(votes, fit)
    spread = clustered_covariances(votes, found, cluster)
    return Ratings(
        systems=votes.systems,
        values=values,
        intervals=intervals_of(values, spread.variances(), spread.margins, level),
        parameters={"scale": SCALE, "base": BASE, "mean": MEAN, "ties": "half", "level": level},
        diagnostics={
            "side": POINTS * fit.side,
            "log_likelihood": fit.log_likelihood,
            "iterations": float(fit.iterations),
        },
        influence=found,
        covariances=spread,
    )


def fit_votes(votes: VoteTable) -> Fit:
    """Fit to votes, each of whose systems has some that are not both-bad. Raises as `bradley_terry` does."""
    k = len(votes.systems)
    counts = votes.kinds.counted.reshape(k, k, -1)
    wins, games = counts[:, :, LEFT] + counts[:, :, TIE] / 2, counts.sum(axis=2).astype(np.float64)
    return fit_counts(wins, games, votes.systems)


def fit_counts(left_wins: FloatArray, games: FloatArray, systems: tuple[str, ...]) -> Fit:
    """Fit to counts: of `games[i, j]` comparisons with i on the left of j, i won `left_wins[i, j]`.

    Both are (k, k), ties counting half. `systems` name the rows in errors. Raises as `bradley_terry` does.
    """
    wins = left_wins + (games - left_wins).T
    check_connected(games, systems)
    check_separation(wins, systems)
    with_side = side_is_estimable(left_wins, games - left_wins)
    return _newton(left_wins, games, with_side)


def _newton(left_wins: FloatArray, games: FloatArray, with_side: bool) -> Fit:
    """Newton's method with step halving on the concave log likelihood of the aggregated counts."""
    k = len(games)
    parameters = np.zeros(k + 1)
    likelihood = _log_likelihood(parameters, left_wins, games)
    for iteration in range(1, MAX_ITERATIONS + 1):
        gradient, information = _derivatives(parameters, left_wins, games, with_side)
        inverse: FloatArray = np.asarray(np.linalg.inv(information), dtype=np.float64)
        step = inverse @ gradient
        if np.abs(step).max(initial=0.0) < _TOLERANCE:
            # The added 1 1' only fixed the sum of the strengths, to which no comparison speaks.
            inverse[:k, :k] -= 1.0 / k**2
            inverse[k, k] *= with_side
            side = float(parameters[k]) if with_side else float("nan")
            strengths: FloatArray = parameters[:k] - parameters[:k].mean()
            return Fit(strengths, side, inverse, likelihood, iteration)
        for _ in range(60):
            candidate = _log_likelihood(parameters + step, left_wins, games)
            if candidate >= likelihood - 1e-12 * abs(likelihood):
                break
            step /= 2
        parameters = parameters + step
        likelihood = candidate
    raise NotConvergedError(f"Bradley-Terry did not converge after {MAX_ITERATIONS} iterations.")


def _log_likelihood(parameters: FloatArray, left_wins: FloatArray, games: FloatArray) -> float:
    logits = np.subtract.outer(parameters[:-1], parameters[:-1]) + parameters[-1]
    return float((left_wins * log_expit(logits) + (games - left_wins) * log_expit(-logits)).sum())


def _derivatives(
    parameters: FloatArray, left_wins: FloatArray, games: FloatArray, with_side: bool
) -> tuple[FloatArray, FloatArray]:
    """Gradient (k + 1,) and Fisher information (k + 1, k + 1), plus 1 1' for the strengths' free sum."""
    k = len(games)
    chance = expit(np.subtract.outer(parameters[:k], parameters[:k]) + parameters[k])
    surplus = left_wins - games * chance
    weight = games * chance * (1 - chance)
    gradient = np.append(surplus.sum(axis=1) - surplus.sum(axis=0), surplus.sum() * with_side)
    information = np.zeros((k + 1, k + 1))
    information[:k, :k] = 1.0 - weight - weight.T
    information[np.diag_indices(k)] += weight.sum(axis=1) + weight.sum(axis=0)
    if with_side:
        information[k, :k] = information[:k, k] = weight.sum(axis=1) - weight.sum(axis=0)
        information[k, k] = weight.sum()
    else:
        information[k, k] = 1.0
    return gradient, information


def influence(votes: VoteTable, fit: Fit) -> Influence:
    """Of the votes on the ratings, in points."""
    k, kinds = len(votes.systems), votes.kinds
    chance = expit(fit.strengths[kinds.left] - fit.strengths[kinds.right] + (0.0 if np.isnan(fit.side) else fit.side))
    residual = kinds.left_score - chance
    sides, ones = [kinds.left, kinds.right], np.ones(len(chance))
    scores = rows_of([*sides, np.full(len(chance), k)], [residual, -residual, residual], k + 1)
    return Influence(
        scores=some_rows(scores, kinds.is_counted),
        weights=POINTS * fit.covariance[:, :k],
        bearing=some_rows(rows_of(sides, [ones, ones], k), kinds.is_counted),
        kind=votes.kind,
        curvatures=(Curvature(kinds.left, kinds.right, chance * (1 - chance) * kinds.is_counted, fit.covariance),),
    )


def check_connected(games: FloatArray, systems: tuple[str, ...]) -> None:
    """Raise DisconnectedError unless comparisons (k, k) lead, by whatever way, from every system to every other."""
    from scipy.sparse import csgraph  # which takes long to import

    groups, label = csgraph.connected_components(games > 0, directed=False)
    if groups > 1:
        parts = [f"({listed([systems[i] for i in np.flatnonzero(label == g)])})" for g in range(groups)]
        raise DisconnectedError(f"Bradley-Terry ratings do not exist: no comparison connects {listed(parts)}.")


def check_separation(wins: FloatArray, systems: tuple[str, ...]) -> None:
    """A finite maximum exists only if wins lead from every system to every other (Ford 1957)."""
    from scipy.sparse import csgraph

    groups, label = csgraph.connected_components(wins > 0, directed=True, connection="strong")
    if groups == 1:
        return
    outside = label[:, None] != label[None, :]
    lost, won = (wins.T > 0) & outside, (wins > 0) & outside
    top = [g for g in range(groups) if not lost[label == g].any()]
    bottom = [g for g in range(groups) if not won[label == g].any()]

    def named(groups: list[int]) -> str:
        return listed([name for name, group in zip(systems, label, strict=True) if group in groups])

    raise SeparationError(
        f"Bradley-Terry ratings are not finite: {named(top)} never lost to the other systems, "
        f"and {named(bottom)} never won against them."
    )


def side_is_estimable(left_wins: FloatArray, right_wins: FloatArray) -> bool:
    """Whether a finite, unique side intercept exists, given strengths that exist without one.

    The maximum runs away along (strengths d, side s) if d_i - d_j + s >= 0 for every win of i over j from the
    left, and d_i - d_j - s >= 0 from the right. For s = +-1 these are difference constraints, which can be
    met exactly when their graph has no cycle of negative length.
    """
    for sign in (1.0, -1.0):
        from_left, from_right = left_wins > 0, right_wins.T > 0
        length = np.where(from_left, sign, np.inf)
        length = np.minimum(length, np.where(from_right, -sign, np.inf))
        if not _has_negative_cycle(length):
            return False
    return True


def _has_negative_cycle(length: FloatArray) -> bool:
    """Bellman-Ford on a dense (k, k) matrix with infinity for "no edge"; starts at all nodes at once."""
    distance = np.zeros(len(length))
    for _ in range(len(length)):
        shorter = np.minimum(distance, (distance[:, None] + length).min(axis=0))
        if (shorter == distance).all():
            return False
        distance = shorter
    return True
