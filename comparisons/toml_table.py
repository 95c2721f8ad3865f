"""A table of a TOML file, taken key by key: what is missing, wrong or unknown is named with its place in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

from generation.systems import SpecError

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_SLUG_RULE = "1 to 100 lower-case letters, digits and '-', the first a letter or digit"


class Table:
    """A TOML table of which every key must be taken; `path` is its place in the file, for errors."""

    def __init__(self, content: Mapping[str, Any], path: str) -> None:
        self._content = dict(content)
        self._allowed: list[str] = []
        self._path = path

    def key(self, name: str) -> str:
        return f"{self._path}{name}"

    def _take(self, name: str, kind: type, default: Any, allowed: str) -> Any:
        self._allowed.append(name)
        value = self._content.pop(name, default)
        if value is None:
            raise SpecError(self.key(name), "missing", allowed)
        if type(value) is not kind:
            raise SpecError(self.key(name), repr(value), allowed)
        return value

    def text(self, name: str, default: str | None = None, limit: int = 10_000) -> str:
        allowed = f"a text of 1 to {limit} characters"
        value: str = self._take(name, str, default, allowed)
        if not value.strip() or len(value) > limit or "\0" in value:
            raise SpecError(self.key(name), repr(value[:40]), allowed)
        return value.strip()

    def optional_text(self, name: str, limit: int = 10_000) -> str:
        """Empty where the key is not there."""
        if name in self._content:
            return self.text(name, limit=limit)
        self._allowed.append(name)
        return ""

    def slug(self, name: str) -> str:
        value: str = self._take(name, str, None, _SLUG_RULE)
        if not _SLUG.fullmatch(value):
            raise SpecError(self.key(name), repr(value), _SLUG_RULE)
        return value

    def switch(self, name: str, default: bool) -> bool:
        value: bool = self._take(name, bool, default, "true or false")
        return value

    def number(self, name: str, low: int, high: int, default: int | None = None) -> int:
        allowed = f"a whole number from {low} to {high}"
        value: int = self._take(name, int, default, allowed)
        if not low <= value <= high:
            raise SpecError(self.key(name), repr(value), allowed)
        return value

    def optional_number(self, name: str, low: int, high: int) -> int | None:
        if name in self._content:
            return self.number(name, low, high)
        self._allowed.append(name)
        return None

    def optional_fraction(self, name: str) -> float | None:
        allowed = "a number above 0 and below 1"
        self._allowed.append(name)
        value = self._content.pop(name, None)
        if value is not None and not (type(value) in {int, float} and 0 < value < 1):
            raise SpecError(self.key(name), repr(value), allowed)
        return None if value is None else float(value)

    def choice(self, name: str, allowed: list[str], default: str) -> str:
        value: str = self._take(name, str, default, ", ".join(allowed))
        if value not in allowed:
            raise SpecError(self.key(name), repr(value), ", ".join(allowed))
        return value

    def choices(self, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
        """A list, perhaps empty, of some of these words."""
        rule = f"a list of {', '.join(allowed)}"
        values: list[Any] = self._take(name, list, [], rule)
        for value in values:
            if value not in allowed:
                raise SpecError(self.key(name), repr(value), rule)
        return tuple(values)

    def texts(self, name: str, least: int, limit: int) -> tuple[str, ...]:
        rule = f"a list of at least {least} different texts of 1 to {limit} characters"
        values: list[Any] = self._take(name, list, None, rule)
        good = [value for value in values if isinstance(value, str) and 0 < len(value.strip()) <= limit]
        if len(good) < max(least, len(values)) or len(set(good)) < len(good):
            raise SpecError(self.key(name), repr(values), rule)
        return tuple(value.strip() for value in good)

    def table(self, name: str) -> Self:
        return type(self)(self._take(name, dict, {}, "a table"), f"{self.key(name)}.")

    def tables(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """Each table of an array of tables with its place in the file."""
        allowed = f"at least one table [[{name}]]"
        items: list[Any] = self._take(name, list, None, allowed)
        if not items or not all(isinstance(item, dict) for item in items):
            raise SpecError(self.key(name), repr(items), allowed)
        return [(f"{self.key(name)}[{index}]", item) for index, item in enumerate(items, start=1)]

    def rows(self, name: str) -> list[Self]:
        """The tables of an array of tables that may be missing."""
        if name in self._content:
            return [type(self)(item, f"{place}.") for place, item in self.tables(name)]
        self._allowed.append(name)
        return []

    def end(self) -> None:
        for name in self._content:
            raise SpecError(self.key(name), "not a known key", ", ".join(self._allowed))
