"""How many prompts, raters and votes a study needs, before it begins.

The variance of a pair's win rate over N votes on P prompts by raters with shares w_r of them, a tie counting half, is

    Var = v [rho_p / P + rho_r sum_r w_r^2 + (1 - rho_p - rho_r) / N],
    v   = (1 - tie) / 4 - delta^2,    delta = (1 - tie) (p - 1/2),

where p is the win rate among votes that are no tie, and rho_p and rho_r are the correlations of two votes that share
the prompt or the rater (agreement.prompt_icc, rater_icc). With m_p votes on each prompt and m_r by each rater (at
most one on each prompt),

    N = (q / d)^2 v [1 + rho_p (m_p - 1) + rho_r (m_r - 1)].

To find delta with a given power in a two-sided test, d = delta and q = z_{1 - alpha/2} + z_{power}; for an interval of
half-width d, q = z_{1 - alpha/2}. However many votes there are, P > (q / d)^2 v rho_p prompts and likewise raters are
needed. (Kish, 1965, Survey Sampling, ch. 5 and 8; Donner & Klar, 2000, Design and Analysis of Cluster Randomization
Trials, ch. 5, for one way of clustering.)

As the variance is estimated from G = min(prompts, raters) clusters (`uncertainty`), the formula promises too much where
these are few. A plan is the smallest study that keeps the promise with Student's t of G - 1 degrees of freedom: for an
interval t_{1 - alpha/2}(G - 1) sqrt(Var) <= d; for power, of noncentral t with |delta| / sqrt(Var),

    P(T > t_{1 - alpha/2}(G - 1)) >= power.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from scipy import special

PROMPT_ICC, RATER_ICC = 0.35, 0.10
"""Where no pilot says better: what public data sets of votes on images have, on the high side."""
LARGEST = 10**12
"""Of prompts and of every count: there are no such studies, and beyond it floats cannot count."""


class PlanError(ValueError):
    """A wish that no study can meet, or a number out of its range; one sentence."""


@dataclass(frozen=True)
class Wish:
    """What a study should find out; shares from 0 to 1, `seconds` for one answer, `pay` for an hour."""

    win_rate: float = 0.55
    ties: float = 0.2
    power: float = 0.8
    half_width: float | None = None
    level: float = 0.95
    systems: int = 2
    questions: int = 1
    votes_per_prompt: int = 4
    judgements: int = 40  # by one rater under one question, over all pairs of systems
    prompt_icc: float = PROMPT_ICC
    rater_icc: float = RATER_ICC
    seconds: float = 8.0
    pay: float = 12.0


@dataclass(frozen=True)
class Plan:
    """`votes_per_pair` under one question; the fewest prompts and raters are needed however many votes there are."""

    votes_per_pair: int
    prompts: int
    raters: int
    votes: int
    hours: float
    cost: float
    half_width: float
    fewest_prompts: int
    fewest_raters: int


@dataclass(frozen=True)
class Study:
    """A study of so many prompts as is wished: what it takes, and what it finds of a pair of systems."""

    wish: Wish
    prompts: int

    @property
    def votes(self) -> int:
        """On a pair, under one question."""
        return self.prompts * self.wish.votes_per_prompt

    @property
    def raters(self) -> int:
        """Nobody judges a pair of pictures twice, so there are at least as many as votes on each."""
        return max(math.ceil(self.votes * _pairs(self.wish) / self.wish.judgements), self.wish.votes_per_prompt)

    @property
    def error(self) -> float:
        """The standard error of the pair's win rate."""
        of_rater = min(_of_rater(self.wish), self.prompts)
        return math.sqrt(vote_variance(self.wish) * inflation(self.wish, of_rater) / self.votes)

    @property
    def clusters(self) -> int:
        """G."""
        return min(self.prompts, self.raters)

    @property
    def half_width(self) -> float:
        """Of the interval of the pair's win rate; infinite with one cluster, which says nothing of precision."""
        if self.clusters < 2:
            return math.inf
        return float(special.stdtrit(self.clusters - 1, 0.5 + self.wish.level / 2)) * self.error

    @property
    def power(self) -> float:
        """Of finding the better system to be better."""
        return power(abs(_delta(self.wish)) / self.error, self.clusters, self.wish.level)

    @property
    def is_enough(self) -> bool:
        if self.wish.half_width is None:
            return self.power >= self.wish.power
        return self.half_width <= self.wish.half_width


def pilot_icc(found: Sequence[float]) -> float:
    """The mean of a pilot's questions, as a plan takes it: from 0, and two of them below 1 together."""
    return min(0.49, max(0.0, fmean(found)))


def plan(wish: Wish) -> Plan:
    """PlanError where a number is out of its range."""
    _check(wish)
    q = float(special.ndtri(0.5 + wish.level / 2))
    if wish.half_width is None:
        q += float(special.ndtri(wish.power))
    distance = abs(_delta(wish)) if wish.half_width is None else wish.half_width
    independent = (q / distance) * (q / distance) * vote_variance(wish)
    study = _smallest(wish, independent * inflation(wish, _of_rater(wish)) / wish.votes_per_prompt)
    total = study.votes * _pairs(wish) * wish.questions
    hours = total * wish.seconds / 3600
    return Plan(
        votes_per_pair=study.votes,
        prompts=study.prompts,
        raters=study.raters,
        votes=total,
        hours=hours,
        cost=hours * wish.pay,
        half_width=study.half_width,
        fewest_prompts=math.ceil(independent * wish.prompt_icc),
        fewest_raters=math.ceil(independent * wish.rater_icc),
    )


def _smallest(wish: Wish, about: float) -> Study:
    """With the fewest prompts that are enough: more prompts, which bring more raters, are never worse."""
    most = math.ceil(min(max(about, 1), LARGEST))
    while not Study(wish, most).is_enough:
        if most == LARGEST:
            name = "win_rate" if wish.half_width is None else "half_width"
            raise PlanError(f"{name} is {getattr(wish, name)}; allowed: what takes at most {LARGEST:,} prompts.")
        most = min(2 * most, LARGEST)
    return Study(wish, 1 + bisect_left(range(1, most), True, key=lambda prompts: Study(wish, prompts).is_enough))


def _pairs(wish: Wish) -> int:
    return wish.systems * (wish.systems - 1) // 2


def _of_rater(wish: Wish) -> float:
    """One rater's votes on a pair, of as many prompts as it takes."""
    return max(1.0, wish.judgements / _pairs(wish))


def power(distance: float, clusters: int, level: float) -> float:
    """P(T > t_{1 - alpha/2}(G - 1)) of noncentral t: of finding what lies `distance` standard errors from nothing.

    G = `clusters`; with one there is no power.
    """
    freedom = clusters - 1
    if not freedom:
        return 0.0
    missed = float(special.nctdtr(freedom, distance, special.stdtrit(freedom, 0.5 + level / 2)))
    return 1 - missed if math.isfinite(missed) else 1.0  # far out it is not a number, where it should be below 1e-15


def vote_variance(wish: Wish) -> float:
    """Of one vote's score."""
    return (1 - wish.ties) / 4 - _delta(wish) ** 2


def inflation(wish: Wish, votes_per_rater: float) -> float:
    """The design effect: how many times as many votes are needed as of people who judge one pair of one prompt each."""
    return 1 + wish.prompt_icc * (wish.votes_per_prompt - 1) + wish.rater_icc * (votes_per_rater - 1)


def _delta(wish: Wish) -> float:
    return (1 - wish.ties) * (wish.win_rate - 0.5)


def _check(wish: Wish) -> None:
    _check_shares(wish)
    if wish.half_width is None and wish.win_rate == 0.5:
        raise PlanError("win_rate is 0.5: no number of votes finds a difference that is none; give half_width instead.")
    if wish.half_width is not None and not 0 < wish.half_width < 0.5:
        raise PlanError(f"half_width is {wish.half_width}; allowed: a number between 0 and 0.5.")
    if not 2 <= wish.systems <= LARGEST:
        raise PlanError(f"systems is {wish.systems}; allowed: 2 to {LARGEST:,}.")
    for name in ("questions", "votes_per_prompt", "judgements", "seconds", "pay"):
        if not 0 < getattr(wish, name) <= LARGEST:
            raise PlanError(f"{name} is {getattr(wish, name)}; allowed: a number above 0, up to {LARGEST:,}.")


def _check_shares(wish: Wish) -> None:
    shares = {"win_rate": wish.win_rate, "power": wish.power, "level": wish.level}
    for name, share in shares.items():
        if not 0 < share < 1:
            raise PlanError(f"{name} is {share}; allowed: a number between 0 and 1.")
    for name, share in {"ties": wish.ties, "prompt_icc": wish.prompt_icc, "rater_icc": wish.rater_icc}.items():
        if not 0 <= share < 1:
            raise PlanError(f"{name} is {share}; allowed: a number from 0 to below 1.")
    if wish.prompt_icc + wish.rater_icc >= 1:
        raise PlanError("prompt_icc and rater_icc together are 1 or more; allowed: less than 1 together.")
