"""What researchers see: accounts marked as staff may see every study."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_replace
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from analysis import charts, exports, reports, snapshots
from analysis.overview import overviews
from analysis.results import headline, question_results
from comparisons.models import Study
from comparisons.progress import generation_progress, rating_progress

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]


def _for_researchers(view: View[Arguments]) -> View[Arguments]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponseBase:
        if not (request.user.is_authenticated and request.user.is_staff):
            raise PermissionDenied("Studies are shown to accounts marked as staff.")
        return view(request, *args, **kwargs)

    return require_safe(login_required(guarded))


@_for_researchers
def study_list(request: HttpRequest) -> HttpResponse:
    return render(request, "analysis/study_list.html", {"studies": overviews(Study.objects.all())})


@_for_researchers
def study_detail(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study, slug=slug)
    summary = snapshots.results(study)
    results = question_results(study, summary)
    context = {
        "study": overviews(Study.objects.filter(pk=study.pk))[0],
        "generation": generation_progress(study),
        "rating": rating_progress(study),
        "rate_url": request.build_absolute_uri(reverse("rate:landing", args=[study.key])),
        "results": results,
        "headline": headline(summary),
        "warnings": summary["warnings"],
        "charts": {chart.id: chart.specification for result in results for chart in result.charts},
    }
    return render(request, "analysis/study_detail.html", context)


@_for_researchers
@csp_replace({"style-src": [UNSAFE_INLINE]})  # the report carries its own style, as it must as a file
def study_report(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study, slug=slug)
    return HttpResponse(reports.html(study, snapshots.results(study)))


@_for_researchers
def votes_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    study = get_object_or_404(Study, slug=slug)
    headers = {"Content-Disposition": f'attachment; filename="{study.slug}-votes.csv"'}
    return StreamingHttpResponse(exports.votes_csv(study), content_type="text/csv; charset=utf-8", headers=headers)


@require_safe
@gzip_page
@cache_control(public=True, max_age=365 * 24 * 3600, immutable=True)  # its address names its version
def vega(request: HttpRequest) -> HttpResponse:
    return HttpResponse(charts.bundle().read_bytes(), content_type="text/javascript; charset=utf-8")
