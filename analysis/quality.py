"""How far a study's answers can be trusted: checks, repeats, sides, times, agreement, and whose answers stand out.

Counts of everything, and of what is left once excluded raters and answers are taken out.
"""

from __future__ import annotations

import bisect
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.db.models import Count, F, Q

from analysis.votes import live_exclusions
from comparisons.conduct import Answer, CheckResult, Conduct, check_results, conducts
from comparisons.models import Exclusion, Study

TIMES_S = (0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120)  # upper ends of the classes of times
RUNS = (2, 4, 7, 11, 19)  # upper ends of the classes of longest runs
FEWEST = 10  # answers, below which a share says nothing of a person
MOST_RATERS = 10

Part = dict[str, Any]


def make(study: Study) -> dict[str, Any]:
    """For a snapshot: `all` and `kept` of the same shape, the raters who stand out by each measure, and of every rater
    how many answers agree with the majority of the others, of how many for which there is one.
    """
    found = conducts(study)
    live = live_exclusions(study)
    sessions = set(live.exclude(session=None).values_list("session_id", flat=True))
    votes = set(live.exclude(vote=None).values_list("vote_id", flat=True))
    checks = check_results(study)
    kept = [conduct for conduct in found.values() if conduct.session_id not in sessions]
    return {
        "all": _part(found.values(), checks, set(), set()),
        "kept": _part(kept, checks, sessions, votes),
        "raters": {name: _standing_out(found.values(), *measure) for name, measure in _MEASURES.items()},
        "agreement": {str(conduct.session_id): (conduct.agreed, conduct.compared) for conduct in found.values()},
        "excluded": sorted(sessions),
    }


def exclusions(study: Study) -> dict[str, list[Any]]:
    """By rule and by person: raters and answers that are left out now, and decisions taken back."""
    mine = Exclusion.objects.of_study(study).order_by()
    live = Q(revoked_at=None)
    counts = {
        "raters": Count("id", filter=live & ~Q(session=None)),
        "answers": Count("id", filter=live & ~Q(vote=None)),
        "restored": Count("id", filter=~live),
    }
    by_rule = mine.exclude(rule="").values(name=F("rule"))
    by_person = mine.filter(rule="").values(name=F("created_by__username"))
    return {
        "rules": list(by_rule.annotate(**counts).order_by("name")),
        "people": list(by_person.annotate(**counts).order_by("name")),
    }


def _part(
    found: Iterable[Conduct], checks: Iterable[CheckResult], sessions: Collection[int], votes: Collection[int]
) -> Part:
    found = list(found)
    answers = [answer for conduct in found for answer in conduct.judgements if answer.vote_id not in votes]
    passed: dict[tuple[str, str], list[int]] = {}
    for check in checks:
        if check.session_id not in sessions:
            counts = passed.setdefault((check.question, check.kind), [0, 0])
            counts[0] += check.is_right
            counts[1] += 1
    sides = Counter(answer.outcome for answer in answers)
    return {
        "raters": len(found),
        "answers": len(answers),
        "checks": {f"{question} {kind}": counts for (question, kind), counts in sorted(passed.items())},
        "repeats": [sum(c.consistent_repeats for c in found), sum(c.repeats for c in found)],
        "agreed": [sum(c.agreed for c in found), sum(c.compared for c in found)],
        "sides": [sides["left"], sides["right"]],
        "times": _times(answers),
        "runs": _classes((c.longest_run for c in found if c.judgements), RUNS),
    }


def _times(answers: Collection[Answer]) -> dict[str, Any]:
    seconds = sorted(answer.response_ms / 1000 for answer in answers)
    quantiles = statistics.quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else []
    return {
        "classes": _classes(seconds, TIMES_S),
        "quantiles": {"5%": quantiles[0], "50%": quantiles[9], "95%": quantiles[18]} if quantiles else {},
    }


def _classes(values: Iterable[float], ends: tuple[float, ...]) -> list[int]:
    """How many there are in each class, whose upper ends belong to it; the last one has no end."""
    counts = Counter(bisect.bisect_left(ends, value) for value in values)
    return [counts[place] for place in range(len(ends) + 1)]


Measure = tuple[Callable[[Conduct], float | None], Callable[[Conduct], str]]

# How much a rater stands out (the more the lower; None: not at all, or too little to tell), and what to say of it
_MEASURES: dict[str, Measure] = {
    "checks": (
        lambda c: -c.failed_checks / c.checks if c.failed_checks else None,
        lambda c: f"{c.failed_checks} of {c.checks} failed",
    ),
    "repeats": (
        lambda c: c.consistent_repeats / c.repeats if c.consistent_repeats < c.repeats else None,
        lambda c: f"{c.consistent_repeats} of {c.repeats} alike",
    ),
    "sides": (
        lambda c: c.side_bias.p if c.side_bias.p < 0.05 else None,
        lambda c: f"{c.side_bias.left} left, {c.side_bias.right} right (p = {c.side_bias.p:.2g})",
    ),
    "agreement": (
        lambda c: c.agreed / c.compared if c.compared >= FEWEST else None,
        lambda c: f"{c.agreed} of {c.compared} agree",
    ),
    "times": (
        lambda c: c.median_ms if len(c.judgements) >= FEWEST else None,
        lambda c: f"median {c.median_ms or 0:.0f} ms",
    ),
    "runs": (
        lambda c: -c.longest_run if c.longest_run > RUNS[1] else None,
        lambda c: f"{c.longest_run} on one side in a row",
    ),
}


def _standing_out(
    found: Iterable[Conduct], by: Callable[[Conduct], float | None], words: Callable[[Conduct], str]
) -> list[tuple[int, str]]:
    """The sessions that stand out most, and what is to be said of them."""
    ranked = sorted(
        (value, conduct.session_id, words(conduct)) for conduct in found if (value := by(conduct)) is not None
    )
    return [(session_id, said) for _, session_id, said in ranked[:MOST_RATERS]]
