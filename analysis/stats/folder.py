"""A summary as a folder of files: everything as JSON, systems and pairs as CSV, the report as text."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from analysis.stats.rows import PairRow, Summary, SystemRow
from analysis.stats.terminal import render


def as_json(summary: Summary) -> str:
    return json.dumps(summary, allow_nan=False, indent=2) + "\n"


def write_folder(summary: Summary, folder: Path) -> None:
    """Write summary.json, systems.csv, pairs.csv and report.txt, over files of these names; OSError as the system says.

    A number that the votes do not determine is an empty field. The first column is the question.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(as_json(summary), encoding="utf-8")
    (folder / "report.txt").write_text(render(summary) + "\n", encoding="utf-8")
    questions = summary["questions"].items()
    systems = [(name, row) for name, question in questions for row in question["systems"]]
    pairs = [(name, row) for name, question in questions for row in question["pairs"]]
    _write(folder / "systems.csv", list(SystemRow.__annotations__), systems)
    _write(folder / "pairs.csv", list(PairRow.__annotations__), pairs)


def _write(file: Path, columns: list[str], rows: Iterable[tuple[str, Mapping[str, object]]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, ["question", *columns])
        writer.writeheader()
        writer.writerows({"question": question, **row} for question, row in rows)
