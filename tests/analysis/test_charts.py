from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from analysis import charts
from analysis.charts.scatter import HEIGHT_PX, NARROW_PX, frontier

SYSTEMS: list[dict[str, Any]] = [
    {
        "system": name,
        "votes": 12,
        "bt": 1000.0 + 50 * i,
        "bt_low": 960.0 + 50 * i,
        "bt_high": 1040.0 + 50 * i,
        "win_rate": 0.3 + 0.1 * i,
        "win_rate_low": 0.2 + 0.1 * i,
        "win_rate_high": 0.4 + 0.1 * i,
        "median_ms": 100.0 * 10**i,
        "latency_low": 90.0 * 10**i,
        "latency_high": 110.0 * 10**i,
        "model": "alpha",
        "steps": 4**i,
    }
    for i, name in enumerate(("alpha@1", "beta@4", "gamma@50"))
]
ENDS = [f"{of}_{end}" for of in ("bt", "win_rate", "latency") for end in ("low", "high")]
NO_INTERVALS = [row | dict.fromkeys(ENDS) for row in SYSTEMS]
CELLS = [
    {
        "system": a["system"],
        "opponent": b["system"],
        "win_rate": 0.5 + a["win_rate"] - b["win_rate"],
        "interval": "none",
        "p": "0.020",
        "votes": 4,
        "wins": 3,
        "losses": 1,
        "ties": 0,
        "both_bad": 0,
    }
    for a in SYSTEMS
    for b in SYSTEMS
    if a is not b
]
ELOS = [{"system": row["system"], "elo": row["bt"], "of": of} for row in SYSTEMS for of in ("quality", charts.MEAN)]
NAMES = [row["system"] for row in SYSTEMS]
SLICES = [
    {
        "slice": name,
        "system": row["system"],
        "pooled": row["win_rate"],
        "raw": None,
        "interval": "none",
        "votes": 4,
        "reason": "no vote",
    }
    for name in ("Animals", "Places")
    for row in SYSTEMS
]
SPECIFICATIONS = {
    "matrix": charts.win_rate_matrix(CELLS, NAMES),
    "ratings": charts.ratings(SYSTEMS),
    "ratings without intervals": charts.ratings(NO_INTERVALS),
    "elo": charts.elo(ELOS, NAMES),
    "latency": charts.preference_against_latency(SYSTEMS),
    "latency without intervals": charts.preference_against_latency(NO_INTERVALS),
    "steps": charts.preference_against_steps(SYSTEMS),
    "steps without intervals": charts.preference_against_steps(NO_INTERVALS),
    "slices": charts.slice_matrix(SLICES, NAMES, "category"),
}
NAMELESS = {"steps", "steps without intervals"}  # which name the model


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_every_chart_draws_as_svg_with_all_its_systems(name: str) -> None:
    svg = charts.static_svg(SPECIFICATIONS[name])
    assert svg.startswith("<svg")
    texts = set(re.findall(r">([^<]+)</text>", svg))
    assert texts >= ({"alpha"} if name in NAMELESS else set(NAMES))
    assert not re.findall(r"NaN|undefined|null", svg)


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_every_chart_describes_itself_and_leaves_the_look_to_the_page(name: str) -> None:
    specification = SPECIFICATIONS[name]
    assert specification["description"].endswith(".")
    assert not {"config", "background"} & set(specification)


@pytest.mark.parametrize("name", ["ratings", "latency", "steps"])
def test_error_bars_come_first_and_points_last(name: str) -> None:
    marks = [layer["mark"]["type"] for layer in SPECIFICATIONS[name]["layer"]]
    assert (marks[0], marks[-1]) == ("rule", "point")


@pytest.mark.parametrize("name", [name for name in SPECIFICATIONS if name.endswith("without intervals")])
def test_without_intervals_there_are_no_bars(name: str) -> None:
    bars = [layer for layer in SPECIFICATIONS[name]["layer"] if {"x2", "y2"} & set(layer["encoding"])]
    assert all(layer["encoding"].get("y2") == {"field": "name_at"} for layer in bars)  # what leads to a name


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_every_chart_has_its_numbers_with_all_digits(name: str) -> None:
    columns, rows = charts.numbers(SPECIFICATIONS[name])
    assert len(rows) == len(SPECIFICATIONS[name]["data"]["values"])
    assert all(len(row) == len(columns) for row in rows)
    if name == "ratings":
        assert rows == [[row["system"], row["bt"], row["bt_low"], row["bt_high"], row["votes"]] for row in SYSTEMS]


@pytest.mark.parametrize(("form", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_every_form_comes_of_one_specification(form: str, start: bytes) -> None:
    _, content = charts.drawn(SPECIFICATIONS["latency"], form)
    assert content.startswith(start)


@st.composite
def timed_systems(draw: st.DrawFn) -> list[dict[str, Any]]:
    times = st.floats(1, 1e5)
    points = draw(st.lists(st.tuples(times, st.floats(0, 1)), min_size=1, max_size=8))
    rates = {"win_rate_low": None, "win_rate_high": None, "latency_low": None, "latency_high": None}
    return [
        {"system": f"system-{n}@{n}", "median_ms": time, "win_rate": rate, **rates}
        for n, (time, rate) in enumerate(points)
    ]


@given(timed_systems())
def test_the_frontier_holds_those_that_nobody_beats(rows: list[dict[str, Any]]) -> None:
    def beats(a: dict[str, Any], b: dict[str, Any]) -> bool:
        is_no_worse = a["median_ms"] <= b["median_ms"] and a["win_rate"] >= b["win_rate"]
        return bool(is_no_worse and (a["median_ms"] < b["median_ms"] or a["win_rate"] > b["win_rate"]))

    found = frontier(rows)
    places = {(row["median_ms"], row["win_rate"]) for row in found}
    best = {(row["median_ms"], row["win_rate"]) for row in rows if not any(beats(other, row) for other in rows)}
    assert places == best
    assert [row["median_ms"] for row in found] == sorted(row["median_ms"] for row in found)


@given(timed_systems())
def test_names_beside_each_other_do_not_overlap(rows: list[dict[str, Any]]) -> None:
    """Of systems that are equally fast; others may stand at one height."""
    level = [row | {"median_ms": 100.0} for row in rows]
    values = charts.preference_against_latency(level)["data"]["values"]
    heights = sorted(HEIGHT_PX * row["name_at"] for row in values)
    assert all(0 <= height <= HEIGHT_PX for height in heights)
    assert all(above - below > 14.9 for below, above in itertools.pairwise(heights))
    for row in values:
        assert row["is_moved"] == (abs(row["name_at"] - row["win_rate"]) > 1e-9)


@given(timed_systems())
def test_no_two_names_are_written_over_each_other(rows: list[dict[str, Any]]) -> None:
    values = charts.preference_against_latency(rows)["data"]["values"]
    times = [row["median_ms"] for row in rows]
    low, high = math.log(min(times) / 1.2), math.log(max(times) * 1.2)
    boxes = []
    for row in values:
        left = NARROW_PX * (math.log(row["median_ms"]) - low) / (high - low)
        boxes.append((left, left + 6.5 * len(row["system"]), HEIGHT_PX * row["name_at"]))
    for (left, right, height), (other_left, other_right, other) in itertools.combinations(boxes, 2):
        assert right <= other_left or other_right <= left or abs(height - other) > 14.9


@pytest.mark.parametrize("percent", range(101))
def test_numbers_are_readable_on_their_cells(percent: int) -> None:
    """Contrast of at least 4.5 to 1, as WCAG 2.2 AA asks of text."""
    rate = percent / 100
    low, middle, high = map(channels, charts.LOSS_TO_WIN)
    start, end, part = (low, middle, 2 * rate) if rate < 0.5 else (middle, high, 2 * rate - 1)
    ground = [a + part * (b - a) for a, b in zip(start, end, strict=True)]
    ink = charts.ON_DEEP if abs(rate - 0.5) > charts.DEEP else charts.ON_PALE
    assert contrast(ground, channels(ink)) >= 4.5


@pytest.mark.parametrize("page", ["#f6f6f6", "#151515", "#ffffff"])
@pytest.mark.parametrize("mark", [charts.MARK, charts.INTERVAL])
def test_marks_stand_out_on_light_and_dark(mark: str, page: str) -> None:
    """Contrast of at least 3 to 1, as WCAG 2.2 AA asks of graphics."""
    assert contrast(channels(mark), channels(page)) >= 3


def channels(colour: str) -> list[float]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Sequence[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_script_is_made_once(tmp_path: Path, settings: Settings) -> None:
    settings.DATA_DIR = tmp_path
    path = charts.bundle()
    assert "window.vegaEmbed=" in path.read_text()
    path.write_text("kept")
    assert charts.bundle().read_text() == "kept"
