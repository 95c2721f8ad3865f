"""A study's report: as a page, as a paper, and as a folder of files."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from csp.constants import UNSAFE_INLINE
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analysis.reporting.content import report
from analysis.reporting.folder import zipped
from analysis.reporting.html import stored
from analysis.reporting.pdf import pdf
from analysis.reporting.source import NotComputedError, stored_source
from comparisons.models import Study
from people import audit
from people.audit import Verb
from people.rights import ResearcherRequest, Right, needs

View = Callable[[ResearcherRequest, Study], HttpResponseBase]


def or_wait(view: View) -> View:
    """Where something has not been computed yet, asking for it has told a worker."""

    @wraps(view)
    def shown(request: ResearcherRequest, study: Study) -> HttpResponseBase:
        try:
            return view(request, study)
        except NotComputedError:
            return render(request, "analysis/report_waiting.html", {"study": study})

    return shown


@require_safe
@needs(Right.SEE_RESULTS)
@or_wait
def study_report(request: ResearcherRequest, study: Study) -> HttpResponse:
    response = HttpResponse(stored(study))
    response._csp_replace = {"style-src": [UNSAFE_INLINE]}  # type: ignore[attr-defined]  # it carries its style with it
    return response


@require_safe
@needs(Right.SEE_RESULTS)
@or_wait
def report_pdf(request: ResearcherRequest, study: Study) -> HttpResponseBase:
    headers = {"Content-Disposition": f'attachment; filename="{study.slug}-report.pdf"'}
    content = pdf(report(stored_source(study))).content
    audit.record(Verb.EXPORTED, study=study, actor=request.user, details={"file": "report.pdf"})
    return HttpResponse(content, content_type="application/pdf", headers=headers)


@require_safe
@needs(Right.EXPORT)
@or_wait
def report_zip(request: ResearcherRequest, study: Study) -> HttpResponseBase:
    source = stored_source(study)
    audit.record(Verb.EXPORTED, study=study, actor=request.user, details={"file": "report.zip"})
    return FileResponse(zipped(source), as_attachment=True, filename=f"{study.slug}-report.zip")
