"""What researchers see: accounts marked as staff may see every study."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

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
from analysis.results import headline, headline_chart, question_results
from comparisons.models import Study
from comparisons.progress import generation_progress, rating_progress

View = Callable[..., HttpResponseBase]


def _for_researchers(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, **arguments: str) -> HttpResponseBase:
        if not request.user.is_staff:
            raise PermissionDenied("Studies are shown to accounts marked as staff.")
        return view(request, **arguments)

    return require_safe(login_required(guarded))


@_for_researchers
def study_list(request: HttpRequest) -> HttpResponse:
    return render(request, "analysis/study_list.html", {"studies": overviews(Study.objects.all())})


@_for_researchers
def study_detail(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study, slug=slug)
    summary = snapshots.results(study)
    results = question_results(study, summary)
    overall = headline_chart(summary)
    drawn = [chart for result in results for chart in result.charts] + ([overall] if overall else [])
    context = {
        "study": overviews(Study.objects.filter(pk=study.pk))[0],
        "generation": generation_progress(study),
        "rating": rating_progress(study),
        "rate_url": request.build_absolute_uri(reverse("rate:landing", args=[study.key])),
        "results": results,
        "headline": headline(summary),
        "headline_chart": overall,
        "warnings": summary["warnings"],
        "charts": {chart.id: chart.specification for chart in drawn},
    }
    return render(request, "analysis/study_detail.html", context)


@csp_replace({"style-src": [UNSAFE_INLINE]})  # a report carries its style with it
@_for_researchers
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
