"""What lies behind the ratings of one question: how fragile they are, slices, raters, times. Asked for by itself.

As JSON: an estimate that the votes do not determine is None, and a part of which there is none is a sentence why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np

from analysis.stats.anomalies import rater_tests
from analysis.stats.breakdowns import Breakdown, break_down
from analysis.stats.consistency import self_consistency
from analysis.stats.curves import response_times, session_curves
from analysis.stats.errors import StatsError
from analysis.stats.fragility import Fragility, first_place, preferred, rated_above, significantly_preferred
from analysis.stats.outcomes import VoteTable
from analysis.stats.reliability import crowd_bradley_terry
from analysis.stats.removal import Unit

SLICED = ("category", "challenge")
UNITS: tuple[Unit, ...] = ("vote", "rater")
_IN_ROWS = ("raw", "raw_low", "raw_high", "standard_error", "pooled", "low", "high")
_OF_SYSTEMS = ("mean", "tau", "q", "p", "p_holm")


def details(votes: VoteTable) -> dict[str, Any]:
    """All parts, by name; `votes` answer one question.

    `fragility` (by vote and by rater: analysis.stats.fragility), `breakdowns` (by category and challenge:
    analysis.stats.breakdowns), `raters` (analysis.stats.anomalies), `consistency` on repeats, `crowd_bt`
    (analysis.stats.reliability), `session` and `times` (analysis.stats.curves).
    """
    return {
        "fragility": fragility_of(votes),
        "breakdowns": breakdowns_of(votes),
        "raters": part_of(lambda: as_json(rater_tests(votes))),
        "consistency": part_of(lambda: as_json(self_consistency(votes))),
        "crowd_bt": part_of(lambda: _crowd(votes)),
        "session": part_of(lambda: as_json(session_curves(votes))),
        "times": part_of(lambda: as_json(response_times(votes))),
    }


def fragility_of(votes: VoteTable) -> dict[str, Any]:
    """By vote and by rater."""
    return {unit: part_of(partial(_fragility, votes, unit)) for unit in UNITS}


def breakdowns_of(votes: VoteTable) -> dict[str, Any]:
    """By `sliced_columns`."""
    return {column: part_of(partial(_slices, votes, column)) for column in sliced_columns(votes)}


def sliced_columns(votes: VoteTable) -> list[str]:
    """Those of SLICED that have more than one value."""
    return [column for column in SLICED if len(set(votes.optional.get(column, ()))) > 1]


def as_json(value: Any) -> Any:
    """Dataclasses, arrays and mappings as objects and lists; NaN and infinity as None."""
    if is_dataclass(value):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): as_json(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def part_of(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except StatsError as error:
        return str(error)


def _key(key: object) -> str:
    return " to ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def conclusion_of(votes: VoteTable, above: str, below: str) -> dict[str, Any]:
    """How fragile it is, by vote and by rater, that one system is rated above another, preferred, significantly so."""

    def found(overturn: Callable[..., Fragility], unit: Unit) -> Any:
        return part_of(lambda: _as_row(overturn(votes, above, below, unit=unit)))

    ways: dict[str, Callable[..., Fragility]] = {
        "rated_above": rated_above,
        "preferred": preferred,
        "significantly_preferred": significantly_preferred,
    }
    return {name: {unit: found(overturn, unit) for unit in UNITS} for name, overturn in ways.items()}


def _fragility(votes: VoteTable, unit: Unit) -> dict[str, Any]:
    return _as_row(first_place(votes, unit=unit))


def _as_row(found: Fragility) -> dict[str, Any]:
    """Which votes or raters they are is left out: their numbers are those of a table that nobody else has."""
    return {name: value for name, value in as_json(found).items() if name != "removed"}


def _slices(votes: VoteTable, column: str) -> dict[str, Any]:
    found = break_down(votes, column)
    tested = {name: as_json(getattr(found, name)) for name in _OF_SYSTEMS}
    systems = [
        {"system": system, **{name: values[j] for name, values in tested.items()}}
        for j, system in enumerate(found.systems)
    ]
    return {"systems": systems, "slices": list(_rows(found))}


def _rows(found: Breakdown) -> Iterator[dict[str, Any]]:
    matrices = {name: as_json(getattr(found, name)) for name in _IN_ROWS}
    for i, name in enumerate(found.slices):
        for j, system in enumerate(found.systems):
            yield {
                "slice": name,
                "system": system,
                "votes": int(found.votes[i]),
                "prompts": int(found.prompts[i]),
                "raters": int(found.raters[i]),
                **{column: matrix[i][j] for column, matrix in matrices.items()},
                "reason": found.reasons[i][j],
            }


def _crowd(votes: VoteTable) -> dict[str, Any]:
    found = crowd_bradley_terry(votes)
    systems = [
        {"system": name, "bt": float(value)}
        for name, value in zip(found.ratings.systems, found.ratings.values, strict=True)
    ]
    raters = [
        {"rater": name, "reliability": float(share), "votes": int(count)}
        for name, share, count in zip(found.raters, found.reliability, found.votes, strict=True)
    ]
    return {
        "systems": sorted(systems, key=lambda row: -float(row["bt"])),
        "raters": sorted(raters, key=lambda row: float(row["reliability"])),
    }
