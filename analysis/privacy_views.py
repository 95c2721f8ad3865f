"""Finding somebody by the id that their platform gave them, and forgetting them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from analysis.stats.errors import listed
from comparisons import erasure
from comparisons.erasure import Erasure
from comparisons.exclusions import LONGEST_REASON
from comparisons.models import Study
from people.rights import ResearcherRequest, Right, needs

SURE = "erase"


@require_POST  # an id in an address would be written into logs
@needs(Right.SEE_WORKERS)
def find_rater(request: ResearcherRequest, study: Study) -> HttpResponse:
    rater = erasure.find_by_worker(study, request.POST.get("worker", ""))
    if rater is None:
        messages.warning(request, "Nobody with this id is known here: they never took part, or have been erased.")
        return redirect("studies:raters", slug=study.slug)
    return redirect("studies:rater", slug=study.slug, session_id=study.sessions.get(rater=rater).pk)


@require_POST
@needs(Right.ERASE)
def erase(request: ResearcherRequest, study: Study, session_id: int) -> HttpResponse:
    session = get_object_or_404(study.sessions.select_related("rater"), id=session_id)
    if request.POST.get("sure", "").strip() != SURE:
        messages.warning(request, f"Nothing was changed: type {SURE}, since it cannot be undone.")
    else:
        typed = request.POST.get("reason", "").replace("\0", "")  # which PostgreSQL does not take
        reason = typed.strip()[:LONGEST_REASON]
        messages.success(request, _told(erasure.erase(session.rater, reason, actor=request.user)))
    return redirect("studies:rater", slug=study.slug, session_id=session_id)


def _told(erased: Erasure) -> str:
    """Other studies are named only where votes were left out: whoever erases may know of no others."""
    left_out = [session.study for session in erased.sessions if session.is_excluded]
    where = f" Their votes are left out of {listed(left_out)}." if left_out else ""
    return f"Erased.{where} Files that were exported before still have the session’s former id."
