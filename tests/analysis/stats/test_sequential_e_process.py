from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from analysis.stats.confidence_sequence import prior_votes
from analysis.stats.e_process import log_e, pair_e_process
from analysis.stats.errors import RatingError, RepeatedClusterError, SequenceError
from analysis.stats.outcomes import FloatArray, VoteTable
from tests.analysis.stats.planted import COLUMNS, table

SCORES = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=30)


def log_e_values(score: FloatArray, prior: float) -> FloatArray:
    """After each vote, of a's scores."""
    return log_e(np.cumsum(score == 1), np.cumsum(score == 0), prior)


def independent(*outcomes: str, left: str = "a", right: str = "b") -> VoteTable:
    return table(*((f"p{i}", left, right, outcome, f"r{i}") for i, outcome in enumerate(outcomes)))


def test_e_is_the_stake_of_a_bettor_averaged_over_a_beta_prior() -> None:
    won, lost, g = 9, 3, 4.0
    mixture = integrate.quad(lambda q: (2 * q) ** won * (2 * (1 - q)) ** lost * stats.beta.pdf(q, g, g), 0, 1)[0]
    assert log_e(np.array([won]), np.array([lost]), 2 * g)[0] == pytest.approx(np.log(mixture), rel=1e-9)


@given(SCORES, st.floats(0.5, 100))
def test_the_next_vote_is_a_fair_game(score: list[float], prior: float) -> None:
    now = np.exp(log_e_values(np.array(score), prior)[-1])
    up, down, tie = (np.exp(log_e_values(np.array([*score, new]), prior)[-1]) for new in (1.0, 0.0, 0.5))
    assert (up + down) / 2 == pytest.approx(now, rel=1e-9)
    assert tie == pytest.approx(now, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(SCORES)
def test_sides_and_names_do_not_matter(score: list[float]) -> None:
    names = {1.0: "left", 0.0: "right", 0.5: "tie"}
    outcomes = [names[value] for value in score]
    swapped = [names[1 - value] for value in score]
    plain = pair_e_process(independent(*outcomes), "a", "b", 100)
    turned = pair_e_process(independent(*swapped, left="b", right="a"), "a", "b", 100)
    other = pair_e_process(independent(*outcomes), "b", "a", 100)
    np.testing.assert_allclose(plain.log_values, turned.log_values, atol=1e-9)
    np.testing.assert_allclose(plain.log_values, other.log_values, atol=1e-9)


def test_p_is_of_the_largest_stake_on_the_way_and_never_above_one() -> None:
    process = pair_e_process(independent(*["left"] * 12, *["right"] * 8), "a", "b", 20)
    assert process.p == pytest.approx(np.exp(-process.log_values[11]))
    assert process.log_values[-1] < process.log_values[11]
    assert pair_e_process(independent("left", "right"), "a", "b", 20).p == 1


def test_votes_are_taken_in_the_order_of_their_times_and_only_of_the_pair() -> None:
    rows = [
        ("p0", "a", "b", "right", "r0", "2026-01-02T00:00:00Z"),
        ("p1", "b", "a", "right", "r1", "2026-01-01T00:00:00+02:00"),
        ("p2", "a", "b", "left", "r2", "2026-01-01T12:00:00Z"),
        ("p1", "a", "c", "left", "r1", "2026-01-01T00:00:00Z"),
        ("p3", "a", "b", "both_bad", "r0", "2026-01-01T00:00:00Z"),
    ]
    names = (*COLUMNS[1:], "answered_at")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    votes = VoteTable.from_columns({"question": ["q"] * len(rows), **columns})
    expected = log_e_values(np.array([1.0, 1.0, 0.0]), prior_votes(50, 0.05))
    np.testing.assert_allclose(pair_e_process(votes, "a", "b", 50).log_values, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("prompts", "raters", "message"),
    [
        ("ppq", "rst", r'each prompt may have one vote on the pair, but 1 prompt has more: "p" \(2 votes\)'),
        ("pqx", "rrr", r'each rater may have one vote on the pair, but 1 rater has more: "r" \(3 votes\)'),
    ],
)
def test_a_prompt_or_rater_that_comes_again_is_refused(prompts: str, raters: str, message: str) -> None:
    votes = table(*((p, "a", "b", "left", r) for p, r in zip(prompts, raters, strict=True)))
    with pytest.raises(RepeatedClusterError, match=message):
        pair_e_process(votes, "a", "b", 100)


def test_a_rater_may_judge_another_pair_too() -> None:
    votes = table(("p", "a", "b", "left", "r"), ("p", "a", "c", "left", "r"), ("q", "b", "a", "left", "s"))
    assert len(pair_e_process(votes, "a", "b", 100).log_values) == 2


def test_thousands_of_votes_that_agree_are_no_overflow() -> None:
    values = log_e_values(np.ones(20_000), 100.0)
    assert np.isfinite(values).all()
    assert values[-1] > 10_000


def test_without_a_vote_on_the_pair_there_is_nothing_to_test() -> None:
    with pytest.raises(RatingError, match="no vote on a and c that is not both-bad"):
        pair_e_process(independent("left"), "a", "c", 100)
    with pytest.raises(SequenceError, match="planned is 0"):
        pair_e_process(independent("left"), "a", "b", 0)


def test_false_alarms_stay_below_alpha_however_often_one_looks() -> None:
    rng = np.random.default_rng(3)
    draws = rng.choice([0.0, 0.5, 1.0], p=[0.4, 0.2, 0.4], size=(1000, 500))
    alarms = np.mean([log_e_values(row, prior_votes(200, 0.05)).max() >= np.log(20) for row in draws])
    assert alarms <= 0.05 + 2 * 0.007


def test_a_system_that_is_better_is_found() -> None:
    rng = np.random.default_rng(4)
    draws = rng.choice([0.0, 1.0], p=[0.4, 0.6], size=(100, 500))
    assert np.mean([log_e_values(row, prior_votes(500, 0.05)).max() >= np.log(20) for row in draws]) > 0.9
