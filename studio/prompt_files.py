"""Prompts brought in the browser: a file, pasted lines, or a sample of a set that is here."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Count

from analysis.files import short_name
from generation.models import PromptSet
from generation.prompt_sets import store_prompt_set
from generation.prompts import PromptFileError, PromptLine, Selection, read_prompts, select
from people import audit
from people.audit import Verb

MOST_FILE_BYTES = 20_000_000
PASTED = "pasted prompts"
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")


class PromptsError(ValueError):
    """One sentence; `place` is the name of the field that it is about."""

    def __init__(self, place: str, sentence: str) -> None:
        super().__init__(sentence)
        self.place = place


@dataclass(frozen=True)
class SetRow:
    slug: str
    source: str
    prompt_count: int


@dataclass(frozen=True)
class Source:
    """Where prompts come from, in words, and they themselves."""

    name: str
    place: str
    prompts: list[PromptLine]


def prompt_sets() -> list[SetRow]:
    """The newest first."""
    rows = PromptSet.objects.order_by("-created_at", "-id").values_list("slug", "source", Count("prompts"))
    return [SetRow(*row) for row in rows]


def bring_prompts(typed: Mapping[str, str], file: UploadedFile[Any] | None, actor: User) -> tuple[PromptSet, bool]:
    """The set that was asked for, and whether it is new; PromptsError names the field that is wrong."""
    slug = typed.get("name", "").strip()
    if not _SLUG.fullmatch(slug):
        raise PromptsError("name", f"Found {slug!r}; allowed: 1 to 100 lower-case letters, digits and '-'.")
    excluded = [part.strip() for part in typed.get("exclude", "").split(",") if part.strip()]
    sample, seed = _number(typed, "sample"), _number(typed, "seed") or 0
    wanted = Selection(excluded, sample, seed, typed.get("stratify", ""))
    source = _source(typed, file)
    try:
        prompts = select(source.prompts, wanted)
    except PromptFileError as error:
        about = str(error).partition(" ")[0]
        place = about if about in ("sample", "stratify") else "exclude"
        raise PromptsError(place, _sentence(error)) from None
    try:
        with transaction.atomic():
            prompt_set, is_new = store_prompt_set(slug, prompts, wanted.in_words(source.name))
            if is_new:
                audit.record(Verb.IMPORTED, actor=actor, details={"prompts": len(prompts), "prompt set": slug})
    except PromptFileError as error:
        raise PromptsError("name", _sentence(error).removeprefix("--set is ")) from None
    return prompt_set, is_new


def _source(typed: Mapping[str, str], file: UploadedFile[Any] | None) -> Source:
    drop_repeats = typed.get("drop_repeats") == "on"
    pasted, earlier = typed.get("pasted", "").replace("\r\n", "\n"), typed.get("sample_of", "")
    given = [bool(file), bool(pasted.strip()), bool(earlier)]
    if sum(given) != 1:
        raise PromptsError("file", "Choose one of the three: a file, pasted lines, or a set that is here.")
    if earlier:
        return _of_set(earlier)
    place = "file" if file else "pasted"
    try:
        return Source(_name(file), place, _read(file, pasted, drop_repeats=drop_repeats))
    except PromptFileError as error:
        raise PromptsError(
            place, _sentence(error).replace("--drop-repeats keeps", "ticking the box below keeps")
        ) from None


def _read(file: UploadedFile[Any] | None, pasted: str, *, drop_repeats: bool) -> list[PromptLine]:
    """By the parser of files, which knows the form from the name."""
    if file and (file.size or 0) > MOST_FILE_BYTES:
        raise PromptFileError(f"{_name(file)}: has {file.size} bytes; allowed: {MOST_FILE_BYTES}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / _name(file)
        path.write_bytes(file.read() if file else pasted.encode())
        return read_prompts(path, drop_repeats=drop_repeats)


def _of_set(slug: str) -> Source:
    prompt_set = PromptSet.objects.filter(slug=slug).first()
    if prompt_set is None:
        raise PromptsError("sample_of", f"Found {slug!r}; allowed: one of the list.")
    rows = prompt_set.prompts.order_by("position").values_list("text", "category", "challenge")
    return Source(f"{prompt_set.source}; set {slug}", "sample_of", [PromptLine(*row) for row in rows])


def _name(file: UploadedFile[Any] | None) -> str:
    """Without the folders that some browsers send, and no longer than a file's name may be."""
    name = PurePosixPath(PureWindowsPath(file.name or "").name).name if file else PASTED
    return short_name(name.replace("\0", "")) or "prompts"


def _number(typed: Mapping[str, str], name: str) -> int | None:
    text = typed.get(name, "").strip()
    if text and not re.fullmatch(r"\d{1,18}", text):
        raise PromptsError(name, f"Found {text!r}; allowed: a whole number of at least 0.")
    return int(text) if text else None


def _sentence(error: PromptFileError) -> str:
    text = str(error).rstrip(".")
    return f"{text[0].upper()}{text[1:]}."
