"""Raters unlike the others: tests of each rater.

They point at raters to look at and exclude nobody: a person of rare taste is not a careless one. Votes are
those of one question.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats
from scipy.sparse import csgraph
from scipy.special import expit, logit

from analysis.stats.agreement import agreement
from analysis.stats.bradley_terry import fit_votes
from analysis.stats.curves import positions
from analysis.stats.errors import RatingError
from analysis.stats.outcomes import BOTH_BAD, LEFT, RIGHT, FloatArray, IntArray, VoteTable
from analysis.stats.pair_tests import holm
from analysis.stats.ratings import rated_votes
from analysis.stats.reliability import information
from analysis.stats.win_rates import pair_codes

_LONGEST = 100  # runs beyond it are as good as impossible, and their bound is near enough
_RARE = 1e-6
_SURE = 0.02  # no vote is foreseen with less doubt


@dataclass(frozen=True, eq=False)
class Anomalies:
    """Columns (r,) of all raters, in the order of the table; NaN where their votes do not determine a number.

    `concordance`: how closely a rater follows what the others prefer, 1 as closely as they do themselves, 0 not at all
    and less the wrong way round; `concordance_sd`: standard deviation of what it truly is of honest raters, who differ
    in taste. `left_share`: of the votes for a side. `longest_run`: of votes in a row for one side. `p_concordance`,
    `p_side`, `p_run`: of the three tests.
    `p_holm`: the smallest of a rater's three after Holm's correction over all tests of all raters: to call those with
    p_holm <= alpha anomalous is wrong about anybody at all with probability alpha or less.
    """

    raters: tuple[str, ...]
    concordance: FloatArray
    concordance_sd: float
    left_share: FloatArray
    longest_run: IntArray
    p_concordance: FloatArray
    p_side: FloatArray
    p_run: FloatArray
    p_holm: FloatArray


def rater_tests(votes: VoteTable) -> Anomalies:
    """Test whether each rater agrees with the others, favours a side, or keeps to one for long.

    Concordance, one-sided. A rater like the others is expected to give the left image

        p = s(theta_left - theta_right + S) + w d,    w = rho / (1 + (n - 1) rho),

    where s is the logistic function, theta and S are the Bradley-Terry fit to the other raters' votes (one Newton step
    from everybody's), d the sum of the residuals of their n votes on the same two images, and rho the intra-class
    correlation of votes on two images (`agreement`); w d is the best linear predictor from d. With x = logit(p) - S the
    rater's concordance is C = sum (y - 1/2) x / D, D = sum (p - 1/2) x: the share that the rater brings about of what
    the log likelihood gains by knowing what the others prefer. C D adds up sums over G prompts, so that its variance is
    V = G / (G - 1) sum (deviation of a prompt's sum of (y - p) x from their mean)^2. The test is

        t = (C - median C) / sqrt((1 + pi / (2 r)) (V / D^2 + concordance_sd^2)),

    with Satterthwaite's degrees of freedom from the effective prompts of the rater and half the number of raters r, on
    which concordance_sd rests: with it, the t above the median have the spread that they should. It allows for honest
    raters of different taste, and comes from the half without the careless: an empirical null as in Efron (2004),
    "Large-scale simultaneous hypothesis testing", Journal of the American Statistical Association 99.

    Side: exact binomial, twice the smaller tail, the larger p of two: for one half and for the share of all votes, so
    that a rater is odd only if unlike both. It supposes that sides were drawn at random.

    Run: the probability of a run at least as long among as many independent votes that are left, right or neither as
    often as all votes are; in the order of `answered_at`, else of rows.

    Raises as `bradley_terry` does; RatingError with one rater only; VoteFileError for a time that is none.
    """
    if len(votes.raters) < 2:
        raise RatingError("Nobody can be compared with the others: there is one rater.")
    concordance, p_concordance, concordance_sd = _concordance_test(votes)
    share, side = _sides(votes)
    run, in_a_row = _runs(votes)
    adjusted = holm(np.concatenate([p_concordance, side, in_a_row])).reshape(3, -1)
    return Anomalies(
        raters=votes.raters,
        concordance=concordance,
        concordance_sd=concordance_sd,
        left_share=share,
        longest_run=run,
        p_concordance=p_concordance,
        p_side=side,
        p_run=in_a_row,
        p_holm=np.fmin.reduce(adjusted),
    )


def _concordance_test(votes: VoteTable) -> tuple[FloatArray, FloatArray, float]:
    """Concordance and p of each rater, and the standard deviation of concordances; see `rater_tests`."""
    concordance, variance, degrees = _concordances(votes)
    known = ~np.isnan(concordance)
    raters = int(known.sum())
    if not raters:
        return concordance, concordance, 0.0
    deviation = concordance - np.median(concordance[known])
    concordance_sd = _spread(deviation[known], variance[known])
    whole = variance + concordance_sd**2
    degrees = 1 / ((variance / whole) ** 2 / degrees + (concordance_sd > 0) * 2 / raters)
    t = deviation / np.sqrt((1 + np.pi / (2 * raters)) * whole)
    return concordance, np.asarray(stats.t.cdf(t, degrees)), concordance_sd


def _concordances(votes: VoteTable) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Concordance, its variance and the degrees of freedom of each rater; see `rater_tests`."""
    rows = votes.outcome != BOTH_BAD
    rated, rater = rated_votes(votes), votes.rater[rows]
    chance, side = _expected(rated, rater, len(votes.raters))
    x = logit(chance) - side
    lean, likely = (rated.left_score - 0.5) * x, (chance - 0.5) * x
    known = ~np.isnan(lean)
    cell, of_cell = np.unique((rater * len(rated.prompts) + rated.prompt)[known], return_inverse=True)
    owner, sizes = cell // len(rated.prompts), np.bincount(of_cell)
    surplus = np.bincount(of_cell, (lean - likely)[known])

    def total(owners: IntArray, values: FloatArray | IntArray) -> FloatArray:
        return np.bincount(owners, values, minlength=len(votes.raters)).astype(np.float64)

    with np.errstate(invalid="ignore", divide="ignore"):
        expected, prompts = total(rater[known], likely[known]), total(owner, np.ones(len(owner)))
        mean = total(owner, surplus) / prompts
        variance = prompts / (prompts - 1) * total(owner, (surplus - mean[owner]) ** 2) / expected**2
        found = 1 + total(owner, surplus) / expected
        degrees = total(owner, sizes) ** 2 / total(owner, sizes**2) - 1
    usable = (variance > 0) & (prompts > 1) & (expected > 0)
    return np.where(usable, found, np.nan), np.where(usable, variance, np.nan), np.where(usable, degrees, np.nan)


def _expected(votes: VoteTable, rater: IntArray, raters: int) -> tuple[FloatArray, FloatArray]:
    """What the left system would get of each vote (N,) from a rater like the others, and log odds for the side in it.

    NaN where the others' votes do not connect the systems.
    """
    chance, side = _by_ratings(votes, rater, raters)
    pair = pair_codes(votes)[2]
    flipped = votes.system_left > votes.system_right
    sign = np.where(flipped, -1.0, 1.0)
    residual = np.nan_to_num(votes.left_score - chance) * sign
    unit = np.unique(pair * len(votes.prompts) + votes.prompt, return_inverse=True)[1]
    own = np.unique(unit * raters + rater, return_inverse=True)[1]
    others = np.bincount(unit)[unit] - np.bincount(own)[own]
    seen = np.bincount(unit, residual)[unit] - np.bincount(own, residual)[own]
    icc = max(0.0, np.nan_to_num(agreement(votes).prompt_icc))
    weight = icc / (1 + (np.maximum(others, 1) - 1) * icc)
    return np.clip(chance + sign * weight * seen, _SURE, 1 - _SURE), side


def _by_ratings(votes: VoteTable, rater: IntArray, raters: int) -> tuple[FloatArray, FloatArray]:
    """Chance of the left system in each vote (N,) by the ratings of the other raters, and their side in log odds."""
    fit = fit_votes(votes)
    k, with_side = len(votes.systems), not np.isnan(fit.side)
    parameters = np.append(fit.strengths, fit.side if with_side else 0.0)
    pair, score = votes.system_left * k + votes.system_right, votes.left_score
    games = np.bincount(pair, minlength=k * k)
    chance = expit(np.subtract.outer(parameters[:k], parameters[:k]) + parameters[k]).ravel()
    noise = chance * (1 - chance)
    whole = information((games * noise).reshape(k, k), with_side=with_side)
    whole[:k, :k] += 1.0  # fixes the free sum of the strengths
    found, side = np.full((2, len(votes)), np.nan)
    ends = np.cumsum(np.bincount(rater, minlength=raters))[:-1]
    for mine in np.split(np.argsort(rater, kind="stable"), ends):
        played = np.bincount(pair[mine], minlength=k * k)
        if not len(mine) or not _connected((games - played).reshape(k, k)):
            continue
        surplus = (np.bincount(pair[mine], score[mine], minlength=k * k) - played * chance).reshape(k, k)
        gradient = np.append(surplus.sum(axis=1) - surplus.sum(axis=0), surplus.sum() * with_side)
        own = information((played * noise).reshape(k, k), with_side=with_side)
        own[k, k] *= with_side
        others = parameters - np.linalg.solve(whole - own, gradient)
        left, right = np.divmod(pair[mine], k)
        found[mine], side[mine] = expit(others[left] - others[right] + others[k]), others[k]
    return found, side


def _connected(games: IntArray) -> bool:
    return int(csgraph.connected_components(games > 0, directed=False)[0]) == 1


def _spread(deviation: FloatArray, variance: FloatArray) -> float:
    """The standard deviation to add, for the t above the median, which is zero, to have a mean square of one."""

    def excess(sd: float) -> float:
        t = deviation / np.sqrt(variance + sd**2)
        return float((t[t > 0] ** 2).sum()) - (above - 1)

    above = int((deviation > 0).sum())
    if above < 2 or excess(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(excess, 0.0, 4 * np.abs(deviation).max()))


def _sides(votes: VoteTable) -> tuple[FloatArray, FloatArray]:
    """Left share and p of each rater."""
    left, right = (
        np.bincount(votes.rater[votes.outcome == side], minlength=len(votes.raters)) for side in (LEFT, RIGHT)
    )
    n = left + right
    if not n.any():
        return np.full(len(n), np.nan), np.full(len(n), np.nan)
    p = np.zeros(len(n))
    for share in (0.5, left.sum() / n.sum()):
        tail = np.minimum(stats.binom.cdf(left, n, share), stats.binom.sf(left - 1, n, share))
        p = np.maximum(p, np.minimum(1.0, 2 * tail))
    return np.divide(left, n, out=np.full(len(n), np.nan), where=n > 0), np.where(n > 0, p, np.nan)


def _runs(votes: VoteTable) -> tuple[IntArray, FloatArray]:
    """Longest run and its p of each rater."""
    order = np.lexsort((positions(votes)[1], votes.rater))
    rater, outcome = votes.rater[order], votes.outcome[order]
    starts = np.flatnonzero(np.append(True, (rater[1:] != rater[:-1]) | (outcome[1:] != outcome[:-1])))
    lengths = np.diff(np.append(starts, len(order)))
    sided = outcome[starts] <= RIGHT
    longest = np.zeros(len(votes.raters), dtype=np.intp)
    np.maximum.at(longest, rater[starts][sided], lengths[sided])
    sides = [float((outcome == side).mean()) for side in (LEFT, RIGHT)]
    counts = np.bincount(rater, minlength=len(votes.raters))
    p = np.array([run_p(int(n), int(run), *sides) for n, run in zip(counts, longest, strict=True)])
    return longest, np.where(longest > 0, p, np.nan)


def run_p(votes: int, run: int, left: float, right: float) -> float:
    """Probability of a run of at least `run` lefts or rights among independent votes with these probabilities.

    From the chain of the present run's length; where it is rare, the bound votes * (left^run + right^run).
    """
    if run == 0 or run > votes:
        return float(run == 0)
    bound = votes * (left**run + right**run)
    if bound < _RARE or run > _LONGEST:
        return min(1.0, bound)
    neither, lefts, rights = 0, np.arange(1, run), np.arange(run, 2 * run - 1)
    chain = np.zeros((2 * run - 1, 2 * run - 1))
    chain[:, neither] = 1 - left - right
    for states, chance in ((lefts, left), (rights, right)):
        if run > 1:
            chain[:, states[0]] = chance
            chain[states, states[0]] = 0.0
            chain[states[:-1], states[1:]] = chance
    return float(1 - np.linalg.matrix_power(chain, votes)[neither].sum())
