"""Charts as Vega-Lite specifications, drawn by the page's script, or here as SVG for reports.

A specification leaves background, type and the colours of axes to whoever draws it, so that one chart reads on light
and on dark. Its marks are a teal that contrasts with both. The cells of the heat map bring their own ground: orange to
teal, which colour-blind eyes tell apart, with the numbers in black or white, whichever is readable on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert
from django.conf import settings

from analysis.files import write_lines

Specification = dict[str, Any]
Row = Mapping[str, Any]

MEAN = "their mean"
MARK = "#16868f"
INTERVAL = "#7f8b8c"
LOSS_TO_WIN = ["#9c4209", "#f1ebe4", "#0b636b"]
ON_PALE, ON_DEEP = "#000000", "#ffffff"
DEEP = 0.395  # so far from one half a win rate has a deep colour
_ROW_PX = 32
_ONE_TWO_FIVE = [digit * 10**power for power in range(7) for digit in (1, 2, 5)]
_STATIC_WIDTH_PX = 560
_STATIC_THEME = {
    "aria": False,  # the report names the drawing and has the numbers in tables
    "font": "Arial, Helvetica, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 400, "gridColor": "#e4e4e4"},
    "legend": {"labelFontSize": 12, "columnPadding": 24},
    "text": {"color": ON_PALE},
}


def win_rate_matrix(cells: Iterable[Row], systems: Sequence[str]) -> Specification:
    """How often each row's system is preferred to each column's. `cells` holds both directions of every pair."""
    base = _chart(cells).encode(
        x=alt.X("opponent:N", sort=systems, title="compared with", axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("system:N", sort=systems, title=None),
    )
    ground_scale = alt.Scale(domain=[0, 0.5, 1], range=LOSS_TO_WIN, interpolate="rgb")
    ground = base.mark_rect().encode(
        color=alt.Color("win_rate:Q", scale=ground_scale, legend=None),
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
    numbers = base.mark_text(fontSize=13).encode(
        text=alt.Text("win_rate:Q", format=".2f"),
        color=alt.condition(f"abs(datum.win_rate - 0.5) > {DEEP}", alt.value(ON_DEEP), alt.value(ON_PALE)),
    )
    description = "Win rates of every pair of systems, as a heat map."
    return _specification([ground, numbers], description, height={"step": 38}, width={"step": 58})


def ratings(rows: Sequence[Row]) -> Specification:
    """Bradley-Terry ratings with intervals, in the order of `rows`, which are the results' rows of systems."""
    systems = alt.Y("system:N", sort=[row["system"] for row in rows], title=None)
    axis = alt.Axis(title="Bradley–Terry rating", tickCount=6, labelOverlap=True)
    rating = alt.X("bt:Q", scale=alt.Scale(zero=False), axis=axis)
    intervals = _intervals(rows, "bt").encode(x=alt.X("bt_low:Q", axis=axis), x2="bt_high:Q", y=systems)
    points = _points(rows).encode(
        x=rating,
        y=systems,
        tooltip=[
            alt.Tooltip("system:N", title="system"),
            alt.Tooltip("bt:Q", title="Bradley–Terry", format=".1f"),
            alt.Tooltip("bt_low:Q", title="95% interval from", format=".1f"),
            alt.Tooltip("bt_high:Q", title="to", format=".1f"),
            alt.Tooltip("votes:Q", title="votes"),
        ],
    )
    return _specification([intervals, points], "Bradley–Terry ratings with 95% intervals.", _ROW_PX * len(rows))


def elo(rows: Sequence[Row], systems: Sequence[str]) -> Specification:
    """Elo of each question in grey shapes, of all (`of` is MEAN) in teal. `rows` hold system, elo and of."""
    kinds = list(dict.fromkeys(row["of"] for row in rows))
    colours = [MARK if kind == MEAN else INTERVAL for kind in kinds]
    legend = alt.Legend(orient="top")
    points = _points(rows).encode(
        x=alt.X("elo:Q", title="Elo", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6, labelOverlap=True)),
        y=alt.Y("system:N", sort=systems, title=None),
        shape=alt.Shape("of:N", title=None, scale=alt.Scale(domain=kinds), legend=legend),
        color=alt.Color("of:N", title=None, scale=alt.Scale(domain=kinds, range=colours), legend=legend),
        tooltip=[
            alt.Tooltip("system:N", title="system"),
            alt.Tooltip("of:N", title="of"),
            alt.Tooltip("elo:Q", title="Elo", format=".1f"),
        ],
    )
    return _specification([points], "Elo ratings by question, and their mean.", _ROW_PX * len(systems))


def preference_against_latency(rows: Sequence[Row]) -> Specification:
    """Win rate against the median time of one image. `rows` are the results' rows of systems with `median_ms`."""
    times = [row["median_ms"] for row in rows]
    time = alt.X(
        "median_ms:Q",
        title="median time of one image in ms, logarithmic",
        scale=alt.Scale(type="log", nice=False, padding=40, domain=[min(times) / 1.2, max(times) * 1.2]),
        axis=alt.Axis(values=_ONE_TWO_FIVE, format=",.0f", labelOverlap=True),
    )
    rate = alt.Scale(domain=[0, 1])
    intervals = _intervals(rows, "win_rate").encode(
        x=time,
        y=alt.Y("win_rate_low:Q", title="win rate", scale=rate, axis=alt.Axis(tickCount=5)),
        y2="win_rate_high:Q",
    )
    names = _chart(rows).mark_text(align="left", dx=9, fontSize=12)
    points = _points(rows).encode(
        x=time,
        y=alt.Y("win_rate:Q", title="win rate", scale=rate, axis=alt.Axis(tickCount=5)),
        tooltip=[
            alt.Tooltip("system:N", title="system"),
            alt.Tooltip("median_ms:Q", title="median time, ms", format=",.0f"),
            alt.Tooltip("win_rate:Q", title="win rate", format=".3f"),
            alt.Tooltip("win_rate_low:Q", title="95% interval from", format=".3f"),
            alt.Tooltip("win_rate_high:Q", title="to", format=".3f"),
        ],
    )
    names = names.encode(x=time, y="win_rate:Q", text="system:N")
    return _specification([intervals, names, points], "Win rate against the median time of one image.", 300)


def marked(specification: Specification, note: str) -> Specification:
    """With a note inside the drawing, which stays with it wherever it is copied to."""
    title = {"text": note, "anchor": "start", "fontSize": 12, "fontWeight": 400, "offset": 12}
    return specification | {"title": title}


def static_svg(specification: Specification) -> str:
    if specification["width"] == "container":
        specification = specification | {"width": _STATIC_WIDTH_PX}
    return str(vl_convert.vegalite_to_svg(specification, config=_STATIC_THEME, allowed_base_urls=[]))


def bundle() -> Path:
    """The script that draws specifications on a page: made once, since that takes 2 s and 130 MB."""
    path: Path = settings.DATA_DIR / "cache" / f"vega-{version('vl-convert-python')}.js"
    if not path.exists():
        write_lines(path, [vl_convert.javascript_bundle("window.vega = vega; window.vegaEmbed = vegaEmbed;")])
    return path


def _chart(rows: Iterable[Row]) -> alt.Chart:
    return alt.Chart({"values": [dict(row) for row in rows]})


def _points(rows: Sequence[Row]) -> alt.Chart:
    points: alt.Chart = _chart(rows).mark_point(filled=True, size=90, color=MARK, opacity=1)
    return points


def _intervals(rows: Sequence[Row], name: str) -> alt.Chart:
    """Of those that have one."""
    bounded = _chart(row for row in rows if row[f"{name}_low"] is not None)
    intervals: alt.Chart = bounded.mark_rule(color=INTERVAL, strokeWidth=2)
    return intervals


def _specification(
    layers: list[alt.Chart], description: str, height: object, width: object = "container"
) -> Specification:
    """As wide as its place on the page unless said otherwise. A layer without rows would have no scale."""
    specification: Specification = alt.layer(*(layer for layer in layers if layer.data["values"])).to_dict()
    del specification["config"]  # Altair's own look; the page and static_svg have theirs
    return specification | {"description": description, "width": width, "height": height}
