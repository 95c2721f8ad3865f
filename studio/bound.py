"""The form as a template draws it: each field with what was typed, its choices, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from generation.catalogue import catalogue, resolve
from generation.systems import SpecError
from studio.fields import Field, Group, Option, Section, Typed
from studio.sections import PLAN, SECTIONS
from studio.typed import Content, Problem, row_of, rows, table_of

Problems = Mapping[str, str]


@dataclass(frozen=True)
class BoundField:
    field: Field
    name: str
    typed: Typed
    problem: str
    options: tuple[Option, ...]
    placeholder: str = ""

    @property
    def id(self) -> str:
        return element_id(self.name)

    @property
    def has_lines(self) -> bool:
        """Of a field of one line: it came from a file so, and an input would drop the line breaks."""
        return self.field.kind == "line" and "\n" in self.typed

    @property
    def template(self) -> str:
        return "studio/fields/text.html" if self.has_lines else self.field.template

    @property
    def chosen(self) -> list[tuple[str, str, bool]]:
        """Values with their labels, and whether they are chosen: the order of those that are is part of the design."""
        if isinstance(self.typed, str):
            unknown = [] if self.typed in dict(self.options) else [(self.typed, self.typed or "–", True)]
            return unknown + [(value, label, value == self.typed) for value, label in self.options]
        labels = dict(self.options)
        ticked = [(value, labels.get(value, value), True) for value in self.typed]
        others = [(value, label, False) for value, label in self.options if value not in self.typed]
        again = [(value, f"{label}, once more", False) for value, label in self.options if value in self.typed]
        return ticked + others + (again if self.field.may_repeat else [])


@dataclass(frozen=True)
class BoundRow:
    name: str
    number: int
    fields: list[BoundField]
    problem: str

    @property
    def id(self) -> str:
        return element_id(self.name)

    @property
    def primary(self) -> list[BoundField]:
        return [field for field in self.fields if not field.field.secondary]

    @property
    def secondary(self) -> list[BoundField]:
        return [field for field in self.fields if field.field.secondary]

    @property
    def is_unfolded(self) -> bool:
        """What is not as the catalogue has it must be seen, and so must a mistake in it."""
        return any(field.typed or field.problem for field in self.secondary)


@dataclass(frozen=True)
class BoundGroup:
    group: Group
    rows: list[BoundRow]
    problem: str

    @property
    def id(self) -> str:
        return element_id(self.group.key)


@dataclass(frozen=True)
class BoundSection:
    section: Section
    fields: list[BoundField]
    groups: list[BoundGroup] = field(default_factory=list)


def element_id(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"f-{name}".lower()).strip("-")


def bind(content: Content, problems: Iterable[Problem], sets: tuple[Option, ...]) -> list[BoundSection]:
    """All sections; `sets` are the prompt sets to choose from."""
    sentences = {problem.place: problem.sentence for problem in problems}
    return [
        BoundSection(
            section,
            [_bound(field, field.key, content, sentences, sets) for field in section.fields],
            [_group(group, content, sentences) for group in section.groups],
        )
        for section in SECTIONS
    ]


def bind_plan(content: Content) -> list[BoundField]:
    return [_bound(field, field.key, content, {}) for field in PLAN.fields]


def suggestions(content: Content) -> dict[str, list[str]]:
    """What fields about questions and systems may name."""
    table = table_of(content)
    systems: list[str] = []
    for row in table.get("systems", ()):
        try:
            systems += [spec.slug for spec in resolve(row)]
        except SpecError:
            continue
    return {"questions": [row["key"] for row in table.get("questions", ()) if "key" in row], "systems": systems}


def _group(group: Group, content: Content, problems: Problems) -> BoundGroup:
    bound = []
    for number in rows(content, group.key):
        name = f"{group.key}[{number}]"
        entry = catalogue().get(str(row_of(content, name).get(f"{name}.catalogue", "")), {})
        fields = [
            _bound(field, f"{name}.{field.key}", content, problems, placeholder=_as_text(entry.get(field.key)))
            for field in group.fields
        ]
        bound.append(BoundRow(name, number, fields, problems.get(name, "")))
    return BoundGroup(group, bound, problems.get(group.key, ""))


def _as_text(value: object) -> str:
    """A table is too long for a hint."""
    return "" if value is None or isinstance(value, dict) else str(value)


def _bound(
    field: Field,
    name: str,
    content: Content,
    problems: Problems,
    sets: tuple[Option, ...] = (),
    placeholder: str = "",
) -> BoundField:
    empty: Typed = [] if field.kind == "choices" else ""
    options = sets if field.key == "prompt_set" else field.options
    return BoundField(field, name, content.get(name, empty), problems.get(name, ""), options, placeholder)
