from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from analysis import charts

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
    }
    for i, name in enumerate(("alpha@1", "beta@4", "gamma@50"))
]
NO_INTERVALS = [row | {"bt_low": None, "bt_high": None, "win_rate_low": None, "win_rate_high": None} for row in SYSTEMS]
CELLS = [
    {
        "system": a["system"],
        "opponent": b["system"],
        "win_rate": 0.5 + a["win_rate"] - b["win_rate"],
        "interval": "none",
        "votes": 4,
        "ties": 0,
        "both_bad": 0,
    }
    for a in SYSTEMS
    for b in SYSTEMS
    if a is not b
]
ELOS = [{"system": row["system"], "elo": row["bt"], "of": of} for row in SYSTEMS for of in ("quality", charts.MEAN)]
NAMES = [row["system"] for row in SYSTEMS]
SPECIFICATIONS = {
    "matrix": charts.win_rate_matrix(CELLS, NAMES),
    "ratings": charts.ratings(SYSTEMS),
    "ratings without intervals": charts.ratings(NO_INTERVALS),
    "elo": charts.elo(ELOS, NAMES),
    "latency": charts.preference_against_latency(SYSTEMS),
    "latency without intervals": charts.preference_against_latency(NO_INTERVALS),
}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_every_chart_draws_as_svg_with_all_its_systems(name: str) -> None:
    svg = charts.static_svg(SPECIFICATIONS[name])
    assert svg.startswith("<svg")
    texts = set(re.findall(r">([^<]+)</text>", svg))
    assert texts >= set(NAMES)
    assert not re.findall(r"NaN|undefined|null", svg)


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_every_chart_describes_itself_and_leaves_the_look_to_the_page(name: str) -> None:
    specification = SPECIFICATIONS[name]
    assert specification["description"].endswith(".")
    assert not {"config", "background"} & set(specification)


@pytest.mark.parametrize("name", ["ratings", "latency"])
def test_error_bars_come_first_and_points_last(name: str) -> None:
    marks = [layer["mark"]["type"] for layer in SPECIFICATIONS[name]["layer"]]
    assert (marks[0], marks[-1]) == ("rule", "point")


@pytest.mark.parametrize("name", ["ratings without intervals", "latency without intervals"])
def test_without_intervals_there_are_no_bars(name: str) -> None:
    marks = [layer["mark"]["type"] for layer in SPECIFICATIONS[name]["layer"]]
    assert "rule" not in marks


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
