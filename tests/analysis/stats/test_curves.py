"""Learning, fatigue, side bias and response times over a rater's work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats.agreement import agreement
from analysis.stats.curves import (
    Curve,
    consensus,
    positions,
    response_ms,
    response_times,
    session_curves,
    share_curve,
    within_rater_trend,
)
from analysis.stats.errors import VoteFileError
from analysis.stats.outcomes import FloatArray, VoteTable
from analysis.stats.win_rates import left_share
from tests.analysis.stats.planted import Population, table


def with_columns(votes: VoteTable, **columns: Sequence[str]) -> VoteTable:
    return replace(votes, optional={name: np.array(values, dtype=object) for name, values in columns.items()})


def at_minutes(minutes: Sequence[int]) -> list[str]:
    return [(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=int(minute))).isoformat() for minute in minutes]


VOTES = table(
    ("p", "a", "b", "left", "r"),
    ("q", "a", "b", "left", "s"),
    ("q", "b", "a", "tie", "r"),
    ("p", "b", "a", "right", "s"),
    ("p", "b", "a", "left", "r"),
)


def study(seed: int, raters: int = 30, per_rater: int = 40, late: float = 0.5, ties: float = 0.2) -> VoteTable:
    """Raters judge 10 pairs of images again and again, at random with a chance that grows to `late`."""
    rng = np.random.default_rng(seed)
    rater, position = np.repeat(np.arange(raters), per_rater), np.tile(np.arange(per_rater), raters)
    prompt, flipped = rng.integers(0, 10, len(rater)), rng.random(len(rater)) < 0.5
    better = np.where(flipped, "right", "left")
    chance = rng.random(len(rater)) < late * position / per_rater
    outcome = np.where(rng.random(len(rater)) < ties, "tie", np.where(chance, rng.choice(["left", "right"]), better))
    sides = np.where(flipped[:, None], [("b", "a")], [("a", "b")])
    rows = zip(prompt, sides, outcome, rater, strict=True)
    return table(*((f"p{p}", str(a), str(b), str(o), f"r{r}") for p, (a, b), o, r in rows))


def test_positions_follow_the_clock_and_rows_without_one() -> None:
    assert positions(VOTES)[0] == "rows"
    assert positions(VOTES)[1].tolist() == [1, 1, 2, 2, 3]
    order, position = positions(with_columns(VOTES, answered_at=at_minutes([5, 9, 5, 8, 1])))
    assert order == "answered_at"
    assert position.tolist() == [2, 2, 3, 1, 1]
    assert positions(with_columns(VOTES, answered_at=[""] * 5))[0] == "rows"


def test_zones_are_understood() -> None:
    times = ["2026-01-01T12:00:00+02:00", "2026-01-01T11:00:00Z", "2026-01-01 10:30:00.5", "2026-01-01T11:00", ""]
    votes = with_columns(VOTES.select(np.array([1, 1, 1, 1, 0], dtype=bool)), answered_at=times[:4])
    assert positions(votes)[1].tolist() == [1, 1, 2, 2]


def test_times_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(VoteFileError) as error:
        positions(with_columns(VOTES, answered_at=[*at_minutes([1, 2, 3]), "noon", ""]))
    assert str(error.value) == (
        'answered_at is "noon" and "" in votes 4 and 5, counted from 1; '
        "allowed are ISO 8601 times in all rows, or in none."
    )
    with pytest.raises(VoteFileError) as error:
        response_ms(with_columns(VOTES, response_ms=["12", "-1", "", "inf", "1.5"]))
    assert str(error.value) == (
        'response_ms is "-1" and "inf" in votes 2 and 4, counted from 1; allowed are milliseconds from 0, or nothing.'
    )
    with pytest.raises(VoteFileError, match=r'^response_ms is "soon" in vote 1, counted from 1;'):
        response_ms(with_columns(VOTES, response_ms=["soon", "1", "1", "1", "1"]))


def test_the_consensus_is_that_of_the_other_raters_whatever_the_sides() -> None:
    votes = table(
        ("p", "a", "b", "left", "r"),
        ("p", "b", "a", "right", "s"),
        ("p", "a", "b", "right", "t"),
        ("p", "b", "a", "right", "u"),
        ("p", "a", "b", "tie", "v"),
        ("q", "a", "b", "left", "r"),
        ("q", "b", "a", "right", "r"),
        ("x", "a", "b", "left", "r"),
        ("x", "a", "b", "left", "s"),
        ("x", "a", "b", "right", "t"),
    )
    nan = np.nan
    assert consensus(votes) == pytest.approx([1, 1, 0, 1, nan, nan, nan, nan, nan, 0], nan_ok=True)


def test_where_nobody_judges_twice_the_consensus_is_that_of_agreement() -> None:
    votes = Population().votes(np.random.default_rng(1), prompts=15, raters=2000, per_prompt=40)
    assert np.nanmean(consensus(votes)) == pytest.approx(agreement(votes).leave_one_out, abs=0.01)


def ends(curve: Curve, i: int) -> tuple[float, float, float]:
    """With the variance of a sample's n in place of n - 1, as `left_share` has it."""
    narrower = np.sqrt(1 - 1 / curve.votes[i])
    low, high = (curve.value[i] + narrower * (end[i] - curve.value[i]) for end in (curve.low, curve.high))
    return float(curve.value[i]), float(low), float(high)


def test_a_curve_in_one_bin_is_the_whole() -> None:
    votes = Population().votes(np.random.default_rng(2), prompts=20, raters=15, per_prompt=12)
    curve, whole = share_curve(votes, np.arange(len(votes)), votes.left_score, bins=1), left_share(votes)
    assert ends(curve, 0) == pytest.approx((whole.value, whole.low, whole.high))
    assert (curve.votes[0], curve.raters[0]) == (len(votes), len(votes.raters))


def test_each_bin_is_that_of_its_votes_alone() -> None:
    votes = Population().votes(np.random.default_rng(3), prompts=20, raters=12, per_prompt=15)
    position = positions(votes)[1]
    curve = session_curves(votes, bins=4).left
    assert curve.votes.sum() == len(votes)
    assert (curve.first[1:] > curve.last[:-1]).all()
    for i in range(4):
        alone = votes.select((position >= curve.first[i]) & (position <= curve.last[i]))
        share = left_share(alone)
        assert ends(curve, i) == pytest.approx((share.value, share.low, share.high))
        assert curve.raters[i] == len(alone.raters)


def test_planted_fatigue_is_found_and_nothing_where_there_is_none() -> None:
    tired, fresh = session_curves(study(4, late=1.0)), session_curves(study(4, late=0.0))
    assert tired.agreement.value[0] > tired.agreement.high[-1]
    assert tired.agreement_trend.high < 0
    assert tired.agreement_trend.p < 0.001
    assert (fresh.agreement.value == 1).all()
    assert 0.5 < fresh.agreement.low.min() < 1, "the exact interval where all votes agree"
    assert np.isnan(fresh.agreement_trend.p), "nothing varies"
    assert fresh.ties_trend.low < 0 < fresh.ties_trend.high


def test_a_trend_is_within_raters() -> None:
    """Raters who go on longer are those who prefer left, and nobody changes."""
    rng = np.random.default_rng(5)
    rows = [
        (f"p{i}", "a", "b", "left" if rng.random() < share else "right", f"r{r}")
        for r, (count, share) in enumerate([(12, 0.2), (24, 0.5), (48, 0.8)] * 8)
        for i in range(count)
    ]
    found = session_curves(table(*rows), bins=3)
    assert found.left.low[2] > found.left.high[0]
    assert found.left_trend.low < 0 < found.left_trend.high


def test_a_trends_alarm_is_false_about_one_time_in_twenty() -> None:
    rng = np.random.default_rng(6)
    votes = Population(prompt_sd=1, rater_sd=1, ties=0).votes(rng, prompts=40, raters=20, per_prompt=15)
    alarms = [
        within_rater_trend(votes, rng.permutation(len(votes)), votes.left_score).p < 0.05 for _ in range(200)
    ]  # fmt: skip
    assert np.mean(alarms) < 0.1


def test_a_trend_is_the_least_squares_slope_with_raters_as_dummies() -> None:
    votes = Population().votes(np.random.default_rng(7), prompts=12, raters=6, per_prompt=10)
    position = positions(votes)[1]
    design = np.column_stack([position, np.eye(6)[votes.rater]])
    expected = np.linalg.lstsq(design, votes.left_score, rcond=None)[0][0]
    assert within_rater_trend(votes, position, votes.left_score).slope == pytest.approx(expected)


def test_who_never_votes_twice_has_no_trend() -> None:
    votes = table(("p", "a", "b", "left", "r"), ("q", "a", "b", "right", "s"))
    assert np.isnan(session_curves(votes).left_trend.slope)
    assert len(session_curves(votes).agreement.value) == 0


def times(votes: VoteTable, seconds: FloatArray) -> VoteTable:
    return with_columns(votes, response_ms=[str(round(1000 * s)) for s in seconds])


def test_quartiles_are_those_of_the_votes_of_a_kind() -> None:
    votes = with_columns(VOTES, response_ms=["1000", "3000", "", "2000", "9000"])
    found = response_times(votes)
    assert found
    assert found.missing == 1
    assert (found.overall.votes, found.overall.median) == (4, 2500)
    assert found.by_outcome["left"].median == 3000
    assert found.by_outcome["right"].median == 2000
    assert found.by_outcome["tie"].votes == 0
    assert np.isnan(found.by_outcome["tie"].median)
    # a wins 3.5 of 5 against b.
    assert {bounds: of.votes for bounds, of in found.by_closeness.items() if of.votes} == {(0.7, 0.8): 4}
    assert {bounds: of.median for bounds, of in found.by_position.items()} == {(1, 1): 2000, (2, 2): 2000, (3, 3): 9000}


def test_without_times_there_is_nothing_to_say() -> None:
    assert response_times(VOTES) is None
    assert response_times(with_columns(VOTES, response_ms=[""] * 5)) is None


def test_close_pairs_take_longer_and_hasty_answers_agree_less() -> None:
    rng = np.random.default_rng(8)
    plain = study(8, late=1.0, ties=0)
    agrees = consensus(plain)
    seconds = np.where(agrees == 1, 8, 4) * rng.lognormal(0, 0.3, len(plain))
    found = response_times(times(plain, seconds))
    assert found
    assert found.agreement.low[-1] > found.agreement.value[0]
    assert found.agreement_trend.low > 0
    population = Population(strengths=(-2.0, 0.0, 0.1), prompt_sd=0, rater_sd=0)
    votes = population.votes(rng, prompts=40, raters=20, per_prompt=20)
    close = (votes.system_left > 0) & (votes.system_right > 0)
    found = response_times(times(votes, np.where(close, 9.0, 3.0)))
    assert found
    assert found.by_closeness[0.5, 0.6].median == 9000
    assert found.by_closeness[0.8, 1.0].median == 3000


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_names_and_order_of_rows_do_not_matter_with_a_clock(seed: int) -> None:
    rng = np.random.default_rng(seed)
    votes = Population().votes(rng, prompts=8, raters=5, per_prompt=8)
    votes = with_columns(votes, answered_at=at_minutes(rng.permutation(len(votes)).tolist()))
    rows = rng.permutation(len(votes))
    shuffled = VoteTable.from_columns(
        {
            "question": ["q"] * len(rows),
            "prompt_id": [votes.prompts[votes.prompt[i]] for i in rows],
            "rater": [f"{9 - votes.rater[i]}" for i in rows],
            "system_left": [f"{9 - votes.system_left[i]}" for i in rows],
            "system_right": [f"{9 - votes.system_right[i]}" for i in rows],
            "outcome": [("left", "right", "tie")[votes.outcome[i]] for i in rows],
            "answered_at": [votes.optional["answered_at"][i] for i in rows],
        }
    )
    one, other = session_curves(votes, bins=3), session_curves(shuffled, bins=3)
    for name in ("agreement", "left", "ties"):
        for column in ("first", "last", "votes", "raters", "value", "low", "high"):
            expected = getattr(getattr(one, name), column)
            assert getattr(getattr(other, name), column) == pytest.approx(expected, nan_ok=True)
