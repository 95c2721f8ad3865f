"""What is counted of how somebody answers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from comparisons.conduct import Answer, Conduct, Sides, conducts, lower_tail
from comparisons.models import Assignment, RaterSession, Study
from comparisons.protocol import Checks, Protocol
from comparisons.study_file import QuestionSpec
from tests.comparisons.browsing import Browser
from tests.comparisons.test_checks import judge_well
from tests.comparisons.test_undo import undo
from tests.factories import make_open_study

SOME = Answer(
    vote_id=1,
    session_id=1,
    assignment_id=1,
    beside_id=None,
    question_id=1,
    comparison_id=1,
    kind="judgement",
    outcome="left",
    a_is_left=True,
    response_ms=1000,
    spent_ms=1000,
)


def conduct_of(*outcomes: str, ms: int = 1000) -> Conduct:
    return Conduct(
        1,
        [
            SOME._replace(vote_id=n, assignment_id=n, outcome=outcome, response_ms=ms + n, spent_ms=ms + n)
            for n, outcome in enumerate(outcomes, start=1)
        ],
    )


def screens_of(*screens: str, ms: int = 1000) -> Conduct:
    """Of a screen per word, whose letters are the answers to its questions."""
    outcomes, answers = {"l": "left", "r": "right", "t": "tie"}, []
    for n, screen in enumerate(screens):
        first = 10 * n + 1
        for place, letter in enumerate(screen):
            given = SOME._replace(vote_id=first + place, assignment_id=first + place, question_id=place + 1)
            beside = first if place else None
            answers.append(given._replace(beside_id=beside, outcome=outcomes[letter], response_ms=ms, spent_ms=ms))
    return Conduct(1, answers, by_question=True)


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
    found = conduct_of(*["left"] * left, *["right"] * right).side_bias.p
    expected = binomtest(left, left + right).pvalue if left + right else 1.0
    assert math.isclose(found, expected, rel_tol=1e-9)


def test_times_are_those_of_judgements() -> None:
    conduct = conduct_of("left", "right", "left", ms=400)
    assert conduct.median_ms == 402
    assert conduct.screen_ms == {1: 401, 2: 402, 3: 403}
    assert conduct_of().median_ms is None


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.001, 0.999))
def test_the_lower_tail_is_that_of_the_exact_test(successes: int, failures: int, chance: float) -> None:
    if count := successes + failures:
        expected = binomtest(successes, count, chance, alternative="less").pvalue
        assert math.isclose(lower_tail(successes, count, chance), expected, rel_tol=1e-9)


def test_the_lower_tail_of_many_trials_is_a_number() -> None:
    assert math.isclose(lower_tail(9_900, 20_000, 0.5), binomtest(9_900, 20_000, 0.5, "less").pvalue, rel_tol=1e-8)


def test_answers_on_one_screen_are_no_evidence_for_each_other() -> None:
    """They are about one pair, whose better image stands on one side."""
    alike = screens_of("ll", "ll", "rr", "rr", "rr", "ll")
    assert (alike.longest_run, alike.side_bias) == (3, Sides(1.0, 3, 3))
    steady = screens_of(*["ll", "lr"] * 10)
    assert (steady.longest_run, steady.side_bias[1:]) == (20, (20, 0))
    assert steady.side_bias.p == pytest.approx(2 * binomtest(20, 20).pvalue)


def test_a_run_goes_on_from_one_block_to_the_next() -> None:
    """Each pair there has sides of its own."""
    blocks = conduct_of("right", *["left"] * 4)
    blocks.judgements = [answer._replace(question_id=n // 3) for n, answer in enumerate(blocks.judgements)]
    assert (blocks.longest_run, blocks.side_bias[1:]) == (4, (4, 1))


def test_a_screen_took_as_long_as_all_its_answers() -> None:
    assert screens_of("lr", "r", ms=400).screen_ms == {1: 800, 11: 400}


@pytest.mark.django_db
def test_what_was_taken_back_counts_to_the_time_of_the_answer() -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False)
    browser = Browser(make_open_study(["a red fox"], questions=(question,))).consent()
    payload = browser.judge()
    assert payload
    for ms in (6000, 450, 300):
        following = browser.answer(payload, response_ms=ms)["next"]
        undo(browser)
    browser.answer(payload, "right", response_ms=200)
    browser.answer(following, response_ms=900)
    (conduct,) = conducts(Study.objects.get()).values()
    assert [(answer.response_ms, answer.spent_ms) for answer in conduct.judgements] == [(200, 6950), (900, 900)]


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
    assert (nothing.side_bias.p, nothing.longest_run, nothing.sides.total()) == (1.0, 0, 0)
