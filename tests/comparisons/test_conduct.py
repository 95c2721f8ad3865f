"""What is counted of how somebody answers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from comparisons.conduct import Answer, Conduct, conducts
from comparisons.models import Assignment, RaterSession
from comparisons.protocol import Checks, Protocol
from comparisons.study_file import QuestionSpec
from tests.comparisons.browsing import Browser
from tests.comparisons.test_checks import judge_well
from tests.comparisons.test_undo import undo
from tests.factories import make_open_study

SOME = Answer(1, 1, 1, "judgement", "left", True, 1000)


def conduct_of(*outcomes: str, ms: int = 1000) -> Conduct:
    return Conduct(
        1, [SOME._replace(vote_id=n, outcome=outcome, response_ms=ms + n) for n, outcome in enumerate(outcomes)]
    )


@pytest.mark.parametrize(
    ("outcome", "a_is_left", "winner"),
    [("left", True, "a"), ("left", False, "b"), ("right", True, "b"), ("right", False, "a"), ("tie", True, "")],
)
def test_the_winner_is_told_whatever_the_sides_were(outcome: str, a_is_left: bool, winner: str) -> None:
    assert SOME._replace(outcome=outcome, a_is_left=a_is_left).winner == winner


def test_the_longest_run_is_of_one_side_and_ties_end_it() -> None:
    assert conduct_of("left", "left", "tie", "left", "right", "right", "right").longest_run == 3
    assert conduct_of("tie", "tie", "tie", "tie").longest_run == 0
    assert conduct_of().longest_run == 0


@given(st.integers(0, 80), st.integers(0, 80))
def test_the_p_of_side_bias_is_the_exact_binomial_tests(left: int, right: int) -> None:
    found = conduct_of(*["left"] * left, *["right"] * right).side_bias_p
    expected = binomtest(left, left + right).pvalue if left + right else 1.0
    assert math.isclose(found, expected, rel_tol=1e-9)


def test_times_are_those_of_judgements() -> None:
    conduct = conduct_of("left", "right", "left", ms=400)
    assert conduct.median_ms == 401
    assert [answer.response_ms for answer in conduct.faster_than(402)] == [400, 401]
    assert conduct_of().median_ms is None


@pytest.mark.django_db
def test_agreement_leaves_ones_own_answer_out() -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False)
    study = make_open_study(["a red fox"], questions=(question,), votes_wanted=3)
    choices = {}
    for name, chooses_a in (("one", True), ("two", True), ("other", False)):
        browser = Browser(study).consent()
        choices[RaterSession.objects.latest("id").id] = name
        payload = browser.judge()
        while payload:
            lease = Assignment.objects.get(public_id=payload["assignment"])
            payload = browser.answer(payload, "left" if lease.a_is_left == chooses_a else "right")["next"]
    found = {choices[session]: (c.agreed, c.compared) for session, c in conducts(study).items()}
    assert found == {"one": (0, 0), "two": (0, 0), "other": (0, 3)}, "one against one is no majority"
    everybody = conducts(study)
    assert all(conducts(study, [session]) == {session: everybody[session]} for session in choices)
    assert conducts(study, []) == {}
    alone = conducts(study, with_agreement=False)
    assert {session: replace(c, agreed=0, compared=0) for session, c in everybody.items()} == alone


@pytest.mark.django_db
def test_checks_repeats_and_answers_taken_back_are_told_apart() -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, checks=("corrupted",))
    protocol = Protocol(checks=Checks(every=3, repeats=2))
    study = make_open_study(["a red fox", "a paper boat", "two teapots"], questions=(question,), protocol=protocol)
    good, bad = Browser(study).consent(), Browser(study).consent()
    judge_well(good)
    first = bad.judge()
    assert first
    bad.answer(first, "left")
    undo(bad)
    judge_well(bad, fail=True)
    one, other = (conducts(study)[session.id] for session in RaterSession.objects.order_by("id"))
    assert [(c.checks, c.failed_checks, c.repeats, c.consistent_repeats) for c in (one, other)] == [
        (3, 0, 2, 2),
        (3, 3, 2, 2),
    ]
    assert [len(c.judgements) for c in (one, other)] == [9, 9]


def test_a_conduct_of_nothing_says_nothing() -> None:
    nothing = replace(conduct_of())
    assert (nothing.side_bias_p, nothing.longest_run, nothing.sides.total()) == (1.0, 0, 0)
