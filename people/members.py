"""Who takes part in a study, and in which role. A study that has an owner keeps one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from people import audit
from people.audit import Verb
from people.models import Membership

Role = Membership.Role


class MembershipError(Exception):
    """One sentence: who or which role is wrong, and what is allowed."""


def find_user(name: str, *, active: bool = True) -> User:
    """The account of this user name or, where no name is the same, of this e-mail address."""
    name = name.replace("\0", "").strip()  # which PostgreSQL does not take
    named = User.objects.filter(username=name)[:1] or User.objects.filter(email__iexact=name).exclude(email="")[:2]
    if not named:
        raise MembershipError(f"There is no account with the user name or e-mail address {name!r}.")
    if len(named) > 1:
        raise MembershipError(f"Several accounts have the e-mail address {name!r}: give the user name.")
    if active and not named[0].is_active:
        raise MembershipError(f"The account {named[0].username!r} is deactivated.")
    return named[0]


@transaction.atomic
def grant(study: Any, user: User, role: str, *, actor: User | None = None, by: str = "") -> bool:
    """Give somebody this role, in the place of the one that they have. False: they had it already."""
    if role not in Role.values:
        raise MembershipError(f"The role is {role!r}; allowed: {', '.join(Role.values)}.")
    _hold_owners(study)
    before = Membership.objects.filter(study=study, user=user).first()
    if before and before.role == role:
        return False
    if before:
        _check_owner_stays(before)
    Membership.objects.update_or_create(study=study, user=user, defaults={"role": role})
    details = {"user": user.username, "role": role} | ({"before": before.role} if before else {})
    audit.record(Verb.GRANTED, study=study, actor=actor, by=by, details=details)
    return True


@transaction.atomic
def revoke(study: Any, user: User, *, actor: User | None = None, by: str = "") -> None:
    """From now on the study does not exist for this person."""
    _hold_owners(study)
    membership = Membership.objects.filter(study=study, user=user).first()
    if membership is None:
        raise MembershipError(f"{user.username!r} takes no part in study {study.slug!r}.")
    _check_owner_stays(membership)
    membership.delete()
    details = {"user": user.username, "role": membership.role}
    audit.record(Verb.REVOKED, study=study, actor=actor, by=by, details=details)


def _hold_owners(study: Any) -> None:
    """Of two owners who remove each other at once one waits here, and is then the last: updated rows are held."""
    Membership.objects.filter(study=study, role=Role.OWNER).update(role=Role.OWNER)


def _check_owner_stays(membership: Membership) -> None:
    others = Membership.objects.filter(study=membership.study_id, role=Role.OWNER).exclude(pk=membership.pk)
    if membership.role == Role.OWNER and not others.exists():
        raise MembershipError(
            f"{membership.user.get_username()!r} is the only owner of study {membership.study.slug!r}: "
            "make somebody else an owner first."
        )
