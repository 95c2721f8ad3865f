"""Signing in: what the log notes of it, and what somebody sees who guesses passwords."""

from __future__ import annotations

import math
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone

from people import audit
from people.audit import Verb


class SignIn(auth.LoginView):
    template_name = "login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        with transaction.atomic():
            response = super().form_valid(form)
            audit.record(Verb.SIGNED_IN, actor=form.get_user(), details={"address": client_address(self.request)})
        return response


class ChangePassword(auth.PasswordChangeView):
    template_name = "people/password.html"
    success_url = reverse_lazy("people:account")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        with transaction.atomic():
            response = super().form_valid(form)
            audit.record(Verb.PASSWORD_CHANGED, actor=form.user)
        return response


def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin has no door of its own, which would have to be watched as well."""
    if request.user.is_staff:
        return redirect("admin:index")
    if request.user.is_authenticated:
        sentence = "Only accounts marked as staff may open the administration."
        return render(request, "people/refused.html", {"sentence": sentence}, status=403)
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


def locked_out(request: HttpRequest, response: HttpResponse, credentials: Mapping[str, Any] | None) -> HttpResponse:
    """What axes answers with instead of the form."""
    name, address = (credentials or {}).get("username"), client_address(request)
    failures = AccessAttempt.objects.filter(username=name, ip_address=address)
    if getattr(request, "axes_failures_since_start", None):  # the failure that locks, not one that comes after it
        # A name that is nobody's is not written down: it may be a password in the wrong field.
        details = {"user": name} if User.objects.filter(username=name).exists() else {}
        audit.record(Verb.SIGN_IN_LOCKED, by=f"somebody at {address or 'an unknown address'}", details=details)
    latest = failures.aggregate(latest=Max("attempt_time"))["latest"] or timezone.now()
    seconds = max(1, math.ceil((latest + settings.AXES_COOLOFF_TIME - timezone.now()).total_seconds()))
    context = {"minutes": math.ceil(seconds / 60), "failures": settings.AXES_FAILURE_LIMIT}
    told = render(request, "people/locked.html", context, status=429)
    told["Retry-After"] = str(seconds)
    return told


def client_address(request: HttpRequest) -> str | None:
    """Behind TLS there is a proxy, and the last address is the one that it has added; others may be invented."""
    forwarded: str = request.headers.get("X-Forwarded-For", "") if settings.HTTPS else ""
    address = forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")
    try:
        return str(ip_address(address))
    except ValueError:  # such as that of a socket in the file system
        return None
