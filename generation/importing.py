"""Images made elsewhere: check every row of a manifest and every picture, then store all of them or none."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from django.db import transaction
from PIL import Image as PillowImage
from PIL import ImageOps

from generation import jobs, storage
from generation.manifest import Manifest, ManifestError, Problem, Row, read_manifest
from generation.models import Image, ImageJob, Prompt, System

FORMATS = ("PNG", "JPEG", "WEBP")
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")  # what becomes RGB without a loss or a guess

Wish = tuple[System, Prompt, int]
Watch = Callable[[Sequence["Entry"]], Iterable["Entry"]]
Note = Callable[[int], None]


@dataclass(frozen=True)
class Entry:
    """A row, and the image that it is for."""

    row: Row
    wish: Wish

    @property
    def key(self) -> tuple[int, int, int]:
        system, prompt, seed = self.wish
        return system.id, prompt.id, seed

    def __str__(self) -> str:
        return f"{self.wish[0].slug}, prompt {self.wish[1].position}"


@dataclass(frozen=True)
class Picture:
    pixels: PillowImage.Image
    format: str
    file_sha256: str


class PictureError(ValueError):
    """What is wrong with a picture file."""


def import_images(
    file: Path, wishes: Iterable[Wish], display_px: int, note: Note, watch: Watch = iter
) -> tuple[int, int]:
    """Store the images of a manifest as those of their wishes; return how many are new, and how many were there.

    All or nothing: the rows of all images are written in one transaction. Their files are written before it, under
    the hashes of their content, where they mean nothing without a row. `note` is told how many are new, in that
    transaction, if there are any; `watch` sees the work that takes time.
    """
    manifest = read_manifest(file)
    entries, problems = _match(manifest, list(wishes))
    known = _existing_jobs(entries)
    new = []
    for entry in entries:
        job = known.get(entry.key)
        try:
            if not _is_there(entry, _read_picture(manifest, entry), job):
                new.append(entry)
        except PictureError as error:
            problems.append(Problem(entry.row.number, str(error)))
    if problems:
        raise manifest.refusal(problems)
    if not entries:
        raise ManifestError(f"{file.name}: nothing was imported, because no row follows the header.")
    if new:
        images = [_store(manifest, entry, display_px) for entry in watch(new)]
        _deliver(manifest, new, images, display_px, note)
    return len(new), len(entries) - len(new)


def _match(manifest: Manifest, wishes: Sequence[Wish]) -> tuple[list[Entry], list[Problem]]:
    systems = {system.slug for system, _, _ in wishes}
    prompts = {_prompt_name(manifest, prompt) for _, prompt, _ in wishes}
    by_name = {(wish[0].slug, _prompt_name(manifest, wish[1])): wish for wish in wishes}
    entries: list[Entry] = []
    problems = list(manifest.problems)
    first_row: dict[object, int] = {}
    for row in manifest.rows:
        wrong = []
        if row.system not in systems:
            wrong.append(f"system is {row.system!r}; allowed: {', '.join(sorted(systems))}")
        if row.prompt not in prompts:
            wrong.append(_unknown_prompt(manifest, row, len(prompts)))
        for same, value in (("system and prompt", (row.system, row.prompt)), ("path", PurePath(row.path))):
            if (first := first_row.setdefault(value, row.number)) != row.number:
                wrong.append(f"has the {same} of row {first}; allowed: one row for each image, one file for each row")
        problems += [Problem(row.number, what) for what in wrong]
        if (row.system, row.prompt) in by_name:
            entries.append(Entry(row, by_name[row.system, row.prompt]))
    return entries, problems


def _prompt_name(manifest: Manifest, prompt: Prompt) -> str:
    return prompt.text if manifest.prompt_column == "prompt" else str(prompt.position)


def _unknown_prompt(manifest: Manifest, row: Row, count: int) -> str:
    if manifest.prompt_column == "prompt":
        return f"prompt is {row.prompt[:60]!r}; allowed: the exact text of one of the study's {count} prompts"
    return f"prompt_id is {row.prompt[:60]!r}; allowed: 0 to {count - 1}, a prompt's place in the study's prompt set"


def _existing_jobs(entries: Sequence[Entry]) -> Mapping[tuple[int, int, int], ImageJob]:
    systems, prompts = ({entry.key[place] for entry in entries} for place in (0, 1))
    found = ImageJob.objects.filter(system__in=systems, prompt__in=prompts).select_related("image")
    return {(job.system_id, job.prompt_id, job.seed): job for job in found}


def _is_there(entry: Entry, picture: Picture, job: ImageJob | None) -> bool:
    """Whether the job has this very picture already. Raises PictureError where it has or will have another."""
    if job is None:
        return False
    if job.state == ImageJob.State.RUNNING:
        raise PictureError(f"a worker is making the image of {entry} now; wait for it, or stop the worker")
    if job.state != ImageJob.State.DONE:
        return False
    if storage.has_pixels(job.image.sha256, picture.pixels):
        return True
    raise PictureError(f"path is {entry.row.path!r}, but {entry} has another image already; an image never changes")


def _read_picture(manifest: Manifest, entry: Entry) -> Picture:
    path, system = entry.row.path, entry.wish[0]
    try:
        if not (manifest.file.parent / path).is_file():
            raise PictureError(f"path is {path!r}; there is no such file in the manifest's folder")
        content = (manifest.file.parent / path).read_bytes()
    except OSError as error:
        raise PictureError(f"path is {path!r}, which cannot be read ({error.strerror})") from None
    try:
        with PillowImage.open(io.BytesIO(content), formats=FORMATS) as opened:
            picture = Picture(ImageOps.exif_transpose(opened), str(opened.format), hashlib.sha256(content).hexdigest())
            frames = getattr(opened, "n_frames", 1)
    except Exception:  # a damaged file makes Pillow raise almost anything
        raise PictureError(f"path is {path!r}; allowed: a whole picture as PNG, JPEG or WebP") from None
    spec = system.parsed_spec()
    width, height = picture.pixels.size
    if (width, height) != (spec.width, spec.height):
        size = f"{spec.width} x {spec.height}, the size of {system.slug}"
        raise PictureError(f"path is {path!r}, which has {width} x {height} pixels; allowed: {size}")
    if frames > 1 or picture.pixels.mode not in _MODES or _is_transparent(picture.pixels):
        raise PictureError(f"path is {path!r}; allowed: a still, opaque picture with 8 bits a channel, RGB or grey")
    return picture


def _is_transparent(pixels: PillowImage.Image) -> bool:
    return pixels.has_transparency_data and pixels.convert("RGBA").getchannel("A").getextrema() != (255, 255)


def _store(manifest: Manifest, entry: Entry, display_px: int) -> Image:
    try:
        picture = _read_picture(manifest, entry)
    except PictureError as error:  # it was right when it was checked
        raise manifest.refusal([Problem(entry.row.number, str(error))]) from None
    sha256 = storage.store_original(picture.pixels)
    storage.ensure_display(sha256, display_px)
    return Image(
        sha256=sha256,
        width=picture.pixels.width,
        height=picture.pixels.height,
        detail=storage.detail(picture.pixels),
        total_ms=entry.row.latency_ms,
        environment={
            "imported": True,
            "manifest": manifest.file.name,
            "file": entry.row.path,
            "file_sha256": picture.file_sha256,
            "format": picture.format,
            "seed": entry.row.seed,
        },
    )


def _deliver(
    manifest: Manifest, entries: Sequence[Entry], images: Sequence[Image], display_px: int, note: Note
) -> None:
    try:
        with transaction.atomic():
            jobs.request([entry.wish for entry in entries], display_px)
            known = _existing_jobs(entries)
            for entry, image in zip(entries, images, strict=True):
                image.job = known[entry.key]
            jobs.deliver(images)
            note(len(images))
    except jobs.JobTaken:
        raise ManifestError(
            f"{manifest.file.name}: nothing was imported, because one of these images was begun or finished by others "
            "meanwhile; run this again to see which."
        ) from None
