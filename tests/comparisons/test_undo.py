"""Taking the last answer back: the old vote stays, superseded by the new one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from comparisons import voting
from comparisons.models import Assignment, Study, Vote
from comparisons.studies import close_study
from tests.comparisons.browsing import Browser, assert_counters_true, make_answer
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    return make_open_study(["a red fox", "a paper boat"])


@pytest.fixture
def rater(study: Study) -> Browser:
    return Browser(study).consent()


def undo(rater: Browser) -> dict[str, Any]:
    response = rater.client.post(f"{rater.url}undo/", "{}", content_type="application/json")
    assert response.status_code == 200
    return dict(response.json())


def pair(payload: dict[str, Any] | None) -> list[Any]:
    assert payload
    return [payload[key] for key in ("assignment", "left", "right", "prompt", "question")]


def outcomes() -> list[str]:
    return list(Vote.objects.standing().order_by("id").values_list("outcome", flat=True))


def test_the_same_pair_comes_again_and_the_new_answer_counts(study: Study, rater: Browser) -> None:
    first = rater.judge()
    assert first
    assert not first["undoable"]
    following = rater.answer(first, "left")["next"]
    assert following["undoable"]
    again = undo(rater)
    assert again["undone"]
    assert pair(again["next"]) == pair(first)
    assert again["next"]["progress"] == first["progress"]
    assert not again["next"]["block"]["first"], "the question has been introduced"
    assert [rater.get(first[side]).status_code for side in ("left", "right")] == [200, 200]
    assert outcomes() == ["left"], "until there is another"
    assert rater.answer(first, "right")["next"] == following
    assert outcomes() == ["right"]
    assert Vote.objects.count() == 2
    assert Vote.objects.get(outcome="right").supersedes == Vote.objects.get(outcome="left")
    assert_counters_true(study)


def test_the_progress_bar_keeps_its_length_when_the_last_but_one_is_taken_back(rater: Browser) -> None:
    """Nothing else is to come then, and two pairs are in hand."""
    payload = rater.judge()
    while payload and payload["progress"]["done"] < 11:
        payload = rater.answer(payload)["next"]
    assert payload and payload["progress"] == {"done": 11, "total": 12}
    assert undo(rater)["next"]["progress"] == {"done": 10, "total": 12}


def test_an_answer_can_be_taken_back_again(study: Study, rater: Browser) -> None:
    payload = rater.judge()
    assert payload
    rater.answer(payload, "left")
    for outcome in ("right", "left", "right"):
        undo(rater)
        rater.answer(payload, outcome)
    assert outcomes() == ["right"]
    assert Vote.objects.count() == 4
    assert_counters_true(study)


def test_who_leaves_after_taking_back_has_still_given_the_answer(study: Study, rater: Browser) -> None:
    payload = rater.judge()
    assert payload
    rater.answer(payload, "left")
    undo(rater)
    assert pair(rater.judge()) == pair(payload), "a reload asks for it again"
    assert outcomes() == ["left"]
    assert_counters_true(study)


def test_undoing_twice_is_undoing_once(rater: Browser) -> None:
    payload = rater.judge()
    assert payload
    rater.answer(payload)
    assert undo(rater)["next"] == undo(rater)["next"] == rater.judge()
    assert pair(rater.judge()) == pair(payload)


def test_an_answer_that_was_taken_back_and_comes_late_changes_nothing(rater: Browser) -> None:
    payload = rater.judge()
    assert payload
    old = make_answer(payload, "left")
    receipt = rater.post(old).json()["receipt"]
    undo(rater)
    assert rater.post(old).json()["receipt"] == receipt
    assert Assignment.objects.filter(state="undone").exists(), "it still waits for another"
    rater.answer(payload, "right")
    assert rater.post(old).json()["receipt"] == receipt
    assert outcomes() == ["right"]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Something that another tab does between the next answer's look at its lease and its vote."""

    def arrange(happen: Callable[[], None]) -> None:
        stored = voting._stored

        def look(assignment: Assignment, answer: voting.Answer) -> Vote | None:
            found = stored(assignment, answer)
            monkeypatch.setattr(voting, "_stored", stored)
            happen()
            return found

        monkeypatch.setattr(voting, "_stored", look)

    return arrange


def test_an_answer_supersedes_one_that_came_and_was_taken_back_meanwhile(
    study: Study, rater: Browser, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    payload, tab = rater.judge(), rater.another_tab()
    assert payload

    def answer_and_undo() -> None:
        tab.answer(payload, "left")
        undo(tab)

    meanwhile(answer_and_undo)
    answer = make_answer(payload, "right")
    response = rater.post(answer)
    assert response.status_code == 200
    assert response.json()["receipt"] == {"key": answer["key"], "late": False}
    assert outcomes() == ["right"]
    assert Vote.objects.get(outcome="right").supersedes == Vote.objects.get(outcome="left")
    assert_counters_true(study)


def test_an_answer_that_came_twice_and_was_taken_back_meanwhile_changes_nothing(
    study: Study, rater: Browser, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    payload, tab = rater.judge(), rater.another_tab()
    assert payload
    answer = make_answer(payload, "left")

    def answer_and_undo() -> None:
        tab.post(answer)
        undo(tab)

    meanwhile(answer_and_undo)
    response = rater.post(answer)
    assert response.status_code == 200
    assert response.json()["receipt"] == {"key": answer["key"], "late": False}
    assert pair(response.json()["next"]) == pair(payload), "it still waits for another"
    assert Vote.objects.count() == 1
    assert_counters_true(study)


def test_there_is_nothing_to_undo_at_the_beginning_or_when_all_is_over(study: Study, rater: Browser) -> None:
    payload = rater.judge()
    assert payload
    assert undo(rater)["undone"] is False
    rater.answer(payload)
    close_study(study)
    assert undo(rater) == {"undone": False, "next": None, "ahead": None}


def test_nobody_takes_back_what_somebody_else_answered(study: Study, rater: Browser) -> None:
    payload = rater.judge()
    assert payload
    rater.answer(payload)
    stranger = Browser(study).consent()
    stranger.judge()
    assert undo(stranger)["undone"] is False
    assert outcomes() == ["left"]
