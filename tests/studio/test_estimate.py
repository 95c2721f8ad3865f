"""The estimate solves planning's equations the other way round, and counts what a study really asks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats.planning import Wish, plan
from comparisons.plan import Plan
from comparisons.protocol import CHECKS
from studio.copies import PLAN
from studio.estimate import Estimate, Size, estimate, size_of
from studio.typed import Content, content_of

TABLE: dict[str, Any] = {
    "rating": {"votes_wanted": 4, "judgements_per_question": 40},
    "questions": [
        {"key": "quality", "practice": ["corrupted"], "checks": ["same"]},
        {"key": "following", "practice": ["corrupted", "mismatched"]},
    ],
    "checks": {"every": 10, "repeats": 2},
    "systems": [{"catalogue": "sdxl-turbo", "steps": [1, 4]}, {"catalogue": "sdxl", "steps": 50}],
}


def content(**plan_texts: str) -> Content:
    texts = PLAN | plan_texts
    return content_of(TABLE) | {f"plan.{name}": text for name, text in texts.items()}


def number(text: str) -> float:
    return float(text.strip("%± h").replace(",", ""))


def test_it_counts_what_is_shown() -> None:
    size = size_of(TABLE, prompts=100)
    assert size == Size(
        prompts=100,
        systems=3,
        questions=2,
        votes_wanted=4,
        judgements=40,
        extras=4 + 2 * 2,  # a check in every ten of the one question that has some, and two repeats under each
        practice=3,
        max_raters=None,
    )


def extras(questions: list[dict[str, Any]], **changes: dict[str, Any]) -> int:
    size = size_of(TABLE | changes | {"questions": questions}, prompts=100)
    assert isinstance(size, Size)
    return size.extras


@given(
    kinds=st.lists(st.sampled_from(CHECKS), max_size=4, unique=True),
    judgements=st.integers(1, 60),
    every=st.integers(2, 20),
    golds=st.integers(0, 5),
    repeats=st.integers(0, 3),
)
def test_checks_and_repeats_are_as_many_as_raters_are_shown(
    kinds: list[str], judgements: int, every: int, golds: int, repeats: int
) -> None:
    shown = Plan("any", judgements, tuple(kinds), every, golds, repeats)
    rating = {"votes_wanted": 4, "judgements_per_question": judgements}
    gold = [{"question": "quality"}] * golds + [{"question": "following"}]
    checks = {"every": every, "repeats": repeats, "gold": gold}
    found = extras([{"key": "quality", "checks": kinds}], rating=rating, checks=checks)
    assert found == len(shown.checks) + len(shown.repeats_after)


def test_a_known_answer_comes_once_to_each_rater() -> None:
    checks = {"every": 5, "gold": [{"question": "quality"}]}
    assert extras([{"key": "quality", "checks": ["gold"]}], checks=checks) == 1


def test_a_check_asks_all_questions_that_stand_together() -> None:
    """Only the first question has any then."""
    together = TABLE["rating"] | {"layout": "together"}
    questions: list[dict[str, Any]] = [{"key": "quality", "checks": ["same"]}, {"key": "following"}, {"key": "style"}]
    assert extras(questions, rating=together) == (4 + 2) * 3
    assert extras(questions[1:], rating=together) == 2 * 2


def test_it_says_work_and_pay() -> None:
    figures = estimate(content(seconds="9", pay="20"), prompts=100).figures
    answers = 2400 * 88 / 80 + 30 * 3
    assert figures["votes"] == "2,400"
    assert figures["votes_per_pair"] == "400"
    assert figures["images"] == "300"
    assert figures["raters"] == "30"  # 100 prompts x 3 pairs x 4 votes, 40 by each
    assert number(figures["hours"]) == pytest.approx(answers * 9 / 3600, abs=0.05)
    assert number(figures["cost"]) == pytest.approx(answers * 9 / 3600 * 20, abs=0.5)
    assert figures["minutes"] == "14 min"  # (80 + 8 + 3) x 9 s


def test_one_rater_cannot_give_all_votes_on_a_pair() -> None:
    table = TABLE | {"rating": {"votes_wanted": 7}}
    size = size_of(table, prompts=5)
    assert isinstance(size, Size)
    assert size.judgements == 15
    typed = content() | {"rating.votes_wanted": "7", "rating.judgements_per_question": ""}
    assert estimate(typed, prompts=5).figures["raters"] == "7"


@settings(deadline=None, max_examples=40)
@given(
    ties=st.sampled_from([0.0, 0.2, 0.5]),
    prompt_icc=st.sampled_from([0.0, 0.35, 0.5]),
    rater_icc=st.sampled_from([0.0, 0.1, 0.4]),
    prompts=st.integers(20, 5000),
)
def test_planning_asks_as_many_prompts_for_what_is_found(
    ties: float, prompt_icc: float, rater_icc: float, prompts: int
) -> None:
    """It finds a win rate to a tenth of a per cent, or none: planning wants no more prompts, and more for one less."""
    shares = {"ties": ties, "prompt_icc": prompt_icc, "rater_icc": rater_icc}
    figures = estimate(content(**{name: str(share) for name, share in shares.items()}), prompts).figures
    found = 0.999 if figures["detectable"] == "none" else number(figures["detectable"]) / 100
    wish = Wish(found, systems=3, questions=2, votes_per_prompt=4, judgements=40, **shares)
    assert (plan(wish).prompts <= prompts) == (figures["detectable"] != "none")
    assert plan(replace(wish, win_rate=found - 0.001)).prompts > prompts


def test_the_interval_is_that_of_planning_at_equal_strength() -> None:
    said = number(estimate(content(), prompts=300).figures["half_width"])  # to three places
    wish = Wish(win_rate=0.5, systems=3, votes_per_prompt=4, judgements=40)
    most, least = (plan(replace(wish, half_width=said + off)).prompts for off in (-0.0006, 0.0006))
    assert least <= 300 <= most


def test_one_rater_tells_nothing_of_precision() -> None:
    figures = estimate(content() | {"rating.votes_wanted": "1", "rating.judgements_per_question": ""}, 10).figures
    assert figures["raters"] == "1"
    assert "half_width" not in figures


def test_the_preference_worth_finding_is_planned_for() -> None:
    found = plan(Wish(win_rate=0.6, systems=3, questions=2, votes_per_prompt=4, judgements=40))
    figures = estimate(content(win_rate="0.6"), prompts=100).figures
    assert figures["needed"] == f"{found.prompts:,} prompts, {found.raters:,} raters"


@pytest.mark.parametrize(
    ("changes", "prompts", "missing"),
    [
        ({}, 0, "The estimate waits for prompts."),
        ({"systems": []}, 10, "The estimate waits for two systems."),
        ({"questions": [], "rating": {}}, 10, "The estimate waits for a question, votes wanted."),
    ],
)
def test_it_says_what_it_waits_for(changes: dict[str, Any], prompts: int, missing: str) -> None:
    assert estimate(content_of(TABLE | changes), prompts) == Estimate(missing=missing)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("ties", "many", "ties is 'many'; allowed: a number up to 1,000,000."),
        ("pay", "1e99", "pay is 1e+99; allowed: a number up to 1,000,000."),
        ("pay", "nan", "pay is nan; allowed: a number up to 1,000,000."),
        ("ties", "1", "ties is 1; allowed: a number from 0 to below 1."),
        ("seconds", "0", "seconds is 0; allowed: a number above 0, up to 1,000,000,000,000."),
        (
            "win_rate",
            "0.5000000001",
            "win_rate is 0.5000000001; allowed: what takes at most 1,000,000,000,000 prompts.",
        ),
    ],
)
def test_a_bad_assumption_is_named(name: str, text: str, sentence: str) -> None:
    assert estimate(content(**{name: text}), 100).missing == sentence


@pytest.mark.parametrize("typed", ["0", "-3", "1", "lots", "9" * 30])
def test_no_number_that_is_being_typed_breaks_it(typed: str) -> None:
    names = ("rating.votes_wanted", "rating.judgements_per_question", "checks.every", "checks.repeats")
    for name in (*names, "recruitment.max_raters", "systems[1].steps"):
        estimate(content() | {name: typed}, 100)


def test_it_warns_of_too_few() -> None:
    notes = estimate(content() | {"recruitment.max_raters": "10"}, prompts=12).notes
    assert notes == (
        "Intervals promise too much with fewer than 15 prompts.",
        "Intervals promise too much with fewer than 15 raters.",
    )
    (note,) = estimate(content() | {"recruitment.max_raters": "10"}, prompts=100).notes
    assert note == "At most 10 raters are let in: too few for all votes, which takes 30."
