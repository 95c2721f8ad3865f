"""What is shown of results: the fixed-sample numbers of a closed study, those valid at every look of an open one."""

from __future__ import annotations

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
_NO_INTERVALS = _NO_RANGES | dict.fromkeys(["win_rate_low", "win_rate_high"])
_NO_TEST: dict[str, None] = dict.fromkeys(["low", "high", "p", "p_holm"])


class ShownPair(PairRow):
    """`verdict`: whether the votes are enough to tell the two apart; empty where the study is closed."""

    verdict: str


@dataclass(frozen=True)
class Shown:
    systems: list[SystemRow]
    pairs: list[ShownPair]
    position_bias: PositionBias
    is_watched: bool  # the intervals, ranks and p-values hold however often one looks
    leader: str  # who is ahead, and whether that is sure; empty where nobody is or nobody asks
    verdict: str


def shown(question: QuestionSummary) -> Shown:
    """Of an open study no number that looking spoils is left."""
    watched = question.get("always_valid")
    if watched is None:
        pairs = [cast("ShownPair", {**pair, "verdict": ""}) for pair in question["pairs"]]
        return Shown(question["systems"], pairs, question["position_bias"], is_watched=False, leader="", verdict="")
    if isinstance(watched, str):
        watched = {"systems": [], "pairs": [], "estimates": [], "leader": None, "verdict": watched}
    return Shown(
        systems=_systems(question, watched),
        pairs=_pairs(question, watched),
        position_bias={**question["position_bias"], "low": None, "high": None},
        is_watched=True,
        leader=watched["leader"] or "",
        verdict=watched["verdict"],
    )


def shown_combined(summary: Summary) -> list[CombinedRow]:
    """Of an open study without intervals: there are none over several questions that hold at every look."""
    rows = combined_rows(summary)
    if not any("always_valid" in question for question in summary["questions"].values()):
        return rows
    return [cast("CombinedRow", {**row, **_NO_RANGES}) for row in rows]


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
