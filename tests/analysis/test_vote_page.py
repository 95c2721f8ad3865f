"""One vote: the two pictures where the rater saw them, what was answered, whether it counts, and how they were made."""

from __future__ import annotations

import pytest
from django.test import Client

from comparisons.models import Assignment, Comparison, Exclusion, RaterSession, Study, Vote
from comparisons.protocol import Checks, Protocol
from comparisons.study_file import QuestionSpec
from generation.models import Image
from people.models import AuditEntry
from tests.analysis.votes import cast_vote
from tests.comparisons.browsing import Browser
from tests.comparisons.test_checks import judge_well
from tests.comparisons.test_undo import undo
from tests.factories import make_open_study, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    return make_open_study(["a red fox", "a paper boat"], slug="one")


def page(researcher: Client, vote: Vote) -> str:
    response = researcher.get(f"/studies/one/votes/{vote.id}/")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("a_is_left", [True, False])
def test_the_pictures_stand_where_the_rater_saw_them(study: Study, researcher: Client, a_is_left: bool) -> None:
    comparison = Comparison.objects.earliest("id")
    vote = cast_vote(make_session(study), comparison, "left", a_is_left)
    response = researcher.get(f"/studies/one/votes/{vote.id}/")
    left, right = response.context["found"].sides
    images = [comparison.image_a, comparison.image_b]
    assert [left.image, right.image] == (images if a_is_left else images[::-1])
    assert (left.is_chosen, right.is_chosen) == (True, False)
    text = response.content.decode()
    assert text.index(str(left.image.public_id)) < text.index(str(right.image.public_id))
    assert comparison.image_a.job.prompt.text in text
    assert comparison.question.wording in text
    assert f'href="/studies/one/raters/{vote.assignment.session_id}/"' in text


def test_provenance_of_both_stands_side_by_side_with_what_differs(study: Study, researcher: Client) -> None:
    comparison = Comparison.objects.earliest("id")
    Image.objects.filter(id=comparison.image_a_id).update(
        environment={"device": "cpu", "torch": "2.13.0"}, total_ms=99.0
    )
    vote = cast_vote(make_session(study), comparison)
    response = researcher.get(f"/studies/one/votes/{vote.id}/")
    lines = {line.name: line for section in response.context["found"].provenance for line in section.lines}
    a, b = comparison.image_a, comparison.image_b
    assert lines["system"].values == (a.job.system.slug, b.job.system.slug)
    assert lines["sha256"].values == (a.sha256, b.sha256)
    assert (lines["torch"].values, lines["torch"].differs) == (("2.13.0", ""), True)
    assert (lines["device"].values, lines["device"].differs) == (("cpu", "cpu"), False)
    assert (lines["total, ms"].values, lines["total, ms"].differs) == (("99.0", "12.0"), True)
    assert (lines["seed"].differs, lines["prompt"].differs) == (False, False)
    assert lines["forward, ms"].values == ("4 forwards, median 2.0",) * 2


def test_a_vote_is_excluded_and_restored_on_its_page(study: Study, researcher: Client) -> None:
    vote = cast_vote(make_session(study), Comparison.objects.earliest("id"))
    assert "This vote counts." in page(researcher, vote)
    decision = {"vote": vote.id, "page": vote.id, "reason": "slipped"}
    response = researcher.post(f"/studies/one/raters/{vote.assignment.session_id}/exclude/", decision)
    assert response["Location"] == f"/studies/one/votes/{vote.id}/"
    text = page(researcher, vote)
    assert "slipped" in text
    assert "This vote counts." not in text
    exclusion = Exclusion.objects.get(vote=vote)
    again = {"page": vote.id, "reason": "it was meant"}
    response = researcher.post(f"/studies/one/exclusions/{exclusion.id}/restore/", again)
    assert response["Location"] == f"/studies/one/votes/{vote.id}/"
    text = page(researcher, vote)
    assert "This vote counts." in text
    assert "it was meant" in text
    assert AuditEntry.objects.count() == 2


def test_a_vote_of_an_excluded_rater_says_so(study: Study, researcher: Client) -> None:
    session = make_session(study)
    vote = cast_vote(session, Comparison.objects.earliest("id"))
    Exclusion.objects.create(session=session, reason="failed all checks")
    text = page(researcher, vote)
    assert "All answers of this rater are left out: failed all checks" in text
    assert "This vote counts." not in text


def test_an_answer_that_was_taken_back_leads_to_the_one_that_stands(study: Study, researcher: Client) -> None:
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    browser.answer(payload, "left")
    undo(browser)
    again = browser.judge()
    assert again
    browser.answer(again, "right")
    first, second = Vote.objects.order_by("id")
    text = page(researcher, first)
    assert "Taken back" in text
    assert f'href="/studies/one/votes/{second.id}/"' in text
    assert f'href="/studies/one/votes/{first.id}/"' in page(researcher, second)


def test_a_check_shows_what_the_rater_was_shown(researcher: Client) -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, checks=("corrupted", "mismatched"))
    study = make_open_study(slug="one", questions=(question,), protocol=Protocol(checks=Checks(every=3)))
    judge_well(Browser(study).consent())
    assert RaterSession.objects.count() == 1
    checks = Vote.objects.filter(assignment__kind=Assignment.Kind.CORRUPTED)
    vote = checks.earliest("id")
    response = researcher.get(f"/studies/one/votes/{vote.id}/")
    sides = {side.size: side for side in response.context["found"].sides}
    assert sides["spoilt"].image == sides["display"].image == vote.assignment.comparison.image_a
    assert sides["display"].is_chosen
    text = response.content.decode()
    assert "which is right" in text
    assert "This is no vote on two systems" in text
    spoilt = f"/studies/one/images/{sides['spoilt'].image.public_id}/"
    assert researcher.get(f"{spoilt}spoilt.webp").getvalue() != researcher.get(f"{spoilt}display.webp").getvalue()
    other = Vote.objects.filter(assignment__kind=Assignment.Kind.MISMATCHED).earliest("id")
    stand_in = other.assignment.stand_in
    assert stand_in
    assert str(stand_in.public_id) in page(researcher, other)


def test_a_vote_of_another_study_is_not_found(study: Study, researcher: Client) -> None:
    other = make_open_study(["a boat"], slug="two")
    vote = cast_vote(make_session(other), Comparison.objects.filter(question__study=other).earliest("id"))
    assert researcher.get(f"/studies/one/votes/{vote.id}/").status_code == 404
    assert researcher.get(f"/studies/one/votes/{10**30}/").status_code == 404
