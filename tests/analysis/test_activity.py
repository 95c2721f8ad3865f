"""How votes come in: by day, at what pace, and when they will all be there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from analysis import activity, computing
from comparisons.models import Assignment, Comparison, Study, Vote
from comparisons.progress import RatingProgress, raters_active, rating_progress
from tests.analysis.votes import cast_vote, cast_votes
from tests.comparisons.browsing import Browser
from tests.comparisons.test_undo import undo
from tests.factories import make_draft, make_open_study, make_session

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def wanted(votes: int, of: int) -> list[RatingProgress]:
    return [RatingProgress("q", "Which?", wanted=of, votes=votes)]


def stretches(*counts: tuple[int, int]) -> dict[str, object]:
    """Minutes before NOW, and votes."""
    return {"stretches": [[(NOW - timedelta(minutes=ago)).isoformat(), count] for ago, count in counts]}


def test_the_rest_takes_as_long_as_the_pace_of_stretches_with_votes_says() -> None:
    found = activity.finish(stretches((600, 30), (20, 10), (10, 20)), wanted(40, 100), NOW)
    assert found
    assert (found.votes_left, found.per_hour, found.stretches) == (60, 120, 3)
    assert found.at == NOW + timedelta(minutes=30)
    assert found.duration == "30 min"


def test_a_stretch_that_is_not_over_is_not_counted() -> None:
    found = activity.finish(stretches((30, 10), (20, 10), (5, 1)), wanted(0, 60), NOW)
    assert found
    assert (found.per_hour, found.stretches) == (60, 2)


def test_nobody_knows_when_it_ends_where_no_votes_come_now() -> None:
    found = activity.finish(stretches((500, 10), (490, 10)), wanted(0, 60), NOW)
    assert found
    assert (found.at, found.duration) == (None, "1 h 0 min")


@pytest.mark.parametrize("counts", [[], [(20, 9)], [(20, 9), (5, 9)]])
def test_too_few_stretches_tell_nothing(counts: list[tuple[int, int]]) -> None:
    assert activity.finish(stretches(*counts), wanted(0, 60), NOW) is None


def test_nothing_is_left_where_all_votes_are_in() -> None:
    assert activity.finish(stretches((30, 10), (20, 10)), wanted(60, 60), NOW) is None


def test_votes_are_counted_by_day_and_question(monkeypatch: pytest.MonkeyPatch) -> None:
    study = make_open_study()
    session, comparisons = make_session(study), Comparison.objects.order_by("question__position", "id")
    first, last = comparisons.first(), comparisons.last()
    assert first and last
    for comparison, moment in ((first, "2026-05-04T23:59"), (last, "2026-05-05T00:01"), (last, "2026-05-05T08:09")):
        monkeypatch.setattr(timezone, "now", lambda moment=moment: datetime.fromisoformat(f"{moment}+00:00"))
        vote = cast_vote(session, comparison)
        session = make_session(study)
        assert vote.answered_at == timezone.now()
    made = activity.make(study)
    assert made["days"] == [["2026-05-04", "prompt-following", 1], ["2026-05-05", "quality", 2]]
    assert made["stretches"] == [
        ["2026-05-04T23:50:00+00:00", 1],
        ["2026-05-05T00:00:00+00:00", 1],
        ["2026-05-05T08:00:00+00:00", 1],
    ]
    assert made["raters"] == 3


def test_an_answer_given_again_is_one_vote() -> None:
    study = make_open_study(slug="one")
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    browser.answer(payload)
    undo(browser)
    again = browser.judge()
    assert again
    browser.answer(again)
    assert Vote.objects.count() == 2
    assert sum(count for _, _, count in activity.make(study)["days"]) == 1
    assert [row.votes for row in rating_progress(study)] == [1, 0]


def test_progress_counts_answers_and_not_who_still_looks() -> None:
    study = make_open_study(slug="one")
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    assert [(row.votes, row.wanted, row.left) for row in rating_progress(study)] == [(0, 24, 24), (0, 24, 24)]
    assert raters_active(study) == 1
    browser.answer(payload)
    assert [(row.votes, row.left) for row in rating_progress(study)] == [(1, 23), (0, 24)]
    Assignment.objects.open().update(
        issued_at=timezone.now() - timedelta(hours=2), expires_at=timezone.now() - timedelta(hours=1)
    )
    assert raters_active(study) == 0


def test_late_votes_are_counted_apart_and_lead_to_themselves(researcher: Client) -> None:
    study = make_open_study(slug="one")
    cast_vote(make_session(study), Comparison.objects.filter(question__key="quality").earliest("id"), late=True)
    assert [row.votes for row in rating_progress(study)] == [0, 0]
    assert activity.make(study)["late"] == {"quality": 1}
    computing.compute(study, "activity")
    assert "?question=quality&amp;late=yes" in researcher.get("/studies/one/").content.decode()


def test_the_overview_says_what_is_known(researcher: Client) -> None:
    study = make_open_study(slug="one")
    empty = researcher.get("/studies/one/").content.decode()
    assert "simulate_raters one" in empty
    assert "48 votes are left." in empty
    cast_votes(study, raters=3, each=4)
    computing.compute(study, "activity")
    response = researcher.get("/studies/one/")
    assert set(response.context["charts"]) == {"votes-by-day"}
    text = response.content.decode()
    assert 'data-refresh="/studies/one/rating/"' in text
    assert "Nobody is judging now." in text
    assert "36 votes are left. How long that takes" in text
    section = researcher.get("/studies/one/rating/").content.decode()
    assert section.strip() in text


def test_a_draft_has_no_rating_yet(researcher: Client) -> None:
    make_draft(slug="one")
    text = researcher.get("/studies/one/").content.decode()
    assert "open_study one" in text
    assert 'id="rating"' not in text


def test_progress_takes_as_many_queries_for_many_votes_as_for_few(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    study = make_open_study()
    for raters in (1, 10):
        cast_votes(study, raters, each=5)
        with django_assert_num_queries(4):
            rating_progress(Study.objects.get(id=study.id))
