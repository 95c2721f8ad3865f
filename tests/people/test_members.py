"""Who takes part in a study: the verbs, the page, and the commands."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from comparisons.models import Study
from people import members, rights
from people.members import MembershipError, Role
from people.models import AuditEntry, Membership
from tests.factories import make_draft
from tests.people.conftest import SignedIn

pytestmark = pytest.mark.django_db


def roles(study: Study) -> dict[str, str]:
    return dict(Membership.objects.filter(study=study).values_list("user__username", "role"))


def owned_by(study: Study, *names: str) -> list[User]:
    users = [User.objects.create_user(name) for name in names]
    for user in users:
        members.grant(study, user, Role.OWNER, by="a test")
    return users


def test_a_person_has_one_role(study: Study) -> None:
    (ana,) = owned_by(study, "ana")
    bob = User.objects.create_user("bob")
    assert members.grant(study, bob, Role.ANALYST, actor=ana)
    assert not members.grant(study, bob, Role.ANALYST, actor=ana)
    assert members.grant(study, bob, Role.OPERATOR, actor=ana)
    assert roles(study) == {"ana": "owner", "bob": "operator"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(study=study, user=bob, role=Role.OWNER)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(study=make_draft(), user=bob, role="king")


def test_the_log_says_who_got_and_lost_which_role(study: Study) -> None:
    (ana,) = owned_by(study, "ana")
    bob = User.objects.create_user("bob")
    for role in (Role.ANALYST, Role.ANALYST, Role.OPERATOR):
        members.grant(study, bob, role, actor=ana)
    members.revoke(study, bob, actor=ana)
    told = [(entry.who, entry.verb, entry.details) for entry in AuditEntry.objects.order_by("id")]
    assert told == [
        ("a test", "granted", {"user": "ana", "role": "owner"}),
        ("ana", "granted", {"user": "bob", "role": "analyst"}),
        ("ana", "granted", {"user": "bob", "role": "operator", "before": "analyst"}),
        ("ana", "revoked", {"user": "bob", "role": "operator"}),
    ]


def test_a_study_keeps_its_last_owner(study: Study) -> None:
    ana, bob = owned_by(study, "ana", "bob")
    members.revoke(study, ana, actor=bob)
    last = "'bob' is the only owner of study 'one': make somebody else an owner first."
    with pytest.raises(MembershipError) as refusal:
        members.revoke(study, bob, actor=bob)
    assert str(refusal.value) == last
    with pytest.raises(MembershipError, match="only owner"):
        members.grant(study, bob, Role.ANALYST, actor=bob)
    assert roles(study) == {"bob": "owner"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("cy", "There is no account with the user name or e-mail address 'cy'."),
        ("", "There is no account with the user name or e-mail address ''."),
        ("same@example.org", "Several accounts have the e-mail address 'same@example.org': give the user name."),
        ("gone", "The account 'gone' is deactivated."),
    ],
)
def test_names_that_lead_to_nobody(name: str, sentence: str) -> None:
    User.objects.create_user("ana", "same@example.org")
    User.objects.create_user("bob", "SAME@example.org")
    User.objects.create_user("gone", is_active=False)
    with pytest.raises(MembershipError) as refusal:
        members.find_user(name)
    assert str(refusal.value) == sentence


def test_people_are_found_by_name_before_address() -> None:
    named = User.objects.create_user("bob@example.org")
    User.objects.create_user("bob", "bob@example.org")
    assert members.find_user(" bob@example.org ") == named


def test_an_owner_adds_changes_and_removes_somebody(study: Study, signed_in: SignedIn) -> None:
    owner = signed_in("owner")
    bob = User.objects.create_user("bob", "bob@example.org")
    for form, told in [
        ({"user": "bob@example.org", "role": "analyst"}, "bob is now an analyst."),
        ({"user": "bob", "role": "analyst"}, "bob is already an analyst."),
        ({"user": "bob", "role": "operator"}, "bob is now an operator."),
    ]:
        page = owner.post("/studies/one/people/grant/", form, follow=True)
        assert told in page.content.decode()
        assert roles(study)["bob"] == form["role"]
    page = owner.post("/studies/one/people/revoke/", {"user": "bob"}, follow=True)
    assert "bob no longer takes part." in page.content.decode()
    assert rights.of(bob, study) == frozenset()
    assert {entry.who for entry in AuditEntry.objects.all()} == {"owner"}


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"user": "cy", "role": "analyst"}, "There is no account with the user name or e-mail address &#x27;cy&#x27;."),
        ({"user": "owner", "role": "king"}, "The role is &#x27;king&#x27;; allowed: owner, analyst, operator."),
        ({"user": "owner", "role": "analyst"}, "&#x27;owner&#x27; is the only owner of study"),
        (
            {"user": "c\0y", "role": "analyst"},
            "There is no account with the user name or e-mail address &#x27;cy&#x27;.",
        ),
    ],
)
def test_a_mistake_is_told_and_what_was_typed_stays(
    form: dict[str, str], sentence: str, study: Study, signed_in: SignedIn
) -> None:
    page = signed_in("owner").post("/studies/one/people/grant/", form)
    assert page.status_code == 422
    assert sentence in page.content.decode()
    assert page.context["name"] == form["user"]
    assert roles(study) == {"owner": "owner"}


def test_removing_somebody_who_is_not_there(study: Study, signed_in: SignedIn) -> None:
    owner = signed_in("owner")
    User.objects.create_user("bob")
    page = owner.post("/studies/one/people/revoke/", {"user": "bob"})
    assert "&#x27;bob&#x27; takes no part in study &#x27;one&#x27;." in page.content.decode()


def test_somebody_deactivated_can_be_removed(study: Study, signed_in: SignedIn) -> None:
    owner = signed_in("owner")
    bob = User.objects.create_user("bob")
    members.grant(study, bob, Role.ANALYST, by="a test")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    owner.post("/studies/one/people/revoke/", {"user": "bob"})
    assert roles(study) == {"owner": "owner"}


def test_who_gives_up_their_own_role_lands_on_the_list(study: Study, signed_in: SignedIn) -> None:
    owner = signed_in("owner")
    owned_by(study, "ana")
    response = owner.post("/studies/one/people/revoke/", {"user": "owner"})
    assert response["Location"] == "/studies/"
    assert owner.get("/studies/one/people/").status_code == 404


def test_the_page_takes_as_many_queries_for_many_people_as_for_few(
    study: Study, signed_in: SignedIn, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    owner = signed_in("owner")
    for count in (1, 30):
        for number in range(count):
            members.grant(study, User.objects.create_user(f"{count}-{number}"), Role.ANALYST, by="a test")
        with django_assert_num_queries(5):
            page = owner.get("/studies/one/people/")
    assert len(page.context["members"]) == 32


def test_commands_give_and_take_roles(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    User.objects.create_user("ana")
    User.objects.create_user("bob")
    call_command("grant", "one", "ana", "owner")
    call_command("grant", "one", "bob", "analyst")
    call_command("grant", "one", "bob", "analyst")
    call_command("revoke", "one", "bob")
    assert capsys.readouterr().out.splitlines() == [
        "ana is owner of one.",
        "bob is analyst of one.",
        "bob is analyst of one already.",
        "bob no longer takes part in one.",
    ]
    assert roles(study) == {"ana": "owner"}
    assert all(entry.who.endswith("command line)") for entry in AuditEntry.objects.all())


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["grant", "two", "ana", "owner"], "There is no study 'two'; existing: one."),
        (["grant", "one", "cy", "owner"], "There is no account with the user name or e-mail address 'cy'."),
        (["grant", "one", "ana", "king"], "The role is 'king'; allowed: owner, analyst, operator."),
        (["revoke", "one", "ana"], "'ana' takes no part in study 'one'."),
    ],
)
def test_commands_refuse_in_one_sentence(command: list[str], sentence: str, study: Study) -> None:
    User.objects.create_user("ana")
    with pytest.raises(CommandError) as refusal:
        call_command(*command)
    assert str(refusal.value) == sentence
    assert not Membership.objects.exists()
