"""The same votes analysed otherwise: what a report's conclusions do not rest on. As JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NotRequired, TypedDict

from analysis.stats import RatingError, Ratings, Summary, VoteTable
from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.outcomes import TIE
from analysis.stats.ranks import rank_by_system
from analysis.stats.ratings import by_system
from analysis.stats.tie_models import rate_with_ties


class Standing(TypedDict):
    """Of one system under one question; None where the votes do not determine it, and `why_not` if they determine no
    rating under that question.
    """

    question: str
    system: str
    bt: float | None
    rank: int | None
    why_not: NotRequired[str]


def with_ties_otherwise(votes: VoteTable) -> dict[str, list[Standing]]:
    """By what was done with them; empty without ties."""
    if not (votes.outcome == TIE).any():
        return {}
    treatments = {"ties left out": _without_ties, "ties after Davidson": _after_davidson}
    return {name: list(_standings_by(rate, votes)) for name, rate in treatments.items()}


def standings(summary: Summary) -> list[Standing]:
    return [
        {"question": question, "system": row["system"], "bt": row["bt"], "rank": row["rank"]}
        for question, found in summary["questions"].items()
        for row in found["systems"]
    ]


def refusals(otherwise: Mapping[str, Sequence[Standing]]) -> list[str]:
    """Why there are no ratings, a sentence for each question and each thing done with its ties."""
    reasons = {
        (row["question"], name): row["why_not"] for name, rows in otherwise.items() for row in rows if "why_not" in row
    }
    return [f"{question}, {name}: {why}" for (question, name), why in sorted(reasons.items())]


def _standings_by(rate: Callable[[VoteTable], Ratings], votes: VoteTable) -> Iterator[Standing]:
    for question, table in votes.split_by_question().items():
        try:
            known = by_system(rate(table))
        except RatingError as error:
            for system in table.systems:
                yield {"question": question, "system": system, "bt": None, "rank": None, "why_not": str(error)}
            continue
        strengths = {system: known[system][0] if system in known else None for system in table.systems}
        ranks = rank_by_system(strengths)
        for system, strength in strengths.items():
            yield {"question": question, "system": system, "bt": strength, "rank": ranks[system]}


def _without_ties(votes: VoteTable) -> Ratings:
    kept = votes.select(votes.outcome != TIE)
    if not kept.kinds.counted.any():
        raise RatingError("Nothing can be rated: there is no vote that is neither a tie nor both-bad.")
    return bradley_terry(kept)


def _after_davidson(votes: VoteTable) -> Ratings:
    return rate_with_ties(votes, "davidson")
