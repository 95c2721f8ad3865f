"""What TOML and JSON can write and nothing here can keep: NUL, endless numbers, tables without a floor."""

from __future__ import annotations

from collections.abc import Mapping

from generation.systems import SpecError

MOST_LEVELS = 20
LARGEST = 2**63 - 1  # the database's integers


def check_plain(value: object, place: str = "", level: int = 0) -> None:
    """Raises SpecError for the first such value, by its place."""
    if level > MOST_LEVELS:
        raise SpecError(place[:100], f"nested more than {MOST_LEVELS} deep", f"at most {MOST_LEVELS} levels")
    if isinstance(value, str) and "\0" in value:
        raise SpecError(place, repr(value[:40]), "texts without the character NUL")
    if isinstance(value, int) and abs(value) > LARGEST:  # Python writes no number of thousands of digits
        raise SpecError(place, f"a number of {value.bit_length()} bits", "whole numbers of 64 bits")
    if isinstance(value, Mapping):
        for key, item in value.items():
            check_plain(key, place or "a key", level)
            check_plain(item, f"{place}.{key}" if place else key, level + 1)
    elif isinstance(value, list):
        for number, item in enumerate(value, start=1):
            check_plain(item, f"{place}[{number}]", level + 1)
