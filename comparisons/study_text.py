"""Designs to study files: the other direction of study_file.py. What is written reads as the same study. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tomli_w

from generation.catalogue import catalogue, resolve
from generation.systems import SpecError, SystemSpec

_RATING = ("votes_wanted", "judgements_per_question", "matchmaking")
_RATING_PROTOCOL = ("layout", "break_every", "hide_results_until_closed")


def write_study(slug: str, design: Mapping[str, Any]) -> str:
    """A study file of a design as `StudySpec.as_design` makes it and the database keeps it."""
    return write_table(study_table(slug, design))


def write_table(table: Mapping[str, Any]) -> str:
    """Long texts over several lines, unless one has carriage returns, which those would lose."""
    text = tomli_w.dumps(table, multiline_strings=False, indent=2)
    return text if "\\r" in text else tomli_w.dumps(table, multiline_strings=True, indent=2)


def study_table(slug: str, design: Mapping[str, Any]) -> dict[str, Any]:
    protocol = design["protocol"]
    table = {
        "slug": slug,
        **{key: design[key] for key in ("title", "prompt_set", "seed")},
        "language": protocol["language"],
        **{key: design[key] for key in ("introduction", "consent")},
        "instructions": protocol["instructions"],
        "rating": {key: design[key] for key in _RATING} | {key: protocol.get(key) for key in _RATING_PROTOCOL},
        "display": {"size": design["display_px"], "upsample": design["upsample"], "theme": protocol["theme"]},
        "questions": design["questions"],
        "examples": protocol.get("examples"),
        **{key: protocol[key] for key in ("comprehension", "checks", "rules", "recruitment")},
    }
    systems = [SystemSpec.from_dict(system) for system in design["systems"]]
    said: dict[str, Any] = _said(table)
    return said | {"systems": systems_tables(systems)}


def systems_tables(systems: Sequence[SystemSpec]) -> list[dict[str, Any]]:
    """One table for neighbours that differ in their steps alone."""
    tables: list[dict[str, Any]] = []
    for spec in systems:
        table = _system_table(spec)
        if tables and _but_for_steps(tables[-1]) == _but_for_steps(table):
            tables[-1]["steps"] = [*_as_list(tables[-1]["steps"]), spec.steps]
        else:
            tables.append(table)
    return tables


def _but_for_steps(table: Mapping[str, Any]) -> str:
    """As JSON, where 1 is neither 1.0 nor true."""
    return json.dumps({**table, "steps": 0}, sort_keys=True)


def _as_list(steps: int | list[int]) -> list[int]:
    return steps if isinstance(steps, list) else [steps]


def _system_table(spec: SystemSpec) -> dict[str, Any]:
    """The shortest that reads as this system."""
    whole = {key: value for key, value in spec.as_dict().items() if value not in (None, {})}
    return next((table for table in _candidates(spec, whole) if _reads_as(table, spec)), whole)


def _candidates(spec: SystemSpec, whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if spec.name in catalogue():
        yield {"catalogue": spec.name, "steps": spec.steps}
        yield _changed(spec.name, spec)
    yield whole
    for name, entry in catalogue().items():  # it may have been made of one, past the limits of another with its model
        if entry["backend"] == spec.backend:
            yield _changed(name, spec)


def _changed(name: str, spec: SystemSpec) -> dict[str, Any]:
    """The entry, with the keys that this system has otherwise."""
    entry = {"name": name, "scheduler": {}, "arguments": {}, **catalogue()[name]}
    content = {key: value for key, value in spec.as_dict().items() if value is not None and value != entry.get(key)}
    return {"catalogue": name, **content, "steps": spec.steps}


def _reads_as(table: Mapping[str, Any], spec: SystemSpec) -> bool:
    try:
        return [(read.name, read.fingerprint) for read in resolve(table)] == [(spec.name, spec.fingerprint)]
    except SpecError:
        return False


def _said(value: Any) -> Any:
    """Without what is empty: a key that is not in the file means the same."""
    if isinstance(value, Mapping):
        said = {key: _said(item) for key, item in value.items()}
        return {key: item for key, item in said.items() if item not in (None, "", [], (), {})}
    return [_said(item) for item in value] if isinstance(value, list | tuple) else value
