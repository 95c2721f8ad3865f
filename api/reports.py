"""What is taken away whole: the report, the votes as a file, and the bundle that numbers can be recomputed from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from ninja import Router
from ninja.errors import HttpError

from analysis.bundle import write_bundle
from analysis.exports import votes_csv, write_votes_parquet
from analysis.files import in_temporary_file
from analysis.reporting.content import report
from analysis.reporting.folder import zipped
from analysis.reporting.html import stored
from analysis.reporting.pdf import pdf
from analysis.reporting.source import NotComputedError, stored_source
from api.access import ApiRequest, study_of
from api.files import binary
from api.problems import problems
from comparisons.models import Study
from people import audit
from people.audit import Verb
from people.rights import Right

router = Router(tags=["Reports and exports"])
T = TypeVar("T")
PARQUET = "application/vnd.apache.parquet"


@router.get(
    "/studies/{slug:slug}/report.html",
    response=problems(409),
    operation_id="report_html",
    summary="The report as a page",
    openapi_extra=binary("text/html"),
)
def report_html(request: ApiRequest, slug: str) -> HttpResponse:
    """Needs no other file. Scope: read:results."""
    study = study_of(request, slug, Right.SEE_RESULTS)
    page = _or_conflict(partial(stored, is_file=True), study)
    _note(request, study, "report.html")
    return HttpResponse(page)


@router.get(
    "/studies/{slug:slug}/report.pdf",
    response=problems(409),
    operation_id="report_pdf",
    summary="The report as a paper",
    openapi_extra=binary("application/pdf"),
)
def report_pdf(request: ApiRequest, slug: str) -> HttpResponse:
    """Scope: read:results."""
    study = study_of(request, slug, Right.SEE_RESULTS)
    content = pdf(report(_or_conflict(stored_source, study))).content
    _note(request, study, "report.pdf")
    return HttpResponse(content, content_type="application/pdf")


@router.get(
    "/studies/{slug:slug}/report.zip",
    response=problems(409),
    operation_id="report_zip",
    summary="The report with its votes, tables and figures",
    openapi_extra=binary("application/zip"),
)
def report_zip(request: ApiRequest, slug: str) -> FileResponse:
    """Scope: read:votes."""
    study = study_of(request, slug, Right.EXPORT)
    archive = zipped(_or_conflict(stored_source, study))
    _note(request, study, "report.zip")
    return FileResponse(archive, as_attachment=True, filename=f"{slug}-report.zip", content_type="application/zip")


@router.get(
    "/studies/{slug:slug}/votes.csv",
    response=problems(),
    operation_id="votes_csv",
    summary="All votes that stand, as CSV",
    openapi_extra=binary("text/csv"),
)
def votes_as_csv(request: ApiRequest, slug: str) -> StreamingHttpResponse:
    """What `python -m analysis` reads. Scope: read:votes."""
    study = study_of(request, slug, Right.EXPORT)
    _note(request, study, "votes.csv")
    return StreamingHttpResponse(votes_csv(study), content_type="text/csv; charset=utf-8")


@router.get(
    "/studies/{slug:slug}/votes.parquet",
    response=problems(),
    operation_id="votes_parquet",
    summary="All votes that stand, as Parquet",
    openapi_extra=binary(PARQUET),
)
def votes_as_parquet(request: ApiRequest, slug: str) -> FileResponse:
    """Scope: read:votes."""
    study = study_of(request, slug, Right.EXPORT)
    file = in_temporary_file(partial(write_votes_parquet, study))
    _note(request, study, "votes.parquet")
    return FileResponse(file, as_attachment=True, filename=f"{slug}-votes.parquet", content_type=PARQUET)


@router.get(
    "/studies/{slug:slug}/bundle.zip",
    response=problems(409),
    operation_id="bundle",
    summary="Everything that the numbers rest on",
    openapi_extra=binary("application/zip"),
)
def bundle(request: ApiRequest, slug: str) -> FileResponse:
    """`python -m analysis bundle.zip` recomputes every number of it. Scope: read:votes."""
    study = study_of(request, slug, Right.EXPORT)
    file = in_temporary_file(partial(write_bundle, study))
    _note(request, study, "bundle.zip")
    return FileResponse(file, as_attachment=True, filename=f"{slug}.zip", content_type="application/zip")


def _or_conflict(read: Callable[[Study], T], study: Study) -> T:
    try:
        return read(study)
    except NotComputedError:
        raise HttpError(
            409, "Its numbers are not computed yet: a worker was asked to; ask again in a minute."
        ) from None


def _note(request: ApiRequest, study: Study, file: str) -> None:
    audit.record(Verb.EXPORTED, study=study, actor=request.auth.user, details={"file": file})
