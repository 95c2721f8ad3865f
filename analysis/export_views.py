"""A study's votes, and all that its numbers rest on, as files to take away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.contrib import messages
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from analysis.bundle import refusal as bundle_refusal
from analysis.bundle import write_bundle
from analysis.exports import votes_csv as csv_lines
from analysis.exports import write_votes_parquet
from analysis.files import in_temporary_file
from analysis.stats.errors import counted
from analysis.vote_import import VoteImportError, import_upload
from comparisons.models import Study
from comparisons.studies import StudyError
from people import audit
from people.audit import Verb
from people.rights import ResearcherRequest, Right, needs


@require_safe
@needs(Right.EXPORT)
def study_exports(request: ResearcherRequest, study: Study) -> HttpResponse:
    return _page(request, study)


@require_POST
@needs(Right.IMPORT_VOTES)
def import_votes(request: ResearcherRequest, study: Study) -> HttpResponse:
    upload = request.FILES.get("file")
    if upload is None:
        return _page(request, study, ["Choose a file: none came."])
    try:
        done = import_upload(study, upload, request.user)
    except (StudyError, VoteImportError) as error:
        return _page(request, study, str(error).splitlines())
    messages.success(request, f"{counted(done.new, 'vote')} imported, {done.there_already} were there already.")
    return redirect("studies:exports", slug=study.slug)


@require_safe
@needs(Right.EXPORT)
def votes_csv(request: ResearcherRequest, study: Study) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{study.slug}-votes.csv"'}
    _record(request, study, "votes.csv")
    return StreamingHttpResponse(csv_lines(study), content_type="text/csv; charset=utf-8", headers=headers)


@require_safe
@needs(Right.EXPORT)
def votes_parquet(request: ResearcherRequest, study: Study) -> FileResponse:
    kind = "application/vnd.apache.parquet"
    file = in_temporary_file(partial(write_votes_parquet, study))
    _record(request, study, "votes.parquet")
    return FileResponse(file, as_attachment=True, filename=f"{study.slug}-votes.parquet", content_type=kind)


@require_safe
@needs(Right.EXPORT)
def bundle(request: ResearcherRequest, study: Study) -> HttpResponseBase:
    try:
        file = in_temporary_file(partial(write_bundle, study))
    except StudyError as error:
        messages.error(request, str(error))
        return redirect("studies:exports", slug=study.slug)
    _record(request, study, "bundle.zip")
    return FileResponse(file, as_attachment=True, filename=f"{study.slug}.zip", content_type="application/zip")


def _page(request: ResearcherRequest, study: Study, problems: Sequence[str] = ()) -> HttpResponse:
    context = {"study": study, "no_bundle": bundle_refusal(study), "problems": problems}
    return render(request, "analysis/study_exports.html", context, status=422 if problems else 200)


def _record(request: ResearcherRequest, study: Study, file: str) -> None:
    audit.record(Verb.EXPORTED, study=study, actor=request.user, details={"file": file})
