"""Who a token stands for."""

from __future__ import annotations

from datetime import datetime

from ninja import Router, Schema
from pydantic import Field

from api.access import ApiRequest, Scope
from api.problems import Problem
from people.models import Membership

router = Router(tags=["Token"])


class Role(Schema):
    study: str
    role: Membership.Role


class Me(Schema):
    user: str
    is_superuser: bool = Field(description="Then every study is theirs, whatever `roles` says.")
    token: str = Field(description="The name that was given to it.")
    scopes: list[Scope]
    expires_at: datetime | None
    roles: list[Role]


@router.get("/me", response={200: Me, 401: Problem}, operation_id="get_me", summary="What this token is")
def get_me(request: ApiRequest) -> Me:
    """Needs no scope."""
    user, token = request.auth.user, request.auth.token
    held = Membership.objects.filter(user=user).order_by("study__slug").values_list("study__slug", "role")
    return Me(
        user=user.get_username(),
        is_superuser=user.is_superuser,
        token=token.name,
        scopes=[Scope(scope) for scope in token.scopes],
        expires_at=token.expires_at,
        roles=[Role(study=study, role=Membership.Role(role)) for study, role in held],
    )
