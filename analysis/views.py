"""What researchers see of the studies that they take part in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from analysis import charts
from analysis.overview import overviews
from comparisons.asking import ask_for_images, made_here
from comparisons.models import Study
from comparisons.studies import StudyError
from people import rights
from people.rights import ResearcherRequest, Right, needs


@require_safe
@login_required
def study_list(request: HttpRequest) -> HttpResponse:
    mine = Study.objects.filter(rights.studies_of(request.user))
    return render(request, "analysis/study_list.html", {"studies": overviews(mine)})


@require_POST
@needs(Right.GENERATE)
def retry_images(request: ResearcherRequest, study: Study) -> HttpResponse:
    """As `manage.py generate --retry`."""
    try:
        asked = ask_for_images(study, made_here(study)[0], retry=True, actor=request.user)
    except StudyError as error:
        messages.warning(request, str(error))
    else:
        if asked.trouble:
            messages.warning(request, asked.trouble)
        else:
            more = f", and {asked.new} more made" if asked.new else ""
            messages.success(request, f"{asked.retried} image{pluralize(asked.retried)} will be tried again{more}.")
    return redirect("studies:detail", slug=study.slug)


@require_safe
@gzip_page
@cache_control(public=True, max_age=365 * 24 * 3600, immutable=True)  # its address names its version
def vega(request: HttpRequest) -> HttpResponse:
    return HttpResponse(charts.bundle().read_bytes(), content_type="text/javascript; charset=utf-8")
