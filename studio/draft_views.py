"""The form of a study: begun, kept as it is typed, checked, saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comparisons.models import Study
from comparisons.study_file import StudyFileError
from generation.models import Prompt
from people import rights
from people.rights import ResearcherRequest, Right, studies_of
from studio import copies, editing
from studio.bound import bind, bind_plan, element_id, suggestions
from studio.estimate import Estimate, estimate
from studio.models import WorkingCopy
from studio.prompt_files import prompt_sets
from studio.typed import Content, Problem, typed_in

View = Callable[..., HttpResponse]
FROZEN = "This study has been opened, and its design is frozen. Make a new version to change it."


def of_copy(view: View) -> View:
    """The view gets a working copy that this person may change; one of others does not exist."""

    @never_cache
    @login_required
    @wraps(view)
    def guarded(request: ResearcherRequest, copy_id: int) -> HttpResponse:
        copy = get_object_or_404(WorkingCopy.objects.seen_by(request.user), id=copy_id)
        if copy.study and Right.EDIT_DESIGN not in rights.of(request.user, copy.study):
            refusal = {"study": copy.study, "sentence": "Only owners of this study may change its design."}
            return render(request, "people/refused.html", refusal, status=403)
        return view(request, copy)

    return guarded


@require_http_methods(["GET", "POST"])
@login_required
def start(request: ResearcherRequest) -> HttpResponse:
    """A new study: with common settings, or from a study file. What was begun before is listed."""
    problem = ""
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            copy = (
                copies.begin_from_file(request.user, file.read(copies.MOST_FILE_BYTES + 1), file.name or "study file")
                if file
                else copies.begin(request.user)
            )
            return redirect("studio:edit", copy_id=copy.pk)
        except StudyFileError as error:
            problem = str(error)
    begun = WorkingCopy.objects.unsaved_by(request.user)
    return render(request, "studio/start.html", {"begun": begun, "problem": problem}, status=422 if problem else 200)


@require_http_methods(["GET", "POST"])
@of_copy
def edit(request: ResearcherRequest, copy: WorkingCopy) -> HttpResponse:
    if copy.study and copy.is_frozen:
        messages.warning(request, FROZEN)
        return redirect("studio:design", slug=copy.study.slug)
    if request.method == "GET":
        problems = copies.trial(copy, request.user) if "check" in request.GET else []
        return _form(request, copy, copy.content, problems, is_checked="check" in request.GET)
    content = typed_in(request.POST, request.POST.getlist)
    try:
        where = editing.act(copy, content, request.POST, request.user)
    except copies.Overtaken:
        copy.refresh_from_db()
        return _form(request, copy, content, [], is_overtaken=True)
    except editing.Refused as error:
        messages.warning(request, str(error))
        where = reverse("studio:edit", args=[copy.pk])
    return redirect(where)


def _form(
    request: ResearcherRequest, copy: WorkingCopy, content: Content, problems: list[Problem], **facts: bool
) -> HttpResponse:
    user = request.user
    sets = [(row.slug, f"{row.slug}: {row.prompt_count} prompts") for row in prompt_sets()]
    context = {
        "copy": copy,
        "sections": bind(content, problems, (("", "Choose…"), *sets)),
        "plan": bind_plan(content),
        "estimate": _estimate(content),
        "problems": [(element_id(problem.place), problem) for problem in problems],
        "suggestions": suggestions(content),
        "catalogue": editing.catalogue_rows(),
        "systems": editing.known_systems(user),
        "pilots": editing.pilots(user),
        "has_strayed": copies.has_strayed(copy),
        "predecessor": _predecessor(copy, user),
        **facts,
    }
    return render(request, "studio/edit.html", context, status=409 if facts.get("is_overtaken") else 200)


def _predecessor(copy: WorkingCopy, user: User) -> Study | None:
    """Where this person may see it."""
    if copy.predecessor_id is None:
        return None
    return Study.objects.filter(studies_of(user), pk=copy.predecessor_id).first()


@require_POST
@of_copy
def typed(request: HttpRequest, copy: WorkingCopy) -> JsonResponse:
    """For the script: keep what was typed, and say what it means."""
    if copy.is_frozen:
        return JsonResponse({"error": FROZEN}, status=409)
    content = typed_in(request.POST, request.POST.getlist)
    try:
        copies.keep(copy, content, editing.version_in(request.POST))
    except copies.Overtaken:
        return JsonResponse({"error": editing.OVERTAKEN}, status=409)
    _, problems = copies.problems_of(content)
    found = _estimate(content)
    return JsonResponse(
        {
            "version": copy.version,
            "problems": {problem.place: problem.sentence for problem in problems},
            "figures": dict(found.figures),
            "notes": [*found.notes, *([found.missing] if found.missing else [])],
        }
    )


def _estimate(content: Mapping[str, Any]) -> Estimate:
    slug = str(content.get("prompt_set", "")).strip()
    return estimate(dict(content), Prompt.objects.filter(prompt_set__slug=slug).count())


@require_safe
@of_copy
def file(request: HttpRequest, copy: WorkingCopy) -> HttpResponse:
    try:
        text = copies.as_file(copy)
    except copies.DesignError:
        messages.warning(request, "This is no study yet, so there is no file of it. What is missing is said below.")
        return redirect(f"{reverse('studio:edit', args=[copy.pk])}?check=1")
    return study_file(text, str(copy))


def study_file(text: str, slug: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{slug}.toml"'}
    return HttpResponse(text, content_type="application/toml; charset=utf-8", headers=headers)


@require_http_methods(["GET", "POST"])
@of_copy
def discard(request: HttpRequest, copy: WorkingCopy) -> HttpResponse:
    """Of a design that has not been saved; a draft is deleted with its study."""
    if copy.study:
        return redirect("studio:delete", slug=copy.study.slug)
    if request.method == "POST":
        copy.delete()
        messages.success(request, "The design is gone.")
        return redirect("studio:start")
    return render(request, "studio/discard.html", {"copy": copy})
