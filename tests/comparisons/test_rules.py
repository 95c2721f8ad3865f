"""The study's rules leave answers out with a reason; a person's decision stands above them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from analysis.votes import excluded_votes, vote_table
from comparisons import tasks
from comparisons.conduct import Answer, Conduct
from comparisons.models import Exclusion, RaterSession, Study
from comparisons.protocol import Protocol, Rules
from comparisons.rules import apply_rules, breaches_of
from comparisons.studies import close_study, getting_answers
from comparisons.study_file import QuestionSpec
from tests.comparisons.browsing import Browser, make_answer
from tests.factories import make_open_study

SOME = Answer(1, 1, 1, "judgement", "left", True, 1000)


def conduct_of(left: int, right: int, **counts: int) -> Conduct:
    outcomes = ["left", "right"] * min(left, right) + ["left"] * (left - right) + ["right"] * (right - left)
    answers = [SOME._replace(vote_id=n, outcome=outcome, response_ms=300 + n) for n, outcome in enumerate(outcomes)]
    return Conduct(7, answers, **counts)


def sentences(conduct: Conduct, **rules: Any) -> list[str]:
    return [breach.reason for breach in breaches_of(conduct, Rules(**rules))]


@pytest.mark.parametrize(
    ("conduct", "rules", "sentence"),
    [
        (
            conduct_of(5, 5, checks=4, failed_checks=2),
            {"failed_checks": 2},
            "2 of 4 attention checks failed; the rule failed_checks = 2.",
        ),
        (
            conduct_of(6, 6),
            {"fast_share": 0.4, "response_floor_ms": 305},
            "5 of 12 answers came faster than 305 ms; the rule fast_share = 0.4.",
        ),
        (conduct_of(12, 2), {"straight_line": 10}, "10 answers on one side in a row; the rule straight_line = 10."),
        (conduct_of(20, 2), {"side_bias_p": 0.001}, "20 left and 2 right (p = 0.00012); the rule side_bias_p = 0.001."),
        (
            conduct_of(5, 5, repeats=4, consistent_repeats=1),
            {"self_consistency": 0.5},
            "1 of 4 repeated pairs answered alike; the rule self_consistency = 0.5.",
        ),
        (
            conduct_of(9, 9, compared=12, agreed=4),
            {"agreement": 0.4},
            "4 of 12 answers agree with the other raters; the rule agreement = 0.4.",
        ),
    ],
)
def test_each_rule_has_its_sentence_and_its_edge(conduct: Conduct, rules: dict[str, Any], sentence: str) -> None:
    assert sentence in sentences(conduct, **rules)
    (rule, limit), *_ = rules.items()
    is_count = rule in {"failed_checks", "straight_line"}
    gentler = {"failed_checks": 3, "straight_line": 11, "fast_share": 0.42, "side_bias_p": 0.0001}
    spared = rules | {rule: gentler.get(rule, 0.2 if not is_count else limit)}
    assert not [text for text in sentences(conduct, **spared) if f"the rule {rule} " in text]


def test_without_rules_nothing_is_left_out() -> None:
    assert sentences(conduct_of(50, 0, checks=9, failed_checks=9)) == []


def test_a_few_answers_are_not_judged_by_their_shares() -> None:
    few = conduct_of(5, 4, compared=9, agreed=0, repeats=1)
    assert sentences(few, fast_share=0.1, agreement=0.9, self_consistency=0.9) == []


@pytest.fixture
def study() -> Study:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False)
    rules = Rules(response_floor_ms=500, straight_line=12)
    return make_open_study(questions=(question,), protocol=Protocol(rules=rules), votes_wanted=5)


def judge(study: Study, *, alternating: bool, ms: int = 1500) -> RaterSession:
    browser = Browser(study).consent()
    payload, number = browser.judge(), 0
    while payload:
        outcome = "left" if alternating and number % 2 else "right"
        payload = browser.post(make_answer(payload, outcome, response_ms=ms)).json()["next"]
        number, ms = number + 1, 1500
    return RaterSession.objects.latest("id")


@pytest.mark.django_db
def test_a_session_and_a_vote_are_left_out_and_the_numbers_follow(study: Study) -> None:
    judge(study, alternating=True)
    hasty = judge(study, alternating=True, ms=200)
    straight = judge(study, alternating=False)
    applied = apply_rules(study)
    assert (applied.excluded, applied.returned) == (2, 0)
    assert Exclusion.objects.get(session=straight).rule == "straight_line"
    vote_exclusion = Exclusion.objects.exclude(vote=None).get()
    assert vote_exclusion.vote
    assert vote_exclusion.vote.assignment.session == hasty
    assert vote_exclusion.reason == "answered after 200 ms; the rule response_floor_ms = 500."
    assert len(vote_table(study)) == 36 - 12 - 1
    assert excluded_votes(study).count() == 13
    assert apply_rules(study).excluded == 0, "it is so already"


@pytest.mark.django_db
def test_what_somebody_restored_stays(study: Study) -> None:
    session = judge(study, alternating=False)
    judge(study, alternating=True)
    apply_rules(study)
    user = User.objects.create(username="ada")
    assert Exclusion.objects.get(session=session).revoke(user.pk, "she told us why")
    assert apply_rules(study).excluded == 0
    assert not Exclusion.objects.filter(revoked_at=None).exists()


@pytest.mark.django_db
def test_what_somebody_excluded_is_no_business_of_the_rules(study: Study) -> None:
    session = judge(study, alternating=True)
    Exclusion.objects.create(session=session, reason="asked to be left out")
    applied = apply_rules(study)
    assert (applied.excluded, applied.returned) == (0, 0)


@pytest.mark.django_db
def test_a_rule_takes_back_what_does_not_apply_any_more(study: Study) -> None:
    session = judge(study, alternating=True)
    Exclusion.objects.create(session=session, rule="agreement", reason="an earlier state of the votes")
    assert apply_rules(study).returned == 1
    assert Exclusion.objects.get().revoked_because == "The rule does not apply any more."


@pytest.mark.django_db
def test_the_rules_apply_when_a_study_is_closed_and_by_command(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    judge(study, alternating=False)
    close_study(study)
    assert Exclusion.objects.count() == 1
    call_command("apply_rules", study.slug)
    assert capsys.readouterr().out == "0 newly left out, 0 taken back in.\n"


@pytest.mark.django_db
def test_the_rules_apply_to_answers_that_come_after_the_study_was_closed(study: Study) -> None:
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    close_study(study)
    browser.post(make_answer(payload, response_ms=200))
    assert not Exclusion.objects.exists()
    tasks.apply_rules()
    assert Exclusion.objects.get().rule == "response_floor_ms"


@pytest.mark.django_db
def test_the_rules_are_at_rest_a_day_after_the_last_answer_to_a_closed_study(study: Study) -> None:
    judge(study, alternating=True)
    still_open, closed_long_ago = make_open_study(), make_open_study()
    for each in (study, closed_long_ago):
        close_study(each)
    assert set(getting_answers()) == {study, still_open}
    tomorrow = timezone.now() + timedelta(days=1)
    with patch.object(timezone, "now", return_value=tomorrow):
        assert set(getting_answers()) == {still_open}
