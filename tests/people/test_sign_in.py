"""Signing in and out: guesses are slowed down, sessions are hard to steal."""

from __future__ import annotations

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone
from pytest_django import Settings

from people.models import AuditEntry
from people.sign_in import client_address
from tests.comparisons.browsing import Browser
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def ana(settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one is slow on purpose
    return User.objects.create_user("ana", password=PASSWORD)


def guess(client: Client, times: int, name: str = "ana", address: str = "192.0.2.1") -> list[int]:
    form = {"username": name, "password": "wrong"}
    return [client.post("/login/", form, REMOTE_ADDR=address).status_code for _ in range(times)]


def sign_in(client: Client, address: str = "192.0.2.1", path: str = "/login/") -> int:
    return client.post(path, {"username": "ana", "password": PASSWORD}, REMOTE_ADDR=address).status_code


def test_signing_in_is_noted(client: Client) -> None:
    assert sign_in(client) == 302
    (entry,) = AuditEntry.objects.all()
    assert (entry.who, entry.verb, entry.details) == ("ana", "signed_in", {"address": "192.0.2.1"})


def test_a_wrong_password_is_told_without_saying_what_was_wrong(client: Client) -> None:
    pages = [
        client.post("/login/", {"username": name, "password": "wrong"}).context["form"].errors
        for name in ("ana", "nobody")
    ]
    assert pages[0] == pages[1] != {}


def test_guesses_lock_a_name_from_one_address(client: Client) -> None:
    assert guess(client, 6) == [200, 200, 200, 200, 429, 429]
    locked = client.post("/login/", {"username": "ana", "password": PASSWORD}, REMOTE_ADDR="192.0.2.1")
    assert locked.status_code == 429
    assert 590 <= int(locked["Retry-After"]) <= 600
    assert "Try again in 10 minutes." in locked.content.decode()
    assert sign_in(client, address="192.0.2.2") == 302
    (entry, _) = AuditEntry.objects.order_by("id")
    assert (entry.verb, entry.by, entry.details) == ("sign_in_locked", "somebody at 192.0.2.1", {"user": "ana"})


def test_a_lock_ends_and_is_not_prolonged(client: Client, settings: Settings) -> None:
    guess(client, 5)
    AccessAttempt.objects.update(attempt_time=timezone.now() - settings.AXES_COOLOFF_TIME / 2)
    response = client.post("/login/", {"username": "ana", "password": "wrong"}, REMOTE_ADDR="192.0.2.1")
    assert 290 <= int(response["Retry-After"]) <= 300
    AccessAttempt.objects.update(attempt_time=timezone.now() - settings.AXES_COOLOFF_TIME)
    assert sign_in(client) == 302


def test_who_gets_in_starts_anew(client: Client) -> None:
    guess(client, 4)
    assert sign_in(client) == 302
    client.post("/logout/")
    assert guess(client, 4) == [200] * 4


def test_another_browser_is_the_same_address(client: Client) -> None:
    for browser in range(5):
        answer = client.post(
            "/login/", {"username": "ana", "password": "x"}, REMOTE_ADDR="192.0.2.1", HTTP_USER_AGENT=f"{browser}"
        )
    assert answer.status_code == 429


def test_what_is_nobodys_name_is_not_written_down(client: Client) -> None:
    guess(client, 5, name="my secret password")
    assert AuditEntry.objects.get().details == {}


def test_the_admin_has_the_same_door(client: Client) -> None:
    User.objects.update(is_staff=True)
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1] == ("/login/?next=/admin/", 302)
    assert client.post("/admin/login/", {"username": "ana", "password": PASSWORD}).status_code == 302
    assert client.get("/admin/").status_code == 302
    assert sign_in(client, path="/login/?next=/admin/") == 302
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/login/")["Location"] == "/admin/"


def test_the_admin_is_closed_to_researchers(client: Client, ana: User) -> None:
    client.force_login(ana)
    response = client.get("/admin/", follow=True)
    assert response.status_code == 403
    assert "Only accounts marked as staff" in response.content.decode()


@pytest.mark.parametrize(
    ("https", "forwarded", "direct", "address"),
    [
        (False, "198.51.100.9", "192.0.2.1", "192.0.2.1"),
        (True, "10.0.0.1, 198.51.100.9", "127.0.0.1", "198.51.100.9"),
        (True, "", "192.0.2.1", "192.0.2.1"),
        (True, "2001:db8::7", "127.0.0.1", "2001:db8::7"),
        (True, "nonsense", "127.0.0.1", None),
        (False, "", "", None),
    ],
)
def test_whose_address_counts(https: bool, forwarded: str, direct: str, address: str | None) -> None:
    request = Client().get("/", HTTP_X_FORWARDED_FOR=forwarded, REMOTE_ADDR=direct).wsgi_request
    with override_settings(HTTPS=https):
        assert client_address(request) == address


def test_a_session_is_new_after_signing_in_and_gone_after_signing_out(client: Client) -> None:
    client.session.save()
    before = client.session.session_key
    sign_in(client)
    cookie = client.cookies["sessionid"]
    assert cookie.value != before
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["max-age"] == 7 * 24 * 3600
    assert client.get("/logout/").status_code == 405
    assert client.get("/account/").status_code == 200
    client.post("/logout/")
    assert client.get("/account/").status_code == 302


def test_signing_out_needs_the_page_s_own_form(ana: User) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(ana)
    assert careful.post("/logout/").status_code == 403


def test_a_changed_password_ends_other_sessions(client: Client, ana: User) -> None:
    elsewhere = Client()
    for browser in (client, elsewhere):
        sign_in(browser)
    new = "another long password"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    refused = client.post("/account/password/", form | {"old_password": "wrong"})
    assert "entered incorrectly" in refused.content.decode()
    short = client.post("/account/password/", form | {"new_password1": "short", "new_password2": "short"})
    assert "at least 12 characters" in short.content.decode()
    assert client.post("/account/password/", form)["Location"] == "/account/"
    assert client.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    assert AuditEntry.objects.latest("id").verb == "password_changed"


def test_a_deactivated_account_is_out_at_once(client: Client, ana: User) -> None:
    client.force_login(ana)
    User.objects.update(is_active=False)
    assert client.get("/account/").status_code == 302


def test_raters_have_no_session_of_the_site() -> None:
    rater = Browser(make_open_study()).consent()
    assert "sessionid" not in rater.client.cookies
