"""What researchers see: accounts marked as staff may see every study."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_replace
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from analysis import charts, exports, reports, snapshots
from analysis.overview import overviews
from analysis.results import headline, headline_chart, question_results
from analysis.votes import excluded_votes
from comparisons.models import Study
from comparisons.progress import generation_progress, rating_progress
from comparisons.studies import image_jobs
from generation import jobs

View = Callable[..., HttpResponseBase]


def for_researchers(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, **arguments: str) -> HttpResponseBase:
        if not request.user.is_staff:
            raise PermissionDenied("Studies are shown to accounts marked as staff.")
        return view(request, **arguments)

    return login_required(guarded)


@require_safe
@for_researchers
def study_list(request: HttpRequest) -> HttpResponse:
    return render(request, "analysis/study_list.html", {"studies": overviews(Study.objects.all())})


@require_safe
@for_researchers
def study_detail(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study, slug=slug)
    with_excluded = request.GET.get("excluded") == "with"
    summary = snapshots.results(study, with_excluded=with_excluded)
    results = question_results(study, summary)
    overall = headline_chart(summary)
    drawn = [chart for result in results for chart in result.charts] + ([overall] if overall else [])
    context = {
        **_images(study),
        "rating": rating_progress(study),
        "rate_url": request.build_absolute_uri(reverse("rate:landing", args=[study.key])),
        "excluded": excluded_votes(study).count(),
        "with_excluded": with_excluded,
        "results": results,
        "headline": headline(summary),
        "headline_chart": overall,
        "warnings": summary["warnings"],
        "charts": {chart.id: chart.specification for chart in drawn},
    }
    return render(request, "analysis/study_detail.html", context)


@require_safe
@for_researchers
def study_images(request: HttpRequest, slug: str) -> HttpResponse:
    """The section of a study's page that tells how far its images are, for the page to take in anew."""
    study = get_object_or_404(Study, slug=slug)
    return render(request, "analysis/_images.html", _images(study))


def _images(study: Study) -> dict[str, Any]:
    """What the section about a study's images shows."""
    rows = generation_progress(study)
    return {
        "study": overviews(Study.objects.filter(pk=study.pk))[0],
        "generation": rows,
        "awaited": [row.system for row in rows if row.waits_for_import],
        "lacks_images": any(row.missing for row in rows if not row.waits_for_import),
    }


@require_POST
@for_researchers
def retry_images(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study, slug=slug)
    try:
        count = jobs.retry_failed(image_jobs(study))
    except (OperationalError, OSError):
        messages.warning(request, "The images are queued, but no broker answers: start a worker, and it finds them.")
    else:
        messages.success(request, f"{count} image{'' if count == 1 else 's'} will be tried again.")
    return redirect("studies:detail", slug=slug)


@require_safe
@csp_replace({"style-src": [UNSAFE_INLINE]})  # a report carries its style with it
@for_researchers
def study_report(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study, slug=slug)
    return HttpResponse(reports.html(study, snapshots.results(study)))


@require_safe
@for_researchers
def votes_csv(request: HttpRequest, slug: str) -> StreamingHttpResponse:
    study = get_object_or_404(Study, slug=slug)
    headers = {"Content-Disposition": f'attachment; filename="{study.slug}-votes.csv"'}
    return StreamingHttpResponse(exports.votes_csv(study), content_type="text/csv; charset=utf-8", headers=headers)


@require_safe
@gzip_page
@cache_control(public=True, max_age=365 * 24 * 3600, immutable=True)  # its address names its version
def vega(request: HttpRequest) -> HttpResponse:
    return HttpResponse(charts.bundle().read_bytes(), content_type="text/javascript; charset=utf-8")
