"""Ratings that allow for unreliable raters: Crowd-BT, a sensitivity analysis beside plain Bradley-Terry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import linalg
from scipy.special import expit, log_expit, logit

from analysis.stats.bradley_terry import BASE, MEAN, POINTS, SCALE, fit_votes
from analysis.stats.errors import NotConvergedError, RatingError
from analysis.stats.outcomes import FloatArray, IntArray, VoteTable
from analysis.stats.ratings import Ratings, rated_votes

PRIOR = (10.0, 1.0)
"""Beta prior of a rater's reliability: mean 0.91, worth 11 votes."""
VIRTUAL = 0.5
"""Virtual wins, and losses, of each system against one of fixed strength."""
MAX_ITERATIONS = 100
_TOLERANCE = 1e-8  # in log odds
_LONGEST_STEP = 2.0  # beyond it a rater would be taken for nearly certain, where the curvature says no more


@dataclass(frozen=True, eq=False)
class Reliability:
    """`reliability` and `votes` (r,) belong to `raters`: those with a vote that is not both-bad.

    `ratings` are on the scale of `bradley_terry`, without intervals.
    """

    ratings: Ratings
    raters: tuple[str, ...]
    reliability: FloatArray
    votes: IntArray


def crowd_bradley_terry(votes: VoteTable, prior: tuple[float, float] = PRIOR, virtual: float = VIRTUAL) -> Reliability:
    """Rate systems and raters at once: rater k reports the preferred image with probability eta_k, else the other.

        P(left beats right | k) = eta_k p + (1 - eta_k) (1 - p),    p = 1 / (1 + 10^(-(R_left - R_right + S) / 400)),

    so that eta = 1 is a rater as Bradley-Terry has them, 1/2 one who clicks at random and 0 one who takes the
    question the wrong way round. Chen, Bennett, Collins-Thompson & Horvitz (2013), "Pairwise ranking aggregation in a
    crowdsourced setting", WSDM; the side S as in `bradley_terry`. Ties are half a win for each, both-bad nothing.
    The maximum over (theta, S, logit eta) of

        log likelihood + sum_k [a log eta_k + b log(1 - eta_k)] + virtual sum_i [log s(theta_i) + log s(-theta_i)],

    with s the logistic function. The second term is the prior Beta(a, b) as a density of logit eta: it draws raters
    towards a / (a + b), those with few votes the most, and one about whom nothing is known is exactly there. The third
    is the paper's virtual node; without it strengths may run away, as errors of raters explain what upsets there are.

    Exchanging (theta, S, eta) for (-theta, -S, 1 - eta) leaves the likelihood as it is; the prior, for which a > b > 0
    is required, prefers that most raters be more often right than wrong, and the search starts from Bradley-Terry.
    The likelihood is not concave: the maximum is the one that ascent from there finds. Ratings are those of a perfectly
    reliable rater and so lie farther apart than plain ones. How far is badly known, as votes on systems that differ
    little tell only (2 eta - 1) theta, and the prior then decides: compare orders, not distances.

    Raises as `bradley_terry` does, and RatingError for a prior or `virtual` that is not allowed.
    """
    a, b = prior
    if not (a > b > 0 and virtual > 0):
        raise RatingError(
            f"The prior is Beta({a:g}, {b:g}) and virtual {virtual:g}; allowed are a > b > 0, virtual > 0."
        )
    votes = rated_votes(votes)
    plain = fit_votes(votes)
    model = _Model.of(votes, prior, virtual, with_side=not np.isnan(plain.side))
    k = len(votes.systems)
    side = 0.0 if np.isnan(plain.side) else plain.side
    start = np.concatenate([plain.strengths, [side], np.full(len(votes.raters), logit(a / (a + b)))])
    parameters, iterations = _ascend(model, start)
    ratings = Ratings(
        systems=votes.systems,
        values=np.asarray(MEAN + POINTS * (parameters[:k] - parameters[:k].mean())),
        intervals=None,
        parameters={
            "scale": SCALE,
            "base": BASE,
            "mean": MEAN,
            "ties": "half",
            "prior_a": a,
            "prior_b": b,
            "virtual": virtual,
        },
        diagnostics={
            "side": POINTS * float(parameters[k]) if model.with_side else float("nan"),
            "log_likelihood": model.log_likelihood(parameters),
            "iterations": float(iterations),
        },
    )
    counts = np.bincount(votes.rater, minlength=len(votes.raters)).astype(np.intp)
    return Reliability(ratings, votes.raters, np.asarray(expit(parameters[k + 1 :])), counts)


@dataclass(frozen=True, eq=False)
class _Model:
    """Of `games` (n,) votes by `rater` on `left` and `right`, the left won `wins`. Parameters: theta, S, logit eta."""

    left: IntArray
    right: IntArray
    rater: IntArray
    wins: FloatArray
    games: FloatArray
    systems: int
    raters: int
    prior: tuple[float, float]
    virtual: float
    with_side: bool

    @classmethod
    def of(cls, votes: VoteTable, prior: tuple[float, float], virtual: float, *, with_side: bool) -> Self:
        k, r = len(votes.systems), len(votes.raters)
        keys, cell = np.unique((votes.rater * k + votes.system_left) * k + votes.system_right, return_inverse=True)
        rater, pair = np.divmod(keys, k * k)
        left, right = np.divmod(pair, k)
        games = np.bincount(cell).astype(np.float64)
        wins = np.bincount(cell, votes.left_score).astype(np.float64)
        return cls(left, right, rater, wins, games, k, r, prior, virtual, with_side)

    def chances(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """p, eta and the probability of a vote for the left, (n,)."""
        p = expit(parameters[self.left] - parameters[self.right] + parameters[self.systems])
        eta = expit(parameters[self.systems + 1 :])[self.rater]
        return p, eta, eta * p + (1 - eta) * (1 - p)

    def log_likelihood(self, parameters: FloatArray) -> float:
        chance = self.chances(parameters)[2]
        return float((self.wins * np.log(chance) + (self.games - self.wins) * np.log1p(-chance)).sum())

    def objective(self, parameters: FloatArray) -> float:
        theta, doubt = parameters[: self.systems], parameters[self.systems + 1 :]
        a, b = self.prior
        penalty = (a * log_expit(doubt) + b * log_expit(-doubt)).sum()
        penalty += self.virtual * (log_expit(theta) + log_expit(-theta)).sum()
        return self.log_likelihood(parameters) + float(penalty)

    def gradient(self, parameters: FloatArray) -> FloatArray:
        """Of the objective, (k + 1 + r,)."""
        k, (a, b) = self.systems, self.prior
        p, eta, chance = self.chances(parameters)
        pull = (self.wins - self.games * chance) / (chance * (1 - chance))
        by_system = self._net(pull * (2 * eta - 1) * p * (1 - p)).sum(axis=0)
        by_system[:k] += self.virtual * (1 - 2 * expit(parameters[:k]))
        by_rater = self._by_rater(pull * (2 * p - 1) * eta * (1 - eta))
        return np.concatenate([by_system, by_rater + a - (a + b) * expit(parameters[k + 1 :])])

    def curvature(self, parameters: FloatArray, *, observed: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Minus the second derivatives of the objective, as observed or, which is never indefinite, as expected.

        In three blocks: of theta and S, (k + 1, k + 1); of logit eta with these, (r, k + 1); of logit eta, (r,).
        """
        k, (a, b) = self.systems, self.prior
        p, eta, chance = self.chances(parameters)
        noise, doubt = p * (1 - p), eta * (1 - eta)
        by_logit, by_doubt = (2 * eta - 1) * noise, (2 * p - 1) * doubt
        weight, pull = self.games / (chance * (1 - chance)), np.zeros(len(self.games))
        if observed:
            weight = self.wins / chance**2 + (self.games - self.wins) / (1 - chance) ** 2
            pull = (self.wins - self.games * chance) / (chance * (1 - chance))
        own = self._information(weight * by_logit**2 - pull * by_logit * (1 - 2 * p))
        virtual, reliability = expit(parameters[:k]), expit(parameters[k + 1 :])
        own[np.arange(k), np.arange(k)] += 2 * self.virtual * virtual * (1 - virtual)
        cross = self._net(weight * by_logit * by_doubt - pull * 2 * noise * doubt)
        raters = self._by_rater(weight * by_doubt**2 - pull * by_doubt * (1 - 2 * eta))
        return own, cross, raters + (a + b) * reliability * (1 - reliability)

    def _by_rater(self, cells: FloatArray) -> FloatArray:
        return np.bincount(self.rater, cells, self.raters).astype(np.float64)

    def _net(self, cells: FloatArray) -> FloatArray:
        """What falls to each system, as the left one less as the right one, and to the side; by rater, (r, k + 1)."""
        width = self.systems + 1
        row, size = self.rater * width, self.raters * width
        found = np.bincount(row + self.left, cells, size) - np.bincount(row + self.right, cells, size)
        found[width - 1 :: width] = self._by_rater(cells) * self.with_side
        return np.asarray(found.reshape(self.raters, width))

    def _information(self, cells: FloatArray) -> FloatArray:
        k = self.systems
        weight = np.bincount(self.left * k + self.right, cells, k * k).reshape(k, k)
        return information(weight.astype(np.float64), with_side=self.with_side)


def information(weight: FloatArray, *, with_side: bool) -> FloatArray:
    """sum over pairs of weight x x', (k + 1, k + 1), where x is +1 and -1 at left and right and 1 at the side.

    `weight` is (k, k), left by right. Without a side its diagonal element is 1 and the rest of its row 0.
    """
    k = len(weight)
    found = np.zeros((k + 1, k + 1))
    found[:k, :k] = -weight - weight.T
    found[np.arange(k), np.arange(k)] += weight.sum(axis=1) + weight.sum(axis=0)
    found[k, :k] = found[:k, k] = (weight.sum(axis=1) - weight.sum(axis=0)) * with_side
    found[k, k] = weight.sum() if with_side else 1.0
    return found


def _ascend(model: _Model, parameters: FloatArray) -> tuple[FloatArray, int]:
    """Newton's method with step halving; Fisher scoring where the objective is not concave."""
    reached = model.objective(parameters)
    for iteration in range(1, MAX_ITERATIONS + 1):
        gradient = model.gradient(parameters)
        step = _step(gradient, *model.curvature(parameters, observed=True))
        if step is not None and np.abs(step).max() < _TOLERANCE:
            return parameters, iteration
        if step is None:
            step = _step(gradient, *model.curvature(parameters, observed=False))
        if step is None:
            break
        step *= min(1.0, _LONGEST_STEP / np.abs(step).max())
        for _ in range(60):
            candidate = model.objective(parameters + step)
            if candidate >= reached - 1e-12 * abs(reached):
                break
            step /= 2
        parameters, reached = parameters + step, candidate
    raise NotConvergedError(f"Crowd-BT did not converge after {iteration} iterations.")


def _step(gradient: FloatArray, own: FloatArray, cross: FloatArray, raters: FloatArray) -> FloatArray | None:
    """Solve for the step, the diagonal block of the raters eliminated; None unless the whole is positive definite."""
    if not (raters > 0).all():
        return None
    scaled = cross / raters[:, None]
    try:
        factor = linalg.cho_factor(own - cross.T @ scaled)
    except linalg.LinAlgError:
        return None
    of_raters = gradient[len(own) :]
    first = linalg.cho_solve(factor, gradient[: len(own)] - scaled.T @ of_raters)
    return np.append(first, of_raters / raters - scaled @ first)
