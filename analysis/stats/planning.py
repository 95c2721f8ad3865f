"""How many prompts, raters and votes a study needs, before it begins.

The variance of a pair's win rate over N votes on P prompts by raters with shares w_r of them, a tie counting half, is

    Var = v [rho_p / P + rho_r sum_r w_r^2 + (1 - rho_p - rho_r) / N],
    v   = (1 - tie) / 4 - delta^2,    delta = (1 - tie) (p - 1/2),

where p is the win rate among votes that are no tie, and rho_p and rho_r are the correlations of two votes that share
the prompt or the rater (agreement.prompt_icc, rater_icc). With m_p votes on each prompt and m_r by each rater,

    N = (q / d)^2 v [1 + rho_p (m_p - 1) + rho_r (m_r - 1)].

To find delta with a given power in a two-sided test, d = delta and q = z_{1 - alpha/2} + z_{power}; for an interval of
half-width d, q = z_{1 - alpha/2}. However many votes there are, P > (q / d)^2 v rho_p prompts and likewise raters are
needed. (Kish, 1965, Survey Sampling, ch. 5 and 8; Donner & Klar, 2000, Design and Analysis of Cluster Randomization
Trials, ch. 5, for one way of clustering.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

PROMPT_ICC, RATER_ICC = 0.35, 0.10
"""Where no pilot says better: what public data sets of votes on images have, on the high side."""


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


def plan(wish: Wish) -> Plan:
    """PlanError where a number is out of its range."""
    _check(wish)
    v = vote_variance(wish)
    z = float(stats.norm.ppf(0.5 + wish.level / 2))
    distance, quantile = _distance(wish), z
    if wish.half_width is None:
        quantile += float(stats.norm.ppf(wish.power))
    independent = (quantile / distance) ** 2 * v
    pairs = wish.systems * (wish.systems - 1) // 2
    of_rater = max(1.0, wish.judgements / pairs)
    votes = independent * inflation(wish, of_rater)
    prompts = max(math.ceil(votes / wish.votes_per_prompt), math.ceil(independent * wish.prompt_icc) + 1)
    per_pair = prompts * wish.votes_per_prompt
    raters = max(math.ceil(per_pair * pairs / wish.judgements), math.ceil(per_pair / of_rater))
    total = per_pair * pairs * wish.questions
    hours = total * wish.seconds / 3600
    error = math.sqrt(v * inflation(wish, of_rater) / per_pair)
    return Plan(
        votes_per_pair=per_pair,
        prompts=prompts,
        raters=raters,
        votes=total,
        hours=hours,
        cost=hours * wish.pay,
        half_width=z * error,
        fewest_prompts=math.ceil(independent * wish.prompt_icc),
        fewest_raters=math.ceil(independent * wish.rater_icc),
    )


def vote_variance(wish: Wish) -> float:
    """Of one vote's score."""
    return (1 - wish.ties) / 4 - _delta(wish) ** 2


def inflation(wish: Wish, votes_per_rater: float) -> float:
    """The design effect: how many times as many votes are needed as of people who judge one pair of one prompt each."""
    return 1 + wish.prompt_icc * (wish.votes_per_prompt - 1) + wish.rater_icc * (votes_per_rater - 1)


def _delta(wish: Wish) -> float:
    return (1 - wish.ties) * (wish.win_rate - 0.5)


def _distance(wish: Wish) -> float:
    return abs(_delta(wish)) if wish.half_width is None else wish.half_width


def _check(wish: Wish) -> None:
    _check_shares(wish)
    if wish.half_width is None and wish.win_rate == 0.5:
        raise PlanError("win_rate is 0.5: no number of votes finds a difference that is none; give half_width instead.")
    if wish.half_width is not None and not 0 < wish.half_width < 0.5:
        raise PlanError(f"half_width is {wish.half_width}; allowed: a number between 0 and 0.5.")
    if wish.systems < 2:
        raise PlanError(f"systems is {wish.systems}; allowed: 2 or more.")
    for name in ("questions", "votes_per_prompt", "judgements", "seconds", "pay"):
        if getattr(wish, name) <= 0:
            raise PlanError(f"{name} is {getattr(wish, name)}; allowed: a number above 0.")


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
