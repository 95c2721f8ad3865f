"""A report as one page that needs nothing but itself: as a file, or as a worker has made it for the site."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from analysis.reporting.blocks import Report
from analysis.reporting.content import report
from analysis.reporting.source import NotComputedError, read_source
from analysis.snapshots import current, newest
from comparisons.models import Study


def html(content: Report) -> str:
    return _page(content.title, _body(content))


def made(study: Study) -> str:
    """All of the page that takes time, of the numbers as they are."""
    return _body(report(read_source(study, current)))


def stored(study: Study, *, is_file: bool = False) -> str:
    """As it was made last, with ways back and to the other files but in a file, from which they would lead nowhere.

    Raises NotComputedError where it never was.
    """
    found = newest(study, "report-page")
    if found.content is None:
        raise NotComputedError("The report is not made yet.")
    return _page(study.title, found.content, found=found, **({} if is_file else {"study": study}))


def _body(content: Report) -> str:
    return render_to_string("analysis/report/body.html", {"report": content})


def _page(title: str, body: str, **of_site: object) -> str:
    context = {"title": title, "body": mark_safe(body), **of_site}  # noqa: S308  templates wrote it, and escaped
    return render_to_string("analysis/report/page.html", context)
