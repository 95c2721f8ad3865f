"""How a study's raters come, and how they are paid."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from analysis import crowds, recruitment_pages
from analysis.files import short_name
from comparisons.inviting import invite_people
from comparisons.models import Study
from comparisons.payment import Payment
from comparisons.payments_file import payments_csv
from comparisons.reconciling import Reconciliation, compare_books
from comparisons.studies import StudyError
from comparisons.submissions import BookError
from people.rights import ResearcherRequest, Right, needs

MOST_INVITATIONS = 1_000  # that one page shows
MOST_FILE_BYTES = 20_000_000


@require_safe
@needs(Right.RECRUIT)
def study_recruitment(request: ResearcherRequest, study: Study) -> HttpResponse:
    return _page(request, study)


@require_POST
@never_cache  # the answer holds secrets
@needs(Right.RECRUIT)
def invite(request: ResearcherRequest, study: Study) -> HttpResponse:
    typed = request.POST.get("count", "").strip()
    try:
        made = invite_people(study, _number(typed), _address(request, study), actor=request.user)
    except StudyError as error:
        return _page(request, study, status=422, invitation_problem=str(error), typed=typed)
    return _page(request, study, made=made, made_file=_data_url("text/plain", "".join(f"{each}\n" for each in made)))


@require_POST
@never_cache  # the answer holds ids of people
@needs(Right.SEE_WORKERS)
def reconcile(request: ResearcherRequest, study: Study) -> HttpResponse:
    try:
        with _uploaded(request.FILES.get("file")) as file:
            found = compare_books(study, file, actor=request.user)
    except (BookError, StudyError) as error:
        return _page(request, study, status=422, book_problem=str(error))
    return _page(request, study, **_compared(found))


def _page(request: ResearcherRequest, study: Study, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        **recruitment_pages.content(study, _address(request, study)),
        "invitations": crowds.invitations(study) if study.protocol.recruitment.platform == "invitation" else None,
        "most_invitations": MOST_INVITATIONS,
        **more,
    }
    return render(request, "analysis/study_recruitment.html", context, status=status)


def _address(request: ResearcherRequest, study: Study) -> str:
    return request.build_absolute_uri(reverse("rate:landing", args=[study.key]))


def _number(typed: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", typed) or not 1 <= int(typed) <= MOST_INVITATIONS:
        raise StudyError(f"Found {typed[:40]!r}; allowed: a whole number from 1 to {MOST_INVITATIONS}.")
    return int(typed)


@contextmanager
def _uploaded(file: UploadedFile[Any] | None) -> Iterator[Path]:
    """For as long as it is read it lies in a folder under its own name, which sentences about it say."""
    if file is None:
        raise BookError("No file was chosen.")
    if (file.size or 0) > MOST_FILE_BYTES:
        raise BookError(f"{file.name}: has {file.size} bytes; allowed: {MOST_FILE_BYTES}.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / short_name(file.name or "")
        path.write_bytes(file.read())
        yield path


def _compared(found: Reconciliation) -> dict[str, Any]:
    return {
        "found": found,
        "rows": sum(line.submission is not None for line in found.lines),
        "different": [line for line in found.lines if line.differences],
        "alike": [line for line in found.lines if not line.differences],
        "payments": [(payment, found.count(payment)) for payment in Payment],
        "payments_file": _data_url("text/csv", payments_csv(found)),
    }


def _data_url(media_type: str, text: str) -> str:
    """A file that is in the page itself, as it is kept nowhere else."""
    return f"data:{media_type};charset=utf-8,{quote(text)}"
