"""What a design will cost, and what it can find: analysis.stats.planning, turned round.

Planning says how many prompts a given half-width or win rate takes; here the prompts are given, and the half-width at
equal strength and the smallest win rate that is found are asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from comparisons.plan import GOLD
from studio.typed import Content, plan_of, table_of

if TYPE_CHECKING:
    from analysis.stats.planning import Study

LEVEL, POWER = 0.95, 0.8
LARGEST = 1_000_000


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
    from analysis.stats.planning import PlanError, Study, Wish, plan  # SciPy, which saving a design does without

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
    study = Study(wish, size.prompts)
    figures = _work(size, study) | _precision(study)
    return Estimate(figures | {"needed": f"{needed.prompts:,} prompts, {needed.raters:,} raters"}, _notes(size, study))


def size_of(table: Mapping[str, Any], prompts: int) -> Size | str:
    """Or what is missing, in words."""
    rating = table.get("rating", {})
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
    return Size(
        prompts=prompts,
        systems=systems,
        questions=len(questions),
        votes_wanted=rating["votes_wanted"],
        judgements=judgements,
        extras=_extras(table, judgements),
        practice=sum(len(row.get("practice", ())) for row in questions),
        max_raters=most if _is_count(most) else None,
    )


def _extras(table: Mapping[str, Any], judgements: int) -> int:
    """Checks and repeats of one rater. Those of the first question ask all, where all are asked about each pair."""
    questions, repeats = table["questions"], table.get("checks", {}).get("repeats")
    together = table["rating"].get("layout") == "together"
    asked = [questions[0]] * len(questions) if together else questions
    checks = sum(_checks(table.get("checks", {}), row, judgements) for row in asked)
    return checks + (repeats * len(questions) if _is_count(repeats) else 0)


def _checks(checks: Mapping[str, Any], question: Mapping[str, Any], judgements: int) -> int:
    """As many as comparisons.plan.Plan has, which draws them one by one: a gold pair comes once to each rater."""
    every, kinds = checks.get("every"), set(question.get("checks", ()))
    runs = judgements // every if every and _is_count(every) and kinds else 0
    golds = sum(gold.get("question") == question.get("key") for gold in checks.get("gold", ()))
    return min(runs, golds) if kinds == {GOLD} else runs


def _work(size: Size, study: Study) -> dict[str, str]:
    votes = study.votes * size.pairs * size.questions
    judged = size.judgements * size.questions
    answers = votes * (judged + size.extras) / judged + study.raters * size.practice
    hours = answers * study.wish.seconds / 3600
    minutes = (judged + size.extras + size.practice) * study.wish.seconds / 60
    return {
        "images": f"{size.prompts * size.systems:,}",
        "votes_per_pair": f"{study.votes:,}",
        "votes": f"{votes:,}",
        "raters": f"{study.raters:,}",
        "minutes": f"{max(1, round(minutes)):,} min",
        "hours": f"{hours:,.1f} h",
        "cost": f"{hours * study.wish.pay:,.0f}",
    }


def _precision(study: Study) -> dict[str, str]:
    """Without what a single rater or prompt says nothing of."""
    if study.clusters < 2:
        return {}

    def at(win_rate: float) -> Study:
        return replace(study, wish=replace(study.wish, win_rate=win_rate))

    permille = 500 + bisect_left(range(500, 1000), True, key=lambda share: at(share / 1000).is_enough)
    return {
        "half_width": f"± {at(0.5).half_width:.3f}",
        "detectable": f"{permille / 10:.1f}%" if permille < 1000 else "none",
    }


def _notes(size: Size, study: Study) -> tuple[str, ...]:
    from analysis.stats.uncertainty import FEW_CLUSTERS

    notes = []
    if size.max_raters is not None and size.max_raters < study.raters:
        notes.append(f"At most {size.max_raters} raters are let in: too few for all votes, which takes {study.raters}.")
    for what, count in (("prompts", study.prompts), ("raters", study.raters)):
        if count < FEW_CLUSTERS:
            notes.append(f"Intervals promise too much with fewer than {FEW_CLUSTERS} {what}.")
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
