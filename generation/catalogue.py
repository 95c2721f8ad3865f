"""The ready-made systems, and the tables of study files that name, change or do without them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from generation.systems import FIELDS, MOST_STEPS, SpecError, SystemSpec, check_keys, closest

_LIMITS = ("fixed", "steps_allowed")  # keys of an entry that are none of a spec's
_FILE = Path(__file__).with_name("catalogue.toml")


def catalogue() -> Mapping[str, Mapping[str, Any]]:
    """The ready-made systems, by name, as catalogue.toml has them."""
    return _read_catalogue()


@cache
def _read_catalogue() -> Mapping[str, Mapping[str, Any]]:
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return MappingProxyType({name: MappingProxyType(entry) for name, entry in entries.items()})


def resolve(table: Mapping[str, object]) -> list[SystemSpec]:
    """The systems that one table of a study file describes: one for each entry of `steps`.

    The table either names a catalogue entry, whose keys it may replace one by one, or is a whole
    specification with a name of its own.
    """
    check_keys(table, ("catalogue", *FIELDS))
    content = dict(table)
    if "catalogue" in content:
        content = _from_catalogue(content.pop("catalogue"), content)
    else:
        _check_own(content)
    steps = content.get("steps")
    if not isinstance(steps, list):
        return [_at_steps(content, steps)]
    if not steps:
        raise SpecError("steps", "an empty list", f"a whole number from 1 to {MOST_STEPS}, or a list of them")
    for count in steps:
        if steps.count(count) > 1:
            raise SpecError("steps", repr(steps), f"each number once, but {count!r} is repeated")
    return [_at_steps(content | {"steps": count}, count) for count in steps]


def _at_steps(content: Mapping[str, Any], steps: object) -> SystemSpec:
    """Some LoRAs have a file for each number of steps: `{steps}` in the name stands for the number."""
    lora = content.get("lora")
    if isinstance(lora, str):
        content = {**content, "lora": lora.replace("{steps}", str(steps))}
    return SystemSpec.from_dict(content)


def _from_catalogue(name: object, overrides: Mapping[str, object]) -> dict[str, object]:
    entry = catalogue().get(name) if isinstance(name, str) else None
    if entry is None:
        raise SpecError("catalogue", repr(name), closest(str(name), catalogue()))
    own = {key: value for key, value in entry.items() if key not in _LIMITS}
    _check_limits(str(name), entry, {**own, **overrides})
    return {"name": name, **own, **overrides}


def _check_own(content: Mapping[str, object]) -> None:
    """What an entry's model is not made for is refused by whatever way it comes."""
    for name, entry in catalogue().items():
        if all(content.get(key) == entry.get(key) for key in ("model", "unet", "lora")):
            _check_limits(name, entry, content)


def _check_limits(name: str, entry: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    for key in entry.get("fixed", ()):
        if content.get(key) != entry.get(key):
            reason = f"{entry[key]!r}, the only value that {name} is made for" if key in entry else f"none for {name}"
            raise SpecError(key, repr(content[key]) if key in content else "missing", reason)
    allowed, steps = entry.get("steps_allowed"), content.get("steps")
    for count in steps if isinstance(steps, list) else [steps]:
        if allowed is not None and count not in allowed:
            reason = f"{', '.join(map(str, allowed))}, the only numbers of steps that {name} is made for"
            raise SpecError("steps", repr(count), reason)
