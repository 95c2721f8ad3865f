"""Prompt files: PartiPrompts TSV, CSV, JSON lists and plain lines become one list of prompts."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from generation.apportionment import turns

LONGEST_LABEL = 100
LONGEST_SOURCE = 300
LABELS = ("category", "challenge")
_PROMPT_COLUMNS = ("prompt", "prompts")


class PromptFileError(ValueError):
    """A prompt file, or what was asked of it, is wrong; the message is one sentence for the user."""


@dataclass(frozen=True)
class PromptLine:
    text: str
    category: str = ""
    challenge: str = ""


@dataclass(frozen=True)
class Selection:
    """Which prompts: all but those of some challenges, or a sample, simply at random or stratified by a label."""

    exclude_challenges: Collection[str] = ()
    sample: int | None = None
    seed: int = 0
    stratify: str = ""

    def in_words(self, source: str) -> str:
        """How a set was made of a source, in words, for the study's report."""
        parts = [source]
        if self.exclude_challenges:
            parts.append(f"without {', '.join(self.exclude_challenges)}")
        if self.sample is not None:
            parts.append(f"{self.sample} drawn with seed {self.seed}")
        if self.stratify:
            parts.append(f"in proportion by {self.stratify}")
        return ", ".join(parts)[:LONGEST_SOURCE]


def prompts_sha256(prompts: Iterable[PromptLine]) -> str:
    """What a design names its prompts by: their texts and labels in their order."""
    content = [[line.text, line.category, line.challenge] for line in prompts]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def read_prompts(path: Path, *, drop_repeats: bool = False) -> list[PromptLine]:
    """The prompts of a file, in its order, each text once and without outer white space.

    A text that occurs again is an error, or is left out where the caller says so.

    .json is a list of strings or of objects with "prompt"; .csv and .tsv are tables with a column
    Prompt or Prompts, as is any other file whose first line has tabs and such a column; everything
    else holds one prompt a line. Blank lines mean nothing. Tab-separated files have no quoting: quotes in
    them are text.
    """
    try:
        content = _read_text(path)
        return _checked(_parse(content, path.suffix.lower()), drop_repeats)
    except PromptFileError as error:
        raise PromptFileError(f"{path.name or path}: {error}") from None


def select(prompts: Sequence[PromptLine], wanted: Selection) -> list[PromptLine]:
    """The prompts without the excluded challenges, or a sample of them, in their own order.

    A prompt's place in the draw is the SHA-256 of seed and text, so that the sample depends on
    neither the Python version nor the file's order, and a smaller sample is part of a larger one.
    This holds too of a stratified sample, in which every category, or challenge, has its share of the
    prompts, rounded down or up. Prompts without the label are a stratum of their own.
    """
    known = sorted({prompt.challenge for prompt in prompts} - {""})
    for challenge in wanted.exclude_challenges:
        if challenge not in known:
            occurring = f"those that do: {', '.join(known)}" if known else "the prompts have none"
            raise PromptFileError(f"challenge {challenge!r} to exclude occurs nowhere; {occurring}")
    left = [prompt for prompt in prompts if prompt.challenge not in wanted.exclude_challenges]
    if not left:
        raise PromptFileError("no prompt is left after the exclusions")
    _check_sample(left, wanted)
    if wanted.sample is None:
        return left
    drawn = sorted(left, key=lambda prompt: _draw(wanted.seed, prompt.text))
    in_turn = _by_stratum(drawn, wanted.stratify) if wanted.stratify else drawn
    sample = set(islice(in_turn, wanted.sample))
    return [prompt for prompt in left if prompt in sample]


def _check_sample(prompts: Sequence[PromptLine], wanted: Selection) -> None:
    if wanted.sample is not None and not 1 <= wanted.sample <= len(prompts):
        allowed = f"1 to {len(prompts)}, the prompts that are left"
        raise PromptFileError(f"sample is {wanted.sample}; allowed: {allowed}")
    if wanted.stratify not in ("", *LABELS):
        raise PromptFileError(f"stratify is {wanted.stratify!r}; allowed: {' or '.join(LABELS)}")
    if wanted.stratify and wanted.sample is None:
        raise PromptFileError(f"stratify is {wanted.stratify!r}, and no sample is drawn; allowed: only with one")
    if wanted.stratify and not any(getattr(prompt, wanted.stratify) for prompt in prompts):
        raise PromptFileError(f"stratify is {wanted.stratify!r}, which none of the prompts has")


def _draw(seed: int, text: str) -> str:
    return hashlib.sha256(f"{seed}\n{text}".encode()).hexdigest()


def _by_stratum(drawn: Sequence[PromptLine], label: str) -> Iterator[PromptLine]:
    """The strata in proportion, and in a tie the one that was drawn from first; each in the order of the draw."""
    strata: dict[str, list[PromptLine]] = {}
    for prompt in drawn:
        strata.setdefault(getattr(prompt, label), []).append(prompt)
    members = [iter(stratum) for stratum in strata.values()]
    return (next(members[index]) for index in turns([len(stratum) for stratum in strata.values()]))


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PromptFileError(f"cannot be read ({error.strerror})") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise PromptFileError(f"row {row} is not UTF-8 (byte {data[error.start]:#04x})") from None
    if not text.strip():
        raise PromptFileError("the file is empty")
    return text


def _parse(content: str, suffix: str) -> Iterable[tuple[int, PromptLine]]:
    if suffix == ".json":
        return _parse_json(content)
    if suffix == ".csv":
        return _parse_table(content, delimiter=",")
    first_line = content.partition("\n")[0]
    if suffix == ".tsv" or ("\t" in first_line and _find_prompt_column(_header(first_line.split("\t")))):
        return _parse_table(content, delimiter="\t")
    lines = content.rstrip("\r\n").split("\n")
    return ((row, PromptLine(line)) for row, line in enumerate(lines, start=1) if line.strip())


def _parse_table(content: str, delimiter: str) -> Iterator[tuple[int, PromptLine]]:
    lines = io.StringIO(content.rstrip("\r\n"), newline="")
    if delimiter == "\t":
        rows = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    else:
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
    header = _header(_next_row(rows, 1) or [])
    column = _find_prompt_column(header)
    if column is None:
        raise PromptFileError(f"no prompt column; found: {', '.join(header)}; allowed: Prompt or Prompts")
    number = 1
    while (cells := _next_row(rows, number + 1)) is not None:
        number += 1
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header):
            raise PromptFileError(f"row {number} has {len(cells)} fields, the header {len(header)}")
        values = dict(zip(header, cells, strict=False))
        yield number, _line(values, column)


def _next_row(rows: Iterator[list[str]], number: int) -> list[str] | None:
    try:
        return next(rows, None)
    except csv.Error as error:
        raise PromptFileError(f"row {number} is not valid CSV ({error})") from None


def _header(cells: Sequence[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _find_prompt_column(header: Sequence[str]) -> str | None:
    return next((column for column in _PROMPT_COLUMNS if column in header), None)


def _line(values: Mapping[str, str], column: str) -> PromptLine:
    category, challenge = (values.get(key, "").strip() for key in ("category", "challenge"))
    return PromptLine(values.get(column, ""), category, challenge)


def _parse_json(content: str) -> Iterator[tuple[int, PromptLine]]:
    try:
        items = json.loads(content)
    except json.JSONDecodeError as error:
        raise PromptFileError(f"row {error.lineno} is not valid JSON ({error.msg})") from None
    except RecursionError:
        raise PromptFileError("lists are nested too deeply; allowed: a list of texts, or of objects") from None
    if not isinstance(items, list):
        raise PromptFileError("holds no JSON list; allowed: a list of texts, or of objects with a prompt")
    return ((number, _json_line(number, item)) for number, item in enumerate(items, start=1))


def _json_line(number: int, item: Any) -> PromptLine:
    values = {"prompt": item} if isinstance(item, str) else item
    if not isinstance(values, dict) or "prompt" not in values:
        raise PromptFileError(f"row {number} is neither a text nor an object with a prompt")
    for key in ("prompt", "category", "challenge"):
        if not isinstance(values.get(key, ""), str):
            raise PromptFileError(f"row {number} has {key} {values[key]!r}; allowed: a text")
    return _line(values, "prompt")


def _checked(rows: Iterable[tuple[int, PromptLine]], drop_repeats: bool) -> list[PromptLine]:
    first_row: dict[str, int] = {}
    prompts: list[PromptLine] = []
    for row, prompt in rows:
        text = prompt.text.strip()
        if not text:
            raise PromptFileError(f"row {row} has an empty prompt")
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
            raise PromptFileError(f"row {row} has a character that cannot be stored: {text!r}")
        for key, value in (("category", prompt.category), ("challenge", prompt.challenge)):
            if len(value) > LONGEST_LABEL:
                raise PromptFileError(f"row {row} has a {key} of {len(value)} characters; allowed: {LONGEST_LABEL}")
        if text in first_row and drop_repeats:
            continue
        if text in first_row:
            earlier = f"repeats the prompt of row {first_row[text]}: {text!r}"
            raise PromptFileError(f"row {row} {earlier}; --drop-repeats keeps the first of each")
        first_row[text] = row
        prompts.append(PromptLine(text, prompt.category, prompt.challenge))
    if not prompts:
        raise PromptFileError("the file has no prompts")
    return prompts
