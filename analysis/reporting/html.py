"""A report as one page that needs nothing but itself."""

from __future__ import annotations

from django.template.loader import render_to_string

from analysis.reporting.blocks import Report
from comparisons.models import Study


def html(report: Report, study: Study | None = None) -> str:
    """With ways back and to the other files where it is a page of the site, of this study."""
    return render_to_string("analysis/report/page.html", {"report": report, "study": study})
