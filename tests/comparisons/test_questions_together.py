"""All questions about a pair on one screen: one lease for all, answered together or not at all."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db.models import F

from comparisons.leases import has_room, release_expired
from comparisons.models import Assignment, Comparison, Matchup, Study, Vote
from comparisons.protocol import Checks, Gold, Protocol
from comparisons.study_file import QuestionSpec
from tests.comparisons.browsing import Browser, assert_counters_true, make_answer
from tests.comparisons.test_leases import run_out
from tests.comparisons.test_undo import undo
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

QUESTIONS = (
    QuestionSpec("following", "Which follows the text?", tie=False, both_bad=False, checks=("corrupted",)),
    QuestionSpec("quality", "Which is better?", tie=True, both_bad=False),
)


@pytest.fixture
def study() -> Study:
    protocol = Protocol(layout="together", checks=Checks(every=3))
    return make_open_study(["a red fox", "a paper boat"], questions=QUESTIONS, protocol=protocol)


def both(payload: dict[str, Any], first: str = "left", second: str = "tie") -> dict[str, Any]:
    (other,) = payload["also"]
    also = {"assignment": other["assignment"], "key": str(uuid.uuid4()), "outcome": second, "response_ms": 700}
    return make_answer(payload, first) | {"also": [also]}


def judge_all(rater: Browser) -> int:
    count, payload = 0, rater.judge()
    while payload:
        response = rater.post(both(payload))
        assert response.status_code == 200, response.content
        count, payload = count + 1, response.json()["next"]
    return count


def test_each_pair_is_seen_once_and_answered_under_both_questions(study: Study) -> None:
    rater = Browser(study).consent()
    payload = rater.judge()
    assert payload
    assert payload["question"]["key"] == "following"
    assert [other["question"]["key"] for other in payload["also"]] == ["quality"]
    assert payload["progress"]["total"] == judge_all(rater) == 6 + 2
    votes = Vote.objects.standing()
    assert votes.count() == 12
    assert set(votes.values_list("assignment__comparison__question__key", "outcome")) == {
        ("following", "left"),
        ("quality", "tie"),
    }
    assert set(Comparison.objects.values_list("done", flat=True)) == {1}
    assert_counters_true(study)


def test_the_time_is_told_for_all_the_questions(study: Study) -> None:
    page = Browser(study).get().content.decode()
    assert "8 pairs of images" in page
    assert "About 2 minutes" in page, "16 decisions"


def test_the_sides_are_the_same_for_both_and_balanced(study: Study) -> None:
    for _ in range(2):
        judge_all(Browser(study).consent())
    for beside in Assignment.objects.exclude(beside=None):
        assert beside.beside
        assert beside.a_is_left == beside.beside.a_is_left
    for matchup in Matchup.objects.all():
        assert abs(matchup.a_left - matchup.b_left) <= 1


@pytest.mark.parametrize("change", ["none", "twice", "stranger"])
def test_an_answer_to_one_of_them_is_refused(study: Study, change: str) -> None:
    rater = Browser(study).consent()
    payload = rater.judge()
    assert payload
    answer = both(payload)
    also = {
        "none": [],
        "twice": answer["also"] * 2,
        "stranger": [answer["also"][0] | {"assignment": str(uuid.uuid4())}],
    }
    response = rater.post(answer | {"also": also[change]})
    assert response.status_code == 400
    assert "this pair has 1 question(s) more" in response.json()["error"]
    assert not Vote.objects.exists()
    assert rater.judge() == payload


def test_all_of_it_runs_out_and_is_taken_back_together(study: Study) -> None:
    rater = Browser(study).consent()
    payload = rater.judge()
    assert payload
    answer = both(payload)
    undo(rater)
    run_out()
    assert release_expired() == 2, "the pair in hand and the one ahead"
    assert_counters_true(study)
    receipt = rater.post(answer).json()["receipt"]
    assert receipt["late"]
    assert Vote.objects.filter(late=True).count() == 2
    assert_counters_true(study)
    undo(rater)
    rater.post(both(payload, "right", "right"))
    assert Vote.objects.count() == 4
    assert set(Vote.objects.standing().values_list("outcome", flat=True)) == {"right"}
    assert_counters_true(study)


def test_pairs_that_are_full_under_one_question_hold_up_no_others(study: Study) -> None:
    """As after the import of votes on one question."""
    following, quality = study.ordered_questions
    heads = Comparison.objects.filter(question=following).order_by("taken", "shuffle")[:4]
    for head in heads:
        beside = Comparison.objects.filter(question=quality, image_a=head.image_a_id, image_b=head.image_b_id)
        beside.update(done=F("votes_wanted"))
    assert has_room(study)
    judge_all(Browser(study).consent())
    judged = Assignment.objects.filter(kind="judgement", beside=None, state="done")
    assert judged.count() == 2
    left = Comparison.objects.filter(question=following, done=0)
    assert left.count() == 4
    Comparison.objects.filter(question=following, done=1).update(done=F("votes_wanted"))
    assert not has_room(study), "nobody is let in who could get nothing"


def test_checks_with_a_known_answer_are_voted_on_under_no_question() -> None:
    gold = Gold("following", "a red fox", "alpha@4", "beta@4")
    questions = (QuestionSpec("following", "Which?", tie=False, both_bad=False, checks=("gold",)), QUESTIONS[1])
    protocol = Protocol(layout="together", checks=Checks(every=3, gold=(gold,)))
    make_open_study(["a red fox", "a paper boat"], questions=questions, protocol=protocol)
    known = Comparison.objects.filter(votes_wanted=0)
    assert set(known.values_list("question__key", flat=True)) == {"following", "quality"}
    assert known.count() == 2
