"""Who asks, and what they may do: a token's person, within its scopes."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from comparisons.models import Study
from people import rights, tokens
from people.models import Token
from people.rights import Right
from people.tokens import Bearer

Scope = Token.Scope


class ApiRequest(HttpRequest):
    """What an operation gets."""

    auth: Bearer


class AccessToken(HttpBearer):
    def authenticate(self, request: HttpRequest, token: str) -> Bearer | None:
        return tokens.user_of(token)


def need_scope(request: ApiRequest, scope: Scope) -> None:
    if scope not in request.auth.scopes:
        raise HttpError(403, f"This token lacks the scope {scope.value}.")


def study_of(request: ApiRequest, slug: str, right: Right) -> Study:
    """The study, if the person takes part in it and both they and the token have this right."""
    study = Study.objects.filter(rights.studies_of(request.auth.user), slug=slug).first()
    if study is None:
        raise HttpError(404, f"There is no study {slug!r} in which you take part.")
    if right in request.auth.rights_in(study):
        return study
    if right in rights.of(request.auth.user, study):
        scope = next(scope for scope, given in tokens.RIGHTS.items() if right in given)
        raise HttpError(403, f"This token lacks the scope {scope.value}, which it needs to {right.label}.")
    raise HttpError(403, f"Your role in study {slug!r} does not let you {right.label}.")
