"""A rater's way through a study: blocks of questions, limits, no pair twice, the end."""

from __future__ import annotations

from collections import Counter

import pytest

from comparisons.models import Assignment, Comparison, RaterSession, Study
from comparisons.studies import build_comparisons, close_study, image_jobs, open_study
from generation import jobs
from generation.models import ImageJob
from tests.comparisons.browsing import Browser, assert_counters_true
from tests.factories import make_draft, make_image, make_open_study

pytestmark = pytest.mark.django_db


def test_all_of_the_first_question_comes_before_the_second() -> None:
    study = make_open_study(["a red fox", "a paper boat"])
    shown = Browser(study).consent().judge_all()
    assert [payload["question"]["key"] for payload in shown] == ["prompt-following"] * 6 + ["quality"] * 6
    assert [payload["block"] for payload in shown] == [
        {"number": number, "of": 2, "first": place == 0} for number in (1, 2) for place in range(6)
    ]
    assert [payload["progress"] for payload in shown] == [{"done": done, "total": 12} for done in range(12)]
    assert_counters_true(study)


def test_the_page_shows_the_question_as_the_study_words_it() -> None:
    shown = Browser(make_open_study(["a red fox"])).consent().judge_all()
    assert shown[0]["question"] == {
        "key": "prompt-following",
        "wording": "Which follows the text more closely?",
        "help": "",
        "tie": False,
        "both_bad": False,
    }
    assert shown[-1]["question"] == {
        "key": "quality",
        "wording": "Which has the higher quality?",
        "help": "",
        "tie": True,
        "both_bad": True,
    }
    assert {payload["prompt"] for payload in shown} == {"a red fox"}
    assert {payload["image_px"] for payload in shown} == {64}


def test_a_rater_answers_each_question_as_often_as_the_study_asks() -> None:
    study = make_open_study(judgements_per_question=2)
    shown = Browser(study).consent().judge_all()
    assert [payload["question"]["key"] for payload in shown] == ["prompt-following"] * 2 + ["quality"] * 2
    assert [payload["progress"]["total"] for payload in shown] == [4] * 4


def test_nobody_sees_a_comparison_twice() -> None:
    study = make_open_study()
    for _ in range(2):
        Browser(study).consent().judge_all()
    seen = Counter(Assignment.objects.values_list("session_id", "comparison_id"))
    assert set(seen.values()) == {1}
    assert len(seen) == 2 * Comparison.objects.count() == 48


def test_both_images_are_of_the_pair_and_of_different_systems() -> None:
    study = make_open_study(["a red fox"])
    Browser(study).consent().judge_all()
    for assignment in Assignment.objects.all():
        comparison = assignment.comparison
        assert comparison.image_a.job.prompt_id == comparison.image_b.job.prompt_id
        assert comparison.image_a.job.system_id != comparison.image_b.job.system_id


def test_every_pair_of_systems_gets_its_share_from_each_rater() -> None:
    study = make_open_study(judgements_per_question=3)
    Browser(study).consent().judge_all()
    matchups = Counter(Assignment.objects.values_list("comparison__matchup_id", flat=True))
    assert set(matchups.values()) == {1}
    assert len(matchups) == 6


def test_the_way_ends_with_a_code_that_stays() -> None:
    study = make_open_study(["a red fox"], judgements_per_question=1)
    browser = Browser(study).consent()
    assert browser.get("thanks/").headers["Location"] == f"/r/{study.key}/judge/", "there is more to judge"
    browser.judge_all()
    page = browser.get("thanks/").content.decode()
    session = RaterSession.objects.get()
    assert session.completed_at
    assert f'<output id="code" dir="ltr">{session.completion_code}</output>' in page
    assert "Your 2 answers are stored." in page
    again = browser.get("thanks/").content.decode()
    assert f'<output id="code" dir="ltr">{session.completion_code}</output>' in again
    assert RaterSession.objects.get().completed_at == session.completed_at
    assert browser.get().headers["Location"] == f"/r/{study.key}/thanks/"
    assert browser.get("judge/").headers["Location"] == f"/r/{study.key}/thanks/"


def test_who_has_finished_gets_nothing_more() -> None:
    study = make_draft(["a red fox"])
    open_study(study)
    make_images(study, systems=2)
    browser = Browser(study).consent()
    assert len(browser.judge_all()) == 2
    browser.get("thanks/")
    make_images(study, systems=3)
    assert Comparison.objects.count() == 6
    assert browser.judge() is None
    assert len(Browser(study).consent().judge_all()) == 6


def test_who_is_in_the_middle_gets_the_pairs_that_come() -> None:
    study = make_draft(["a red fox"])
    open_study(study)
    make_images(study, systems=2)
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    assert payload["progress"]["total"] == 2
    make_images(study, systems=3)
    assert browser.answer(payload)["next"]["progress"] == {"done": 1, "total": 6}
    assert len(browser.judge_all()) == 5
    assert_counters_true(study)


def make_images(study: Study, systems: int) -> None:
    """Let the images of the first systems exist, and their comparisons."""
    prompts = study.prompt_set.prompts.all()
    wishes = [
        (system, prompt, study.seed + prompt.position) for system in study.systems.all()[:systems] for prompt in prompts
    ]
    jobs.request(wishes, study.display_px)
    for job in image_jobs(study).filter(state=ImageJob.State.QUEUED):
        make_image(job)
    build_comparisons(study)


def test_leaving_before_the_first_answer_gives_no_code() -> None:
    study = make_open_study(["a red fox"])
    browser = Browser(study).consent()
    close_study(study)
    page = browser.get("thanks/").content.decode()
    assert RaterSession.objects.get().completion_code not in page
    assert RaterSession.objects.get().completed_at is None


def test_each_browser_is_a_rater_of_its_own() -> None:
    study = make_open_study(["a red fox"])
    first, second = Browser(study).consent(), Browser(study).consent()
    one, other = first.judge(), second.judge()
    assert one
    assert other
    assert one["assignment"] != other["assignment"]
    assert RaterSession.objects.count() == 2


def test_consent_is_asked_once_in_a_browser() -> None:
    study = make_open_study(["a red fox"])
    browser = Browser(study).consent()
    assert browser.get().headers["Location"] == f"/r/{study.key}/judge/"
    browser.client.post(browser.url, {"consent": "1"})
    assert RaterSession.objects.count() == 1


def test_no_session_begins_without_consent() -> None:
    study = make_open_study(["a red fox"])
    browser = Browser(study)
    for content in ({}, {"consent": "0"}, {"consent": ""}):
        response = browser.client.post(browser.url, content)
        assert response.status_code == 200
        assert "I agree, begin" in response.content.decode()
    assert browser.get("judge/").headers["Location"] == browser.url
    assert browser.get("thanks/").headers["Location"] == browser.url
    assert not RaterSession.objects.exists()


def test_a_simulated_rater_is_marked_for_good() -> None:
    study = make_open_study(["a red fox"])
    browser = Browser(study)
    browser.client.post(browser.url, {"consent": "1", "kind": "simulated"})
    assert RaterSession.objects.get().rater.kind == "simulated"
    Browser(study).consent()
    assert RaterSession.objects.latest("id").rater.kind == "person"
