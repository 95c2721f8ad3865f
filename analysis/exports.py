"""Votes and results as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from analysis.stats.rows import PairRow, Summary, SystemRow
from analysis.votes import VoteRow, vote_rows
from comparisons.models import Study


class _Echo:
    """A file for csv.writer that hands each line back."""

    def write(self, line: str) -> str:
        return line


def votes_csv(study: Study) -> Iterator[str]:
    """One line a vote, streamed."""
    return _lines(VoteRow._fields, vote_rows(study))


def leaderboard_csv(summary: Summary) -> Iterator[str]:
    """One line for each question and system."""
    return _by_question({name: question["systems"] for name, question in summary["questions"].items()}, SystemRow)


def win_rates_csv(summary: Summary) -> Iterator[str]:
    """One line for each question and pair of systems: counts, and the win rate of `a` with its interval."""
    return _by_question({name: question["pairs"] for name, question in summary["questions"].items()}, PairRow)


def _by_question(rows: Mapping[str, Iterable[Mapping[str, object]]], kind: type) -> Iterator[str]:
    columns = list(kind.__annotations__)
    lines = ([name, *(row[column] for column in columns)] for name, found in rows.items() for row in found)
    return _lines(["question", *columns], lines)


def _lines(header: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo(), lineterminator="\n")
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([_text(value) for value in row])


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    return value
