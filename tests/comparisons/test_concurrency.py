"""Many requests at the same moment, on real connections: one lease, one vote, and quotas kept."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from comparisons.leases import release_expired
from comparisons.models import Assignment, Comparison, Matchup, RaterSession, Study, Vote
from comparisons.study_file import QuestionSpec
from tests.comparisons.arriving import WRONG, make_recruiting_study
from tests.comparisons.browsing import Browser, assert_counters_true, at_once, make_answer
from tests.factories import make_open_study, make_system_spec

pytestmark = pytest.mark.django_db(transaction=True)

REQUESTS = 12


def tabs(browser: Browser, count: int = REQUESTS) -> list[Browser]:
    return [browser.another_tab() for _ in range(count)]


def test_twelve_requests_of_one_session_get_one_lease() -> None:
    study = make_open_study()
    browser = Browser(study).consent()
    shown = at_once([tab.judge for tab in tabs(browser)])
    assert shown == [shown[0]] * REQUESTS
    assert shown[0] is not None
    assert sorted(Assignment.objects.values_list("state", flat=True)) == ["ahead", "open"]
    assert str(Assignment.objects.get(state="open").public_id) == shown[0]["assignment"]
    assert_counters_true(study)


def test_twelve_posts_of_one_answer_are_one_vote() -> None:
    study = make_open_study()
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    answer = make_answer(payload, "right")
    responses = at_once([partial(tab.post, answer) for tab in tabs(browser)])
    assert {response.status_code for response in responses} == {200}
    assert [response.json() for response in responses] == [responses[0].json()] * REQUESTS
    assert responses[0].json()["receipt"] == {"key": answer["key"], "late": False}
    vote = Vote.objects.get()
    assert (str(vote.client_key), vote.outcome) == (answer["key"], "right")
    states = sorted(Assignment.objects.values_list("state", flat=True))
    assert states == ["ahead", "done", "open"], "the one that was answered, the next, and the one after it"
    assert_counters_true(study)


def test_twelve_answers_to_one_lease_are_one_vote() -> None:
    study = make_open_study()
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    answers = [make_answer(payload, outcome) for outcome in ["left", "right"] * (REQUESTS // 2)]
    responses = at_once(partial(tab.post, answer) for tab, answer in zip(tabs(browser), answers, strict=True))
    vote = Vote.objects.get()
    assert (str(vote.client_key), vote.outcome) in [(answer["key"], answer["outcome"]) for answer in answers]
    receipts = [response.json()["receipt"] for response in responses]
    assert receipts == [{"key": str(vote.client_key), "late": False}] * REQUESTS
    assert_counters_true(study)


def test_twelve_posts_of_one_wrong_check_are_one_try() -> None:
    browser = Browser(make_recruiting_study("link", comprehension=True)).consent()
    content = WRONG | {"tries": "0"}
    posts = [partial(tab.client.post, f"{tab.url}comprehension/", content) for tab in tabs(browser)]
    assert {response.headers["Location"] for response in at_once(posts)} == {f"{browser.url}comprehension/"}
    session = RaterSession.objects.get()
    assert (session.comprehension_tries, session.stage) == (1, "comprehension")


def test_one_key_for_answers_to_two_leases_stores_one_of_them() -> None:
    study = make_open_study()
    browsers = [Browser(study).consent() for _ in range(2)]
    answers = [make_answer(payload, key=str(uuid.UUID(int=5))) for browser in browsers if (payload := browser.judge())]
    posts = [partial(browser.post, answer) for browser, answer in zip(browsers, answers, strict=True)]
    responses = at_once(posts)
    assert sorted(response.status_code for response in responses) == [200, 400]
    refusal = next(response for response in responses if response.status_code == 400)
    assert refusal.json() == {"error": "This key belongs to the answer to another pair."}
    assert Vote.objects.count() == 1
    assert_counters_true(study)


def test_twelve_raters_at_the_last_vote_of_a_study_get_one_lease() -> None:
    pair, question = (make_system_spec("alpha"), make_system_spec("beta")), QuestionSpec("q", "Which?", False, False)
    study = make_open_study(["a red fox"], systems=pair, questions=(question,), votes_wanted=1)
    browsers = [Browser(study).consent() for _ in range(REQUESTS)]
    shown = at_once([browser.judge for browser in browsers])
    assert len([payload for payload in shown if payload]) == 1
    assert_counters_true(study)


def test_whoever_loses_a_pair_to_others_gets_another_one_while_there_are_any() -> None:
    """All of them are offered the same few pairs of the only two systems."""
    pair, question = (make_system_spec("alpha"), make_system_spec("beta")), QuestionSpec("q", "Which?", False, False)
    texts = [f"{number} foxes" for number in range(3 * REQUESTS)]
    study = make_open_study(texts, systems=pair, questions=(question,), votes_wanted=1)
    browsers = [Browser(study).consent() for _ in range(REQUESTS)]
    assert None not in at_once([browser.judge for browser in browsers])
    assert Assignment.objects.filter(state="open").count() == REQUESTS
    assert_counters_true(study)


def test_ten_raters_fill_every_quota_and_exceed_none() -> None:
    study = make_open_study(texts=["a red fox", "a paper boat"], votes_wanted=4)
    comparisons = Comparison.objects.filter(question__study=study)
    assert comparisons.count() == 12

    def take_part(browser: Browser) -> int:
        answers, payload = 0, browser.judge()
        while payload:
            reply = browser.answer(payload, "right")
            payload, answers = reply["next"], answers + 1
            assert not [row for row in comparisons.all() if row.open_leases + row.done > row.votes_wanted]
        return answers

    browsers = [Browser(study).consent() for _ in range(10)]
    answers = at_once(partial(take_part, browser) for browser in browsers)
    assert sum(answers) == Vote.objects.count() == 12 * 4
    assert set(comparisons.values_list("done", "open_leases")) == {(4, 0)}
    assert not Vote.objects.filter(late=True).exists()
    assert_counters_true(study)
    assert_sides_balanced(study)


def test_raters_who_fall_asleep_and_wake_up_late_do_no_harm() -> None:
    study = make_open_study(["a red fox", "a paper boat"], votes_wanted=3)

    def take_part(number: int, browser: Browser) -> int:
        rng, late, payload = random.Random(number), 0, browser.judge()
        while payload:
            if rng.random() < 0.4:
                hour, now = timedelta(hours=1), timezone.now()
                lease = Assignment.objects.filter(public_id=payload["assignment"])
                lease.update(issued_at=now - 2 * hour, expires_at=now - hour)
                release_expired()
            reply = browser.answer(payload)
            late += reply["receipt"]["late"]
            payload = reply["next"]
        return late

    browsers = [Browser(study).consent() for _ in range(8)]
    late = sum(at_once(partial(take_part, number, browser) for number, browser in enumerate(browsers)))
    assert late == Vote.objects.filter(late=True).count() > 0
    assert_counters_true(study)


def assert_sides_balanced(study: Study) -> None:
    for matchup in Matchup.objects.filter(question__study=study):
        assert abs(matchup.a_left - matchup.b_left) <= 1
