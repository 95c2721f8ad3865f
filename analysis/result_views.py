"""The results of a study: a page, the notice of how old they are, and each chart as a file."""

from __future__ import annotations

import csv

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from analysis import charts
from analysis.result_pages import age_context, chart_named, compute_at_once, page_context, results_page
from analysis.results import hidden
from comparisons.models import Study
from people import audit
from people.audit import Verb
from people.rights import ResearcherRequest, Right, needs


@require_safe
@needs(Right.SEE_RESULTS)
def study_results(request: ResearcherRequest, study: Study) -> HttpResponse:
    if reason := hidden(study):
        return render(request, "analysis/study_results_hidden.html", {"study": study, "reason": reason})
    page = results_page(study, with_excluded=_with_excluded(request))
    return render(request, "analysis/study_results.html", page_context(page))


@require_safe
@needs(Right.SEE_RESULTS)
def results_age(request: ResearcherRequest, study: Study) -> HttpResponse:
    """The notice that says how old they are, for the page to take in anew."""
    if reason := hidden(study):
        return render(request, "analysis/study_results_hidden.html", {"study": study, "reason": reason})
    context = age_context(study, with_excluded=_with_excluded(request))
    return render(request, "analysis/_results_age.html", context)


@require_POST
@needs(Right.SEE_RESULTS)
def compute_now(request: ResearcherRequest, study: Study) -> HttpResponse:
    with_excluded = request.POST.get("excluded") == "with"
    messages.info(request, hidden(study) or compute_at_once(study, with_excluded=with_excluded))
    return redirect(f"{reverse('studies:results', args=[study.slug])}{'?excluded=with' if with_excluded else ''}")


@require_safe
@needs(Right.SEE_RESULTS)
def chart_file(request: ResearcherRequest, study: Study, chart: str, form: str) -> HttpResponse:
    if reason := hidden(study):
        return HttpResponse(reason, status=403, content_type="text/plain; charset=utf-8")
    found = chart_named(results_page(study, with_excluded=_with_excluded(request)), chart)
    if found is None:
        raise Http404("There is no such chart.")
    headers = {"Content-Disposition": f'attachment; filename="{study.slug}-{chart}.{form}"'}
    if form == "csv":
        response = _csv(found.specification, headers)
    else:
        content_type, content = charts.drawn(found.specification, form)
        response = HttpResponse(content, content_type=content_type, headers=headers)
    audit.record(Verb.EXPORTED, study=study, actor=request.user, details={"file": f"{chart}.{form}"})
    return response


def _csv(specification: charts.Specification, headers: dict[str, str]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
    names, rows = charts.numbers(specification)
    writer = csv.writer(response, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return response


def _with_excluded(request: ResearcherRequest) -> bool:
    return request.GET.get("excluded") == "with"
