"""What the page on data quality counts, with everything and without what is excluded."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from analysis import computing, quality, quality_pages, snapshots
from comparisons.models import Comparison, Exclusion, RaterSession, Study, Vote
from comparisons.protocol import Checks, Protocol, Rules
from comparisons.rules import apply_rules
from comparisons.studies import close_study
from comparisons.study_file import QuestionSpec
from people.models import Membership
from tests.analysis.votes import cast_vote, cast_votes
from tests.comparisons.browsing import Browser
from tests.comparisons.test_checks import judge_well
from tests.factories import make_open_study, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, checks=("corrupted", "mismatched"))
    protocol = Protocol(checks=Checks(every=4, repeats=1), rules=Rules(failed_checks=2))
    return make_open_study(slug="one", questions=(question,), protocol=protocol, votes_wanted=4)


def test_checks_repeats_and_answers_with_and_without_who_is_excluded(study: Study) -> None:
    judge_well(Browser(study).consent(), fail=True)
    judge_well(Browser(study).consent())
    apply_rules(study)
    careless = RaterSession.objects.earliest("id")
    made = quality.make(study)
    counts = {
        name: [sum(checked) for checked in zip(*part["checks"].values(), strict=True)]
        for name, part in made.items()
        if name in {"all", "kept"}
    }
    assert counts == {"all": [3, 6], "kept": [3, 3]}
    assert set(made["all"]["checks"]) == {"q corrupted", "q mismatched"}
    assert [made[part]["raters"] for part in ("all", "kept")] == [2, 1]
    assert [made[part]["answers"] for part in ("all", "kept")] == [24, 12]
    assert [made[part]["repeats"][1] for part in ("all", "kept")] == [2, 1]
    assert made["excluded"] == [careless.id]
    assert made["raters"]["checks"] == [(careless.id, "3 of 3 failed")]


def test_single_excluded_answers_are_left_out(study: Study) -> None:
    session = make_session(study)
    for number, comparison in enumerate(Comparison.objects.order_by("id")[:4]):
        vote = cast_vote(session, comparison, "left" if number < 3 else "right")
    Exclusion.objects.create(vote=vote, reason="slipped")
    made = quality.make(study)
    assert [made[part]["sides"] for part in ("all", "kept")] == [[3, 1], [3, 0]]
    assert made["kept"]["times"]["quantiles"] == {"5%": 1.5, "50%": 1.5, "95%": 1.5}
    assert sum(made["kept"]["times"]["classes"]) == 3
    assert made["kept"]["times"]["classes"][quality.TIMES_S.index(1.5)] == 3, "an upper end belongs to its class"


def test_a_rater_who_keeps_to_one_side_stands_out(study: Study) -> None:
    steady, mixed = make_session(study), make_session(study)
    for number, comparison in enumerate(Comparison.objects.order_by("id")[:12]):
        cast_vote(steady, comparison, "left")
        cast_vote(mixed, comparison, "left" if number % 2 else "right")
    outliers = quality.make(study)["raters"]
    assert outliers["sides"] == [(steady.id, "12 left, 0 right (p = 0.00049)")]
    assert outliers["runs"] == [(steady.id, "12 on one side in a row")]
    assert quality.make(study)["all"]["runs"] == [1, 0, 0, 0, 1, 0]


def test_exclusions_are_counted_by_rule_and_by_person(study: Study) -> None:
    ana, sessions = User.objects.create_user("ana"), [make_session(study) for _ in range(3)]
    vote = cast_vote(sessions[2], Comparison.objects.earliest("id"))
    Exclusion.objects.create(session=sessions[0], rule="failed_checks", reason="3 of 3")
    Exclusion.objects.create(session=sessions[1], rule="failed_checks", reason="2 of 3").revoke(ana.pk, "ill")
    Exclusion.objects.create(vote=vote, created_by=ana, reason="slipped")
    assert quality.exclusions(study) == {
        "rules": [{"name": "failed_checks", "raters": 1, "answers": 0, "restored": 1}],
        "people": [{"name": "ana", "raters": 0, "answers": 1, "restored": 0}],
    }


def test_classes_are_named_by_their_ends() -> None:
    assert quality_pages.class_names((2, 4, 7), 1) == ["1 to 2", "3 to 4", "5 to 7", "over 7"]
    assert quality_pages.class_names((0.5, 1, 1.5), 0) == ["0 to 0.5", "0.5 to 1", "1 to 1.5", "over 1.5"]


def test_the_page_says_that_numbers_are_to_come_and_shows_them_when_they_are_there(
    study: Study, researcher: Client
) -> None:
    judge_well(Browser(study).consent(), fail=True)
    apply_rules(study)
    computing.compute(study, "results")
    waiting = researcher.get("/studies/one/quality/").content.decode()
    assert "have not been computed yet" in waiting
    assert "failed_checks" in waiting
    for kind in ("quality", "results-with-excluded"):
        computing.compute(study, kind)
    response = researcher.get("/studies/one/quality/")
    text = response.content.decode()
    session = RaterSession.objects.get()
    assert f'href="/studies/one/raters/{session.id}/"' in text
    assert "3 of 3 failed" in text
    assert "a picture beside its spoilt copy" in text
    assert [row.kept.value for row in response.context["checks"]] == [None, None]


def test_the_preference_for_a_side_has_an_interval_for_every_look_until_the_study_is_closed(
    researcher: Client,
) -> None:
    study = make_open_study(slug="one", texts=[f"a fox with {number} tails" for number in range(10)])
    cast_votes(study, raters=12, each=30)
    for is_open in (True, False):
        call_command("compute_results", "one")
        response = researcher.get("/studies/one/quality/")
        stored: Any = snapshots.results(study)["questions"]
        for row in response.context["position_bias"]:
            found = stored[row.name]["always_valid"] if is_open else stored[row.name]
            ends = found["position_bias"]["low"], found["position_bias"]["high"]
            assert (row.kept["low"], row.kept["high"]) == (row.all["low"], row.all["high"]) == ends
            assert None not in ends
        assert ("their intervals hold at every look" in response.content.decode()) == is_open
        if is_open:
            close_study(study)


def test_of_several_kinds_of_numbers_the_stalest_is_told(study: Study, researcher: Client) -> None:
    cast_votes(study)
    call_command("compute_results", study.slug)
    assert "newer answer" not in researcher.get("/studies/one/quality/").content.decode()
    cast_votes(study, raters=1, each=3)
    computing.compute(study, "quality")
    assert "; 3 newer answers since" in researcher.get("/studies/one/quality/").content.decode()


def test_the_page_says_that_numbers_could_not_be_computed(study: Study, researcher: Client) -> None:
    page = "/studies/one/quality/"
    assert "failed" not in researcher.get(page).content.decode()
    study.snapshots.filter(kind="quality").update(error="MemoryError: no room")
    said = "The last attempt to compute the numbers failed: MemoryError: no room"
    assert said in researcher.get(page).content.decode()


def test_a_study_nobody_has_judged_has_the_page(study: Study, researcher: Client) -> None:
    for kind in ("quality", "results", "results-with-excluded"):
        computing.compute(study, kind)
    text = researcher.get("/studies/one/quality/").content.decode()
    for sentence in ("Nothing is excluded.", "No attention check has been answered.", "No answers yet."):
        assert sentence in text
    assert Vote.objects.count() == 0


def test_it_is_for_those_who_may_see_results(study: Study, client: Client) -> None:
    assert client.get("/studies/one/quality/").status_code == 302
    bob = User.objects.create_user("bob")
    Membership.objects.create(user=bob, study=study, role=Membership.Role.OPERATOR)
    client.force_login(bob)
    assert client.get("/studies/one/quality/").status_code == 403
