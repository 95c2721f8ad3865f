"""The votes behind a number: which a filter chooses, page by page, and what it says of wrong values."""

from __future__ import annotations

import csv
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from analysis import vote_filters, vote_pages
from comparisons.models import Comparison, Exclusion, Matchup, Study, Vote
from people.models import AuditEntry, Membership
from tests.analysis.votes import cast_vote, cast_votes
from tests.factories import make_open_study, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    study = make_open_study(slug="one")
    cast_votes(study, raters=6, each=10)
    return study


@pytest.fixture(params=["few", "many"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few votes are found by what they are about, many from the newest on: what is shown is the same."""
    monkeypatch.setattr(vote_pages, "FEW", 10**9 if request.param == "few" else -1)


def shown(researcher: Client, **chosen: str | int) -> list[int]:
    """The ids on all pages, one after the other."""
    ids: list[int] = []
    page = researcher.get("/studies/one/votes/", chosen)
    while True:
        assert page.status_code == 200, page.context["form"].errors
        ids += [row.vote.id for row in page.context["page"].rows]
        if page.context["page"].older is None:
            return ids
        page = researcher.get("/studies/one/votes/", {**chosen, "before": page.context["page"].older})


def newest_first(votes: QuerySet[Vote]) -> list[int]:
    return list(votes.distinct().order_by("-id").values_list("id", flat=True))


PAIR = "assignment__comparison__"


CHOSEN: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({}, {}),
    ({"question": "quality"}, {f"{PAIR}question__key": "quality"}),
    ({"prompt": "2"}, {f"{PAIR}image_a__job__prompt__position": 2}),
    ({"outcome": "tie"}, {"outcome": "tie"}),
    (
        {"question": "quality", "outcome": "left", "late": "no"},
        {f"{PAIR}question__key": "quality", "outcome": "left"},
    ),
    ({"category": "Things", "challenge": "Simple Detail"}, {}),
    ({"late": "yes"}, {"late": True}),
]


def test_each_field_chooses_and_all_can_be_combined(study: Study, researcher: Client, either_way: None) -> None:
    cast_vote(make_session(study), Comparison.objects.earliest("id"), late=True)
    for chosen, condition in CHOSEN:
        assert shown(researcher, **chosen) == newest_first(Vote.objects.filter(**condition))


def test_a_system_and_its_opponent_are_found_whichever_is_image_a(
    study: Study, researcher: Client, either_way: None
) -> None:
    both = Matchup.objects.filter(system_a__slug="alpha@4", system_b__slug="gamma@4")
    assert both.count() == 2
    expected = newest_first(Vote.objects.filter(assignment__comparison__matchup__in=both))
    assert expected
    assert shown(researcher, system="alpha@4", opponent="gamma@4") == expected
    assert shown(researcher, system="gamma@4", opponent="alpha@4") == expected
    assert shown(researcher, opponent="gamma@4", system="alpha@4", question="quality") == [
        vote for vote in expected if Vote.objects.get(id=vote).assignment.comparison.question.key == "quality"
    ]


def test_won_and_lost_are_those_of_the_system(study: Study, researcher: Client, either_way: None) -> None:
    found = {outcome: shown(researcher, system="beta@4", outcome=outcome) for outcome in ("won", "lost")}
    page = researcher.get("/studies/one/votes/", {"system": "beta@4", "outcome": "won"})
    for row in page.context["page"].rows:
        assert {"left": row.left, "right": row.right}[row.vote.outcome] == "beta@4"
    page = researcher.get("/studies/one/votes/", {"system": "beta@4", "outcome": "lost"})
    for row in page.context["page"].rows:
        assert {"left": row.right, "right": row.left}[row.vote.outcome] == "beta@4"
    decided = [
        *shown(researcher, system="beta@4", outcome="left"),
        *shown(researcher, system="beta@4", outcome="right"),
    ]
    assert sorted(found["won"] + found["lost"]) == sorted(decided)


def test_excluded_votes_are_those_of_excluded_raters_too(study: Study, researcher: Client, either_way: None) -> None:
    out, other = study.sessions.order_by("id")[:2]
    single = Vote.objects.filter(assignment__session=other).latest("id")
    Exclusion.objects.create(session=out, reason="careless")
    Exclusion.objects.create(vote=single, reason="slipped")
    revoked = Exclusion.objects.create(vote=Vote.objects.latest("id"), reason="by mistake")
    revoked.revoke(None, "it was one")
    excluded = newest_first(Vote.objects.filter(assignment__session=out) | Vote.objects.filter(id=single.id))
    assert shown(researcher, excluded="yes") == excluded
    assert shown(researcher, excluded="no") == newest_first(Vote.objects.exclude(id__in=excluded))
    assert shown(researcher, excluded="yes", session=other.id) == [single.id]


def test_only_judgements_that_stand_are_listed(study: Study, researcher: Client) -> None:
    first = Vote.objects.latest("id")
    again = Vote.objects.create(
        assignment=first.assignment,
        supersedes=first,
        client_key="00000000-0000-4000-8000-000000000000",
        outcome="right",
        response_ms=900,
    )
    ids = shown(researcher)
    assert again.id in ids
    assert first.id not in ids


def test_votes_of_another_study_are_not_shown(study: Study, researcher: Client, either_way: None) -> None:
    before = shown(researcher)
    cast_votes(make_open_study(slug="two"), raters=2, each=5)
    assert shown(researcher) == before


def test_prompts_without_a_label_have_a_name_of_their_own(researcher: Client) -> None:
    study = make_open_study(slug="one")
    cast_votes(study, raters=2, each=12)
    study.prompt_set.prompts.filter(position=1).update(category="")
    bare = newest_first(Vote.objects.filter(**{f"{PAIR}image_a__job__prompt__position": 1}))
    assert shown(researcher, category="none") == bare


def test_pages_follow_each_other_without_gap_or_repetition(
    study: Study, researcher: Client, either_way: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vote_pages, "PER_PAGE", 7)
    everything = newest_first(Vote.objects.all())
    assert shown(researcher) == everything
    first = researcher.get("/studies/one/votes/").context["page"]
    cast_votes(study, raters=1, each=5, seed=9)
    second = researcher.get("/studies/one/votes/", {"before": first.older}).context["page"]
    assert [row.vote.id for row in second.rows] == everything[7:14], "new votes do not shift a page"


def test_rare_votes_among_many_are_looked_for_in_steps(
    study: Study, researcher: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = cast_vote(make_session(study), Comparison.objects.earliest("id"), late=True)
    cast_votes(study, raters=2, each=10, seed=5)
    monkeypatch.setattr(vote_pages, "FEW", -1)
    monkeypatch.setattr(vote_pages, "WINDOW", 8)
    page = researcher.get("/studies/one/votes/", {"late": "yes"})
    assert page.context["page"].is_unfinished
    assert "Look further back" in page.content.decode()
    assert "in all" not in page.content.decode()
    assert shown(researcher, late="yes") == [rare.id]


WRONG: list[tuple[dict[str, str], str]] = [
    ({"question": "qualty"}, "question is 'qualty'; allowed: prompt-following, quality."),
    ({"system": "delta@4"}, "system is 'delta@4'; allowed: alpha@4, beta@4, gamma@4."),
    ({"prompt": "4"}, "prompt is 4; this study has prompts 0 to 3."),
    ({"prompt": "9" * 5000}, f"prompt is '{'9' * 40}'; allowed: a whole number."),
    ({"prompt": "-1"}, "prompt is '-1'; allowed: a whole number."),
    ({"session": "0"}, "session is 0; this study has no rater of this number."),
    ({"outcome": "draw"}, "outcome is 'draw'; allowed: won, lost, left, right, tie, both_bad."),
    ({"outcome": "won"}, "outcome is 'won'; choose the system that won, too."),
    ({"system": "beta@4", "opponent": "beta@4"}, "opponent is 'beta@4', which is the system; choose another."),
    ({"late": "maybe"}, "late is 'maybe'; allowed: yes, no."),
    ({"category": "100%"}, "category is '100%'; allowed: Things."),
]


def test_a_wrong_value_gets_a_sentence_on_the_page_and_for_the_file(study: Study, researcher: Client) -> None:
    for chosen, sentence in WRONG:
        page = researcher.get("/studies/one/votes/", chosen)
        assert page.status_code == 400
        assert [error for errors in page.context["form"].errors.values() for error in errors] == [sentence]
        file = researcher.get("/studies/one/votes/chosen.csv", chosen)
        assert (file.status_code, file.content.decode()) == (400, sentence)


def test_a_cursor_that_is_none_shows_the_newest(study: Study, researcher: Client) -> None:
    for before in ("x", "-3", "9" * 5000, ""):
        page = researcher.get("/studies/one/votes/", {"before": before}).context["page"]
        assert page.rows[0].vote == Vote.objects.latest("id")


def test_the_filter_is_said_in_a_sentence(study: Study, researcher: Client) -> None:
    chosen = {"system": "beta@4", "opponent": "alpha@4", "question": "quality", "outcome": "won", "excluded": "no"}
    page = researcher.get("/studies/one/votes/", chosen)
    sentence = "Votes on quality about beta@4 against alpha@4 that beta@4 won that are not excluded"
    assert page.context["form"].sentence == sentence
    assert researcher.get("/studies/one/votes/").context["form"].sentence == "All votes"


def test_the_chosen_votes_come_as_a_file(study: Study, researcher: Client) -> None:
    chosen = {"system": "beta@4", "question": "quality"}
    response = researcher.get("/studies/one/votes/chosen.csv", chosen)
    assert response["Content-Disposition"] == 'attachment; filename="one-chosen-votes.csv"'
    rows = list(csv.DictReader(response.getvalue().decode().splitlines()))
    assert [int(row["vote_id"]) for row in rows] == shown(researcher, **chosen)[::-1]
    assert AuditEntry.objects.get().details == {"file": "chosen votes", "filter": urlencode(chosen)}


def test_the_page_makes_as_many_queries_for_many_votes_as_for_few(
    researcher: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    study = make_open_study(slug="one")
    for raters in (1, 8):
        cast_votes(study, raters, each=12)
        with django_assert_max_num_queries(22):
            researcher.get("/studies/one/votes/", {"question": "quality", "excluded": "no"})


def test_only_who_may_see_results_sees_votes(study: Study, client: Client) -> None:
    paths = [
        "/studies/one/votes/",
        "/studies/one/votes/chosen.csv",
        f"/studies/one/votes/{Vote.objects.latest('id').id}/",
    ]
    assert {client.get(path).status_code for path in paths} == {302}
    bob = User.objects.create_user("bob")
    client.force_login(bob)
    assert {client.get(path).status_code for path in paths} == {404}
    Membership.objects.create(user=bob, study=study, role=Membership.Role.OPERATOR)
    assert {client.get(path).status_code for path in paths} == {403}


def test_more_votes_than_are_counted_are_said_to_be_more(
    study: Study, researcher: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert researcher.get("/studies/one/votes/").context["page"].count == "60"
    monkeypatch.setattr(vote_pages, "MOST_COUNTED", 20)
    assert researcher.get("/studies/one/votes/").context["page"].count == "more than 20"


def test_what_a_filter_finds_is_estimated_from_counters(study: Study) -> None:
    form = vote_filters.VoteFilterForm(study, {"question": "quality", "prompt": "1"})
    assert form.is_valid()
    on_quality = Vote.objects.filter(**{f"{PAIR}question__key": "quality"}).count()
    assert vote_filters.expected_count(study, form.cleaned_data) == on_quality // 4
