"""A design to be read: the same sections as the form, with what the study says in them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.fields import Field, Section, Typed
from studio.sections import SECTIONS
from studio.typed import Content, content_of, rows

Line = tuple[str, str]  # label and what is said


@dataclass(frozen=True)
class Part:
    section: Section
    lines: list[Line]
    rows: list[tuple[str, list[Line]]]  # each with its heading


def summary_of(table: Mapping[str, Any]) -> list[Part]:
    """Sections that say something; what a study file leaves out is left out."""
    content = content_of(table)
    parts = [Part(section, _lines(section.fields, "", content), _rows(section, content)) for section in SECTIONS]
    return [part for part in parts if part.lines or part.rows]


def _rows(section: Section, content: Content) -> list[tuple[str, list[Line]]]:
    return [
        (f"{group.one} {number}", _lines(group.fields, f"{group.key}[{number}].", content))
        for group in section.groups
        for number in rows(content, group.key)
    ]


def _lines(fields: tuple[Field, ...], prefix: str, content: Content) -> list[Line]:
    said = [(field, content.get(f"{prefix}{field.key}")) for field in fields]
    return [(field.label, _in_words(field, typed)) for field, typed in said if typed]


def _in_words(field: Field, typed: Typed) -> str:
    labels = dict(field.options)
    if isinstance(typed, list):
        return "; ".join(labels.get(value, value) for value in typed)
    return "yes" if field.kind == "switch" else labels.get(typed, typed)
