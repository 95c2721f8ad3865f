"""What a summary says of all questions together: the means of the questions' ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.stats.cautions import cautions_of
from analysis.stats.combined import combined_ratings
from analysis.stats.errors import RatingError, listed
from analysis.stats.outcomes import VoteTable
from analysis.stats.ranks import ranges_by_system, rank_by_system
from analysis.stats.ratings import Ratings, by_system
from analysis.stats.rows import CombinedRow, Means, QuestionSummary
from analysis.stats.uncertainty import CLUSTERS, TWO_WAY

_UNRATED = (None, None, None)


def means(
    votes: VoteTable,
    questions: Mapping[str, QuestionSummary],
    ratings: Mapping[str, Ratings | None],
    cluster: str = TWO_WAY,
) -> tuple[Means, list[str]]:
    """And what is to be said of them. `votes` are those on which the questions' Bradley-Terry `ratings` rest."""
    headline, warnings = _headline_elo(questions)
    if len(questions) < 2:
        return {"headline_elo": headline}, []
    systems = sorted({row["system"] for summary in questions.values() for row in summary["systems"]})
    rows, cautions = _combined(systems, votes, ratings, cluster)
    return {"headline_elo": headline, "combined": {"systems": rows}}, [*warnings, *cautions]


def _headline_elo(questions: Mapping[str, QuestionSummary]) -> tuple[dict[str, float], list[str]]:
    elos: dict[str, list[float]] = {}
    for summary in questions.values():
        for row in summary["systems"]:
            elos.setdefault(row["system"], []).extend([] if row["elo"] is None else [row["elo"]])
    everywhere = {name: sum(values) / len(values) for name, values in elos.items() if len(values) == len(questions)}
    partly = sorted(set(elos) - set(everywhere))
    warnings = [f"No headline Elo for {listed(partly)}: not rated in every question."] if partly else []
    return dict(sorted(everywhere.items(), key=lambda item: (-item[1], item[0]))), warnings


def _combined(
    systems: Sequence[str], votes: VoteTable, ratings: Mapping[str, Ratings | None], cluster: str
) -> tuple[list[CombinedRow], list[str]]:
    try:
        found = combined_ratings(votes, ratings, cluster=cluster)
    except RatingError as error:
        return _rows(systems, None), [str(error)]
    warnings = []
    if unrated := [name for name in systems if name not in found.systems]:
        warnings.append(f"No combined Bradley-Terry rating for {listed(unrated)}: not rated in every question.")
    if found.intervals:
        warnings += cautions_of("combined Bradley-Terry ratings", found.intervals, CLUSTERS[cluster])
    return _rows(systems, found), warnings


def _rows(systems: Sequence[str], ratings: Ratings | None) -> list[CombinedRow]:
    """Best first, unrated ones last."""
    known = {} if ratings is None else by_system(ratings)
    numbers = {name: known.get(name, _UNRATED) for name in systems}
    ranks, ranges = rank_by_system({name: bt for name, (bt, _, _) in numbers.items()}), ranges_by_system(ratings)
    rows: list[CombinedRow] = [
        {
            "system": name,
            "bt": bt,
            "bt_low": low,
            "bt_high": high,
            "rank": ranks[name],
            "rank_low": ranges[name][0] if name in ranges else None,
            "rank_high": ranges[name][1] if name in ranges else None,
        }
        for name, (bt, low, high) in numbers.items()
    ]
    return sorted(rows, key=lambda row: (row["rank"] or len(rows) + 1, row["system"]))
