"""What was typed, by the names of the form's fields, and the table of a study file that it stands for. Pure.

A name is the key by which the study file's parser knows the value: `rating.votes_wanted`, `questions[2].wording`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from comparisons.study_file import StudySpec, study_of
from generation.systems import SpecError
from studio.fields import TEXTS, Field, Typed
from studio.sections import FIELDS, GROUPS, PLAN, SECTIONS

Content = dict[str, Typed]

_IN_ROW = re.compile(r"([a-z.]+)\[([1-9]\d{0,3})\]\.([a-z_]+)")
_PART = re.compile(r"\[\d+\]$|\.[^.\[\]]+$")
_MOST_PROBLEMS = 30


@dataclass(frozen=True)
class Problem:
    """`place` is the name of a field, `systems[2]` for a row, `systems` for a group; empty for the whole."""

    place: str
    sentence: str


def field_named(name: str) -> Field | None:
    if found := _IN_ROW.fullmatch(name):
        group = GROUPS.get(found[1])
        return next((field for field in group.fields if field.key == found[3]), None) if group else None
    return FIELDS.get(name)


def typed_in(names: Mapping[str, Any], values_of: Callable[[str], list[str]]) -> Content:
    """Of what a browser sends, that which belongs to the form. Texts keep their lines, however those end."""
    content: Content = {}
    for name in names:
        if field := field_named(name):
            values = [value.replace("\r\n", "\n").replace("\0", "") for value in values_of(name)]
            content[name] = values if field.kind == "choices" else values[-1]
    return numbered(content)


def rows(content: Content, group: str) -> list[int]:
    """The numbers of the rows of which something is there, ascending."""
    matches = (_IN_ROW.fullmatch(name) for name in content)
    return sorted({int(found[2]) for found in matches if found and found[1] == group})


def numbered(content: Content) -> Content:
    """With the rows of each group numbered from 1 without gaps, as they are in a study file."""
    places = {(group, number): place for group in GROUPS for place, number in enumerate(rows(content, group), start=1)}
    return {_renamed(name, places): value for name, value in content.items()}


def _renamed(name: str, places: Mapping[tuple[str, int], int]) -> str:
    found = _IN_ROW.fullmatch(name)
    return f"{found[1]}[{places[found[1], int(found[2])]}].{found[3]}" if found else name


def row_of(content: Content, row: str) -> Content:
    return {name: value for name, value in content.items() if name.startswith(f"{row}.")}


def without_row(content: Content, row: str) -> Content:
    return numbered({name: value for name, value in content.items() if not name.startswith(f"{row}.")})


def with_row_moved_up(content: Content, group: str, number: int) -> Content:
    """In the place of the one before; the first stays."""
    if number < 2:
        return content
    places = {(group, number): number - 1, (group, number - 1): number}
    places |= {(key, n): n for key in GROUPS for n in rows(content, key) if (key, n) not in places}
    return {_renamed(name, places): value for name, value in content.items()}


def with_row(content: Content, group: str, values: Mapping[str, Any]) -> Content:
    """A new last row of a group; fields without a value are empty."""
    number = max(rows(content, group), default=0) + 1
    fields = GROUPS[group].fields
    row = {f"{group}[{number}].{field.key}": _shown(field, values.get(field.key)) for field in fields}
    return content | {name: value for name, value in row.items() if value is not None}


def _shown(field: Field, value: Any) -> Typed | None:
    """None for what browsers leave out: a box that is not ticked."""
    if value is None:
        return None if field.kind in {"switch", "choices"} else ""
    return field.show(value) or (None if field.kind == "switch" else "")


def content_of(table: Mapping[str, Any]) -> Content:
    """The text of every value of a study file's table that reads as a study."""
    content: Content = {}
    for key, field in FIELDS.items():
        value = _at(table, key)
        if value is not None and (shown := field.show(value)):
            content[key] = shown
    for group in GROUPS:
        for row in _at(table, group) or ():
            content = with_row(content, group, row)
    return content


def changed_texts(table: Mapping[str, Any]) -> list[str]:
    """The names of the fields that would not send back their text of this table as it is."""
    said = [(key, field, _at(table, key)) for key, field in FIELDS.items()]
    for key, group in GROUPS.items():
        for number, row in enumerate(_at(table, key) or (), start=1):
            said += [(f"{key}[{number}].{field.key}", field, row.get(field.key)) for field in group.fields]
    return [name for name, field, value in said if value and field.kind in TEXTS and not field.keeps(value)]


def _at(table: Mapping[str, Any], key: str) -> Any:
    value: Any = table
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def table_of(content: Content) -> dict[str, Any]:
    """A table as a study file has it, whether or not it is a study."""
    table: dict[str, Any] = {}
    for section in SECTIONS:
        for field in section.fields:
            _put(table, field.key, field.read(content.get(field.key)))
    for key, group in GROUPS.items():
        lines = [
            {field.key: field.read(content.get(f"{key}[{number}].{field.key}")) for field in group.fields}
            for number in rows(content, key)
        ]
        found = [{name: value for name, value in line.items() if value is not None} for line in lines]
        _put(table, key, found or None)
    return table


def _put(table: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    if value is not None:
        for parent in parents:
            table = table.setdefault(parent, {})
        table[last] = value


def plan_of(content: Content) -> dict[str, Any]:
    """What is said for the estimate, by its name there."""
    values = {field.key.removeprefix("plan."): field.read(content.get(field.key)) for field in PLAN.fields}
    return {name: value for name, value in values.items() if value is not None}


def check(content: Content) -> tuple[StudySpec | None, list[Problem]]:
    """The study, or what is wrong with it: the parser's own sentence for each mistake that it finds.

    It stops at the first one, so what is wrong is replaced by a stand-in, and it reads on.
    """
    table, problems = table_of(content), list[Problem]()
    while len(problems) < _MOST_PROBLEMS:
        try:
            spec = study_of(table)
        except SpecError as error:
            problem = Problem(place_of(error.key, content), _sentence(error))
            if problem.place in {other.place for other in problems}:
                break
            problems.append(problem)
            if not _mend(table, problem.place):
                break
        else:
            return (None if problems else spec), problems
    return None, problems


def place_of(key: str, content: Content) -> str:
    """The field, row or group that shows what is wrong with this key; empty where none does."""
    known = {*FIELDS, *GROUPS}
    for group, of_rows in GROUPS.items():
        for number in rows(content, group):
            known |= {f"{group}[{number}]", *(f"{group}[{number}].{field.key}" for field in of_rows.fields)}
    return next((part for part in _prefixes(key) if part in known), "")


def _prefixes(key: str) -> Iterator[str]:
    while key:
        yield key
        key = _PART.sub("", key) if _PART.search(key) else ""


def _sentence(error: SpecError) -> str:
    found = error.found if error.found in {"missing", "not a known key"} else f"found {error.found}"
    return f"{found[0].upper()}{found[1:]}; allowed: {error.allowed}."


def _mend(table: dict[str, Any], place: str) -> bool:
    """Whether the parser can be asked again."""
    number = int(found[2]) if (found := re.match(r"([a-z.]+)\[(\d+)\]", place)) else 0
    if found and found[1] == "systems":
        table["systems"][number - 1] = _any_system(number)
        return True
    field = field_named(place)
    if field is None or (field.required and field.stand_in is None):
        return False
    *parents, last = [int(part) - 1 if part.isdecimal() else part for part in re.findall(r"[^.\[\]]+", place)]
    inner: Any = table
    for parent in parents:
        inner = inner.setdefault(parent, {}) if isinstance(parent, str) else inner[parent]
    if field.stand_in is None:
        return inner.pop(last, None) is not None
    inner[last] = field.stand_in.format(row=number) if isinstance(field.stand_in, str) else field.stand_in
    return True


def _any_system(number: int) -> dict[str, Any]:
    size = {"width": 4096, "height": 4096}
    return {"name": f"stand-in-{number}", "backend": "imported", "model": f"{number}", "steps": 1, **size}
