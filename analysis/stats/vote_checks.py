"""Every way in which votes can be wrong, each told in one sentence with its rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import numpy as np
import pyarrow as pa

from analysis.stats.errors import VoteFileError, listed
from analysis.stats.vote_columns import Column, RowMask, coded, is_string
from analysis.stats.vote_file import OUTCOMES, REQUIRED, LineNumbers, in_rows, lacking

EXCLUDED = {"true": True, "false": False, "": False}
RATER_KINDS = ("person", "simulated")
_SIDES = ("system_left", "system_right")


def checked(
    columns: Mapping[str, pa.ChunkedArray], source: str, line_numbers: LineNumbers, filled: Collection[str] = ()
) -> dict[str, Column]:
    """The required columns, and `excluded` where it is given; both sides have the same names.

    Optional columns may be empty in any row, but those of `filled`. Raises VoteFileError for the first thing that is
    wrong.
    """
    if lack := lacking(columns):
        raise VoteFileError(f"{source}: {lack}.")

    def where(wrong: RowMask) -> str:
        return in_rows(line_numbers([int(row) for row in np.flatnonzero(wrong)]))

    found = _coded_at_once(columns)
    left, right = (found[side] for side in _SIDES)
    for name in REQUIRED:
        empty = found[name].where(lambda value: not value.strip())
        if empty.any():
            raise VoteFileError(f"{source}: {name} is empty in {where(empty)}; every vote needs one.")
    _check("outcome", found["outcome"], OUTCOMES.__contains__, OUTCOMES, source, where)
    for name in (name for name in _OPTIONAL if name in columns):
        column = _checked_optional(name, columns[name], name in filled, source, where)
        if name == "excluded" and column is not None:
            found[name] = column
    same = left.codes == right.codes
    if same.any():
        raise VoteFileError(
            f"{source}: a system is compared with itself in {where(same)} ({listed(left.found(same))}); "
            "system_left and system_right must differ."
        )
    if "vote_id" in columns:
        _check_vote_ids(columns["vote_id"], source, where)
    return found


def _coded_at_once(columns: Mapping[str, pa.ChunkedArray]) -> dict[str, Column]:
    """The required columns, the sides with the same names."""
    groups = [_SIDES, *((name,) for name in REQUIRED if name not in _SIDES)]
    with ThreadPoolExecutor(2) as threads:
        made = threads.map(lambda names: coded(*(columns[name] for name in names)), groups)
        return {
            name: column
            for names, coded_group in zip(groups, made, strict=True)
            for name, column in zip(names, coded_group, strict=True)
        }


def _checked_optional(
    name: str, values: pa.ChunkedArray, is_filled: bool, source: str, where: Callable[[RowMask], str]
) -> Column | None:
    """None for times that are stored as such, which need not be read one by one."""
    if not is_filled and name == "answered_at" and pa.types.is_timestamp(values.type):
        return None
    (column,) = coded(values)
    is_allowed, allowed = _OPTIONAL[name]
    if is_filled:
        _check(name, column, is_allowed, allowed, source, where)
    else:
        _check(name, column, lambda value: not value or is_allowed(value), (*allowed, "nothing"), source, where)
    return column


def _check(
    name: str,
    column: Column,
    is_allowed: Callable[[str], bool],
    allowed: Sequence[str],
    source: str,
    where: Callable[[RowMask], str],
) -> None:
    wrong = column.where(lambda value: not is_allowed(value))
    if wrong.any():
        found = listed(column.found(wrong))
        raise VoteFileError(
            f"{source}: {name} is {found} in {where(wrong)}; allowed are {listed(allowed, len(allowed))}."
        )


def _number(value: str) -> float:
    """NaN for what is none."""
    try:
        return float(value)
    except ValueError:
        return math.nan


def _is_duration(value: str) -> bool:
    return 0 <= _number(value) < math.inf


def _is_probability(value: str) -> bool:
    return 0 < _number(value) <= 1


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


_OPTIONAL: dict[str, tuple[Callable[[str], bool], tuple[str, ...]]] = {
    "excluded": (EXCLUDED.__contains__, ("true", "false")),
    "late": (EXCLUDED.__contains__, ("true", "false")),
    "rater_kind": (RATER_KINDS.__contains__, RATER_KINDS),
    "probability": (_is_probability, ("numbers above 0 up to 1",)),
    "response_ms": (_is_duration, ("numbers from 0",)),
    "answered_at": (_is_time, ("times as ISO 8601 writes them",)),
}


def _check_vote_ids(ids: pa.ChunkedArray, source: str, where: Callable[[RowMask], str]) -> None:
    import pyarrow.compute as pc  # which takes long to import

    if not ids.null_count and pc.count_distinct(ids).as_py() == len(ids) and not _holds_blank(ids):
        return
    (column,) = coded(ids)
    empty = column.where(lambda value: not value.strip())
    if empty.any():
        raise VoteFileError(f"{source}: vote_id is empty in {where(empty)}; fill the column or leave it out.")
    repeated = (np.bincount(column.codes) > 1)[column.codes]
    if repeated.any():
        found = column.found(repeated)
        verb = "is" if len(found) == 1 else "are"
        raise VoteFileError(
            f"{source}: vote_id {listed(found)} {verb} repeated in {where(repeated)}; each must be unique."
        )


def _holds_blank(ids: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    if not is_string(ids.type):
        return False
    return bool(pc.min(pc.utf8_length(pc.utf8_trim_whitespace(ids))).as_py() == 0)
