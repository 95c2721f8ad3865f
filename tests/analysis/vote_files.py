"""Vote files of a study, as another place would make them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comparisons.models import Assignment, Comparison, Exclusion, Rater, RaterSession, Study, Vote
from people.models import AuditEntry

COLUMNS = (
    "question",
    "prompt_id",
    "system_left",
    "system_right",
    "outcome",
    "rater",
    "answered_at",
    "response_ms",
)
Row = dict[str, str]


def make_rows(study: Study, rater: str = "r-1", **changes: str) -> list[Row]:
    """One vote of this rater on every comparison, the better system by name preferred, in turns on each side."""
    related = ("question", "image_a__job__prompt", "image_a__job__system", "image_b__job__system")
    rows = []
    for number, comparison in enumerate(Comparison.objects.filter(question__study=study).select_related(*related)):
        pair = sorted(image.job.system.slug for image in (comparison.image_a, comparison.image_b))
        left, right = pair if number % 2 else reversed(pair)
        row = {
            "question": comparison.question.key,
            "prompt_id": str(comparison.image_a.job.prompt.position),
            "system_left": left,
            "system_right": right,
            "outcome": "left" if left > right else "right",
            "rater": rater,
            "answered_at": f"2026-01-05T10:{number % 60:02}:30.250+00:00",
            "response_ms": "2500",
        }
        rows.append(row | changes)
    return rows


def write(path: Path, rows: Sequence[Mapping[str, str]], columns: Sequence[str] = ()) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns or (list(rows[0]) if rows else COLUMNS), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def stored() -> list[Any]:
    """Every row that an import writes."""
    models = (Rater, RaterSession, Assignment, Comparison, Vote, Exclusion, AuditEntry)
    return [list(model.objects.order_by("pk").values()) for model in models]
