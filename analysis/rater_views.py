"""A study's raters: their pages, and what a researcher decides about them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from analysis import raters, snapshots
from analysis.filter_fields import id_named
from comparisons import exclusions
from comparisons.models import Exclusion, RaterSession, Study, Vote
from people.rights import ResearcherRequest, Right, needs


@require_safe
@needs(Right.SEE_PROGRESS)
def rater_list(request: ResearcherRequest, study: Study) -> HttpResponse:
    found = snapshots.newest(study, "quality")
    agreement = (found.content or {}).get("agreement", {})
    page, rows = raters.rater_page(study, request.GET.get("page"), agreement)
    context = {
        "study": study,
        "page": page,
        "rows": rows,
        "found": found,
        "name": raters.names_of_raters(study),
        **raters.totals(study),
    }
    return render(request, "analysis/rater_list.html", context)


@require_safe
@needs(Right.SEE_PROGRESS)
def reported_pairs(request: ResearcherRequest, study: Study) -> HttpResponse:
    context = {"study": study, "page": raters.report_page(study, request.GET.get("page"))}
    return render(request, "analysis/reported_pairs.html", context)


@require_safe
@needs(Right.SEE_PROGRESS)
def rater_detail(request: ResearcherRequest, study: Study, session_id: int) -> HttpResponse:
    """The answers, which name systems, are left out by the template for those who may not see results."""
    session = _session(study, session_id)
    page, answers = raters.answer_page(session, request.GET.get("page"))
    row = raters.rater_row(session)
    context = {
        "study": study,
        "row": row,
        "breaches": raters.breaches(row),
        "page": page,
        "answers": answers,
        "history": raters.history(session),
    }
    return render(request, "analysis/rater_detail.html", context)


@require_POST
@needs(Right.EXCLUDE)
def exclude(request: ResearcherRequest, study: Study, session_id: int) -> HttpResponse:
    """The whole session, or with `vote` one of its answers."""
    session = _session(study, session_id)
    target: RaterSession | Vote = session
    if chosen := request.POST.get("vote"):
        target = get_object_or_404(Vote.objects.of_session(session), id=id_named(chosen))
    if reason := _reason(request):
        if exclusions.exclude(target, reason, request.user):
            messages.success(request, "Left out of every number from now on. Nothing was deleted.")
        else:
            messages.warning(request, "That was left out already.")
    return _back(request, study, session_id)


@require_POST
@needs(Right.EXCLUDE)
def restore(request: ResearcherRequest, study: Study, exclusion_id: int) -> HttpResponse:
    exclusion = get_object_or_404(Exclusion.objects.of_study(study), id=exclusion_id)
    session_id = exclusion.vote.assignment.session_id if exclusion.vote else exclusion.session_id
    if reason := _reason(request):
        if exclusions.restore(exclusion, reason, request.user):
            messages.success(request, "Counted again. The rules will not exclude it anew.")
        else:
            messages.warning(request, "That had been restored already.")
    return _back(request, study, session_id)


def _back(request: HttpRequest, study: Study, session_id: int | None) -> HttpResponse:
    """To the page of the vote on which it was decided, or else to the rater's."""
    if page := id_named(request.POST.get("page", "")):
        return redirect("studies:vote", slug=study.slug, vote_id=page)
    return redirect("studies:rater", slug=study.slug, session_id=session_id)


def _session(study: Study, session_id: int) -> RaterSession:
    return get_object_or_404(study.sessions.select_related("study", "rater"), id=session_id)


def _reason(request: HttpRequest) -> str:
    """Empty, with a message, where none was given."""
    reason = request.POST.get("reason", "").replace("\0", "").strip()  # NUL: PostgreSQL does not take it
    if not reason:
        messages.warning(request, "Nothing was changed: say why.")
    return reason
