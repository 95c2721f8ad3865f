"""Access tokens: a person's rights for a program, within scopes."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from people import audit, rights
from people.audit import Verb
from people.models import Token
from people.rights import Right, Rights

Scope = Token.Scope

RIGHTS: dict[Scope, Rights] = {
    Scope.READ_STUDIES: frozenset({Right.SEE_PROGRESS}),
    Scope.READ_RESULTS: frozenset({Right.SEE_RESULTS}),
    Scope.READ_VOTES: frozenset({Right.EXPORT}),
    Scope.WRITE_STUDIES: frozenset({Right.EDIT_DESIGN, Right.OPEN_CLOSE}),
    Scope.WRITE_IMAGES: frozenset({Right.GENERATE}),
    Scope.WRITE_VOTES: frozenset({Right.EXCLUDE, Right.IMPORT_VOTES}),
}
NOTED_EVERY = timedelta(minutes=1)
_FORM = re.compile(r"(?P<prefix>evalsite_[0-9a-f]{8})_[A-Za-z0-9_-]{43}")  # scanners for leaked secrets can know one


class TokenError(Exception):
    """One sentence for the person: which field of the new token is wrong, and what is allowed."""


class Bearer(NamedTuple):
    """Whom a secret stands for, and for what."""

    token: Token

    @property
    def user(self) -> User:
        return self.token.user

    @property
    def scopes(self) -> frozenset[Scope]:
        return frozenset(map(Scope, self.token.scopes))

    def rights_in(self, study: models.Model) -> Rights:
        """What the person may do in this study and the token may do for them."""
        within = frozenset[Right]().union(*(RIGHTS[scope] for scope in self.scopes))
        return rights.of(self.user, study) & within


@transaction.atomic
def make(user: User, name: str, scopes: Collection[str], expires: datetime | None) -> tuple[Token, str]:
    """The token and its secret, which nobody can read again."""
    name, chosen = name.replace("\0", "").strip(), _chosen(scopes)
    if not 1 <= len(name) <= 60:
        raise TokenError(f"The name has {len(name)} characters; allowed: 1 to 60.")
    if expires is not None and expires <= timezone.now():
        raise TokenError(f"The token would expire on {expires:%Y-%m-%d}; allowed: a day in the future, or never.")
    prefix = f"evalsite_{secrets.token_hex(4)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    try:
        with transaction.atomic():
            token = Token.objects.create(
                user=user, name=name, prefix=prefix, sha256=_sha256(secret), scopes=chosen, expires_at=expires
            )
    except IntegrityError:
        raise TokenError(f"You have a token named {name!r} already: revoke it, or choose another name.") from None
    details = {"token": str(token), "scopes": ", ".join(chosen), "expires": expires and expires.date()}
    audit.record(Verb.TOKEN_MADE, actor=user, details=details)
    return token, secret


def _chosen(scopes: Collection[str]) -> list[str]:
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        found = ", ".join(map(repr, unknown)) or "empty"
        raise TokenError(f"The scopes are {found}; allowed: one or more of {', '.join(Scope.values)}.")
    return [scope for scope in Scope.values if scope in scopes]


def user_of(secret: str) -> Bearer | None:
    """Whom a secret stands for, None for one that is unknown, revoked, expired or of a deactivated account.

    The prefix finds the row. What decides, the hash of the whole, is compared in constant time, also where no row is.
    """
    form = _FORM.fullmatch(secret)
    if form is None:
        return None
    token = Token.objects.alive().select_related("user").filter(prefix=form["prefix"]).first()
    same = secrets.compare_digest(_sha256(secret), token.sha256 if token else _sha256(""))
    if token is None or not same:
        return None
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at <= now - NOTED_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return Bearer(token)


@transaction.atomic
def revoke(token: Token, actor: User) -> bool:
    """False: it had been revoked before."""
    revoked = Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
    if revoked:
        audit.record(Verb.TOKEN_REVOKED, actor=actor, details={"token": str(token)})
    return revoked == 1


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
