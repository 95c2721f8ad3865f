"""The numbers that a study's votes alone decide, whether they come from its database or from a file. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.stats import NoVotesError, VoteTable, summarise
from analysis.stats.asked import Asked
from analysis.stats.details import breakdowns_of, fragility_of
from analysis.stats.vote_file import REQUIRED

RESULTS, WITH_EXCLUDED, BREAKDOWNS = KINDS = ("results", "results-with-excluded", "breakdowns")
"""As analysis.kinds calls them."""


def breakdowns(table: VoteTable) -> dict[str, Any]:
    """Of each question how fragile its first place is, and win rates by slice."""
    return {
        question: {"fragility": fragility_of(votes), "breakdowns": breakdowns_of(votes)}
        for question, votes in table.split_by_question().items()
    }


def of_file(votes: Path, kind: str, planned_votes: int | None) -> Any:
    """Those of one of KINDS, of a study's votes in Parquet; `planned_votes` under a question, where it is open."""
    try:
        table = VoteTable.from_parquet(votes, with_excluded=kind == WITH_EXCLUDED)
    except NoVotesError:
        table = VoteTable.from_columns({name: [] for name in REQUIRED})
    if kind == BREAKDOWNS:
        return breakdowns(table)
    return summarise(table, asked=Asked(planned_votes=planned_votes))
