"""What is shown of results: the fixed-sample numbers of a closed study, those valid at every look of an open one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from analysis.stats.rows import (
    CombinedRow,
    PairRow,
    PositionBias,
    QuestionSummary,
    Summary,
    SystemRow,
    combined_rows,
)

_NO_RANGES: dict[str, None] = dict.fromkeys(["bt_low", "bt_high", "rank_low", "rank_high"])
_NO_ENDS: dict[str, None] = dict.fromkeys(["low", "high"])
_NO_INTERVALS = _NO_RANGES | dict.fromkeys(["win_rate_low", "win_rate_high"])
_NO_TEST: dict[str, None] = dict.fromkeys(["low", "high", "p", "p_holm"])
_NOTHING: dict[str, Any] = {"systems": [], "pairs": [], "estimates": [], "position_bias": {}, "slices": {}}


class ShownPair(PairRow):
    """`verdict`: whether the votes are enough to tell the two apart; empty where the study is closed."""

    verdict: str


SliceRows = Mapping[tuple[str, str], Mapping[str, Any]]
"""By slice and system, its own `win_rate` there, `low` and `high`."""


@dataclass(frozen=True)
class Shown:
    systems: list[SystemRow]
    pairs: list[ShownPair]
    position_bias: PositionBias
    slices: Mapping[str, SliceRows]  # by column; while the study is open
    is_watched: bool  # the intervals, ranks and p-values hold however often one looks
    leader: str  # who is ahead, and whether that is sure; empty where nobody is or nobody asks
    verdict: str


def shown(question: QuestionSummary) -> Shown:
    """Of an open study no number that looking spoils is left."""
    watched = _watched(question.get("always_valid"))
    if watched is None:
        pairs = [cast("ShownPair", {**pair, "verdict": ""}) for pair in question["pairs"]]
        return Shown(question["systems"], pairs, question["position_bias"], {}, is_watched=False, leader="", verdict="")
    return Shown(
        systems=_systems(question, watched),
        pairs=_pairs(question, watched),
        position_bias=cast("PositionBias", {**question["position_bias"], **_NO_ENDS, **watched["position_bias"]}),
        slices={column: _slices(found) for column, found in watched["slices"].items()},
        is_watched=True,
        leader=watched["leader"] or "",
        verdict=watched["verdict"],
    )


def shown_slice(now: Shown, column: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of a breakdown by `column`. Of an open study `low` and `high` are those of the slice's own rate, `raw`: no
    interval of what is pooled holds at every look.
    """
    if not now.is_watched:
        return {**row}
    nothing = {"win_rate": row["raw"], **_NO_ENDS}
    own = now.slices.get(column, {}).get((row["slice"], row["system"]), nothing)
    return {**row, "raw": own["win_rate"], "low": own["low"], "high": own["high"]}


def shown_combined(summary: Summary) -> list[CombinedRow]:
    """Over all questions; none where there is only one."""
    rows, watched = combined_rows(summary), _watched_means(summary)
    if watched is None:
        return rows
    valid = {row["system"]: row for row in watched["systems"]}
    return [cast("CombinedRow", {**row, **_NO_RANGES, **valid.get(row["system"], {})}) for row in rows]


def first_over_questions(summary: Summary) -> tuple[str, str]:
    """Leader and verdict, as those of Shown, over all questions."""
    watched = _watched_means(summary)
    return ("", "") if watched is None else (watched["leader"] or "", watched["verdict"])


def _watched_means(summary: Summary) -> dict[str, Any] | None:
    is_watched = any("always_valid" in question for question in summary["questions"].values())
    return _watched(summary["combined"].get("always_valid", "")) if is_watched and "combined" in summary else None


def _watched(part: dict[str, Any] | str | None) -> dict[str, Any] | None:
    """Where there is a sentence instead of numbers, that is the verdict."""
    if part is None:
        return None
    return _NOTHING | ({"leader": None, "verdict": part} if isinstance(part, str) else part)


def _slices(found: list[dict[str, Any]] | str) -> SliceRows:
    return {} if isinstance(found, str) else {(row["slice"], row["system"]): row for row in found}


def _systems(question: QuestionSummary, watched: dict[str, Any]) -> list[SystemRow]:
    columns = {row["system"]: row for row in watched["estimates"]}
    ranks = {row["system"]: row for row in watched["systems"]}
    rows = [
        {**row, **_NO_INTERVALS, **columns.get(row["system"], {}), **ranks.get(row["system"], {})}
        for row in question["systems"]
    ]
    return cast("list[SystemRow]", rows)


def _pairs(question: QuestionSummary, watched: dict[str, Any]) -> list[ShownPair]:
    found = {(row["a"], row["b"]): row for row in watched["pairs"]}
    names = [*_NO_TEST, "verdict"]
    rows = []
    for pair in question["pairs"]:
        valid = found.get((pair["a"], pair["b"]), {})
        rows.append({**pair, **_NO_TEST, "verdict": "", **{name: valid[name] for name in names if name in valid}})
    return cast("list[ShownPair]", rows)
