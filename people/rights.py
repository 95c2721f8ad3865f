"""What each role may do in a study, who has which role, and the guard of a study's pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser, User
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render

from people.models import Membership

Role = Membership.Role
View = Callable[..., HttpResponseBase]


class Right(models.TextChoices):
    """The labels complete the sentence "Only owners may ..."."""

    SEE_PROGRESS = "see_progress", "see how far it is"
    SEE_RESULTS = "see_results", "see its results"
    EXPORT = "export", "export its votes"
    EXCLUDE = "exclude", "exclude and restore votes"
    SEE_WORKERS = "see_workers", "see what ties raters to the ids of a platform"
    GENERATE = "generate", "ask for images"
    RECRUIT = "recruit", "recruit raters"
    OPEN_CLOSE = "open_close", "open and close it"
    EDIT_DESIGN = "edit_design", "change its design"
    MANAGE_PEOPLE = "manage_people", "say who takes part and see who did what"
    ERASE = "erase", "erase raters"
    IMPORT_VOTES = "import_votes", "import votes"


Rights = frozenset[Right]

RIGHTS: dict[Role, Rights] = {
    Role.OWNER: frozenset(Right),
    Role.ANALYST: frozenset({Right.SEE_PROGRESS, Right.SEE_RESULTS, Right.EXPORT, Right.EXCLUDE}),
    Role.OPERATOR: frozenset({Right.SEE_PROGRESS, Right.SEE_WORKERS, Right.GENERATE, Right.RECRUIT}),
}
NONE: Rights = frozenset()


class SignedInRequest(HttpRequest):
    """What a view gets from `login_required`."""

    user: User


class ResearcherRequest(SignedInRequest):
    """What a view gets from `needs`."""

    rights: Rights


def of(user: User | AnonymousUser, study: models.Model) -> Rights:
    """What this person may do in this study; a superuser may do everything everywhere."""
    if not user.is_active:
        return NONE
    if user.is_superuser:
        return RIGHTS[Role.OWNER]
    membership = Membership.objects.filter(user_id=user.pk, study_id=study.pk).first()
    return RIGHTS[Role(membership.role)] if membership else NONE


def studies_of(user: User | AnonymousUser) -> Q:
    """The condition that leaves the studies which this person may see: `Study.objects.filter(studies_of(user))`."""
    if not user.is_active:
        return Q(pk__in=[])
    if user.is_superuser:
        return Q()
    return Q(pk__in=Membership.objects.filter(user_id=user.pk).values("study"))


def needs(right: Right) -> Callable[[View], View]:
    """Guard a page of a study: `view(request, study, ...)` is called for those who have this right.

    Who is not signed in is asked to, a study that one takes no part in does not exist, and who lacks the right is told
    which roles have it. `request.rights`, `rights` in templates, has all that the person may do.
    """

    def guard(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, slug: str, **arguments: Any) -> HttpResponseBase:
            asking = cast("ResearcherRequest", request)
            study = get_object_or_404(_studies().filter(studies_of(asking.user)), slug=slug)
            asking.rights = of(asking.user, study)
            if right not in asking.rights:
                refusal = {"study": study, "sentence": _refusal(right)}
                return render(request, "people/refused.html", refusal, status=403)
            return view(asking, study, **arguments)

        return guarded

    return guard


def in_templates(request: HttpRequest) -> dict[str, Rights]:
    """Context processor: no query, and nothing on pages that `needs` does not guard."""
    return {"rights": getattr(request, "rights", NONE)}


def _refusal(right: Right) -> str:
    allowed = " and ".join(f"{role.label.lower()}s" for role, rights in RIGHTS.items() if right in rights)
    return f"Only {allowed} of this study may {right.label}."


def _studies() -> models.QuerySet[Any]:
    """Studies are made above this room, which knows them by the name of their table only."""
    study: Any = Membership._meta.get_field("study").related_model
    return cast("models.QuerySet[Any]", study.objects.all())
