"""What two books say of each person and what to pay, as a CSV: one line for each row and each session."""

from __future__ import annotations

import csv
import io

from comparisons.reconciling import Line, Reconciliation

COLUMNS = ("row", "participant", "submission", "theirs", "session", "ours", "answers", "asked")
VERDICT = ("difference", "payment", "reason")


def payments_csv(found: Reconciliation) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow([*COLUMNS, *VERDICT])
    writer.writerows([_harmless(cell) for cell in _cells(line)] for line in found.lines)
    return table.getvalue()


def _cells(line: Line) -> list[object]:
    row, session, verdict = line.submission, line.session, line.verdict
    theirs = [row.row, row.worker, row.submission] if row else ["", "", ""]
    ours = [session.public_id, session.stage, line.work.answers, line.work.asked] if session else ["", "", "", ""]
    return [*theirs, line.theirs, *ours, " ".join(line.differences), verdict.payment, verdict.reason]


def _harmless(cell: object) -> str:
    """What people typed must not become a formula where the table is opened in a spreadsheet."""
    text = str(cell)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
