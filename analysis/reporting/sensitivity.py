"""The same votes analysed otherwise: what a report's conclusions do not rest on. As JSON."""

from __future__ import annotations

from typing import TypedDict

from analysis.stats import Summary, VoteTable, summarise
from analysis.stats.outcomes import TIE


class Standing(TypedDict):
    """Of one system under one question; None where the votes do not determine it."""

    question: str
    system: str
    win_rate: float | None
    bt: float | None
    rank: int | None


def with_ties_otherwise(votes: VoteTable) -> dict[str, list[Standing]]:
    """By what was done with them; empty without ties."""
    if not (votes.outcome == TIE).any():
        return {}
    treatments = {"ties left out": "drop", "ties after Davidson": "davidson"}
    return {name: standings(summarise(votes, ties=ties)) for name, ties in treatments.items()}


def standings(summary: Summary) -> list[Standing]:
    return [
        {
            "question": question,
            "system": row["system"],
            "win_rate": row["win_rate"],
            "bt": row["bt"],
            "rank": row["rank"],
        }
        for question, found in summary["questions"].items()
        for row in found["systems"]
    ]
