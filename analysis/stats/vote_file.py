"""Vote files: what their columns are, how they are read, and every way in which they can be wrong."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.stats.errors import VoteFileError, listed

REQUIRED = ("question", "prompt_id", "system_left", "system_right", "outcome", "rater")
OPTIONAL = ("vote_id", "category", "challenge", "session", "response_ms", "answered_at", "rater_kind", "excluded")
EXCLUDED = {"true": True, "false": False, "": False}
RATER_KINDS = ("person", "simulated", "")
OUTCOMES = ("left", "right", "tie", "both_bad")

LineNumbers = Callable[[Sequence[int]], list[int]]
"""From positions among the votes (0 first) to the row numbers that messages name."""


@dataclass(frozen=True)
class VoteFile:
    """A file's known columns as text, its name for messages, and where its votes are."""

    frame: pd.DataFrame
    name: str
    line_numbers: LineNumbers


def read_csv(path: Path) -> VoteFile:
    """Read a file's known columns as text. Raises VoteFileError unless it is UTF-8 CSV with a header."""
    name = path.name or str(path)
    try:
        _check_header(path)
        with warnings.catch_warnings():
            # A surplus field would shift its row's other values: pandas only warns of it.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False, index_col=False)
    except UnicodeDecodeError as error:
        raise VoteFileError(f"{name}: not UTF-8 text: byte 0x{error.object[error.start]:02x} is not valid.") from None
    except OSError as error:
        raise VoteFileError(f"{name}: cannot be read: {error.strerror or error}.") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, csv.Error):
        raise VoteFileError(f"{name}: {_malformed(path)}.") from None
    known = frame[[column for column in frame.columns if column in REQUIRED or column in OPTIONAL]]
    return VoteFile(known, name, lambda rows: _line_numbers(path, rows))


def check(frame: pd.DataFrame, source: str, line_numbers: LineNumbers) -> None:
    """Raise VoteFileError for the first thing that is wrong with votes whose values are all text."""
    missing = [f'"{name}"' for name in REQUIRED if name not in frame]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        raise VoteFileError(
            f"{source}: no {noun} {listed(missing, len(REQUIRED))}; required are {listed(REQUIRED, len(REQUIRED))}."
        )

    def where(wrong: pd.Series[bool]) -> str:
        return _rows(line_numbers([int(row) for row in wrong.to_numpy().nonzero()[0]]))

    for name in REQUIRED:
        empty = frame[name].str.strip() == ""
        if empty.any():
            raise VoteFileError(f"{source}: {name} is empty in {where(empty)}; every vote needs one.")
    unknown = ~frame["outcome"].isin(OUTCOMES)
    if unknown.any():
        found = listed([f'"{value}"' for value in frame["outcome"][unknown].unique()])
        allowed = listed(OUTCOMES, len(OUTCOMES))
        raise VoteFileError(f"{source}: outcome is {found} in {where(unknown)}; allowed are {allowed}.")
    if "excluded" in frame:
        _check_excluded(frame["excluded"], source, where)
    if "rater_kind" in frame:
        _check_rater_kind(frame["rater_kind"], source, where)
    same = frame["system_left"] == frame["system_right"]
    if same.any():
        found = listed([f'"{value}"' for value in frame["system_left"][same].unique()])
        raise VoteFileError(
            f"{source}: a system is compared with itself in {where(same)} ({found}); "
            "system_left and system_right must differ."
        )
    if "vote_id" in frame:
        _check_vote_ids(frame["vote_id"], source, where)


def _check_excluded(values: pd.Series[str], source: str, where: Callable[[pd.Series[bool]], str]) -> None:
    unknown = ~values.isin(EXCLUDED)
    if unknown.any():
        found = listed([f'"{value}"' for value in values[unknown].unique()])
        raise VoteFileError(f"{source}: excluded is {found} in {where(unknown)}; allowed are true, false and nothing.")


def _check_rater_kind(values: pd.Series[str], source: str, where: Callable[[pd.Series[bool]], str]) -> None:
    unknown = ~values.isin(RATER_KINDS)
    if unknown.any():
        found = listed([f'"{value}"' for value in values[unknown].unique()])
        raise VoteFileError(
            f"{source}: rater_kind is {found} in {where(unknown)}; allowed are person, simulated and nothing."
        )


def _check_vote_ids(ids: pd.Series[str], source: str, where: Callable[[pd.Series[bool]], str]) -> None:
    empty = ids.str.strip() == ""
    if empty.any():
        raise VoteFileError(f"{source}: vote_id is empty in {where(empty)}; fill the column or leave it out.")
    repeated = ids.duplicated(keep=False)
    if repeated.any():
        found = listed([f'"{value}"' for value in ids[repeated].unique()])
        raise VoteFileError(f"{source}: vote_id {found} is repeated in {where(repeated)}; each must be unique.")


def _check_header(path: Path) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next((row for row in csv.reader(file, strict=True) if "".join(row).strip()), [])
    if not header:
        raise VoteFileError(f"{path.name}: the file is empty; the first row must name the columns.")
    for name in (*REQUIRED, *OPTIONAL):
        if header.count(name) > 1:
            raise VoteFileError(f'{path.name}: column "{name}" occurs {header.count(name)} times; once is allowed.')


def _records(path: Path) -> list[tuple[int, int]]:
    """(Line on which it starts, number of fields) of every record below the header; blank lines are none."""
    records = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        start = 1
        for row in reader:
            if len(row) > 1 or "".join(row).strip():
                records.append((start, len(row)))
            start = reader.line_num + 1
    return records


def _line_numbers(path: Path, rows: Sequence[int]) -> list[int]:
    records = _records(path)[1:]
    return [records[row][0] for row in rows]


def _malformed(path: Path) -> str:
    (_, columns), *records = _records(path)
    wide = [line for line, fields in records if fields > columns]
    if wide:
        return f"more than the header's {columns} fields in {_rows(wide)}; quote values that hold commas"
    return "not a CSV file: a quotation mark is not closed"


def _rows(numbers: Sequence[int]) -> str:
    return f"{'row' if len(numbers) == 1 else 'rows'} {listed(numbers)}"
