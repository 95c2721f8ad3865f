"""Charts as Vega-Lite specifications: drawn by the page's script, or here as SVG for reports.

A specification carries no background and no colours of text and axes: the page lays its own theme over it, so that
one chart reads in light and in dark. Marks keep to a teal and an orange that stay apart for colour-blind eyes and
contrast with white and with black.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from django.conf import settings

from analysis.files import write_lines

Specification = dict[str, Any]
Row = Mapping[str, object]

MARK = "#16868f"
SOFT_MARK = "#7f8b8c"
_WINS = ["#b3541e", "#f2e9df", "#0b636b"]
_ON_PALE, _ON_DEEP = "#141414", "#ffffff"
_ROW = alt.Step(34)
_STATIC_WIDTH_PX = 560
_STATIC_THEME = {
    "font": "Helvetica, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 400, "gridColor": "#e4e4e4"},
    "legend": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 400},
}


def win_rate_matrix(pairs: Iterable[Row], systems: Sequence[str]) -> Specification:
    """A square of cells: how often the row's system is preferred to the column's. `pairs` holds both directions."""
    base = _chart(pairs).encode(
        x=alt.X("opponent:N", sort=list(systems), title="compared with", axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("system:N", sort=list(systems), title=None),
    )
    cells = base.mark_rect().encode(
        color=alt.Color(
            "win_rate:Q",
            title="preferred",
            scale=alt.Scale(domain=[0, 0.5, 1], range=_WINS),
            legend=alt.Legend(format="%", gradientLength=120),
        ),
        tooltip=[
            alt.Tooltip("system:N", title="system"),
            alt.Tooltip("opponent:N", title="compared with"),
            alt.Tooltip("win_rate:Q", title="preferred", format=".3f"),
            alt.Tooltip("interval:N", title="95% interval"),
            alt.Tooltip("votes:Q", title="votes"),
            alt.Tooltip("ties:Q", title="ties"),
            alt.Tooltip("both_bad:Q", title="both bad"),
        ],
    )
    is_deep = "abs(datum.win_rate - 0.5) > 0.3"
    numbers = base.mark_text(fontSize=12).encode(
        text=alt.Text("win_rate:Q", format=".2f"),
        color=alt.condition(is_deep, alt.value(_ON_DEEP), alt.value(_ON_PALE)),
    )
    return _specification(
        alt.layer(cells, numbers).properties(width=alt.Step(58), height=alt.Step(38)),
        "Win rates of every pair of systems.",
    )


def ratings(rows: Iterable[Row]) -> Specification:
    """Bradley-Terry ratings, best on top, each with its interval."""
    rows = list(rows)
    base = _chart(rows).encode(y=_systems(rows))
    intervals = base.mark_rule(color=SOFT_MARK, strokeWidth=2).encode(
        x=alt.X("bt_low:Q", title="Bradley–Terry rating, with 95% interval", scale=alt.Scale(zero=False)),
        x2="bt_high:Q",
    )
    points = base.mark_point(filled=True, size=90, color=MARK, opacity=1).encode(
        x="bt:Q",
        tooltip=[
            alt.Tooltip("system:N", title="system"),
            alt.Tooltip("bt:Q", title="Bradley–Terry", format=".1f"),
            alt.Tooltip("bt_low:Q", title="95% interval from", format=".1f"),
            alt.Tooltip("bt_high:Q", title="to", format=".1f"),
            alt.Tooltip("votes:Q", title="votes"),
        ],
    )
    return _specification(_wide(intervals, points), "Bradley–Terry ratings with intervals.")


def elo(rows: Iterable[Row], systems: Sequence[str]) -> Specification:
    """Elo of each question as a hollow mark, and their mean as a full one. `rows` hold system, elo, kind."""
    base = _chart(rows).encode(
        y=alt.Y("system:N", sort=list(systems), title=None),
        x=alt.X("elo:Q", title="Elo", scale=alt.Scale(zero=False)),
        shape=alt.Shape("kind:N", title=None, legend=alt.Legend(orient="top", symbolStrokeColor=MARK)),
        tooltip=[
            alt.Tooltip("system:N", title="system"),
            alt.Tooltip("kind:N", title="of"),
            alt.Tooltip("elo:Q", title="Elo", format=".1f"),
        ],
    )
    points = base.mark_point(size=70, color=MARK, opacity=1)
    return _specification(_wide(points), "Elo ratings by question, and their mean.")


def preference_against_latency(rows: Iterable[Row]) -> Specification:
    """Win rate against the median time of one image. `rows` hold system, win_rate, its interval, total_ms."""
    base = _chart(rows).encode(
        x=alt.X(
            "total_ms:Q", title="median time of one image, ms (logarithmic)", scale=alt.Scale(type="log", padding=30)
        ),
    )
    intervals = base.mark_rule(color=SOFT_MARK, strokeWidth=2).encode(
        y=alt.Y("win_rate_low:Q", title="win rate, with 95% interval", scale=alt.Scale(domain=[0, 1])),
        y2="win_rate_high:Q",
    )
    points = base.mark_point(filled=True, size=90, color=MARK, opacity=1).encode(
        y="win_rate:Q",
        tooltip=[
            alt.Tooltip("system:N", title="system"),
            alt.Tooltip("win_rate:Q", title="win rate", format=".3f"),
            alt.Tooltip("win_rate_low:Q", title="95% interval from", format=".3f"),
            alt.Tooltip("win_rate_high:Q", title="to", format=".3f"),
            alt.Tooltip("total_ms:Q", title="median time, ms", format=",.0f"),
        ],
    )
    names = base.mark_text(align="left", dx=9, dy=-9, fontSize=12).encode(y="win_rate:Q", text="system:N")
    return _specification(_wide(intervals, names, points, height=280), "Win rate against median time of one image.")


def static_svg(specification: Specification) -> str:
    if specification["width"] == "container":
        specification = specification | {"width": _STATIC_WIDTH_PX}
    return str(vl_convert.vegalite_to_svg(specification, config=_STATIC_THEME, allowed_base_urls=[]))


def bundle() -> Path:
    """The script that draws specifications on a page: made once, since that takes 2 s and 130 MB."""
    path: Path = settings.DATA_DIR / "cache" / f"vega-{vl_convert.__version__}.js"
    if not path.exists():
        write_lines(path, [vl_convert.javascript_bundle()])
    return path


def _chart(rows: Iterable[Row]) -> alt.Chart:
    return alt.Chart(alt.Data(values=[dict(row) for row in rows]))


def _systems(rows: Sequence[Row]) -> alt.Y:
    return alt.Y("system:N", sort=[str(row["system"]) for row in rows], title=None)


def _wide(*layers: alt.Chart, height: int | alt.Step = _ROW) -> alt.LayerChart:
    return alt.layer(*layers).properties(width="container", height=height)


def _specification(chart: alt.LayerChart, description: str) -> Specification:
    specification: Specification = chart.properties(description=description).to_dict()
    del specification["config"]  # Altair's default look; the page and static_svg have their own
    return specification
