"""Vote files: what their columns are and how they are read. `vote_checks` knows what can be wrong with the votes."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from analysis.stats.errors import VoteFileError, listed
from analysis.stats.vote_columns import is_textual, written

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("question", "prompt_id", "system_left", "system_right", "outcome", "rater")
OPTIONAL = (
    "vote_id",
    "category",
    "challenge",
    "session",
    "response_ms",
    "answered_at",
    "probability",
    "rater_kind",
    "excluded",
)
OUTCOMES = ("left", "right", "tie", "both_bad")
PARQUET = (".parquet", ".pq")
KNOWN = (*REQUIRED, *OPTIONAL)
_SHOWN, _SHOWN_LETTERS = 10, 60  # of the columns that a file has, and of the name of each
_UNDECODED = re.compile("[\udc80-\udcff]")  # what surrogateescape makes of bytes
csv.field_size_limit(2**31 - 1)  # Arrow and pandas know no limit, and read the same files

LineNumbers = Callable[[Sequence[int]], list[int]]
"""From positions among the votes (0 first) to the row numbers that messages name."""


@dataclass(frozen=True)
class VoteFile:
    """A file's known columns, its name for messages, and where its votes are."""

    columns: Mapping[str, pa.ChunkedArray]
    name: str
    line_numbers: LineNumbers


class _ParquetColumns(Mapping[str, pa.ChunkedArray]):
    """Columns that are read each time that they are asked for, so that no more than one need be held."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path, self._names = path, names

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        from pyarrow import parquet

        if name not in self._names:
            raise KeyError(name)
        # Identifiers are nearly all different, so that a dictionary of them would gain nothing.
        dictionaries = [] if name == "vote_id" else [name]
        try:
            file = parquet.ParquetFile(self._path, read_dictionary=dictionaries)
            column = file.read(columns=[name]).column(0)
            column.validate(full=True)
            is_whole = len(column) == file.metadata.num_rows
        except (OSError, pa.ArrowException):
            is_whole = False
        if not is_whole:
            raise VoteFileError(f"{self._path.name}: the file is damaged: column {name} cannot be read.")
        _check_times(column, f"{self._path.name}: column {name}")
        return column

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def counted_from_one(rows: Sequence[int]) -> list[int]:
    return [row + 1 for row in rows]


def read_csv(path: Path, known: Sequence[str] = KNOWN, required: Sequence[str] = REQUIRED) -> VoteFile:
    """Read a file's known columns as text. Raises VoteFileError unless it is UTF-8 CSV with the required columns."""
    name = path.name or str(path)
    try:
        header = _header(path)
        _check_names(header, name, known, required)
        columns = _strict_columns(path, [column for column in header if column in known])
    except UnicodeDecodeError:
        raise VoteFileError(f"{name}: {not_utf8(path)}.") from None
    except OSError as error:
        raise VoteFileError(f"{name}: cannot be read: {error.strerror or error}.") from None
    except csv.Error:
        raise VoteFileError(f"{name}: {_malformed(path)}.") from None
    return VoteFile(columns, name, lambda rows: _line_numbers(path, rows))


def read_parquet(path: Path, known: Sequence[str] = KNOWN) -> VoteFile:
    """Read a file's known columns. Raises VoteFileError unless it is Parquet with columns that can be written as text.

    Row numbers count votes from 1.
    """
    from pyarrow import parquet

    name = path.name or str(path)
    try:
        with path.open("rb") as file:
            source = parquet.ParquetFile(file)
            schema = source.schema_arrow
            _check_names(schema.names, name, known, REQUIRED)
            found = [column for column in schema.names if column in known]
            for column in found:
                if not is_textual(kind := schema.field(column).type):
                    raise VoteFileError(
                        f"{name}: column {column} holds {kind}; allowed are text, numbers, true or false, and times."
                    )
    except (pa.ArrowException, UnicodeDecodeError):
        raise VoteFileError(f"{name}: not a Parquet file, or a damaged one.") from None
    except OSError as error:
        raise VoteFileError(f"{name}: cannot be read: {error.strerror or error}.") from None
    return VoteFile(_ParquetColumns(path, found), name, counted_from_one)


def lacking(found: Collection[str], required: Sequence[str] = REQUIRED) -> str:
    """What to say of columns that lack required ones; nothing of others."""
    missing = [f'"{name}"' for name in required if name not in found]
    if not missing:
        return ""
    noun = "column" if len(missing) == 1 else "columns"
    return f"no {noun} {listed(missing, len(missing))}; required are {listed(required, len(required))}"


def of_frame(frame: pd.DataFrame, known: Sequence[str] = KNOWN) -> dict[str, pa.ChunkedArray]:
    """The known columns of a data frame; values become text and missing ones count as empty."""
    found = frame[[name for name in frame.columns if name in known]]
    values = found.astype(object).where(found.notna(), None)
    return {
        str(name): pa.chunked_array([[written(value) for value in values[name]]], pa.string())
        for name in values.columns
    }


def _strict_columns(path: Path, known: list[str]) -> Mapping[str, pa.ChunkedArray]:
    """By Arrow's reader, which is fast and accepts rows as wide as the header alone; other files are read with care."""
    from pyarrow import csv as arrow_csv

    category = pa.dictionary(pa.int32(), pa.string())
    types = {column: pa.string() if column == "vote_id" else category for column in known}
    try:
        table = arrow_csv.read_csv(
            path,
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=types, include_columns=known, strings_can_be_null=False, null_values=[]
            ),
        )
    except pa.ArrowInvalid:
        return _careful_columns(path, known)
    return dict(zip(table.column_names, table.columns, strict=True))


def _careful_columns(path: Path, known: Sequence[str]) -> Mapping[str, pa.ChunkedArray]:
    """By pandas, which fills short rows with nothing and lets it be told apart what is wrong with others."""
    import pandas as pd

    try:
        with warnings.catch_warnings():
            # A surplus field would shift its row's other values: pandas only warns of it.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False, index_col=False)
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise csv.Error(str(error)) from None
    return of_frame(frame, known)


def _check_times(column: pa.ChunkedArray, source: str) -> None:
    """That they can be written, which the first and the last of them show."""
    if not pa.types.is_temporal(column.type) or pa.types.is_duration(column.type):
        return
    import pyarrow.compute as pc  # which takes long to import

    try:
        pc.min_max(column).as_py()
    except (OverflowError, ValueError):
        raise VoteFileError(
            f"{source} holds {column.type} that cannot be written; allowed are the years 1 to 9999, in zones that are "
            "known here."
        ) from None


def _header(path: Path) -> list[str]:
    """Lines without anything may come before it, as the other readers have it too."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = next((row for row in reader if row), [])
    if not header:
        raise VoteFileError(f"{path.name}: the file is empty; the first row must name the columns.")
    if not "".join(header).strip():
        raise VoteFileError(f"{path.name}: row {reader.line_num} is blank; the first row must name the columns.")
    return header


def _check_names(header: list[str], source: str, known: Sequence[str], required: Sequence[str]) -> None:
    for name in known:
        if header.count(name) > 1:
            raise VoteFileError(f'{source}: column "{name}" occurs {header.count(name)} times; once is allowed.')
    if lack := lacking(header, required):
        names = [f'"{name if len(name) <= _SHOWN_LETTERS else f"{name[:_SHOWN_LETTERS]}…"}"' for name in header]
        raise VoteFileError(f"{source}: {lack}; found: {listed(names, _SHOWN)}{_separated_otherwise(header)}.")


def _separated_otherwise(header: Sequence[str]) -> str:
    found = [name for sign, name in ((";", "semicolons"), ("\t", "tabs")) if len(header) == 1 and sign in header[0]]
    return f"; separate columns by commas, not by {found[0]}" if found else ""


def _records(path: Path) -> list[tuple[int, int]]:
    """(Line on which it starts, number of fields) of every record below the header; blank lines are none.

    Columns that nobody reads may hold anything, which is no reason not to count.
    """
    records = []
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
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
        return f"more than the header's {columns} fields in {in_rows(wide)}; quote values that hold commas"
    return "not a CSV file: a quotation mark is not closed"


def not_utf8(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        row, byte = next(
            (number, ord(found[0]) & 0xFF) for number, line in enumerate(file, 1) if (found := _UNDECODED.search(line))
        )
    return f"row {row} is not UTF-8 (byte 0x{byte:02x})"


def in_rows(numbers: Sequence[int]) -> str:
    return f"{'row' if len(numbers) == 1 else 'rows'} {listed(numbers)}"
