"""Numbers and tables for a terminal; "-" where there is no number."""

from __future__ import annotations

from collections.abc import Sequence

ABSENT = "-"


def number(value: float | None, form: str) -> str:
    return ABSENT if value is None else format(value, form)


def with_interval(value: float | None, low: float | None, high: float | None, form: str) -> str:
    if low is None or high is None:
        return number(value, form)
    return f"{number(value, form)} [{low:{form}}, {high:{form}}]"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, two blanks apart; numbers are lined up on the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    textual = [any(not row[i][:1].isdigit() and row[i] != ABSENT for row in rows) for i in range(len(header))]
    return [
        "  ".join(
            cell.ljust(width) if text else cell.rjust(width)
            for cell, width, text in zip(row, widths, textual, strict=True)
        ).rstrip()
        for row in [header, *rows]
    ]
