"""A crowd platform's book of a study: the file that it exports, read row by row. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from generation.csv_text import CsvError, csv_records


class Theirs(StrEnum):
    """What the platform says has become of a submission."""

    HANDED_IN = "handed in"
    APPROVED = "approved"
    APPROVED_IN_PART = "approved in part"
    REJECTED = "rejected"
    RETURNED = "returned"
    TIMED_OUT = "timed out"
    SCREENED_OUT = "screened out"
    AT_WORK = "still at work"
    MISSING = "not in the book"


@dataclass(frozen=True)
class Submission:
    """One row. The header is row 1, as in a spreadsheet; `code` is empty where none was handed in."""

    row: int
    worker: str
    submission: str
    state: Theirs
    code: str


@dataclass(frozen=True)
class Book:
    platform: str
    submissions: Sequence[Submission]


class BookError(ValueError):
    """One sentence: file, row, column, what was found, what is allowed."""


@dataclass(frozen=True)
class _Format:
    """Of one platform: the columns that are needed, as it writes them; of the codes the first that is there."""

    worker: str
    submission: str
    status: str
    codes: Sequence[str]
    states: Mapping[str, Theirs]

    @property
    def needed(self) -> list[str]:
        return [self.submission, self.worker, self.status, " or ".join(self.codes)]


_FORMATS = {
    "prolific": _Format(
        worker="Participant id",
        submission="Submission id",
        status="Status",
        codes=["Completion code"],
        states={
            "RESERVED": Theirs.AT_WORK,
            "ACTIVE": Theirs.AT_WORK,
            "AWAITING REVIEW": Theirs.HANDED_IN,
            "APPROVED": Theirs.APPROVED,
            "PARTIALLY APPROVED": Theirs.APPROVED_IN_PART,
            "REJECTED": Theirs.REJECTED,
            "RETURNED": Theirs.RETURNED,
            "TIMED-OUT": Theirs.TIMED_OUT,
            "SCREENED OUT": Theirs.SCREENED_OUT,
        },
    ),
    "mturk": _Format(
        worker="WorkerId",
        submission="AssignmentId",
        status="AssignmentStatus",
        codes=["Answer.code", "Answer.surveycode"],
        states={"Submitted": Theirs.HANDED_IN, "Approved": Theirs.APPROVED, "Rejected": Theirs.REJECTED},
    ),
}
_NO_CODE = {"", "nocode", "{}"}  # what stands where nobody has entered one


def read_book(file: Path) -> Book:
    """Which platform's it is, the columns say. Raises BookError for the first thing that is wrong."""
    try:
        rows = csv_records(file)
        _, header = next(rows, (1, []))
        platform, places = _recognised([cell.strip().casefold() for cell in header])
        filled = [(number, cells) for number, cells in rows if any(cell.strip() for cell in cells)]
        submissions = [_submission(number, cells, _FORMATS[platform], places, len(header)) for number, cells in filled]
    except (BookError, CsvError) as error:
        raise BookError(f"{file.name or file}: {error}. Nothing was written.") from None
    return Book(platform, submissions)


def _recognised(header: Sequence[str]) -> tuple[str, dict[str, int]]:
    """The platform, and where its columns are."""
    for platform, columns in _FORMATS.items():
        if not {columns.worker.casefold(), columns.submission.casefold()} <= set(header):
            continue
        codes = [name for name in columns.codes if name.casefold() in header]
        names = {"worker": columns.worker, "submission": columns.submission, "status": columns.status}
        names |= {"code": codes[0] if codes else " or ".join(columns.codes)}
        for name in names.values():
            if header.count(name.casefold()) != 1:
                raise BookError(f"row 1, column {name}: found {header.count(name.casefold())} times; allowed: once")
        return platform, {key: header.index(name.casefold()) for key, name in names.items()}
    allowed = "; or ".join(", ".join(columns.needed) for columns in _FORMATS.values())
    raise BookError(f"row 1: found the columns {', '.join(header) or 'of an empty file'}; allowed: {allowed}")


def _submission(
    number: int, cells: Sequence[str], columns: _Format, places: Mapping[str, int], width: int
) -> Submission:
    if len(cells) != width:
        raise BookError(f"row {number}: found {len(cells)} fields; allowed: {width}, as in the header")
    found = {key: cells[place].strip() for key, place in places.items()}
    for key, name in (("worker", columns.worker), ("submission", columns.submission)):
        if not found[key]:
            raise BookError(f"row {number}, column {name}: found nothing; allowed: an id")
    states = {status.casefold(): state for status, state in columns.states.items()}
    state = states.get(found["status"].casefold())
    if state is None:
        allowed = ", ".join(columns.states)
        raise BookError(f"row {number}, column {columns.status}: found {found['status']!r}; allowed: {allowed}")
    code = "" if found["code"].casefold() in _NO_CODE else found["code"]
    return Submission(number, found["worker"], found["submission"], state, code)
