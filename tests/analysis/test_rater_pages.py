"""What a researcher sees of a study's raters, and decides about them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from analysis import snapshots
from comparisons.models import Exclusion, RaterSession, Study, Vote
from comparisons.protocol import Checks, Protocol, Rules
from comparisons.rules import apply_rules
from comparisons.study_file import QuestionSpec
from tests.analysis.votes import cast_votes
from tests.comparisons.browsing import Browser
from tests.comparisons.test_checks import judge_well
from tests.comparisons.test_problem_reports import report
from tests.comparisons.test_undo import undo
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, checks=("corrupted", "mismatched"))
    protocol = Protocol(checks=Checks(every=4, repeats=1), rules=Rules(failed_checks=2))
    return make_open_study(slug="one", questions=(question,), protocol=protocol, votes_wanted=4)


@pytest.fixture
def careless(study: Study) -> RaterSession:
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    browser.answer(payload)
    undo(browser)
    judge_well(browser, fail=True)
    return RaterSession.objects.latest("id")


@pytest.mark.parametrize("path", ["raters/", "raters/1/"])
def test_only_those_who_take_part_see_them(study: Study, careless: RaterSession, client: Client, path: str) -> None:
    path = path.replace("1", str(careless.id))
    assert client.get(f"/studies/one/{path}").status_code == 302
    client.force_login(User.objects.create_user("bob"))
    assert client.get(f"/studies/one/{path}").status_code == 404


def test_the_list_tells_how_each_answers(study: Study, careless: RaterSession, researcher: Client) -> None:
    judge_well(Browser(study).consent())
    apply_rules(study)
    page = researcher.get("/studies/one/raters/")
    good, bad = page.context["rows"]
    assert (bad.conduct.failed_checks, bad.conduct.checks) == (3, 3)
    assert (good.conduct.failed_checks, good.conduct.checks) == (0, 3)
    assert bad.exclusion.reason == "3 of 3 attention checks failed; the rule failed_checks = 2."
    assert good.exclusion is None
    assert "1 excluded" in page.content.decode()


def test_a_raters_page_shows_every_answer_with_what_it_was_about(
    study: Study, careless: RaterSession, researcher: Client
) -> None:
    page = researcher.get(f"/studies/one/raters/{careless.id}/")
    answers = page.context["answers"]
    assert len(answers) == Vote.objects.count() == 12 + 3 + 1 + 1
    assert answers[0].is_superseded
    assert not answers[1].is_superseded
    kinds = [answer.kind for answer in answers]
    assert (kinds.count("corrupted") + kinds.count("mismatched"), kinds.count("repeat"), kinds.count("")) == (3, 1, 13)
    for answer in answers:
        assert answer.is_right is (False if answer.kind in {"corrupted", "mismatched"} else None)
    text = page.content.decode()
    assert "spoilt" in text
    assert "of another prompt" in text


def test_excluding_and_restoring_take_a_reason_and_change_the_numbers(
    study: Study, careless: RaterSession, researcher: Client
) -> None:
    judge_well(Browser(study).consent())
    path = f"/studies/one/raters/{careless.id}/"
    assert votes_counted(study) == 24
    for content in ({}, {"reason": "  "}):
        researcher.post(f"{path}exclude/", content)
        assert not Exclusion.objects.exists()
    researcher.post(f"{path}exclude/", {"reason": "told us to"})
    researcher.post(f"{path}exclude/", {"reason": "again"})
    exclusion = Exclusion.objects.get()
    assert (exclusion.session, exclusion.reason, exclusion.created_by) == (careless, "told us to", User.objects.get())
    assert votes_counted(study) == 12
    assert votes_counted(study, with_excluded=True) == 24
    assert "told us to" in researcher.get(path).content.decode()
    researcher.post(f"/studies/one/exclusions/{exclusion.id}/restore/", {"reason": "a mistake"})
    exclusion.refresh_from_db()
    assert (exclusion.revoked_by, exclusion.revoked_because) == (User.objects.get(), "a mistake")
    assert votes_counted(study) == 24
    assert apply_rules(study).excluded == 0


def test_a_single_answer_can_be_left_out(study: Study, careless: RaterSession, researcher: Client) -> None:
    vote = Vote.objects.standing().earliest("id")
    path = f"/studies/one/raters/{careless.id}/exclude/"
    researcher.post(path, {"vote": vote.id, "reason": "slipped"})
    assert Exclusion.objects.get().vote == vote
    assert votes_counted(study) == 11
    number = list(Vote.objects.filter(assignment__session=careless).order_by("id")).index(vote) + 1
    assert f"<strong>Answer {number}</strong>: slipped" in researcher.get(f"/studies/one/raters/{careless.id}/").text
    for foreign in (vote.id + 10_000, "x", "9" * 5000):
        assert researcher.post(path, {"vote": foreign, "reason": "slipped"}).status_code == 404


def test_reported_pairs_are_shown(study: Study, researcher: Client) -> None:
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    report(browser, payload)
    text = researcher.get("/studies/one/raters/").content.decode()
    assert "a wound" in text
    assert payload["prompt"] in text


def test_many_raters_take_as_many_queries_as_few(
    researcher: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    study = make_open_study(slug="many")
    cast_votes(study, raters=120, each=2)
    with django_assert_max_num_queries(20):
        page = researcher.get("/studies/many/raters/")
    assert len(page.context["rows"]) == 25
    session = RaterSession.objects.latest("id")
    with django_assert_max_num_queries(20):
        researcher.get(f"/studies/many/raters/{session.id}/")
    assert len(researcher.get("/studies/many/raters/?page=5").context["rows"]) == 20


def votes_counted(study: Study, *, with_excluded: bool = False) -> int:
    summary = snapshots.results(study, with_excluded=with_excluded)
    return sum(question["votes"] for question in summary["questions"].values())
