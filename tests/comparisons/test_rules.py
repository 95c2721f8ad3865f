"""The study's rules leave answers out with a reason; a person's decision stands above them."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

from analysis.votes import excluded_votes, vote_table
from comparisons import tasks
from comparisons.conduct import Conduct
from comparisons.models import Exclusion, RaterSession, Study
from comparisons.protocol import Protocol, Rules
from comparisons.rules import apply_rules, breaches_of
from comparisons.studies import close_study, getting_answers
from comparisons.study_file import QuestionSpec
from people import audit
from people.models import AuditEntry
from tests.comparisons.browsing import Browser, make_answer
from tests.comparisons.test_conduct import SOME, screens_of
from tests.comparisons.test_undo import undo
from tests.factories import make_open_study


def conduct_of(left: int, right: int, **counts: Any) -> Conduct:
    outcomes = ["left", "right"] * min(left, right) + ["left"] * (left - right) + ["right"] * (right - left)
    answers = [
        SOME._replace(vote_id=n, assignment_id=n, outcome=outcome, spent_ms=300 + n)
        for n, outcome in enumerate(outcomes)
    ]
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
            "5 of 12 pairs were answered faster than 305 ms; the rule fast_share = 0.4.",
        ),
        (conduct_of(12, 2), {"straight_line": 10}, "10 answers on one side in a row; the rule straight_line = 10."),
        (conduct_of(20, 2), {"side_bias_p": 0.001}, "20 left and 2 right (p = 0.00012); the rule side_bias_p = 0.001."),
        (
            conduct_of(5, 5, repeats=8, consistent_repeats=1),
            {"self_consistency": 0.5},
            "1 of 8 repeated pairs answered alike (p = 0.035); the rule self_consistency = 0.5.",
        ),
        (
            conduct_of(9, 9, compared=20, agreed=3),
            {"agreement": 0.4},
            "3 of 20 answers agree with the other raters (p = 0.016); the rule agreement = 0.4.",
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


@pytest.mark.parametrize(("limit", "true", "most"), [(0.5, 0.75, 24), (0.4, 0.6, 60), (0.7, 0.7, 40)])
def test_who_is_at_a_limit_or_above_is_hardly_ever_left_out(limit: float, true: float, most: int) -> None:
    """The chance is summed over all that somebody with this true share may happen to answer."""
    for rule, whole, part in (
        ("self_consistency", "repeats", "consistent_repeats"),
        ("agreement", "compared", "agreed"),
    ):
        for count in range(1, most):
            broken = [
                k for k in range(count + 1) if sentences(conduct_of(0, 0, **{whole: count, part: k}), **{rule: limit})
            ]
            error = sum(math.comb(count, k) * true**k * (1 - true) ** (count - k) for k in broken)
            assert error <= (0.05 if true == limit else 0.01)
            assert broken == list(range(len(broken))), "fewer are no better"


def test_an_answer_that_follows_another_on_its_screen_may_be_quick() -> None:
    """The pair has been looked at by then."""
    screens = screens_of(*["lr", "rl", "ll"] * 4, ms=400)
    screens.judgements = [
        answer if answer.beside_id else answer._replace(spent_ms=2500) for answer in screens.judgements
    ]
    assert sentences(screens, response_floor_ms=500, fast_share=0.2) == []


def test_a_screen_that_is_too_fast_counts_once_and_all_its_answers_are_left_out() -> None:
    screens = screens_of(*["lr", "rl", "ll"] * 4, ms=200)
    whole, *single = breaches_of(screens, Rules(response_floor_ms=500, fast_share=0.2))
    assert whole.reason == "12 of 12 pairs were answered faster than 500 ms; the rule fast_share = 0.2."
    assert {breach.reason for breach in single} == {
        "the pair was answered after 400 ms; the rule response_floor_ms = 500."
    }
    assert {breach.vote_id for breach in single} == {answer.vote_id for answer in screens.judgements}
    assert sentences(screens_of(*["lr"] * 9, ms=200), response_floor_ms=500, fast_share=0.2) == [single[0].reason] * 18


def test_of_several_questions_on_a_screen_the_most_biased_one_is_told() -> None:
    screens = screens_of(*["lr", "ll"] * 10)
    assert sentences(screens, side_bias_p=0.001) == [
        "20 left and 0 right under one question (p = 3.8e-06); the rule side_bias_p = 0.001."
    ]


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
    assert vote_exclusion.reason == "the pair was answered after 200 ms; the rule response_floor_ms = 500."
    assert len(vote_table(study)) == 36 - 12 - 1
    assert excluded_votes(study).count() == 13
    assert apply_rules(study).excluded == 0, "it is so already"


@pytest.mark.django_db
def test_a_slip_that_was_mended_at_once_is_not_too_fast(study: Study) -> None:
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    browser.answer(payload, "left", response_ms=6000)
    undo(browser)
    browser.answer(payload, "right", response_ms=450)
    assert apply_rules(study).excluded == 0


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
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_what_the_command_leaves_out_and_takes_back_is_noted(study: Study) -> None:
    judge(study, alternating=False)
    healed = judge(study, alternating=True)
    Exclusion.objects.create(session=healed, rule="agreement", reason="an earlier state of the votes")
    call_command("apply_rules", study.slug)
    entries = AuditEntry.objects.filter(study_slug=study.slug, by=audit.shell_user()).order_by("id")
    assert list(entries.values_list("verb", "details")) == [
        ("excluded", {"by the rules": 1}),
        ("restored", {"by the rules": 1}),
    ]


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
