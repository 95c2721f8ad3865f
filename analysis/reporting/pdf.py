"""A report as a paper.

Typeset by typst: one wheel of 30 MB with its fonts, without libraries of the system, where WeasyPrint needs Pango's.
It makes tagged PDF with tables that break over pages, the same bytes for the same input, and takes texts as data.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typst

from analysis.reporting.blocks import Block, Figure, Heading, Report

_TEMPLATE = Path(__file__).with_name("report.typ")
_SIDE = r'<svg[^>]*? {side}="([\d.]+)"'
_POINTS_PER_PIXEL = 0.75
_NO_FONT = "could not be displayed"  # the compiler's words


@dataclass(frozen=True)
class Pdf:
    content: bytes
    lacks_letters: bool  # some characters of its texts are in no font of this machine


def pdf(report: Report) -> Pdf:
    """PDF/UA-1, unless it lacks letters: then it is tagged all the same, but promises nothing."""
    content = {
        "title": report.title,
        "subtitle": report.subtitle,
        "written": f"{report.written_at:%-d %B %Y, %H:%M %Z}",
        "contents_after": next(i for i, block in enumerate(report.blocks) if isinstance(block, Heading)),
        "blocks": [_as_data(block) for block in report.blocks],
    }
    template = _TEMPLATE.read_bytes()
    try:
        return Pdf(_compile(template, content, report.written_at, ["ua-1"]), lacks_letters=False)
    except typst.TypstError as error:
        if _NO_FONT not in error.message:
            raise
        return Pdf(_compile(template, content, report.written_at, []), lacks_letters=True)


def figure_pdf(figure: Figure, written_at: datetime) -> bytes:
    """The drawing alone, on a page of its size, with the letters of the paper."""
    source = (
        '#set document(title: json(bytes(sys.inputs.report)).title)\n#set text(lang: "en")\n'
        "#set page(width: auto, height: auto, margin: 0pt)\n"
        '#let it = json(bytes(sys.inputs.report))\n#image(bytes(it.svg), format: "svg", alt: it.description)'
    )
    content = {"title": figure.caption, "svg": figure.svg, "description": figure.description}
    return _compile(source.encode(), content, written_at, [])


def _compile(source: bytes, content: dict[str, Any], written_at: datetime, standards: list[Any]) -> bytes:
    made: bytes = typst.compile(
        source,
        format="pdf",
        sys_inputs={"report": json.dumps(content, ensure_ascii=False)},
        timestamp=written_at.astimezone(UTC).replace(microsecond=0),
        pdf_standards=standards,
    )
    return made


def _as_data(block: Block) -> dict[str, Any]:
    content = asdict(block) | {"kind": block.kind}
    if isinstance(block, Figure):
        content |= {side: _points(block.svg, side) for side in ("width", "height")}
    return content


def _points(svg: str, side: str) -> float:
    """A side of the drawing, whose size vl-convert gives in pixels."""
    (pixels,) = re.findall(_SIDE.format(side=side), svg)
    return float(pixels) * _POINTS_PER_PIXEL
