"""What is known of how two pictures were made, line by line, with what differs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_SECTIONS = {
    "Picture": ("system", "fingerprint", "prompt", "seed", "sha256", "size", "made_at"),
    "Settings": ("spec",),
    "Checkpoints": ("checkpoints",),
    "Environment": ("environment",),
    "Time": ("timings",),
}
_MISSING = object()


@dataclass(frozen=True)
class Line:
    """One thing that is known; `values` has a text for each picture, empty where it has none or nobody knows it."""

    name: str
    values: tuple[str, ...]
    differs: bool


@dataclass(frozen=True)
class Section:
    title: str
    lines: list[Line]


def compared(*provenances: Mapping[str, Any]) -> list[Section]:
    """The provenances of pictures (Image.provenance) side by side, in sections; those without any line left out."""
    sections = []
    for title, names in _SECTIONS.items():
        flat = [_without_first(_flat({name: each.get(name) for name in names})) for each in provenances]
        names_found = list(dict.fromkeys(key for each in flat for key in each))
        if names_found:
            sections.append(Section(title, [_line(name, flat) for name in names_found]))
    return sections


def _without_first(lines: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The title of the section says what the first part of a dotted key does."""
    return {key.split(".", 1)[-1]: value for key, value in lines}


def _line(name: str, flat: list[dict[str, Any]]) -> Line:
    values = [each.get(name, _MISSING) for each in flat]
    texts = tuple("" if value is _MISSING else _written(name, value) for value in values)
    return Line(name.replace("_ms", ", ms").replace("_", " "), texts, any(value != values[0] for value in values))


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables as dotted keys; empty tables say nothing."""
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def _written(name: str, value: Any) -> str:
    if name == "forward_ms" and value:
        return f"{len(value)} forwards, median {statistics.median(value):.1f}"
    if name == "size":
        return " × ".join(str(side) for side in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}" if name.endswith("_ms") else f"{value:g}"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)
