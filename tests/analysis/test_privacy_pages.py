"""Somebody is found by their platform's id, and forgotten, by those who may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from comparisons.models import Exclusion, RaterSession, Vote
from people.models import AuditEntry, Membership
from tests.analysis.members import browser_of
from tests.comparisons.arriving import make_recruiting_study, prolific, take_part

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> RaterSession:
    return take_part(make_recruiting_study("prolific"), prolific("p-1"), 2)


@pytest.mark.parametrize("role", ["owner", "operator"])
def test_somebody_is_found_by_their_id(role: str, session: RaterSession) -> None:
    browser, raters = browser_of(role, session.study), f"/studies/{session.study.slug}/raters/"
    assert "Their id on the platform" in browser.get(raters).content.decode()
    found = browser.post(f"{raters}find/", {"worker": " p-1 "})
    assert found["Location"] == f"{raters}{session.pk}/"
    assert browser.get(found["Location"]).status_code == 200
    nobody = browser.post(f"{raters}find/", {"worker": "p-2"}, follow=True)
    assert "Nobody with this id is known here" in nobody.content.decode()


def test_an_analyst_cannot_look_people_up_or_forget_them(session: RaterSession) -> None:
    browser, raters = browser_of("analyst", session.study), f"/studies/{session.study.slug}/raters/"
    assert "Their id on the platform" not in browser.get(raters).content.decode()
    assert "Forget this person" not in browser.get(f"{raters}{session.pk}/").content.decode()
    assert browser.post(f"{raters}find/", {"worker": "p-1"}).status_code == 403
    assert browser.post(f"{raters}{session.pk}/erase/", {"sure": "erase"}).status_code == 403


def test_an_operator_sees_how_somebody_answers_and_not_what(session: RaterSession) -> None:
    page = f"/studies/{session.study.slug}/raters/{session.pk}/"
    system = session.study.systems.earliest("id").slug
    assert system in browser_of("owner", session.study).get(page).content.decode()
    shown = browser_of("operator", session.study).get(page).content.decode()
    assert "Checks failed" in shown and system not in shown


def test_an_owner_forgets_somebody(session: RaterSession) -> None:
    browser, page = browser_of("owner", session.study), f"/studies/{session.study.slug}/raters/{session.pk}/"
    refused = browser.post(f"{page}erase/", {"sure": "yes"}, follow=True)
    assert "type erase, since it cannot be undone" in refused.content.decode()
    assert not AuditEntry.objects.exists()
    done = browser.post(f"{page}erase/", {"sure": "erase", "reason": "Asked\0 for it."}, follow=True)
    assert "nothing that is stored points to this person" in done.content.decode()
    session.rater.refresh_from_db()
    assert (session.rater.worker_hash, Vote.objects.count()) == ("", 2)
    assert Exclusion.objects.get().reason == "Asked for it."
    (entry,) = AuditEntry.objects.all()
    assert (entry.who, entry.verb, entry.details) == ("owner", "erased", {"excluded because": "Asked for it."})


def test_votes_are_left_out_only_of_studies_in_which_the_owner_may_exclude(session: RaterSession) -> None:
    """The person is forgotten in all of them."""
    browser = browser_of("owner", session.study)
    owner = User.objects.get(username="owner")
    analysed, operated, foreign = (take_part(make_recruiting_study("prolific"), prolific("p-1"), 1) for _ in range(3))
    Membership.objects.create(user=owner, study=analysed.study, role="analyst")
    Membership.objects.create(user=owner, study=operated.study, role="operator")
    page = f"/studies/{session.study.slug}/raters/{session.pk}/"
    done = browser.post(f"{page}erase/", {"sure": "erase", "reason": "Asked for it."}, follow=True).content.decode()
    assert f"Their votes are left out of {session.study.slug} and {analysed.study.slug}." in done
    assert foreign.study.slug not in done
    excluded = Exclusion.objects.order_by("session").values_list("session", "created_by")
    assert list(excluded) == [(session.pk, owner.pk), (analysed.pk, owner.pk)]
    assert {each.public_id for each in (session, analysed, operated, foreign)}.isdisjoint(
        RaterSession.objects.values_list("public_id", flat=True)
    )
    told = dict(AuditEntry.objects.values_list("study_slug", "details"))
    assert told[analysed.study.slug] == {"excluded because": "Asked for it."}
    assert told[operated.study.slug] == told[foreign.study.slug] == {}
