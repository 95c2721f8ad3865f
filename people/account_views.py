"""A person's own account: their access tokens."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from people import tokens
from people.models import Membership, Token
from people.rights import SignedInRequest
from people.tokens import TokenError

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year", "": "until I revoke it"}


@require_safe
@login_required
def account(request: SignedInRequest) -> HttpResponse:
    return _account(request)


@require_POST
@never_cache  # the answer holds a secret
@login_required
def make_token(request: SignedInRequest) -> HttpResponse:
    name, scopes, days = (request.POST.get("name", ""), request.POST.getlist("scopes"), request.POST.get("days", "90"))
    try:
        token, secret = tokens.make(request.user, name, scopes, _expiry(days))
    except TokenError as error:
        return _account(request, status=422, error=str(error), name=name, chosen=scopes, days=days)
    return _account(request, made=token, secret=secret)


@require_POST
@login_required
def revoke_token(request: SignedInRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(Token, pk=token_id, user=request.user)
    if tokens.revoke(token, request.user):
        messages.success(request, f"{token} is revoked: no program gets in with it any more.")
    else:
        messages.warning(request, f"{token} had been revoked already.")
    return redirect("people:account")


def _account(request: SignedInRequest, status: int = 200, **more: object) -> HttpResponse:
    context = {
        "tokens": Token.objects.filter(user=request.user, revoked_at=None).order_by("-id"),
        "memberships": Membership.objects.filter(user=request.user).select_related("study").order_by("study__slug"),
        "scopes": Token.Scope.choices,
        "lifetimes": LIFETIMES,
        "days": "90",
        **more,
    }
    return render(request, "people/account.html", context, status=status)


def _expiry(days: str) -> datetime | None:
    if days not in LIFETIMES:
        raise TokenError(f"It would end after {days!r} days; allowed: {', '.join(LIFETIMES.values())}.")
    return timezone.now() + timedelta(days=int(days)) if days else None
