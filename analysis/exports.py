"""Votes as CSV and Parquet, results as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import QuerySet
from pyarrow.parquet import ParquetWriter

from analysis.stats.rows import CombinedRow, PairRow, Summary, SystemRow
from analysis.votes import VOTES, vote_batches
from analysis.watched import shown, shown_combined
from comparisons.models import Study, Vote

_TO_BE_QUOTED = frozenset(',"\r\n')


class _Echo:
    """A file for csv.writer that hands each line back."""

    def write(self, line: str) -> str:
        return line


def votes_csv(study: Study, votes: QuerySet[Vote] | None = None) -> Iterator[str]:
    """One line a vote, many of them at once: all of the study's votes, or those of them that are given."""
    yield ",".join(VOTES.names) + "\n"
    for batch in vote_batches(study, votes):
        lines = pc.binary_join_element_wise(*map(_written, batch.columns), ",")
        yield "\n".join([*lines.to_pylist(), ""])


def write_votes_parquet(study: Study, target: Path | IO[bytes]) -> None:
    """The same rows with their types; names are dictionaries, times are in UTC."""
    with ParquetWriter(target, VOTES) as file:
        for batch in vote_batches(study):
            file.write_batch(batch)


def leaderboard_csv(summary: Summary) -> Iterator[str]:
    """One line for each question and system. Like pages, these files hold what may be watched of an open study."""
    return _by_question({name: shown(question).systems for name, question in summary["questions"].items()}, SystemRow)


def win_rates_csv(summary: Summary) -> Iterator[str]:
    """One line for each question and pair of systems: counts, and the win rate of `a` with its interval."""
    return _by_question({name: shown(question).pairs for name, question in summary["questions"].items()}, PairRow)


def combined_csv(summary: Summary) -> Iterator[str]:
    """One line for each system over all questions; none where there is only one."""
    columns = list(CombinedRow.__annotations__)
    return _lines(columns, ([{**row}[column] for column in columns] for row in shown_combined(summary)))


def _by_question(rows: Mapping[str, Iterable[Mapping[str, object]]], kind: type) -> Iterator[str]:
    columns = list(kind.__annotations__)
    lines = ([name, *(row[column] for column in columns)] for name, found in rows.items() for row in found)
    return _lines(["question", *columns], lines)


def _lines(header: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo(), lineterminator="\n")
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow(row)


def _written(column: pa.Array) -> pa.Array:
    """As fields of CSV. Of names, the few different ones are quoted rather than every vote's."""
    if pa.types.is_dictionary(column.type):
        return pa.array(map(_quoted, column.dictionary.to_pylist()), pa.string()).take(column.indices)
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%S+00:00")
    return column.cast(pa.string())


def _quoted(name: str) -> str:
    """Where a field needs it."""
    return name if _TO_BE_QUOTED.isdisjoint(name) else '"' + name.replace('"', '""') + '"'
