"""Images that come with a request: laid out as a manifest with its folder, then imported as the command does."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from ninja.errors import HttpError

from comparisons import studies
from comparisons.models import Comparison, Study
from generation.manifest import ManifestError, read_manifest
from generation.storage import StorageError

LONGEST_NAME = 255  # bytes of a file's, in most file systems


def import_images(
    study: Study, manifest: UploadedFile[Any], pictures: Sequence[UploadedFile[Any]], user: User
) -> tuple[int, int, int]:
    """How many images are new, how many were there, and how many comparisons the study has then."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            file = _laid_out(folder, manifest, pictures)
            _check_paths(file, {path.name for path in folder.iterdir()} - {file.name})
            new, there = studies.import_images(study, file, actor=user)
        except ManifestError as error:
            raise HttpError(422, " ".join(line.strip() for line in str(error).splitlines())) from None
        except (StorageError, OSError) as error:
            raise HttpError(409, f"Nothing was imported: the images cannot be stored. {error}") from None
    studies.build_comparisons(study)
    return new, there, Comparison.objects.filter(question__study=study).count()


def _laid_out(folder: Path, manifest: UploadedFile[Any], pictures: Sequence[UploadedFile[Any]]) -> Path:
    """The manifest's path; Django has reduced each name to one without a folder."""
    for upload in (manifest, *pictures):
        path = folder / str(upload.name)
        if len(path.name.encode()) > LONGEST_NAME:
            raise HttpError(422, f"A file is called {path.name[:20]!r} and on; allowed: {LONGEST_NAME} bytes.")
        if path.exists():
            raise HttpError(422, f"Two files are called {upload.name!r}; allowed: each name once.")
        with path.open("wb") as file:
            file.writelines(upload.chunks())
    return folder / str(manifest.name)


def _check_paths(manifest: Path, names: set[str]) -> None:
    """A path with a folder could lead out of this one; a file that no row names was forgotten in the manifest."""
    paths = {row.path for row in read_manifest(manifest).rows}
    for path in sorted(paths):
        if PurePath(path).name != path:
            raise HttpError(422, f"{manifest.name}: path is {path!r}; allowed: the name of a file, without a folder.")
    if unnamed := sorted(names - paths):
        raise HttpError(422, f"{manifest.name}: no row names {', '.join(unnamed[:5])}; allowed: a row for each file.")
