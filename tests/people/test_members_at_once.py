"""Owners who remove each other at the same moment, on real connections: one of them stays."""

from __future__ import annotations

from functools import partial

import pytest
from django.contrib.auth.models import User

from people import members
from people.audit import Verb
from people.members import MembershipError, Role
from people.models import AuditEntry, Membership
from tests.comparisons.browsing import at_once
from tests.factories import make_draft

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_last_of_several_owners_stays() -> None:
    study = make_draft()
    owners = [User.objects.create_user(f"owner-{number}") for number in range(4)]
    for owner in owners:
        members.grant(study, owner, Role.OWNER, by="a test")

    def leave(owner: User) -> str:
        try:
            members.revoke(study, owner, by="a test")
        except MembershipError as error:
            return str(error)
        return ""

    answers = at_once([partial(leave, owner) for owner in owners])
    assert len([answer for answer in answers if "is the only owner" in answer]) == 1
    assert Membership.objects.get().role == Role.OWNER
    assert AuditEntry.objects.filter(verb=Verb.REVOKED).count() == 3
