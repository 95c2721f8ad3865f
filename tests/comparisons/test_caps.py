"""Caps on raters and on their answers: exact, whoever comes at once, and places that are given back are free again."""

from __future__ import annotations

from functools import partial

import pytest

from comparisons.models import Comparison, RaterSession, Study, Vote
from comparisons.protocol import Protocol, Recruitment
from tests.comparisons.arriving import QUESTION, TEXTS, WRONG, address, come, make_recruiting_study, prolific
from tests.comparisons.browsing import Browser, at_once
from tests.factories import make_open_study

FULL = "This study has all the people that it needs. Thank you for your interest."
CROWD = 12


def places(study: Study) -> int:
    study.refresh_from_db()
    return study.admitted


@pytest.mark.django_db(transaction=True)
def test_the_cap_is_exact_when_a_crowd_comes_at_once() -> None:
    study = make_recruiting_study("link", max_raters=5)
    browsers = [Browser(study) for _ in range(CROWD)]
    responses = at_once(partial(browser.client.post, browser.url, {"consent": "1"}) for browser in browsers)
    assert sorted(response.status_code for response in responses) == [200] * (CROWD - 5) + [302] * 5
    assert {FULL in response.content.decode() for response in responses if response.status_code == 200} == {True}
    assert RaterSession.objects.count() == places(study) == 5


@pytest.mark.django_db(transaction=True)
def test_one_worker_who_comes_many_times_at_once_takes_one_place() -> None:
    study = make_recruiting_study("prolific", max_raters=1)
    posts = [partial(Browser(study).client.post, address(study, prolific("p-1")), {"consent": "1"}) for _ in range(6)]
    responses = at_once(posts)
    assert {response.headers.get("Location") for response in responses} == {f"/r/{study.key}/judge/"}
    assert RaterSession.objects.count() == places(study) == 1


@pytest.mark.django_db
def test_who_has_a_place_keeps_it_when_the_study_is_full() -> None:
    study = make_recruiting_study("prolific", max_raters=1)
    come(study, prolific("p-1"))
    page = Browser(study).client.get(address(study, prolific("p-2"))).content.decode()
    assert FULL in page
    assert "Please give your place back on Prolific." in page
    again = Browser(study).client.get(address(study, prolific("p-1")))
    assert again.headers["Location"] == f"/r/{study.key}/judge/"


@pytest.mark.django_db
def test_who_is_screened_out_gives_the_place_back() -> None:
    study = make_recruiting_study("prolific", max_raters=1, comprehension=True)
    browser = come(study, prolific("p-1"))
    for _ in range(2):
        browser.try_comprehension(WRONG)
    assert places(study) == 0
    browser.get("thanks/")
    browser.client.post(f"{browser.url}comprehension/", WRONG | {"tries": "2"})
    assert places(study) == 0, "once"
    come(study, prolific("p-2"))
    assert places(study) == 1
    assert RaterSession.objects.count() == 2


@pytest.mark.django_db
def test_who_has_finished_keeps_the_place() -> None:
    study = make_recruiting_study("link", max_raters=1)
    browser = Browser(study).consent()
    browser.judge_all()
    browser.get("thanks/")
    assert places(study) == 1
    assert FULL in Browser(study).get().content.decode()


@pytest.mark.django_db
def test_nobody_is_counted_where_there_is_no_cap() -> None:
    study = make_recruiting_study("link", comprehension=True)
    browser = Browser(study).consent()
    for _ in range(2):
        browser.try_comprehension(WRONG)
    assert places(study) == 0


@pytest.mark.django_db
def test_a_rater_gives_as_many_answers_as_the_study_asks_and_a_pair_gets_no_more() -> None:
    recruitment = Recruitment(max_raters=3)
    study = make_open_study(
        TEXTS,
        questions=(QUESTION,),
        judgements_per_question=4,
        votes_wanted=1,
        protocol=Protocol(recruitment=recruitment),
    )
    assert [len(Browser(study).consent().judge_all()) for _ in range(2)] == [4, 2]
    assert set(Comparison.objects.values_list("done", flat=True)) == {1}
    assert Vote.objects.count() == 6
