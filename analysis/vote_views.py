"""The votes behind the numbers: those that a filter chooses, each with its two pictures."""

from __future__ import annotations

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analysis import exports
from analysis.filter_fields import id_named
from analysis.vote_filters import VoteFilterForm, chosen_votes
from analysis.vote_pages import vote_detail as find_vote
from analysis.vote_pages import vote_page
from comparisons.models import Study
from people import audit
from people.audit import Verb
from people.rights import ResearcherRequest, Right, needs


@require_safe
@needs(Right.SEE_RESULTS)
def vote_list(request: ResearcherRequest, study: Study) -> HttpResponse:
    form = VoteFilterForm(study, request.GET)
    before = id_named(request.GET.get("before", ""))
    query = request.GET.copy()
    query.pop("before", None)
    context = {"study": study, "form": form, "is_newest": before is None, "query": query.urlencode()}
    if not form.is_valid():
        return render(request, "analysis/vote_list.html", context, status=400)
    context["page"] = vote_page(study, form.cleaned_data, before)
    return render(request, "analysis/vote_list.html", context)


@require_safe
@needs(Right.EXPORT)
def chosen_csv(request: ResearcherRequest, study: Study) -> HttpResponseBase:
    form = VoteFilterForm(study, request.GET)
    if not form.is_valid():
        sentences = [str(sentence) for errors in form.errors.values() for sentence in errors]
        return HttpResponse("\n".join(sentences), status=400, content_type="text/plain; charset=utf-8")
    details = {"file": "chosen votes", "filter": request.GET.urlencode()}
    audit.record(Verb.EXPORTED, study=study, actor=request.user, details=details)
    headers = {"Content-Disposition": f'attachment; filename="{study.slug}-chosen-votes.csv"'}
    lines = exports.votes_csv(study, chosen_votes(study, form.cleaned_data))
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


@require_safe
@needs(Right.SEE_RESULTS)
def vote_detail(request: ResearcherRequest, study: Study, vote_id: int) -> HttpResponse:
    if (found := find_vote(study, vote_id)) is None:
        raise Http404("no such vote in this study")
    return render(request, "analysis/vote_detail.html", {"study": study, "found": found, "vote": found.row.vote})
