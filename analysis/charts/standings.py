"""Where systems stand: their ratings, one line each."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.charts.look import (
    INTERVAL,
    MARK,
    POINT,
    ROW_PX,
    Row,
    Specification,
    intervals,
    layer,
    name,
    number,
    specification,
)

MEAN = "their mean"
_FEW_TICKS = {"tickCount": 6, "labelOverlap": True}


def ratings(rows: Sequence[Row], what: str = "Bradley–Terry ratings") -> Specification:
    """Bradley-Terry ratings with intervals, in the order of `rows`, which are the results' rows of systems."""
    title = "Bradley–Terry rating"
    systems = name("system", None, sort=[row["system"] for row in rows])
    tooltip = [
        name("system", "system"),
        number("bt", "Bradley–Terry", format=".1f"),
        number("bt_low", "95% interval from", format=".1f"),
        number("bt_high", "to", format=".1f"),
        number("votes", "votes"),
    ]
    scale = {"zero": False}
    rules = intervals(rows, "bt", x=number("bt_low", title, scale=scale), x2={"field": "bt_high"}, y=systems)
    points = layer(POINT, x=number("bt", title, scale=scale, axis=_FEW_TICKS), y=systems, tooltip=tooltip)
    return specification(rows, [*rules, points], f"{what}{' with 95% intervals' if rules else ''}.", ROW_PX * len(rows))


def elo(rows: Sequence[Row], systems: Sequence[str]) -> Specification:
    """Elo of each question in grey shapes, of all (`of` is MEAN) in teal. `rows` hold system, elo and of."""
    kinds = list(dict.fromkeys(row["of"] for row in rows))
    colours = [MARK if kind == MEAN else INTERVAL for kind in kinds]
    legend = {"orient": "top", "columns": 2}  # as many as a phone has room for
    points = layer(
        POINT,
        x=number("elo", "Elo", scale={"zero": False}, axis=_FEW_TICKS),
        y=name("system", None, sort=list(systems)),
        shape=name("of", None, scale={"domain": kinds}, legend=legend),
        color=name("of", None, scale={"domain": kinds, "range": colours}, legend=legend),
        tooltip=[name("system", "system"), name("of", "of"), number("elo", "Elo", format=".1f")],
    )
    return specification(rows, [points], "Elo ratings by question, and their mean.", ROW_PX * len(systems))
