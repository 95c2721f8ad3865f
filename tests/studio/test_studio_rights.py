"""Whose designs one sees, and who may change, open and close what."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from comparisons.models import Study
from people.models import Membership
from studio import copies
from studio.models import WorkingCopy

pytestmark = pytest.mark.django_db

OF_A_COPY = ("/studio/drafts/{id}/", "/studio/drafts/{id}/study.toml", "/studio/drafts/{id}/prompts/")
OF_A_STUDY = ("/studio/studies/mine/", "/studio/studies/mine/study.toml", "/studio/preview/study-mine/")
OF_OWNERS = tuple(f"/studio/studies/mine/{verb}/" for verb in ("open", "delete", "close"))


@pytest.fixture
def study(copy: WorkingCopy, ana: User) -> Study:
    return copies.save_study(copy, ana)


def test_a_stranger_is_asked_to_sign_in(client: Client, copy: WorkingCopy, study: Study) -> None:
    for path in ("/studio/", *OF_A_COPY, *OF_A_STUDY, *OF_OWNERS, "/preview/study-mine/landing/"):
        address = path.format(id=copy.pk)
        response = client.get(address)
        assert (response.status_code, response["Location"]) == (302, f"/login/?next={address}")


def test_an_unsaved_design_is_its_author_s_alone(client: Client, copy: WorkingCopy, bob: User) -> None:
    client.force_login(bob)
    for path in (*OF_A_COPY, f"/studio/preview/draft-{copy.pk}/"):
        assert client.get(path.format(id=copy.pk)).status_code == 404
    assert str(copy) not in client.get("/studio/").content.decode()


def test_a_study_of_others_does_not_exist(client: Client, copy: WorkingCopy, study: Study, bob: User) -> None:
    client.force_login(bob)
    for path in (*OF_A_COPY, *OF_A_STUDY, *OF_OWNERS):
        assert client.get(path.format(id=copy.pk)).status_code == 404
    assert client.post("/studio/studies/mine/version/").status_code == 404


@pytest.mark.parametrize("role", ["analyst", "operator"])
def test_who_only_takes_part_reads_the_design_and_changes_nothing(
    role: str, client: Client, copy: WorkingCopy, study: Study, bob: User
) -> None:
    Membership.objects.create(study=study, user=bob, role=role)
    client.force_login(bob)
    for path in OF_A_STUDY:
        assert client.get(path).status_code == 200
    for path in (*OF_A_COPY, *OF_OWNERS):
        refused = client.get(path.format(id=copy.pk))
        assert refused.status_code == 403
        assert "Only owners of this study may " in refused.content.decode()
        assert 'href="/studies/mine/"' in refused.content.decode()
        assert client.post(path.format(id=copy.pk)).status_code in {403, 405}
    assert client.post("/studio/studies/mine/edit/").status_code == 403
    html = client.get("/studio/studies/mine/").content.decode()
    for offered in ("Open the study", "Change the draft", "Delete the draft"):
        assert offered not in html


def test_another_owner_changes_the_same_form(client: Client, copy: WorkingCopy, study: Study, bob: User) -> None:
    Membership.objects.create(study=study, user=bob, role="owner")
    client.force_login(bob)
    assert client.post("/studio/studies/mine/edit/")["Location"] == f"/studio/drafts/{copy.pk}/"
    assert client.get(f"/studio/drafts/{copy.pk}/").status_code == 200


def test_versions_of_others_are_not_named(client: Client, study: Study, ana: User, bob: User) -> None:
    newer = copies.save_study(copies.begin_version(study, ana), ana)
    client.force_login(bob)
    for here, there, label in ((study, newer, "newer: "), (newer, study, "a new version of ")):
        Membership.objects.all().delete()
        for seen in (here, there):
            Membership.objects.create(study=seen, user=bob, role="owner")
            pages = [client.get(f"/studio/studies/{here.slug}/")]
            if here == newer:
                pages.append(client.get(f"/studio/drafts/{newer.working_copy.pk}/"))
            for page in pages:
                assert (label in page.content.decode()) == (seen == there)


@pytest.mark.parametrize("path", ["edit", "version"])
def test_what_makes_something_is_posted(path: str, researcher: Client, study: Study) -> None:
    assert researcher.get(f"/studio/studies/mine/{path}/").status_code == 405
