"""A study's raters: their pages, and what a researcher decides about them."""

from __future__ import annotations

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from analysis import raters
from analysis.views import for_researchers
from comparisons.models import Exclusion, RaterSession, Study, Vote

LONGEST_REASON = 300


@require_safe
@for_researchers
def rater_list(request: HttpRequest, slug: str) -> HttpResponse:
    study = get_object_or_404(Study, slug=slug)
    page, rows = raters.rater_page(study, request.GET.get("page"))
    context = {"study": study, "page": page, "rows": rows, "reports": raters.reports(study), **raters.totals(study)}
    return render(request, "analysis/rater_list.html", context)


@require_safe
@for_researchers
def rater_detail(request: HttpRequest, slug: str, session_id: int) -> HttpResponse:
    session = _session(slug, session_id)
    page, answers = raters.answer_page(session, request.GET.get("page"))
    context = {
        "study": session.study,
        "row": raters.rater_row(session),
        "page": page,
        "answers": answers,
        "history": raters.history(session),
    }
    return render(request, "analysis/rater_detail.html", context)


@require_POST
@for_researchers
def exclude(request: HttpRequest, slug: str, session_id: int) -> HttpResponse:
    """The whole session, or with `vote` one of its answers."""
    session = _session(slug, session_id)
    exclusion = Exclusion(session=session)
    if chosen := request.POST.get("vote"):
        votes = Vote.objects.filter(assignment__session=session)
        exclusion = Exclusion(vote=get_object_or_404(votes, id=int(chosen) if chosen.isdecimal() else 0))
    if reason := _reason(request):
        exclusion.reason, exclusion.created_by_id = reason, request.user.pk
        try:
            with transaction.atomic():
                exclusion.save()
            messages.success(request, "Left out of every number from now on. Nothing was deleted.")
        except IntegrityError:
            messages.warning(request, "That was left out already.")
    return redirect("studies:rater", slug=slug, session_id=session_id)


@require_POST
@for_researchers
def restore(request: HttpRequest, slug: str, exclusion_id: int) -> HttpResponse:
    exclusion = get_object_or_404(Exclusion.objects.of_study(get_object_or_404(Study, slug=slug)), id=exclusion_id)
    session_id = exclusion.vote.assignment.session_id if exclusion.vote else exclusion.session_id
    if reason := _reason(request):
        if exclusion.revoke(request.user.pk, reason):
            messages.success(request, "Counted again. The rules will not exclude it anew.")
        else:
            messages.warning(request, "That had been restored already.")
    return redirect("studies:rater", slug=slug, session_id=session_id)


def _session(slug: str, session_id: int) -> RaterSession:
    sessions = RaterSession.objects.select_related("study", "rater")
    return get_object_or_404(sessions, id=session_id, study__slug=slug)


def _reason(request: HttpRequest) -> str:
    """Empty, with a message, where none was given."""
    reason = request.POST.get("reason", "").strip()
    if not reason:
        messages.warning(request, "Nothing was changed: say why.")
    return reason[:LONGEST_REASON]
