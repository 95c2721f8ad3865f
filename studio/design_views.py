"""A study's design: read, previewed, opened, closed, deleted, made into a new version."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comparisons import studies
from comparisons.models import Study
from comparisons.progress import rating_progress
from comparisons.study_text import study_table, write_study
from people.rights import ResearcherRequest, Right, needs, studies_of
from studio import copies, opening
from studio.draft_views import study_file
from studio.models import WorkingCopy
from studio.preview_views import find_preview
from studio.summary import summary_of


@require_safe
@needs(Right.SEE_PROGRESS)
def design(request: ResearcherRequest, study: Study) -> HttpResponse:
    versions = Study.objects.filter(studies_of(request.user))
    context = {
        "study": study,
        "parts": summary_of(study_table(study.slug, study.design)),
        "design_hash": studies.design_hash(study),
        "predecessor": versions.filter(successors__study=study).first(),
        "successors": versions.filter(working_copy__predecessor=study).order_by("slug"),
        "may_edit": Right.EDIT_DESIGN in request.rights,
        "may_open": Right.OPEN_CLOSE in request.rights,
        **_unsaved(WorkingCopy.objects.of_draft(study)),
    }
    return render(request, "studio/design.html", context)


@require_safe
@needs(Right.SEE_PROGRESS)
def file(request: HttpRequest, study: Study) -> HttpResponse:
    return study_file(write_study(study.slug, study.design), study.slug)


@require_safe
@login_required
def preview(request: ResearcherRequest, key: str) -> HttpResponse:
    """The raters' pages in a frame, with a way to each."""
    found = find_preview(request.user, key)
    kind, _, name = key.partition("-")
    back = reverse("studio:design", args=[name]) if kind == "study" else reverse("studio:edit", args=[int(name)])
    if found is None:
        messages.warning(request, "Raters would see nothing yet: what is missing is said below.")
        return redirect(f"{back}?check=1#checked")
    pages = [(found.address(page), label) for page, label in found.pages]
    return render(request, "studio/preview.html", {"study": found.study, "pages": pages, "back": back})


@require_POST
@needs(Right.EDIT_DESIGN)
def revise(request: ResearcherRequest, study: Study) -> HttpResponse:
    try:
        copy = copies.copy_of(study, request.user)
    except copies.UnkeptError as error:
        messages.warning(request, str(error))
        return redirect("studio:design", slug=study.slug)
    return redirect("studio:edit", copy_id=copy.pk)


@require_POST
@needs(Right.SEE_PROGRESS)
def new_version(request: ResearcherRequest, study: Study) -> HttpResponse:
    try:
        copy = copies.begin_version(study, request.user)
    except copies.UnkeptError as error:
        messages.warning(request, str(error))
        return redirect("studio:design", slug=study.slug)
    messages.success(request, f"A new design with all that {study.slug} says. Nothing of {study.slug} changes.")
    return redirect("studio:edit", copy_id=copy.pk)


@require_http_methods(["GET", "POST"])
@needs(Right.OPEN_CLOSE)
def open_study(request: ResearcherRequest, study: Study) -> HttpResponse:
    if study.state != Study.State.DRAFT:
        messages.warning(request, f"This study is {study.state} already.")
        return redirect("studio:design", slug=study.slug)
    if request.method == "GET":
        copy = WorkingCopy.objects.of_draft(study)
        context = {"study": study, "design_hash": studies.design_hash(study), **_unsaved(copy)}
        return render(request, "studio/open.html", context | {"outlook": opening.outlook(study, copy)})
    if request.POST.get("design_hash") != studies.design_hash(study):
        messages.warning(request, "Not opened: the design was changed since that page was loaded. Look at it again.")
        return redirect("studio:open", slug=study.slug)
    try:
        _tell(request, opening.open_and_ask(study, request.user))
    except studies.StudyError as error:
        messages.warning(request, str(error))
        return redirect("studio:open", slug=study.slug)
    return redirect("studies:detail", slug=study.slug)


def _unsaved(copy: WorkingCopy | None) -> dict[str, object]:
    """A form that says something else than what opens."""
    is_unsaved = copy is not None and copies.has_unsaved(copy)
    return {"unsaved": copy, "has_strayed": copies.has_strayed(copy)} if copy and is_unsaved else {}


def _tell(request: HttpRequest, opened: opening.Opened) -> None:
    messages.success(request, f"The study is open, and {opened.images} images are asked for.")
    if opened.trouble:
        messages.warning(request, opened.trouble)
    for system in opened.awaited:
        messages.warning(request, f"{system.slug} is made elsewhere: bring its images with import_images.")


@require_http_methods(["GET", "POST"])
@needs(Right.OPEN_CLOSE)
def close_study(request: ResearcherRequest, study: Study) -> HttpResponse:
    if study.state != Study.State.OPEN:
        messages.warning(request, f"Only an open study can be closed; this one is {study.state}.")
        return redirect("studio:design", slug=study.slug)
    if request.method == "GET":
        rows = rating_progress(study)
        given, wanted = sum(row.votes for row in rows), sum(row.wanted for row in rows)
        return render(request, "studio/close.html", {"study": study, "given": given, "wanted": wanted})
    opening.close(study, request.user)
    messages.success(request, "The study is closed. Answers to pairs that raters hold now are still kept.")
    return redirect("studies:detail", slug=study.slug)


@require_http_methods(["GET", "POST"])
@needs(Right.EDIT_DESIGN)
def delete(request: ResearcherRequest, study: Study) -> HttpResponse:
    if study.state != Study.State.DRAFT:
        messages.warning(request, f"Only a draft can be deleted; this study is {study.state}.")
        return redirect("studio:design", slug=study.slug)
    if request.method == "GET":
        return render(request, "studio/delete.html", {"study": study})
    try:
        opening.delete(study, request.user)
    except studies.StudyError as error:
        messages.warning(request, str(error))
        return redirect("studio:design", slug=study.slug)
    messages.success(request, f"The draft {study.slug} is deleted.")
    return redirect("studies:list")
