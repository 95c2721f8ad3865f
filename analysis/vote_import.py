"""Votes made elsewhere: a vote file, read as `python -m analysis` reads it, into a study."""

from __future__ import annotations

import csv
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile

from analysis import computing
from analysis.files import short_name
from analysis.stats.errors import VoteFileError, counted, listed
from analysis.stats.vote_checks import EXCLUDED, checked
from analysis.stats.vote_columns import coded
from analysis.stats.vote_file import KNOWN, PARQUET, VoteFile, in_rows, read_csv, read_parquet
from comparisons.importing_votes import Imported, VotesRefused, import_votes
from comparisons.models import Rater, Study
from comparisons.storing_imported import VoteRow
from people import audit
from people.audit import Verb

ALSO_REQUIRED = ("answered_at", "response_ms")  # every vote here has them, and nothing is made up
COLUMNS = (*KNOWN, "late")
MOST_PROBLEMS = 10  # told at once
DAMAGE = (LookupError, OSError, OverflowError, ValueError, csv.Error, pa.ArrowException)  # of bytes within a column


class VoteImportError(Exception):
    """The file, or rows of it, are wrong, and nothing was imported. The first line says so, others name rows."""


def import_file(study: Study, path: Path, *, actor: User | None = None, by: str = "") -> Imported:
    """Take all votes of a file, CSV or Parquet by its name, and note it in the log; the same file again adds nothing.

    Raises VoteImportError, or StudyError for a study that takes no votes.
    """

    def note(new: int) -> None:
        computing.start_over(study)
        details = {"votes": new, "file": path.name, "sha256": sha256}
        audit.record(Verb.IMPORTED, study=study, actor=actor, by=by, details=details)

    try:
        file = _read(path)
        rows = _rows(file)
        _check_foreign(study, file)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    except VoteFileError as error:
        raise VoteImportError(f"Nothing was imported. {error}") from None
    except DAMAGE:
        raise VoteImportError(f"Nothing was imported. {path.name}: the file is damaged.") from None
    try:
        return import_votes(study, rows, note)
    except VotesRefused as refused:
        raise VoteImportError("\n".join(_told(file, refused))) from None


def import_upload(study: Study, upload: UploadedFile[Any], actor: User) -> Imported:
    """The same for a file that comes with a request."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, short_name(str(upload.name)))
        with path.open("wb") as file:
            file.writelines(upload.chunks())
        return import_file(study, path, actor=actor)


def _read(path: Path) -> VoteFile:
    read = read_parquet if path.suffix.lower() in PARQUET else read_csv
    return read(path, COLUMNS)


def _rows(file: VoteFile) -> list[VoteRow]:
    """Raises VoteFileError for the first thing that is wrong with the file by itself."""
    required = checked(file.columns, file.name, file.line_numbers, filled=ALSO_REQUIRED)
    missing = [f'"{name}"' for name in ALSO_REQUIRED if name not in file.columns]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        needed = f"to be imported, each vote needs {listed(ALSO_REQUIRED)}"
        raise VoteFileError(f"{file.name}: no {noun} {listed(missing)}; {needed}.")
    count = len(required["outcome"].codes)
    if not count:
        raise VoteFileError(f"{file.name}: there are no votes in it.")
    columns = [_parsed(file, name, count) for name in _PARSERS]
    return [VoteRow(*values) for values in zip(*columns, strict=True)]


def _check_foreign(study: Study, file: VoteFile) -> None:
    """Raises VoteFileError for votes of this very study, which would count twice, as a file has other names for their
    raters. A `vote_id` tells nothing: it is a small number, which other sites have as well.
    """
    if "session" not in file.columns:
        return
    mine = {str(public_id) for public_id in study.sessions.values_list("public_id", flat=True)}
    (column,) = coded(file.columns["session"])
    places = [place for place, code in enumerate(column.codes.tolist()) if column.names[code].lower() in mine]
    if places:
        where = in_rows(file.line_numbers(places))
        raise VoteFileError(f"{file.name}: these are this study's own votes, by their session: {where}.")


def _parsed(file: VoteFile, name: str, count: int) -> list[Any]:
    """One column's values, each of the different ones parsed once; those of a column that is not there are empty."""
    parse = _PARSERS[name]
    if name not in file.columns:
        return [parse("")] * count
    (column,) = coded(file.columns[name])
    parsed = [parse(value) for value in column.names]
    return [parsed[code] for code in column.codes.tolist()]


def _time(value: str) -> datetime:
    """Without a zone it is UTC, as in all that is stored."""
    time = datetime.fromisoformat(value)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "question": str,
    "prompt_id": str,
    "system_left": str,
    "system_right": str,
    "outcome": str,
    "rater": str,
    "rater_kind": lambda value: value or str(Rater.Kind.PERSON),
    "answered_at": _time,
    "response_ms": lambda value: round(float(value)),
    "probability": lambda value: float(value) if value else None,
    "late": EXCLUDED.__getitem__,
    "excluded": EXCLUDED.__getitem__,
}
"""How the text of a column, checked before, becomes a field of VoteRow, in their order."""


def _told(file: VoteFile, refused: VotesRefused) -> Iterator[str]:
    """A line for each problem with its rows, the first ones of both."""
    problems = sorted(refused.problems.items(), key=lambda problem: min(problem[1]))
    shown = problems[:MOST_PROBLEMS]
    places = sorted({place for _, rows in shown for place in rows})
    numbers = dict(zip(places, file.line_numbers(places), strict=True))
    yield f"{file.name}: nothing was imported, {counted(len(problems), 'problem')}:"
    for what, rows in shown:
        yield f"  {in_rows([numbers[place] for place in sorted(rows)])}: {what}"
    if len(problems) > MOST_PROBLEMS:
        yield f"  and {len(problems) - MOST_PROBLEMS} more"
