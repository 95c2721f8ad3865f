from __future__ import annotations

import evalica
import numpy as np
import pytest

from analysis.stats.elo import _canonical, elo
from tests.analysis.stats.planted import Population, table

VOTES = Population().votes(np.random.default_rng(1), prompts=10, raters=5, per_prompt=6)


def test_it_equals_playing_each_order_by_itself() -> None:
    ratings = elo(VOTES, np.random.default_rng(7), k=16, shuffles=20)
    a, b, score = _canonical(VOTES)
    rng = np.random.default_rng(7)
    finals = []
    for _ in range(20):
        rating = [1000.0] * len(VOTES.systems)
        for vote in rng.permutation(len(score)):
            first, second = int(a[vote]), int(b[vote])
            expected = 1 / (1 + 10 ** ((rating[second] - rating[first]) / 400))
            change = 16 * (float(score[vote]) - expected)
            rating[first] += change
            rating[second] -= change
        finals.append(rating)
    np.testing.assert_allclose(ratings.values, np.mean(finals, axis=0), rtol=1e-12)
    np.testing.assert_allclose(ratings.diagnostics["order_sd"], np.std(finals, axis=0, ddof=1), rtol=1e-9)


def test_one_order_agrees_with_evalica() -> None:
    ratings = elo(VOTES, np.random.default_rng(7), shuffles=1)
    a, b, score = _canonical(VOTES)
    order = np.random.default_rng(7).permutation(len(score))
    winner = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    theirs = evalica.elo(
        [VOTES.systems[i] for i in a[order]],
        [VOTES.systems[i] for i in b[order]],
        [winner[value] for value in score[order]],
        initial=1000,
        k=1,
    ).scores
    np.testing.assert_allclose(ratings.values, [theirs[name] for name in VOTES.systems], atol=1e-6)


def test_a_single_vote_moves_half_a_point_each_way() -> None:
    ratings = elo(table(("p", "a", "b", "right", "r")), np.random.default_rng(0))
    np.testing.assert_allclose(ratings.values, [999.5, 1000.5])
    assert ratings.intervals is None
    assert ratings.parameters == {"k": 1, "start": 1000, "shuffles": 1000, "scale": 400, "ties": "half"}


def test_ties_between_equals_and_both_bad_move_nothing() -> None:
    votes = table(("p", "a", "b", "tie", "r"), ("p", "a", "b", "both_bad", "s"))
    np.testing.assert_array_equal(elo(votes, np.random.default_rng(0)).values, [1000, 1000])


def test_points_are_only_passed_on() -> None:
    assert elo(VOTES, np.random.default_rng(0), start=1500).values.mean() == pytest.approx(1500)


def test_few_votes_at_a_time_give_the_same_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = elo(VOTES, np.random.default_rng(3), shuffles=50)
    monkeypatch.setattr("analysis.stats.elo._CELLS_AT_ONCE", 7 * len(VOTES))
    parts = elo(VOTES, np.random.default_rng(3), shuffles=50)
    np.testing.assert_array_equal(whole.values, parts.values)
