"""How one value of a study file is typed: its text in the form, and the value that the text stands for. Pure.

A text that stands for no value of its kind is passed on as it is: the study file's parser refuses it with a sentence.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tomli_w

Typed = str | list[str]  # of a field, as the browser sends it
Option = tuple[str, str]  # value and label


class Kind(NamedTuple):
    """`read`: typed text to a value, None where nothing is said. `show`: a value to the text that reads as it."""

    read: Callable[[Any], Any]
    show: Callable[[Any], Typed]
    template: str


def _whole(text: str) -> int | str | None:
    return int(text) if re.fullmatch(r"-?\d{1,30}", text) else text or None


def _decimal(text: str) -> int | float | str | None:
    try:
        number = float(text)
    except ValueError:
        return text or None
    return _whole(text) if re.fullmatch(r"-?\d{1,30}", text) else number


def _steps(text: str) -> object:
    counts = [_whole(part) for part in re.split(r"[\s,;]+", text) if part]
    return counts[0] if len(counts) == 1 else counts or None


def _lines(text: str) -> list[str] | None:
    return [line.strip() for line in text.split("\n") if line.strip()] or None


def _table(text: str) -> object:
    """Lines of TOML; {} is the empty table, which differs from none."""
    if text == "{}":
        return {}
    try:
        return tomllib.loads(text) or None
    except (ValueError, RecursionError):  # also of a number of 5,000 digits, and of 1,000 brackets
        return text


def _show_steps(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _show_lines(values: list[str]) -> str:
    """A text of several lines would read as several texts."""
    return "\n".join(value.replace("\n", " ") for value in values)


def _show_table(value: dict[str, Any]) -> str:
    return tomli_w.dumps(value).rstrip("\n") or "{}"


TEXTS = {"line", "text", "lines"}  # kinds of what is written freely
KINDS: dict[str, Kind] = {
    "line": Kind(lambda text: text or None, str, "line"),
    "text": Kind(lambda text: text or None, str, "text"),
    "choice": Kind(lambda text: text or None, str, "choice"),
    "whole": Kind(_whole, str, "number"),
    "decimal": Kind(_decimal, json.dumps, "number"),
    "steps": Kind(_steps, _show_steps, "number"),
    "switch": Kind(lambda text: text == "on", lambda value: "on" if value else "", "switch"),
    "choices": Kind(lambda chosen: chosen or None, list, "choices"),
    "lines": Kind(_lines, _show_lines, "text"),
    "table": Kind(_table, _show_table, "text"),
}


@dataclass(frozen=True)
class Field:
    """`key` is that of the study file, within its row where it belongs to one."""

    key: str
    label: str
    kind: str = "line"
    help: str = ""
    options: tuple[Option, ...] = ()
    suggestions: str = ""  # the list of values that the page offers: "questions" or "systems"
    required: bool = False
    stand_in: Any = None  # a value that is allowed, by which the parser gets past a mistake to the next one
    may_repeat: bool = False  # of choices: one may be chosen several times
    secondary: bool = False  # out of sight until it is asked for
    wide: bool = False

    def read(self, typed: Typed | None) -> Any:
        if isinstance(typed, str):
            typed = typed.strip()
        return KINDS[self.kind].read(typed or ([] if self.kind == "choices" else ""))

    def show(self, value: Any) -> Typed:
        return KINDS[self.kind].show(value)

    def keeps(self, text: str | list[str]) -> bool:
        """Whether a browser, which ends lines in its own way, sends back what reads as this text, or these."""
        sent = str(self.show(text)).replace("\r\n", "\n").replace("\r", "\n")
        return bool(self.read(sent) == (text.strip() if isinstance(text, str) else [line.strip() for line in text]))

    @property
    def template(self) -> str:
        return f"studio/fields/{KINDS[self.kind].template}.html"


@dataclass(frozen=True)
class Group:
    """Rows of one kind: an array of tables."""

    key: str
    one: str  # what a row is called
    fields: tuple[Field, ...]
    title: str = ""  # empty: the section's own says it
    help: str = ""


@dataclass(frozen=True)
class Section:
    id: str
    title: str
    hint: str
    fields: tuple[Field, ...] = ()
    groups: tuple[Group, ...] = ()


def options_of(values: Sequence[str], names: Mapping[str, str] | None = None) -> tuple[Option, ...]:
    """Each value with its name, or itself."""
    return tuple((value, (names or {}).get(value, value)) for value in values)
