"""The files that Prolific and Mechanical Turk export, for tests."""

from __future__ import annotations

import csv
from pathlib import Path

PROLIFIC = ["Submission id", "Participant id", "Status", "Started at", "Completed at", "Completion code", "Age"]
MTURK = ["HITId", "Title", "AssignmentId", "WorkerId", "AssignmentStatus", "Input.x", "Answer.code", "Answer.ending"]


def write(file: Path, header: list[str], rows: list[list[str]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines).writerows([header, *rows])
    return file


def prolific_row(worker: str, status: str, code: str = "", submission: str = "") -> list[str]:
    times = ["2026-01-02T10:00:00Z", "2026-01-02T10:09:00Z"]
    return [submission or f"submission-of-{worker}", worker, status, *times, code, "31"]


def mturk_row(worker: str, status: str, code: str, assignment: str = "") -> list[str]:
    return ["h-1", "Pictures", assignment or f"assignment-of-{worker}", worker, status, "", code, "completed"]
