"""What researchers see of the studies that they take part in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from analysis import charts
from analysis.overview import overviews
from comparisons.models import Study
from comparisons.studies import image_jobs
from generation import jobs
from people import audit, rights
from people.audit import Verb
from people.rights import ResearcherRequest, Right, needs


@require_safe
@login_required
def study_list(request: HttpRequest) -> HttpResponse:
    mine = Study.objects.filter(rights.studies_of(request.user))
    return render(request, "analysis/study_list.html", {"studies": overviews(mine)})


@require_POST
@needs(Right.GENERATE)
def retry_images(request: ResearcherRequest, study: Study) -> HttpResponse:
    try:
        with transaction.atomic():
            audit.record(Verb.RETRIED, study=study, actor=request.user)
            count = jobs.retry_failed(image_jobs(study))
    except (OperationalError, OSError):
        messages.warning(request, "The images are queued, but no broker answers: start a worker, and it finds them.")
    else:
        messages.success(request, f"{count} image{'' if count == 1 else 's'} will be tried again.")
    return redirect("studies:detail", slug=study.slug)


@require_safe
@gzip_page
@cache_control(public=True, max_age=365 * 24 * 3600, immutable=True)  # its address names its version
def vega(request: HttpRequest) -> HttpResponse:
    return HttpResponse(charts.bundle().read_bytes(), content_type="text/javascript; charset=utf-8")
