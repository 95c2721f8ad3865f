"""Who may do what: the table of roles, and the guard of a study's pages."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import get_resolver
from pytest_django import DjangoAssertNumQueries

from comparisons.models import Study
from people import rights
from people.models import Membership
from people.rights import ResearcherRequest, Right, Role, needs
from tests.factories import make_draft
from tests.people.conftest import SignedIn

pytestmark = pytest.mark.django_db

PAGES = {
    "/studies/one/": Right.SEE_PROGRESS,
    "/studies/one/images/": Right.SEE_PROGRESS,
    "/studies/one/raters/": Right.SEE_PROGRESS,
    "/studies/one/raters/reported/": Right.SEE_PROGRESS,
    "/studies/one/recruitment/": Right.RECRUIT,
    "/studies/one/report/": Right.SEE_RESULTS,
    "/studies/one/report.pdf": Right.SEE_RESULTS,
    "/studies/one/report.zip": Right.EXPORT,
    "/studies/one/exports/": Right.EXPORT,
    "/studies/one/votes.csv": Right.EXPORT,
    "/studies/one/votes.parquet": Right.EXPORT,
    "/studies/one/people/": Right.MANAGE_PEOPLE,
    "/studies/one/activity/": Right.MANAGE_PEOPLE,
}
ROLES = ("owner", "analyst", "operator")
WHO_MAY = {
    "see_progress": ROLES,
    "see_results": ("owner", "analyst"),
    "export": ("owner", "analyst"),
    "exclude": ("owner", "analyst"),
    "see_workers": ("owner", "operator"),
    "generate": ("owner", "operator"),
    "recruit": ("owner", "operator"),
    "open_close": ("owner",),
    "edit_design": ("owner",),
    "manage_people": ("owner",),
    "erase": ("owner",),
    "import_votes": ("owner",),
}


@pytest.mark.parametrize("role", ROLES)
def test_what_each_role_may(role: str, study: Study) -> None:
    user = User.objects.create_user("ana")
    Membership.objects.create(user=user, study=study, role=role)
    assert rights.of(user, study) == {Right(right) for right, roles in WHO_MAY.items() if role in roles}


def test_every_right_is_somebodys() -> None:
    assert set(WHO_MAY) == set(Right.values)


def test_a_role_counts_in_its_own_study_only(study: Study) -> None:
    user = User.objects.create_user("ana")
    Membership.objects.create(user=user, study=make_draft(), role=Role.OWNER)
    assert rights.of(user, study) == frozenset()


def test_an_administrator_may_do_everything_everywhere(study: Study) -> None:
    assert rights.of(User.objects.create_superuser("root"), study) == frozenset(Right)


def test_who_is_deactivated_or_not_signed_in_may_do_nothing(study: Study) -> None:
    member = User.objects.create_user("ana", is_active=False)
    Membership.objects.create(user=member, study=study, role=Role.OWNER)
    former = User.objects.create_superuser("root", is_active=False)
    for user in (member, former, AnonymousUser()):
        assert rights.of(user, study) == frozenset()
        assert not Study.objects.filter(rights.studies_of(user)).exists()


def test_a_list_of_studies_takes_one_query(study: Study, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ana = User.objects.create_user("ana")
    for _ in range(3):
        Membership.objects.create(user=ana, study=make_draft(), role=Role.ANALYST)
    with django_assert_num_queries(1):
        assert len(Study.objects.filter(rights.studies_of(ana))) == 3
    assert Study.objects.filter(rights.studies_of(User.objects.create_superuser("root"))).count() == 4


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", ROLES)
def test_pages_open_for_those_who_may(role: str, path: str, signed_in: SignedIn) -> None:
    response = signed_in(role).get(path)
    response.close()
    may = PAGES[path] in rights.RIGHTS[Role(role)]
    assert response.status_code == (200 if may else 403)
    if not may:
        assert b"Only owners" in response.content
        assert PAGES[path].label in response.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_for_others_a_study_does_not_exist(path: str, signed_in: SignedIn) -> None:
    assert signed_in("nobody").get(path).status_code == 404


def test_the_list_shows_ones_own_studies(study: Study, signed_in: SignedIn) -> None:
    make_draft(slug="another")
    assert [row.slug for row in signed_in("analyst").get("/studies/").context["studies"]] == ["one"]
    assert signed_in("nobody").get("/studies/").context["studies"] == []
    assert len(signed_in("administrator").get("/studies/").context["studies"]) == 2


def test_a_stranger_is_asked_to_sign_in(study: Study, client: Client) -> None:
    for path in PAGES:
        assert client.get(path)["Location"] == f"/login/?next={path}"


def test_every_page_of_a_study_is_guarded(study: Study, client: Client) -> None:
    """Also those that nobody has thought of here: each asks a stranger to sign in."""
    values = {"int": "1", "slug": "one", "uuid": "00000000-0000-4000-8000-000000000000"}
    routes = [
        f"/{prefix.pattern}{route.pattern}"
        for prefix in get_resolver().url_patterns
        for route in getattr(prefix, "url_patterns", [])
        if "<slug:slug>" in str(route.pattern)
    ]
    assert len(routes) >= len(PAGES)
    for route in routes:
        path = re.sub(r"<(\w+):\w+>", lambda part: values[part[1]], route)
        answers = [client.get(path).status_code, client.post(path).status_code]
        assert sorted(answers) in ([302, 302], [302, 405]), path


def test_a_view_gets_the_study_and_the_rights(study: Study) -> None:
    @needs(Right.EXPORT)
    def view(request: ResearcherRequest, study: Study, number: int) -> HttpResponse:
        assert request.rights == rights.RIGHTS[Role.ANALYST]
        return HttpResponse(headers={"Seen": f"{study.pk} {number}"})

    request = RequestFactory().get("/")
    request.user = User.objects.create_user("ana")
    Membership.objects.create(user=request.user, study=study, role=Role.ANALYST)
    assert view(request, slug="one", number=7).headers["Seen"] == f"{study.pk} 7"
