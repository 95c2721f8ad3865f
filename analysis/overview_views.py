"""The head page of a study: how far its images and its votes are, and what to do next."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from analysis import activity, snapshots
from analysis.charts import votes_by_day
from analysis.overview import overviews
from comparisons.models import Study
from comparisons.progress import generation_progress, raters_active, rating_progress
from people.rights import ResearcherRequest, Right, needs


@require_safe
@needs(Right.SEE_PROGRESS)
def study_detail(request: ResearcherRequest, study: Study) -> HttpResponse:
    found = snapshots.newest(study, "activity")
    chart = votes_by_day(found.content["days"]) if found.content and found.content["days"] else None
    rate_url = request.build_absolute_uri(reverse("rate:landing", args=[study.key]))
    context = {
        **_images(study),
        **_rating(study, found),
        "rate_url": rate_url,
        "counted": found,
        "charts": {"votes-by-day": chart} if chart else {},
    }
    return render(request, "analysis/study_detail.html", context)


@require_safe
@needs(Right.SEE_PROGRESS)
def study_images(request: ResearcherRequest, study: Study) -> HttpResponse:
    """The section of a study's page that tells how far its images are, for the page to take in anew."""
    return render(request, "analysis/_images.html", _images(study))


@require_safe
@needs(Right.SEE_PROGRESS)
def study_rating(request: ResearcherRequest, study: Study) -> HttpResponse:
    """The section that tells how far its votes are, likewise."""
    rate_url = request.build_absolute_uri(reverse("rate:landing", args=[study.key]))
    context = {"study": _overview(study), "rate_url": rate_url, **_rating(study, snapshots.newest(study, "activity"))}
    return render(request, "analysis/_rating.html", context)


def _images(study: Study) -> dict[str, Any]:
    rows = generation_progress(study)
    return {
        "study": _overview(study),
        "generation": rows,
        "awaited": [row.system for row in rows if row.waits_for_import],
        "lacks_images": any(row.missing for row in rows if not row.waits_for_import),
    }


def _rating(study: Study, found: snapshots.Newest) -> dict[str, Any]:
    rows = rating_progress(study)
    return {
        "rating": [(row, found.content["late"].get(row.key, 0) if found.content else None) for row in rows],
        "elsewhere": activity.made_elsewhere(found.content),
        "votes_left": sum(row.left for row in rows),
        "active": raters_active(study),
        "finish": activity.finish(found.content, rows) if found.content else None,
    }


def _overview(study: Study) -> Any:
    (found,) = overviews(Study.objects.filter(pk=study.pk))
    return found
