"""A summary as a folder of files: everything as JSON, each kind of rows as CSV, the report as text."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from analysis.stats.rows import CombinedRow, PairRow, Summary, SystemRow, combined_rows
from analysis.stats.terminal import render


def as_json(summary: Summary) -> str:
    return json.dumps(summary, allow_nan=False, indent=2) + "\n"


def write_folder(summary: Summary, folder: Path) -> None:
    """Write summary.json, systems.csv, pairs.csv, combined.csv and report.txt, over files of these names.

    A number that the votes do not determine is an empty field. The first column of systems and pairs is the question;
    combined.csv has no rows where there is only one. OSError as the system says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(as_json(summary), encoding="utf-8")
    (folder / "report.txt").write_text(render(summary) + "\n", encoding="utf-8")
    questions = summary["questions"].items()
    systems = [{"question": name, **row} for name, question in questions for row in question["systems"]]
    pairs = [{"question": name, **row} for name, question in questions for row in question["pairs"]]
    _write(folder / "systems.csv", ["question", *SystemRow.__annotations__], systems)
    _write(folder / "pairs.csv", ["question", *PairRow.__annotations__], pairs)
    _write(folder / "combined.csv", list(CombinedRow.__annotations__), combined_rows(summary))


def _write(file: Path, columns: list[str], rows: Iterable[Mapping[str, object]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, columns)
        writer.writeheader()
        writer.writerows(rows)
