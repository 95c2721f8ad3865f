"""A study that waits for images made elsewhere, and manifests of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image as PillowImage

from comparisons.models import Study
from comparisons.studies import open_study
from generation.models import Image, ImageJob
from tests.factories import make_draft, make_system_spec

SYSTEMS = (
    make_system_spec("alpha"),
    make_system_spec("outside", steps=1, backend="imported", pipeline=None, model="A model of others, version 6"),
)
COLUMNS = ("system", "prompt", "path")
ROWS = [
    ["outside@1", "a red fox", "fox.png"],
    ["outside@1", "boats, two", "boats/1.png"],
]


def make_waiting_study() -> Study:
    study = make_draft(["a red fox", "boats, two"], slug="colours", systems=SYSTEMS)
    open_study(study)
    return study


def make_manifest(folder: Path) -> Path:
    """ROWS with their pictures."""
    (folder / "boats").mkdir()
    PillowImage.new("RGB", (64, 64), (200, 10, 10)).save(folder / "fox.png")
    PillowImage.new("RGB", (64, 64), (10, 10, 200)).save(folder / "boats" / "1.png")
    return write(folder / "manifest.csv", ROWS)


def write(file: Path, rows: Iterable[Sequence[str]], columns: Sequence[str] = COLUMNS) -> Path:
    with file.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([columns, *rows])
    return file


def refusal(slug: str, manifest: Path) -> list[str]:
    """The lines that the command ends with; and no row has changed."""
    before = _everything()
    with pytest.raises(CommandError) as refused:
        call_command("import_images", slug, str(manifest))
    assert _everything() == before
    return str(refused.value).splitlines()


def _everything() -> tuple[list[Any], list[Any]]:
    return list(ImageJob.objects.order_by("id").values()), list(Image.objects.order_by("id").values())
