"""A pair that cannot be judged is reported: no vote, and its capacity goes to somebody else."""

from __future__ import annotations

from typing import Any

import pytest

from comparisons.models import Report, Study, Vote
from comparisons.study_file import QuestionSpec
from tests.comparisons.browsing import Browser, assert_counters_true
from tests.comparisons.test_undo import undo
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    return make_open_study(["a red fox", "a paper boat"])


def report(rater: Browser, payload: dict[str, Any], **changes: Any) -> Any:
    content = {"assignment": payload["assignment"], "problem": "offensive", "note": "a wound"} | changes
    return rater.client.post(f"{rater.url}report/", content, content_type="application/json")


def test_a_report_is_no_vote_and_the_pair_does_not_come_again(study: Study) -> None:
    rater = Browser(study).consent()
    payload = rater.judge()
    assert payload
    following = report(rater, payload).json()["next"]
    assert following["assignment"] != payload["assignment"]
    assert (Report.objects.get().problem, Report.objects.get().note) == ("offensive", "a wound")
    assert not Vote.objects.exists()
    assert_counters_true(study)
    shown = rater.judge_all()
    assert payload["assignment"] not in [each["assignment"] for each in shown]
    assert len(shown) == 11
    assert_counters_true(study)


def test_a_report_that_is_sent_twice_is_one(study: Study) -> None:
    rater = Browser(study).consent()
    payload = rater.judge()
    assert payload
    first = report(rater, payload).json()
    assert report(rater, payload, problem="broken").json() == first
    assert Report.objects.get().problem == "offensive"
    assert_counters_true(study)


def test_a_pair_that_was_answered_and_taken_back_keeps_its_answer(study: Study) -> None:
    rater = Browser(study).consent()
    payload = rater.judge()
    assert payload
    following = rater.answer(payload)["next"]
    undo(rater)
    assert report(rater, payload).json()["next"] == following
    assert Vote.objects.standing().count() == 1
    assert_counters_true(study)


def test_a_practice_pair_can_be_reported_too_and_another_comes() -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, practice=("corrupted",))
    rater = Browser(make_open_study(["a red fox", "a paper boat"], questions=(question,))).consent()
    payload = rater.judge()
    assert payload
    assert payload["practice"]
    following = report(rater, payload, problem="broken").json()["next"]
    assert following["practice"]
    assert following["assignment"] != payload["assignment"]


def test_judging_begins_when_every_practice_pair_has_been_reported() -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, practice=("corrupted",))
    study = make_open_study(["a red fox"], questions=(question,))
    rater = Browser(study).consent()
    payload, shown = rater.judge(), []
    while payload and payload["practice"]:
        shown.append(payload["progress"])
        payload = report(rater, payload, problem="broken").json()["next"]
    assert shown == [{"done": 0, "total": 1}] * 3
    assert payload and payload["progress"] == {"done": 0, "total": 3}
    assert len(rater.judge_all()) == 3


def test_a_note_loses_only_what_no_database_takes(study: Study) -> None:
    rater = Browser(study).consent()
    payload = rater.judge()
    assert payload
    assert report(rater, payload, note="a\0 wound \ud83d").status_code == 200
    assert Report.objects.get().note == "a wound "


def test_nobody_reports_a_pair_of_another_session(study: Study) -> None:
    payload = Browser(study).consent().judge()
    assert payload
    response = report(Browser(study).consent(), payload)
    assert (response.status_code, response.json()) == (403, {"error": "This pair was not given to this session."})
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"problem": "boring"}, "problem is 'boring'; allowed: broken, offensive, other."),
        ({"assignment": "x"}, "assignment is 'x'; allowed: a UUID."),
    ],
)
def test_a_wrong_report_is_refused(study: Study, changes: dict[str, Any], sentence: str) -> None:
    rater = Browser(study).consent()
    payload = rater.judge()
    assert payload
    response = report(rater, payload, **changes)
    assert (response.status_code, response.json()) == (400, {"error": sentence})
    assert rater.judge() == payload
