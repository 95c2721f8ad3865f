"""CSV files that people hand in: read as UTF-8, row by row, with the place of what cannot be read. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path


class CsvError(ValueError):
    """Where the file is no CSV in UTF-8; the sentence goes on after the file's name."""


def csv_records(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Each row with its number; the first is row 1, as in a spreadsheet."""
    number, text = 0, _read(file)
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), start=1):
            yield number, cells
    except csv.Error as error:
        raise CsvError(f"row {number + 1} is not valid CSV ({error})") from None


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CsvError(f"cannot be read ({error.strerror})") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CsvError(f"line {line} is not UTF-8 (byte {data[error.start]:#04x})") from None
