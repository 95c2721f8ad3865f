from __future__ import annotations

import evalica
import numpy as np
import pytest

from analysis.stats.elo import _blocks, _cells, elo
from analysis.stats.outcomes import VoteTable
from tests.analysis.stats.planted import Population, table

VOTES = Population().votes(np.random.default_rng(1), prompts=10, raters=5, per_prompt=6)
Game = tuple[int, int, float]


def orders(votes: VoteTable, seed: int, shuffles: int) -> list[list[Game]]:
    """The orders in which `elo` plays: of each vote the first system, the second, and the first one's score."""
    cells = _cells(votes.counted())
    blocks = _blocks(cells, len(votes), shuffles, np.random.default_rng(seed))
    games = list(zip(cells.first.tolist(), cells.second.tolist(), cells.score.tolist(), strict=True))
    return [[games[code] for code in lane] for block in blocks for lane in block.shuffled()]


def played(order: list[Game], systems: int, k: float, start: float = 1000.0) -> list[float]:
    rating = [start] * systems
    for first, second, score in order:
        change = k * (score - 1 / (1 + 10 ** ((rating[second] - rating[first]) / 400)))
        rating[first] += change
        rating[second] -= change
    return rating


@pytest.mark.parametrize("k", [1, 16, 64, 100])
def test_it_equals_playing_each_order_by_itself(k: float) -> None:
    """Whether changes are small, and e^x is summed as a series, or large."""
    ratings = elo(VOTES, np.random.default_rng(7), k=k, shuffles=20)
    finals = [played(order, len(VOTES.systems), k) for order in orders(VOTES, 7, 20)]
    np.testing.assert_allclose(ratings.values, np.mean(finals, axis=0), rtol=1e-11)
    np.testing.assert_allclose(ratings.diagnostics["order_sd"], np.std(finals, axis=0, ddof=1), rtol=1e-8)


def test_every_order_has_every_vote_once_and_all_places_are_as_likely() -> None:
    votes = table(*((f"p{i}", *pair, "left", "r") for i, pair in enumerate(["ab", "ac", "bc", "ad"])))
    found = orders(votes, 3, 2400)
    assert {tuple(sorted(order)) for order in found} == {((0, 1, 1.0), (0, 2, 1.0), (0, 3, 1.0), (1, 2, 1.0))}
    times = np.unique([str(order) for order in found], return_counts=True)[1]
    assert len(times) == 24
    assert ((times - 100) ** 2 / 100).sum() < 55  # chi-square with 23 degrees of freedom: beyond by chance 1 in 5,000


def test_one_order_agrees_with_evalica() -> None:
    ratings = elo(VOTES, np.random.default_rng(7), shuffles=1)
    (order,) = orders(VOTES, 7, 1)
    winner = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    theirs = evalica.elo(
        [VOTES.systems[first] for first, _, _ in order],
        [VOTES.systems[second] for _, second, _ in order],
        [winner[score] for _, _, score in order],
        initial=1000,
        k=1,
    ).scores
    np.testing.assert_allclose(ratings.values, [theirs[name] for name in VOTES.systems], atol=1e-6)


@pytest.mark.parametrize("k", [4.0, 24.0])
def test_of_very_many_votes_the_last_ones_of_an_order_are_enough(k: float, monkeypatch: pytest.MonkeyPatch) -> None:
    votes = Population().votes(np.random.default_rng(2), prompts=200, raters=30, per_prompt=60)
    short = elo(votes, np.random.default_rng(1), k=k, shuffles=2000)
    monkeypatch.setattr("analysis.stats.elo.FORGOTTEN", float("inf"))
    whole = elo(votes, np.random.default_rng(2), k=k, shuffles=2000)
    assert float(np.asarray(short.diagnostics["played"])) < len(votes) / 2
    assert float(np.asarray(whole.diagnostics["played"])) == len(votes)
    deviation = np.asarray(whole.diagnostics["order_sd"])
    assert (np.abs(short.values - whole.values) < 4 * deviation * np.sqrt(2 / 2000)).all()
    np.testing.assert_allclose(short.diagnostics["order_sd"], deviation, rtol=0.1)


def test_where_a_system_always_wins_nothing_is_forgotten() -> None:
    rows = [(f"p{i}", *("ab", "bc", "ac")[i % 3], "left", "r") for i in range(3000)]
    assert elo(table(*rows), np.random.default_rng(0), k=32, shuffles=4).diagnostics["played"] == 3000


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


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    many = elo(VOTES, np.random.default_rng(3), shuffles=50)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    np.testing.assert_array_equal(many.values, elo(VOTES, np.random.default_rng(3), shuffles=50).values)
