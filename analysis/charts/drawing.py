"""Specifications as files: SVG, PNG and PDF without a browser, and their numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vl_convert
from django.conf import settings

from analysis.charts.look import ON_PALE, Specification
from analysis.files import write_lines

STATIC_WIDTH_PX = 560
PNG_SCALE = 2.0
_THEME = {
    "aria": False,  # the report names the drawing and has the numbers in tables
    "font": "Arial, Helvetica, sans-serif",
    "view": {"stroke": None},
    "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 400, "gridColor": "#e4e4e4"},
    "legend": {"labelFontSize": 12, "columnPadding": 24},
    "text": {"color": ON_PALE},
}


def static_svg(specification: Specification) -> str:
    return _svg(json.dumps(_sized(specification)))


@lru_cache(maxsize=200)
def _svg(specification: str) -> str:
    """A report's charts take a second to draw, and are asked for again and again while its numbers stay."""
    return str(vl_convert.vegalite_to_svg(specification, config=_THEME, allowed_base_urls=[]))


def _png(specification: Specification) -> bytes:
    config = _THEME | {"background": "white"}
    made = vl_convert.vegalite_to_png(_sized(specification), config=config, scale=PNG_SCALE, allowed_base_urls=[])
    return bytes(made)


def _pdf(specification: Specification) -> bytes:
    return bytes(vl_convert.vegalite_to_pdf(_sized(specification), config=_THEME, allowed_base_urls=[]))


_FORMATS: dict[str, tuple[str, Callable[[Specification], bytes]]] = {
    "svg": ("image/svg+xml", lambda specification: static_svg(specification).encode()),
    "png": ("image/png", _png),
    "pdf": ("application/pdf", _pdf),
}


def drawn(specification: Specification, form: str) -> tuple[str, bytes]:
    """The content type and the bytes; `form` is svg, png or pdf."""
    content_type, draw = _FORMATS[form]
    return content_type, draw(specification)


def numbers(specification: Specification) -> tuple[list[str], list[list[Any]]]:
    """The columns that its tooltips show, and one row a datum: as the page's table has them, with all digits."""
    columns = next(each["encoding"]["tooltip"] for each in specification["layer"] if "tooltip" in each["encoding"])
    rows = specification["data"]["values"]
    return [column["title"] for column in columns], [[row[column["field"]] for column in columns] for row in rows]


def bundle() -> Path:
    """The script that draws specifications on a page: made once, since that takes 2 s and 130 MB."""
    path: Path = settings.DATA_DIR / "cache" / f"vega-{version('vl-convert-python')}.js"
    if not path.exists():
        write_lines(path, [vl_convert.javascript_bundle("window.vega = vega; window.vegaEmbed = vegaEmbed;")])
    return path


def _sized(specification: Specification) -> Specification:
    is_fluid = specification["width"] == "container"
    return specification | {"width": STATIC_WIDTH_PX} if is_fluid else specification
