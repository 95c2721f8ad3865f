"""Hashes of platforms' ids show in the admin to those who have the permission, and to nobody else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from comparisons.models import Rater, RaterSession
from people.models import Membership
from tests.comparisons.arriving import make_recruiting_study, prolific, take_part

pytestmark = pytest.mark.django_db

LOOK = ("view_rater", "view_ratersession")


def staff(*codenames: str) -> Client:
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def session() -> RaterSession:
    return take_part(make_recruiting_study("prolific"), prolific("p-1"), 0)


def pages(session: RaterSession) -> dict[str, str]:
    """The page of the row, by the hash that it may show."""
    return {
        session.rater.worker_hash: f"/admin/comparisons/rater/{session.rater_id}/change/",
        session.submission_hash: f"/admin/comparisons/ratersession/{session.id}/change/",
    }


def test_who_may_see_hashes_sees_them(session: RaterSession) -> None:
    client = staff(*LOOK, "view_worker_hash")
    for its_hash, page in pages(session).items():
        assert its_hash in client.get(page).content.decode()


def test_others_see_the_rest(session: RaterSession) -> None:
    client = staff(*LOOK)
    for its_hash, page in pages(session).items():
        response = client.get(page)
        assert response.status_code == 200
        assert its_hash not in response.content.decode()
        assert its_hash not in client.get(page.rsplit("/", 3)[0] + "/").content.decode()


@pytest.mark.parametrize(("role", "sees"), [("owner", True), ("operator", True), ("analyst", False)])
def test_a_role_shows_those_of_its_own_study(role: str, sees: bool, session: RaterSession) -> None:
    client, elsewhere = staff(*LOOK), make_recruiting_study("prolific")
    other = take_part(elsewhere, prolific("p-2"), 0)
    Membership.objects.create(user=User.objects.get(), study=session.study, role=role)
    for its_hash, page in pages(session).items():
        assert (its_hash in client.get(page).content.decode()) == sees
    for its_hash, page in pages(other).items():
        assert its_hash not in client.get(page).content.decode()


@pytest.mark.parametrize("lookup", ["rater/?worker_hash__startswith=", "ratersession/?submission_hash__startswith="])
def test_others_cannot_guess_them_by_filtering(session: RaterSession, lookup: str) -> None:
    address = f"/admin/comparisons/{lookup}0"
    assert staff(*LOOK).get(address).status_code == 400
    User.objects.all().delete()
    assert staff(*LOOK, "view_worker_hash").get(address).status_code == 200


def test_nobody_changes_a_rater(session: RaterSession) -> None:
    user = User.objects.create_superuser("root")
    client = Client()
    client.force_login(user)
    page = f"/admin/comparisons/rater/{session.rater_id}/"
    assert client.post(f"{page}change/", {"kind": "simulated"}).status_code == 403
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/comparisons/rater/add/").status_code == 403
    assert Rater.objects.get().kind == "person"
