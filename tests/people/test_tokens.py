"""Access tokens: what they are good for, and how they end."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from comparisons.models import Study
from people import rights, tokens
from people.models import AuditEntry, Membership, Token
from people.rights import Right, Role
from people.tokens import Bearer, Scope, TokenError

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return User.objects.create_user("ana")


@pytest.fixture
def site(ana: User, client: Client) -> Client:
    client.force_login(ana)
    return client


def make(user: User, name: str = "laptop", scopes: tuple[str, ...] = ("read:votes",)) -> tuple[Token, str]:
    return tokens.make(user, name, scopes, expires=None)


def test_a_secret_stands_for_a_person_within_scopes(ana: User) -> None:
    token, secret = tokens.make(ana, " laptop ", ["read:results", "read:votes"], timezone.now() + timedelta(days=1))
    bearer = tokens.user_of(secret)
    assert bearer == Bearer(token)
    assert (bearer.user, bearer.scopes) == (ana, frozenset({Scope.READ_RESULTS, Scope.READ_VOTES}))
    assert (token.name, token.prefix) == ("laptop", secret[: len(token.prefix)])


def test_the_secret_is_stored_nowhere(ana: User) -> None:
    token, secret = make(ana)
    rest = secret.removeprefix(f"{token.prefix}_")
    assert len(rest) == 43  # 256 bits
    for row in (*Token.objects.values(), *AuditEntry.objects.values()):
        assert rest not in str(row)


@pytest.mark.parametrize("wrong", ["", "x", "evalsite_", "evalsite_00000000_" + "a" * 43, "évalsite_0_\0"])
def test_a_secret_that_is_none(wrong: str, ana: User) -> None:
    make(ana)
    assert tokens.user_of(wrong) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(place=st.integers(0, 60), letter=st.characters(codec="ascii", categories=["L", "N"]))
def test_a_secret_with_another_letter_is_none(place: int, letter: str, ana: User) -> None:
    with transaction.atomic():
        Token.objects.all().delete()
        _, secret = make(ana)
        place %= len(secret)
        changed = secret[:place] + letter + secret[place + 1 :]
        assert (tokens.user_of(changed) is None) == (changed != secret)


def test_tokens_die(ana: User) -> None:
    _, revoked = make(ana, "revoked")
    assert tokens.revoke(Token.objects.get(name="revoked"), ana)
    assert not tokens.revoke(Token.objects.get(name="revoked"), ana)
    _, expired = make(ana, "expired")
    Token.objects.filter(name="expired").update(expires_at=timezone.now())
    _, orphaned = make(ana, "orphaned")
    assert tokens.user_of(orphaned)
    User.objects.update(is_active=False)
    assert [tokens.user_of(secret) for secret in (revoked, expired, orphaned)] == [None, None, None]


def test_use_is_noted_once_a_minute(ana: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    token, secret = make(ana)
    assert token.last_used_at is None
    with django_assert_num_queries(2):
        tokens.user_of(secret)
    token.refresh_from_db()
    first = token.last_used_at
    assert first
    with django_assert_num_queries(1):
        tokens.user_of(secret)
    Token.objects.update(last_used_at=first - timedelta(minutes=1))
    tokens.user_of(secret)
    token.refresh_from_db()
    assert token.last_used_at and token.last_used_at > first


def test_a_token_may_what_its_person_and_its_scopes_may(ana: User, study: Study) -> None:
    Membership.objects.create(user=ana, study=study, role=Role.ANALYST)
    _, secret = make(ana, scopes=("read:results", "write:studies", "write:votes"))
    bearer = tokens.user_of(secret)
    assert bearer
    assert bearer.rights_in(study) == {Right.SEE_RESULTS, Right.EXCLUDE}
    Membership.objects.update(role=Role.OPERATOR)
    assert bearer.rights_in(study) == frozenset()


def test_no_scope_gives_worker_ids_people_or_erasure() -> None:
    given_by_some = frozenset[Right]().union(*tokens.RIGHTS.values())
    never = {Right.SEE_WORKERS, Right.RECRUIT, Right.MANAGE_PEOPLE, Right.ERASE}
    assert set(tokens.RIGHTS) == set(Scope)
    assert given_by_some == rights.RIGHTS[Role.OWNER] - never


@pytest.mark.parametrize(
    ("name", "scopes", "days", "sentence"),
    [
        (" ", ["read:votes"], 1, "The name has 0 characters; allowed: 1 to 60."),
        ("n" * 61, ["read:votes"], 1, "The name has 61 characters; allowed: 1 to 60."),
        ("taken", ["read:votes"], 1, "You have a token named 'taken' already: revoke it, or choose another name."),
        ("new", [], 1, "The scopes are empty; allowed: one or more of read:studies, read:results, read:votes, "),
        ("new", ["read:votes", "all"], 1, "The scopes are 'all'; allowed: one or more of read:studies, "),
        ("new", ["read:votes"], -1, "The token would expire on "),
    ],
)
def test_mistakes(name: str, scopes: list[str], days: int, sentence: str, ana: User) -> None:
    make(ana, "taken")
    with pytest.raises(TokenError) as refusal:
        tokens.make(ana, name, scopes, timezone.now() + timedelta(days=days))
    assert str(refusal.value).startswith(sentence)
    assert Token.objects.count() == AuditEntry.objects.count() == 1


def test_rules_in_the_database(ana: User) -> None:
    token, _ = make(ana)
    with pytest.raises(IntegrityError, match="token_has_name"), transaction.atomic():
        Token.objects.update(name="")
    with pytest.raises(IntegrityError, match="token_has_scopes"), transaction.atomic():
        Token.objects.update(scopes=[])
    with pytest.raises(IntegrityError, match=r"one_token_per_name|people_token.name"), transaction.atomic():
        Token.objects.create(user=ana, name="laptop", prefix="other", sha256="0", scopes=["read:votes"])
    tokens.revoke(token, ana)
    make(ana, "laptop")


def test_the_page_shows_the_secret_once(ana: User, site: Client) -> None:
    form = {"name": "laptop", "scopes": ["read:votes", "read:results"], "days": "30"}
    made = site.post("/account/tokens/", form)
    secret = re.search(r'<code id="secret">(.+?)</code>', made.content.decode())
    token = Token.objects.get()
    assert (token.user, set(token.scopes)) == (ana, {Scope.READ_VOTES, Scope.READ_RESULTS})
    assert secret and tokens.user_of(secret[1]) == Bearer(token)
    assert "no-store" in made["Cache-Control"]
    assert token.expires_at and 29 <= (token.expires_at - timezone.now()).days <= 30
    page = site.get("/account/").content.decode()
    assert token.prefix in page and secret[1] not in page
    again = site.post("/account/tokens/", form)  # as a reload does
    assert again.status_code == 422 and "You have a token named" in again.content.decode()
    site.post(f"/account/tokens/{token.pk}/revoke/")
    assert tokens.user_of(secret[1]) is None
    assert list(AuditEntry.objects.values_list("verb", flat=True)) == ["token_made", "token_revoked"]


@pytest.mark.parametrize("changes", [{"name": ""}, {"name": "\0"}, {"scopes": []}, {"days": "7"}, {"days": "x"}])
def test_a_mistake_keeps_what_was_typed(changes: dict[str, object], site: Client) -> None:
    form = {"name": "laptop", "scopes": ["read:votes"], "days": "365"} | changes
    page = site.post("/account/tokens/", form)
    assert page.status_code == 422
    assert page.context["error"] in page.content.decode().replace("&#x27;", "'")
    assert {"name": page.context["name"], "scopes": page.context["chosen"], "days": page.context["days"]} == form
    assert not Token.objects.exists()


def test_nobody_sees_or_revokes_the_tokens_of_another(ana: User, site: Client) -> None:
    token, secret = make(User.objects.create_user("bob"), "workstation")
    assert "workstation" not in site.get("/account/").content.decode()
    assert site.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    assert tokens.user_of(secret)


def test_the_page_takes_as_many_queries_for_many_tokens_as_for_few(
    ana: User, site: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 20):
        for number in range(count):
            make(ana, f"{count}-{number}")
        with django_assert_num_queries(4):
            site.get("/account/")
