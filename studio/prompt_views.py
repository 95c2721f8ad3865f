"""Prompts brought while a study is designed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from people.rights import ResearcherRequest
from studio import copies
from studio.draft_views import of_copy
from studio.models import WorkingCopy
from studio.prompt_files import PromptsError, bring_prompts, prompt_sets


@require_http_methods(["GET", "POST"])
@of_copy
def prompts(request: ResearcherRequest, copy: WorkingCopy) -> HttpResponse:
    problems = {}
    if request.method == "POST":
        try:
            prompt_set, is_new = bring_prompts(request.POST.dict(), request.FILES.get("file"), request.user)
            copies.keep(copy, copy.content | {"prompt_set": prompt_set.slug}, copy.version)
        except PromptsError as error:
            problems = {error.place: str(error)}
        except copies.Overtaken:
            messages.warning(request, "The prompts are here, and the design was changed meanwhile: choose them below.")
            return redirect("studio:edit", copy_id=copy.pk)
        else:
            verb = "are here now" if is_new else "were here already"
            messages.success(request, f"The {prompt_set.prompts.count()} prompts of {prompt_set.slug} {verb}.")
            return redirect("studio:edit", copy_id=copy.pk)
    context = {"copy": copy, "sets": prompt_sets(), "typed": request.POST, "problems": problems}
    return render(request, "studio/prompts.html", context, status=422 if problems else 200)
