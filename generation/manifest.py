"""Manifests of images made elsewhere: a CSV whose rows each name a system, a prompt and a picture file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from generation.csv_text import CsvError, csv_records

REQUIRED = ("system", "prompt or prompt_id", "path")
_PROMPT_COLUMNS = ("prompt", "prompt_id")
_COLUMNS = ("system", *_PROMPT_COLUMNS, "path", "seed", "latency_ms")
_SEED = re.compile(r"[0-9]{1,20}")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


class ManifestError(ValueError):
    """A manifest, or a picture that it names, is wrong; the message is for the user and names every bad row."""


@dataclass(frozen=True)
class Row:
    """What one row says. `prompt` is a text or a position, whichever the manifest has a column for."""

    number: int
    system: str
    prompt: str
    path: str
    seed: int | None
    latency_ms: float | None


@dataclass(frozen=True)
class Problem:
    row: int
    what: str


@dataclass(frozen=True)
class Manifest:
    """The rows that can be read, and what is wrong with the others."""

    file: Path
    prompt_column: str
    rows: Sequence[Row]
    problems: Sequence[Problem]

    def refusal(self, problems: Sequence[Problem]) -> ManifestError:
        rows: dict[str, list[int]] = {}
        for problem in sorted(problems, key=lambda problem: problem.row):
            rows.setdefault(problem.what, []).append(problem.row)
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        lines = [f"  {_named(numbers)}: {what}" for what, numbers in rows.items()]
        return ManifestError("\n".join([f"{self.file.name}: nothing was imported, {count}:", *lines]))


def _named(rows: Sequence[int]) -> str:
    """Rows in ascending order, those that follow one another as a range: "rows 2, 4-7"."""
    ranges: list[list[int]] = []
    for row in rows:
        if ranges and row == ranges[-1][-1] + 1:
            ranges[-1][1:] = [row]
        else:
            ranges.append([row])
    listed = ", ".join("-".join(map(str, ends)) for ends in ranges)
    return f"row{'' if len(rows) == 1 else 's'} {listed}"


def read_manifest(file: Path) -> Manifest:
    """Raises ManifestError for what is wrong with the file as a whole. The header is row 1, as in a spreadsheet."""
    try:
        table = csv_records(file)
        header = _header(table)
        records = [(number, cells) for number, cells in table if any(cell.strip() for cell in cells)]
    except (CsvError, ManifestError) as error:
        raise ManifestError(f"{file.name or file}: {error}; nothing was imported.") from None
    prompt_column = next(name for name in _PROMPT_COLUMNS if name in header)
    rows, problems = [], []
    for number, cells in records:
        found = _row(number, header, cells, prompt_column)
        if isinstance(found, Row):
            rows.append(found)
        else:
            problems += [Problem(number, what) for what in found]
    return Manifest(file, prompt_column, rows, problems)


def _header(table: Iterator[tuple[int, list[str]]]) -> list[str]:
    _, cells = next(table, (1, []))
    header = [cell.strip().lower() for cell in cells]
    if not any(header):
        raise ManifestError(f"row 1 is empty; it must name the columns: {', '.join(REQUIRED)}")
    missing = [name for name in ("system", "path") if name not in header]
    if not set(_PROMPT_COLUMNS) & set(header):
        missing.append("prompt or prompt_id")
    if missing:
        raise ManifestError(f"no column {', '.join(missing)}; found: {', '.join(header)}")
    if set(_PROMPT_COLUMNS) <= set(header):
        raise ManifestError("columns prompt and prompt_id are both there; allowed: one of them")
    for name in header:
        if name not in _COLUMNS:
            raise ManifestError(f"column {name!r} is not known; allowed: {', '.join(_COLUMNS)}")
        if header.count(name) > 1:
            raise ManifestError(f"column {name!r} occurs {header.count(name)} times; allowed: once")
    return header


def _row(number: int, header: Sequence[str], cells: Sequence[str], prompt_column: str) -> Row | list[str]:
    """The row, or all that is wrong with it by itself."""
    if len(cells) > len(header):
        return [f"{len(cells)} fields, and the header has {len(header)}; quote values that hold commas"]
    values = dict.fromkeys(_COLUMNS, "") | dict(zip(header, map(str.strip, cells), strict=False))
    wrong = [f"{name} is empty" for name in ("system", prompt_column, "path") if not values[name]]
    if PurePath(values["path"]).is_absolute():
        wrong.append(f"path is {values['path']!r}; allowed: a path relative to the manifest's folder")
    if values["seed"] and not (_SEED.fullmatch(values["seed"]) and int(values["seed"]) < 2**64):
        wrong.append(f"seed is {values['seed']!r}; allowed: a whole number below 2^64, or nothing")
    latency = values["latency_ms"]
    if latency and not (_NUMBER.fullmatch(latency) and 0 < float(latency) < math.inf):
        wrong.append(f"latency_ms is {latency!r}; allowed: a number above 0 such as 207.5, or nothing if not known")
    if wrong:
        return wrong
    return Row(
        number=number,
        system=values["system"],
        prompt=values[prompt_column],
        path=values["path"],
        seed=int(values["seed"]) if values["seed"] else None,
        latency_ms=float(latency) if latency else None,
    )
