"""What a design will cost, and what it can find: analysis.stats.planning, turned round.

A study of P prompts with v votes on each pair of pictures has N = P v votes on each pair of systems, by R raters. With
G = min(P, R) clusters, F the design effect (planning.inflation) and s^2 the variance of one vote
(planning.vote_variance), a pair's win rate has the standard error e = s sqrt(F / N). Its interval at equal strength has
the half-width t e with t = t_{1 - alpha/2}(G - 1), and the smallest win rate p that is found is that for which

    P(T > t) = power,    T noncentral t of G - 1 degrees of freedom and (p - 1/2) (1 - ties) / e,

which planning asks for the other way round: how many prompts a given half-width or win rate takes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from studio.typed import Content, plan_of, table_of

if TYPE_CHECKING:
    from analysis.stats.planning import Wish

LEVEL, POWER = 0.95, 0.8
LARGEST = 1_000_000
FEWEST_CLUSTERS = 15  # of prompts or raters, below which intervals promise too much


@dataclass(frozen=True)
class Size:
    """Of a design, as far as it goes: whole numbers of at least 1."""

    prompts: int
    systems: int
    questions: int
    votes_wanted: int
    judgements: int  # by one rater under one question
    extras: int  # checks and repeats that one rater is shown besides, under all questions
    practice: int  # the same of practice
    max_raters: int | None

    @property
    def pairs(self) -> int:
        return self.systems * (self.systems - 1) // 2


@dataclass(frozen=True)
class Estimate:
    """`figures` by name, as they are read; `missing` says what they wait for."""

    figures: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    missing: str = ""


def estimate(content: Content, prompts: int) -> Estimate:
    """Of a design with so many prompts."""
    size = size_of(table_of(content), prompts)
    if isinstance(size, str):
        return Estimate(missing=size)
    from analysis.stats.planning import PlanError, Wish, plan  # SciPy, which saving a design does without

    try:
        wish = Wish(
            systems=size.systems,
            questions=size.questions,
            votes_per_prompt=size.votes_wanted,
            judgements=size.judgements,
            power=POWER,
            level=LEVEL,
            **_numbers(plan_of(content)),
        )
        needed = plan(wish)
    except PlanError as error:
        return Estimate(missing=str(error))
    figures = _work(size, wish) | _precision(size, wish)
    return Estimate(figures | {"needed": f"{needed.prompts:,} prompts, {needed.raters:,} raters"}, _notes(size))


def size_of(table: Mapping[str, Any], prompts: int) -> Size | str:
    """Or what is missing, in words."""
    rating, checks = table.get("rating", {}), table.get("checks", {})
    systems = sum(_steps(row) for row in table.get("systems", ()))
    questions = table.get("questions", [])
    lacking = {
        "prompts": prompts,
        "two systems": systems > 1,
        "a question": questions,
        "votes wanted": _is_count(rating.get("votes_wanted")),
    }
    if missing := [name for name, value in lacking.items() if not value]:
        return f"The estimate waits for {', '.join(missing)}."
    comparisons = prompts * systems * (systems - 1) // 2
    wished, most = rating.get("judgements_per_question"), table.get("recruitment", {}).get("max_raters")
    judgements = min(wished, comparisons) if _is_count(wished) else comparisons
    every, repeats = checks.get("every"), checks.get("repeats")
    checked = sum(bool(row.get("checks")) for row in questions) if _is_count(every) else 0
    return Size(
        prompts=prompts,
        systems=systems,
        questions=len(questions),
        votes_wanted=rating["votes_wanted"],
        judgements=judgements,
        extras=(judgements // every * checked if checked else 0)
        + (repeats * len(questions) if _is_count(repeats) else 0),
        practice=sum(len(row.get("practice", ())) for row in questions),
        max_raters=most if _is_count(most) else None,
    )


def raters_needed(size: Size) -> int:
    """Nobody judges a pair of pictures twice, so there are at least as many as votes on each."""
    return max(math.ceil(size.prompts * size.pairs * size.votes_wanted / size.judgements), size.votes_wanted)


def _work(size: Size, wish: Wish) -> dict[str, str]:
    votes = size.prompts * size.pairs * size.votes_wanted * size.questions
    raters = raters_needed(size)
    judged = size.judgements * size.questions
    answers = votes * (judged + size.extras) / judged + raters * size.practice
    hours = answers * wish.seconds / 3600
    minutes = (judged + size.extras + size.practice) * wish.seconds / 60
    return {
        "images": f"{size.prompts * size.systems:,}",
        "votes_per_pair": f"{size.prompts * size.votes_wanted:,}",
        "votes": f"{votes:,}",
        "raters": f"{raters:,}",
        "minutes": f"{max(1, round(minutes)):,} min",
        "hours": f"{hours:,.1f} h",
        "cost": f"{hours * wish.pay:,.0f}",
    }


def _precision(size: Size, wish: Wish) -> dict[str, str]:
    """Without what a single rater or prompt says nothing of."""
    from scipy import special

    from analysis.stats.planning import power

    clusters = min(size.prompts, raters_needed(size))
    if clusters < 2:
        return {}
    bound = float(special.stdtrit(clusters - 1, 0.5 + LEVEL / 2))
    even = replace(wish, win_rate=0.5)

    def is_found(share: float) -> bool:
        far = replace(wish, win_rate=share)
        distance = (share - 0.5) * (1 - wish.ties) / _error(size, far)
        return power(distance, clusters, LEVEL) >= POWER

    permille = 500 + bisect_left(range(500, 1000), True, key=lambda share: is_found(share / 1000))
    return {
        "half_width": f"± {bound * _error(size, even):.3f}",
        "detectable": f"{permille / 10:.1f}%" if permille < 1000 else "none",
    }


def _error(size: Size, wish: Wish) -> float:
    """The standard error of one pair's win rate."""
    from analysis.stats.planning import inflation, vote_variance

    of_rater = min(max(1.0, size.judgements / size.pairs), size.prompts)
    return math.sqrt(vote_variance(wish) * inflation(wish, of_rater) / (size.prompts * size.votes_wanted))


def _notes(size: Size) -> tuple[str, ...]:
    raters, notes = raters_needed(size), []
    if size.max_raters is not None and size.max_raters < raters:
        notes.append(f"At most {size.max_raters} raters are let in: too few for all votes, which takes {raters}.")
    for what, count in (("prompts", size.prompts), ("raters", raters)):
        if count < FEWEST_CLUSTERS:
            notes.append(f"Intervals promise too much with fewer than {FEWEST_CLUSTERS} {what}.")
    return tuple(notes)


def _steps(row: Mapping[str, Any]) -> int:
    steps = row.get("steps", 1)
    return len(steps) if isinstance(steps, list) else 1


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _numbers(plan: Mapping[str, Any]) -> dict[str, float]:
    """PlanError for a text where a number belongs."""
    from analysis.stats.planning import PlanError

    for name, value in plan.items():
        if not isinstance(value, int | float) or not abs(value) <= LARGEST:
            raise PlanError(f"{name} is {value!r}; allowed: a number up to {LARGEST:,}.")
    return dict(plan)
