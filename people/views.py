"""A study's people and what they did: pages for its owners."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from people import members, rights
from people.audit import Verb
from people.members import MembershipError
from people.models import AuditEntry, Membership
from people.rights import RIGHTS, ResearcherRequest, Right, needs

PER_PAGE = 50


@require_safe
@needs(Right.MANAGE_PEOPLE)
def member_list(request: ResearcherRequest, study: Any) -> HttpResponse:
    return _member_list(request, study)


@require_POST
@needs(Right.MANAGE_PEOPLE)
def grant(request: ResearcherRequest, study: Any) -> HttpResponse:
    name, role = request.POST.get("user", ""), request.POST.get("role", "")
    try:
        user = members.find_user(name)
        is_new = members.grant(study, user, role, actor=request.user)
    except MembershipError as error:
        return _member_list(request, study, error=str(error), name=name, role=role)
    article = "an" if role[0] in "aeiou" else "a"
    messages.success(request, f"{user.username} is {'now' if is_new else 'already'} {article} {role}.")
    return _back(request, study)


@require_POST
@needs(Right.MANAGE_PEOPLE)
def revoke(request: ResearcherRequest, study: Any) -> HttpResponse:
    try:
        user = members.find_user(request.POST.get("user", ""), active=False)
        members.revoke(study, user, actor=request.user)
    except MembershipError as error:
        return _member_list(request, study, error=str(error))
    messages.success(request, f"{user.username} no longer takes part.")
    return _back(request, study)


@require_safe
@needs(Right.MANAGE_PEOPLE)
def activity(request: ResearcherRequest, study: Any) -> HttpResponse:
    """The latest first; a page begins below an entry, since new ones come all the time."""
    entries = AuditEntry.objects.filter(_of(study)).select_related("actor").order_by("-id")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        entries = entries.filter(id__lt=int(before))
    found = list(entries[: PER_PAGE + 1])
    context = {"study": study, "entries": found[:PER_PAGE], "has_earlier": len(found) > PER_PAGE, "before": before}
    return render(request, "people/activity.html", context)


def _of(study: Any) -> Q:
    """Its entries under each name that it had, while it had it: earlier and later ones are of others."""
    own, slug, had = Q(pk__in=[]), study.slug, Q(at__gte=study.created_at)
    renamings = AuditEntry.objects.filter(verb=Verb.CHANGED, details__has_key="before").order_by("-id")
    while renamed := renamings.filter(had, study_slug=slug).first():
        own |= had & Q(study_slug=slug, id__gte=renamed.pk)
        slug, had = renamed.details["before"], Q(at__gte=study.created_at, id__lt=renamed.pk)
    return own | had & Q(study_slug=slug)


def _member_list(request: HttpRequest, study: Any, **typed: str) -> HttpResponse:
    """With an error also what was typed, to be mended."""
    shown = Membership.objects.filter(study=study).select_related("user").order_by("user__username")
    context = {"study": study, "members": shown, "roles": RIGHTS.items(), "all_rights": list(Right), **typed}
    return render(request, "people/members.html", context, status=422 if typed else 200)


def _back(request: ResearcherRequest, study: Any) -> HttpResponse:
    """Who has given up their own role cannot go back to the page."""
    still = Right.MANAGE_PEOPLE in rights.of(request.user, study)
    return redirect("people:members", slug=study.slug) if still else redirect("studies:list")
