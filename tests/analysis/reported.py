"""Reports for tests, made as the command makes them."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from analysis.reporting.blocks import Report
from analysis.reporting.content import report
from analysis.reporting.source import Source, read_source
from analysis.snapshots import current
from comparisons.models import Study


def source_of(study: Study) -> Source:
    return read_source(study, current)


def report_of(study: Study) -> Report:
    return report(source_of(study))


def table_of(made: Report, key: str) -> list[list[str]]:
    """The texts of a table's rows."""
    (table,) = [table for table in made.tables if table.key == key]
    return [[cell.text for cell in row] for row in table.rows]


def write(study: Study, folder: Path) -> str:
    """Write the report and return its page."""
    call_command("report", study.slug, out=folder, stdout=StringIO())
    return (folder / "report.html").read_text()


def text_of(html: str) -> str:
    body = html.partition("</head>")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))
