"""Preference against what it costs: the time of an image, the number of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from analysis.charts.look import (
    INTERVAL,
    MARK,
    POINT,
    Channel,
    Row,
    Specification,
    intervals,
    layer,
    name,
    number,
    specification,
)

HEIGHT_PX = 340
NARROW_PX = 320  # the width for which names are placed, so that they stand apart on a phone too
_LETTER_PX, _LINE_PX, _BESIDE_PX, _ABOVE_PX = 6.5, 15, 7, 9  # above, since the frontier runs on to the right
_ONE_TWO_FIVE = [digit * 10**power for power in range(7) for digit in (1, 2, 5)]
_RATE = {"scale": {"domain": [0, 1]}, "axis": {"tickCount": 5}}
_INTERVAL_OF_RATE = [
    number("win_rate", "win rate", format=".3f"),
    number("win_rate_low", "95% interval from", format=".3f"),
    number("win_rate_high", "to", format=".3f"),
]


def preference_against_latency(rows: Sequence[Row]) -> Specification:
    """Win rate against the median time of one image, and the systems that nobody beats in both (Pareto's frontier).

    `rows` are the results' rows of systems with `median_ms`, and `latency_low` and `latency_high` or None.
    """
    edges = [row[name] for row in rows for name in ("median_ms", "latency_low", "latency_high") if row[name]]
    domain = [min(edges) / 1.2, max(edges) * 1.2]
    best = {row["system"] for row in frontier(rows)}
    placed = _placed([{**row, "frontier": "yes" if row["system"] in best else "no"} for row in rows], domain)

    def time(field: str) -> Channel:
        scale = {"type": "log", "nice": False, "padding": 40, "domain": domain}
        axis = {"values": _ONE_TWO_FIVE, "format": ",.0f", "labelOverlap": True}
        return number(field, "median time of one image in ms, logarithmic", scale=scale, axis=axis)

    middle, rate = time("median_ms"), _rate("win_rate")
    line = {"type": "line", "color": MARK, "strokeDash": [5, 4], "strokeWidth": 1.5, "interpolate": "step-after"}
    leader = {"type": "rule", "color": INTERVAL, "strokeWidth": 0.75}
    beside = {"type": "text", "align": "left", "baseline": "middle", "dx": _BESIDE_PX, "dy": -_ABOVE_PX, "fontSize": 12}
    tooltip = [
        name("system", "system"),
        number("median_ms", "median time, ms", format=",.1f"),
        number("latency_low", "95% interval from", format=",.1f"),
        number("latency_high", "to", format=",.1f"),
        *_INTERVAL_OF_RATE,
        name("frontier", "on the frontier"),
    ]
    layers = [
        *intervals(rows, "win_rate", x=middle, y=_rate("win_rate_low"), y2={"field": "win_rate_high"}),
        *intervals(rows, "latency", x=time("latency_low"), x2={"field": "latency_high"}, y=rate),
        layer(line, where="datum.frontier == 'yes'", x=middle, y=rate),
        layer(leader, where="datum.is_moved", x=middle, y=rate, y2={"field": "name_at"}),
        layer(beside, x=middle, y=_rate("name_at"), text=name("system", None)),
        layer(POINT, x=middle, y=rate, tooltip=tooltip),
    ]
    description = "Win rate against the median time of one image, with the frontier of the best for their time."
    return specification(placed, layers, description, HEIGHT_PX)


def frontier(rows: Sequence[Row]) -> list[Row]:
    """Those that no other beats: being faster and no worse, or better and no slower; the fastest first."""
    found: list[Row] = []
    for row in sorted(rows, key=lambda row: (row["median_ms"], -row["win_rate"])):
        if not found or row["win_rate"] > found[-1]["win_rate"]:
            found.append(row)
    return found


def preference_against_steps(rows: Sequence[Row]) -> Specification:
    """Win rate against the number of steps, a line for each model. `rows` hold model and steps besides."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    steps = number(
        "steps",
        "steps, logarithmic",
        scale={"type": "log", "base": 2, "nice": False, "padding": 24},
        axis={"values": sorted({row["steps"] for row in rows}), "format": "d", "labelOverlap": True},
    )
    model = name("model", None, scale={"domain": models}, legend={"orient": "top"})
    rate = _rate("win_rate")
    line = {"type": "line", "color": MARK, "strokeWidth": 1.5}
    tooltip = [name("system", "system"), number("steps", "steps"), *_INTERVAL_OF_RATE]
    layers = [
        *intervals(rows, "win_rate", x=steps, y=_rate("win_rate_low"), y2={"field": "win_rate_high"}),
        layer(line, x=steps, y=rate, strokeDash=model),
        layer(POINT, x=steps, y=rate, shape=model, tooltip=tooltip),
    ]
    return specification(rows, layers, "Win rate against the number of steps, a line for each model.", HEIGHT_PX)


def _rate(field: str) -> Channel:
    return number(field, "win rate", **_RATE)


def _placed(rows: Sequence[Row], domain: Sequence[float]) -> list[dict[str, Any]]:
    """With `name_at`, the win rate at whose height the name is written: beside its point, or nearest to it where no
    other name stands.
    """
    low, high = map(math.log, domain)
    boxes: list[tuple[float, float, float]] = []
    placed = []
    for row in sorted(rows, key=lambda row: -row["win_rate"]):
        left = (math.log(row["median_ms"]) - low) / (high - low) * NARROW_PX
        right = left + _BESIDE_PX + _LETTER_PX * len(row["system"])
        beside = [middle for start, end, middle in boxes if start < right and left < end]
        middle = _nearest_free(HEIGHT_PX * (1 - row["win_rate"]), beside)
        boxes.append((left, right, middle))
        at = 1 - middle / HEIGHT_PX
        placed.append({**row, "name_at": at, "is_moved": abs(at - row["win_rate"]) > 1e-9})
    return placed


def _nearest_free(wanted: float, taken: Sequence[float]) -> float:
    """A height inside the chart, at least a line from all that are taken if there is one."""
    candidates = [wanted, *(middle + way * _LINE_PX for middle in taken for way in (-1, 1))]
    inside = [each for each in candidates if 0 <= each <= HEIGHT_PX]
    free = [each for each in inside if all(abs(each - middle) >= _LINE_PX - 1e-9 for middle in taken)]
    return min(free or inside, key=lambda each: abs(each - wanted))
