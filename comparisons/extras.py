"""Pairs whose answer is known, or was given before: practice, attention checks, repeats. They take no capacity.

Each is made of a comparison of the study: an image of it beside a stand-in, or the pair itself.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from comparisons.models import Assignment, Comparison, Outcome, Question, RaterSession
from generation.models import Image

Kind = Assignment.Kind
LEAST_DETAIL = 10.0  # of a picture that is to be told from a spoilt one, or from that of another prompt
MANY = 50  # comparisons among which a stand-in is drawn


@dataclass(frozen=True)
class Extra:
    comparison: Comparison
    kind: str
    a_is_left: bool
    stand_in: Image | None = None


def find_extra(session: RaterSession, question: Question, kind: str, rng: random.Random) -> Extra | None:
    """A pair of this kind that this session has not seen as such; None where there is none."""
    coin = rng.random() < 0.5
    if kind == Kind.REPEAT:
        return _repeat(session, question)
    if kind == Kind.GOLD:
        comparison = _gold(session, question, rng)
        return Extra(comparison, kind, coin) if comparison else None
    comparison = _judged(session, question, kind, rng)
    return _with_stand_in(comparison, kind, coin, rng) if comparison else None


def find_practice(session: RaterSession, question: Question, kind: str, rng: random.Random) -> Extra | None:
    seen = session.assignments.filter(is_practice=True).values("comparison")
    others = Comparison.objects.filter(question=question, **_asked(kind)).exclude(id__in=seen).with_images()
    found = list(others.order_by("shuffle")[:MANY])
    return _with_stand_in(rng.choice(found), kind, rng.random() < 0.5, rng) if found else None


def _asked(kind: str) -> dict[str, float]:
    """What the better picture must have: nobody can tell a bare white one from its spoilt copy."""
    return {"image_a__detail__gte": LEAST_DETAIL} if kind in {Kind.CORRUPTED, Kind.MISMATCHED} else {}


def passing(assignment: Assignment) -> set[str]:
    """The answers that are right; empty where none is wrong."""
    question, kind = assignment.comparison.question, assignment.kind
    if kind == Kind.SAME:
        return {Outcome.TIE, Outcome.BOTH_BAD} if question.offers_tie else set()
    if kind == Kind.GOLD:
        return {_side(a_is_asked=_a_is_better(assignment), a_is_left=assignment.a_is_left)}
    if kind in {Kind.CORRUPTED, Kind.MISMATCHED}:
        return {_side(a_is_asked=True, a_is_left=assignment.a_is_left), Outcome.BOTH_BAD}
    return set()


def _side(*, a_is_asked: bool, a_is_left: bool) -> str:
    return Outcome.LEFT if a_is_asked == a_is_left else Outcome.RIGHT


def _a_is_better(assignment: Assignment) -> bool:
    """As the study says of these two systems: another gold pair of the same prompt may have one of them too."""
    comparison = assignment.comparison
    question, prompt = comparison.question, comparison.image_a.job.prompt.text
    system, other = comparison.image_a.job.system.slug, comparison.image_b.job.system.slug
    asked = (question.key, prompt, system, other)
    golds = question.study.protocol.checks.gold
    return any((gold.question, gold.prompt, gold.better, gold.worse) == asked for gold in golds)


def _repeat(session: RaterSession, question: Question) -> Extra | None:
    """What was judged longest ago, the other way round."""
    shown = session.assignments.filter(comparison__question=question, is_practice=False)
    repeated = shown.filter(kind=Kind.REPEAT).values("comparison")
    answered = shown.filter(kind=Kind.JUDGEMENT, state=Assignment.State.DONE).exclude(comparison__in=repeated)
    first = answered.select_related("comparison").order_by("id").first()
    return Extra(first.comparison, Kind.REPEAT, not first.a_is_left) if first else None


def _gold(session: RaterSession, question: Question, rng: random.Random) -> Comparison | None:
    seen = session.assignments.filter(kind__in=Assignment.OF_THE_PAIR).values("comparison")
    golds = [gold for gold in question.study.protocol.checks.gold if gold.question == question.key]
    for gold in rng.sample(golds, len(golds)):
        pair = Comparison.objects.filter(
            question=question,
            image_a__job__prompt__text=gold.prompt,
            image_a__job__system__slug__in=[gold.better, gold.worse],
            image_b__job__system__slug__in=[gold.better, gold.worse],
        )
        if found := pair.exclude(id__in=seen).first():
            return found
    return None


def _judged(session: RaterSession, question: Question, kind: str, rng: random.Random) -> Comparison | None:
    """One of those that the session has judged, so that a check never shows an image before its turn."""
    shown = session.assignments.filter(comparison__question=question, is_practice=False)
    used = shown.filter(kind=kind).values("comparison")
    answered = shown.filter(kind=Kind.JUDGEMENT, state=Assignment.State.DONE).exclude(comparison__in=used)
    suited = Comparison.objects.filter(id__in=answered.values("comparison"), **_asked(kind))
    ids = list(suited.values_list("id", flat=True))
    return Comparison.objects.with_images().get(id=rng.choice(ids)) if ids else None


def _with_stand_in(comparison: Comparison, kind: str, a_is_left: bool, rng: random.Random) -> Extra | None:
    image = comparison.image_a
    stand_in = _of_another_prompt(comparison, rng) if kind == Kind.MISMATCHED else image
    return Extra(comparison, kind, a_is_left, stand_in) if stand_in else None


def _of_another_prompt(comparison: Comparison, rng: random.Random) -> Image | None:
    """By the system of image a, from the same pair of systems."""
    job = comparison.image_a.job
    others = Comparison.objects.filter(matchup_id=comparison.matchup_id).exclude(image_a__job__prompt_id=job.prompt_id)
    found = list(others.with_images().order_by("shuffle")[:MANY])
    if not found:
        return None
    other = rng.choice(found)
    return other.image_a if other.image_a.job.system_id == job.system_id else other.image_b
