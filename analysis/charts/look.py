"""What all charts share.

A specification leaves background, type and the colours of axes to whoever draws it, so that one chart reads on light
and on dark. Its marks are a teal that contrasts with both. The cells of a heat map bring their own ground: orange to
teal, which colour-blind eyes tell apart, with the numbers in black or white, whichever is readable on it.

They are written as Vega-Lite has them, without Altair: that takes half a second for the charts of one page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Specification = dict[str, Any]
Channel = dict[str, Any]
Row = Mapping[str, Any]

MARK = "#16868f"
INTERVAL = "#7f8b8c"
LOSS_TO_WIN = ["#9c4209", "#f1ebe4", "#0b636b"]
ON_PALE, ON_DEEP = "#000000", "#ffffff"
ROW_PX = 32
POINT = {"type": "point", "filled": True, "size": 90, "color": MARK, "opacity": 1}
RULE = {"type": "rule", "color": INTERVAL, "strokeWidth": 2}
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"  # its name only: nobody asks for it


def number(field: str, title: str | None, **more: Any) -> Channel:
    return {"field": field, "type": "quantitative", "title": title, **more}


def name(field: str, title: str | None, **more: Any) -> Channel:
    return {"field": field, "type": "nominal", "title": title, **more}


def layer(mark: Mapping[str, Any], *, where: str | None = None, **encoding: Any) -> Specification:
    """`where`: an expression of `datum` that chooses the rows which it draws."""
    made: Specification = {"mark": dict(mark), "encoding": encoding}
    return made | {"transform": [{"filter": where}]} if where else made


def intervals(rows: Sequence[Row], end: str, **encoding: Any) -> list[Specification]:
    """Rules for those that have an interval; no layer where nobody has: it would have no scale."""
    has_any = any(row[f"{end}_low"] is not None for row in rows)
    return [layer(RULE, where=f"isValid(datum.{end}_low)", **encoding)] if has_any else []


def specification(
    rows: Iterable[Row], layers: Sequence[Specification], description: str, height: object, width: object = "container"
) -> Specification:
    """As wide as its place on the page unless said otherwise."""
    return {
        "$schema": _SCHEMA,
        "description": description,
        "width": width,
        "height": height,
        "data": {"values": [dict(row) for row in rows]},
        "layer": list(layers),
    }


def marked(made: Specification, note: str) -> Specification:
    """With a note inside the drawing, which stays with it wherever it is copied to."""
    title = {"text": note, "anchor": "start", "fontSize": 12, "fontWeight": 400, "offset": 12}
    return made | {"title": title}
