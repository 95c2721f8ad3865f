from __future__ import annotations

import itertools
import json
from pathlib import Path

import choix
import evalica
import numpy as np
import pytest
from scipy.optimize import linprog

from analysis.stats import bradley_terry as module
from analysis.stats.bradley_terry import MEAN, POINTS, bradley_terry, fit_counts, fit_votes
from analysis.stats.errors import DisconnectedError, NotConvergedError, SeparationError
from analysis.stats.outcomes import FloatArray
from tests.analysis.stats.planted import Population, table

GOLDEN = Path(__file__).parents[2] / "golden"


def baseball() -> tuple[dict[str, object], tuple[str, ...], FloatArray, FloatArray]:
    data = json.loads((GOLDEN / "baseball.json").read_text())
    teams = tuple(sorted({home for home, *_ in data["games"]}))
    wins, games = np.zeros((7, 7)), np.zeros((7, 7))
    for home, away, home_wins, away_wins in data["games"]:
        at = teams.index(home), teams.index(away)
        wins[at], games[at] = home_wins, home_wins + away_wins
    return data, teams, wins, games


BOTH_WAYS = [("alpha", "beta"), ("beta", "alpha")]


def test_it_gives_the_textbook_strengths_of_baseball_teams() -> None:
    data, teams, wins, games = baseball()
    # Both sides alike: the side intercept is then zero, as in the book's model without it.
    fit = fit_counts(wins + (games - wins).T, games + games.T, teams)
    assert fit.side == pytest.approx(0, abs=1e-9)
    against = fit.strengths - fit.strengths[teams.index("Baltimore")]
    expected = data["without_home_effect"]
    assert isinstance(expected, dict)
    for team, value in expected.items():
        assert against[teams.index(team)] == pytest.approx(value, abs=0.0006)


def test_it_gives_the_textbook_home_advantage() -> None:
    data, teams, wins, games = baseball()
    fit = fit_counts(wins, games, teams)
    assert fit.side == pytest.approx(data["home_effect"], abs=0.0006)
    assert np.sqrt(fit.covariance[7, 7]) == pytest.approx(data["home_effect_standard_error"], abs=0.0006)


def test_it_gives_the_published_strengths_of_journals() -> None:
    data = json.loads((GOLDEN / "citations.json").read_text())
    wins = np.array(data["cited_by"], dtype=float)
    np.fill_diagonal(wins, 0)
    # Each citation once from either side, with half the weight.
    fit = fit_counts(wins / 2, (wins + wins.T) / 2, tuple(data["journals"]))
    for journal, value in data["expected"].items():
        against = fit.strengths[data["journals"].index(journal)] - fit.strengths[0]
        assert against == pytest.approx(value, abs=0.00006)


def random_counts(rng: np.random.Generator, k: int) -> tuple[FloatArray, FloatArray]:
    games = rng.integers(1, 9, (k, k)) * (1.0 - np.eye(k))
    return np.asarray(rng.binomial(games.astype(int), 0.5) + 0.0), games


def test_the_gradient_and_the_information_are_the_likelihoods_derivatives() -> None:
    rng = np.random.default_rng(1)
    wins, games = random_counts(rng, 5)
    at = rng.normal(size=6)
    gradient, information = module._derivatives(at, wins, games, with_side=True)
    step = 1e-5 * np.eye(6)
    for i in range(6):
        up = module._log_likelihood(at + step[i], wins, games)
        down = module._log_likelihood(at - step[i], wins, games)
        assert gradient[i] == pytest.approx((up - down) / 2e-5, abs=1e-5)
        higher = module._derivatives(at + step[i], wins, games, with_side=True)[0]
        lower = module._derivatives(at - step[i], wins, games, with_side=True)[0]
        gauge = (np.arange(6) < 5) * (i < 5)
        np.testing.assert_allclose(information[i] - gauge, (lower - higher) / 2e-5, atol=1e-5)


def test_it_agrees_with_a_plain_minorisation_without_sides() -> None:
    """Hunter (2004): w_i / sum over j of n_ij / (p_i + p_j), again and again."""
    wins, _ = random_counts(np.random.default_rng(2), 6)
    wins += 1 - np.eye(6)
    pairs = wins + wins.T
    worth = np.ones(6)
    for _ in range(5000):
        worth = wins.sum(axis=1) / (pairs / np.add.outer(worth, worth)).sum(axis=1)
        worth /= np.exp(np.log(worth).mean())
    fit = fit_counts(wins / 2, pairs / 2, tuple("abcdef"))
    np.testing.assert_allclose(fit.strengths, np.log(worth), atol=1e-9)


def test_it_agrees_with_evalica_and_choix_on_the_same_votes() -> None:
    population = Population()
    votes = population.votes(np.random.default_rng(3), prompts=40, raters=8, per_prompt=10)
    swapped = table(
        *(
            (votes.prompts[p], votes.systems[a], votes.systems[b], outcome, votes.raters[r])
            for p, left, right, score, r in zip(
                votes.prompt, votes.system_left, votes.system_right, votes.left_score, votes.rater, strict=True
            )
            for a, b, outcome in (
                (left, right, {1.0: "left", 0.0: "right", 0.5: "tie"}[score]),
                (right, left, {1.0: "right", 0.0: "left", 0.5: "tie"}[score]),
            )
        )
    )
    ours = (bradley_terry(swapped).values - MEAN) / POINTS

    winner = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    theirs = evalica.bradley_terry(
        [votes.systems[i] for i in votes.system_left],
        [votes.systems[i] for i in votes.system_right],
        [winner[score] for score in votes.left_score],
        tolerance=1e-14,
        limit=100_000,
    ).scores
    evalicas = np.log([theirs[name] for name in votes.systems])
    np.testing.assert_allclose(ours, evalicas - evalicas.mean(), atol=1e-6)

    matrix = np.zeros((4, 4))
    np.add.at(matrix, (votes.system_left, votes.system_right), votes.left_score)
    np.add.at(matrix, (votes.system_right, votes.system_left), 1 - votes.left_score)
    np.testing.assert_allclose(ours, choix.ilsr_pairwise_dense(matrix, tol=1e-12), atol=1e-6)


def test_a_chain_of_fifty_systems_is_solved_exactly() -> None:
    """Each beats the next nine times in ten, so that neighbours are log 9 apart."""
    systems = tuple(f"{i:02}" for i in range(50))
    games = np.zeros((50, 50))
    wins = np.zeros((50, 50))
    for i in range(49):
        games[i, i + 1] = games[i + 1, i] = 10
        wins[i, i + 1], wins[i + 1, i] = 9, 1
    fit = fit_counts(wins, games, systems)
    np.testing.assert_allclose(-np.diff(fit.strengths), np.log(9), atol=1e-8)


@pytest.mark.parametrize("with_ties", [False, True])
def test_symmetric_votes_give_equal_ratings(with_ties: bool) -> None:
    pairs = [("a", "b"), ("b", "c"), ("c", "a")]
    outcomes = ["tie", "tie"] if with_ties else ["left", "right"]
    votes = table(*((f"p{i}", a, b, o, f"r{i}") for a, b in pairs for i, o in enumerate(outcomes)))
    np.testing.assert_allclose(bradley_terry(votes).values, 1000, atol=1e-9)


def test_a_side_preference_is_taken_out_of_the_ratings() -> None:
    """a is on the left in all but a few votes, and the left wins two times in three whoever is there."""
    counts = [("a", "b", "left", 20), ("a", "b", "right", 10), ("b", "a", "left", 4), ("b", "a", "right", 2)]
    votes = table(*((f"p{i}", a, b, o, f"r{i}") for a, b, o, n in counts for i in range(n)))
    ratings = bradley_terry(votes)
    np.testing.assert_allclose(ratings.values, 1000, atol=1e-6)
    assert ratings.diagnostics["side"] == pytest.approx(POINTS * np.log(2), abs=1e-6)


def test_planted_strengths_are_recovered() -> None:
    population = Population(prompt_sd=0, rater_sd=0, ties=0)
    votes = population.votes(np.random.default_rng(4), prompts=400, raters=100, per_prompt=50)
    ratings = bradley_terry(votes)
    np.testing.assert_allclose(ratings.values, 1000 + POINTS * np.array(population.strengths), atol=12)
    assert ratings.diagnostics["side"] == pytest.approx(POINTS * population.side, abs=12)


def test_a_rare_system_is_as_uncertain_as_its_few_votes() -> None:
    """A ridge would pull it to the middle and call it known: arena-rank's shrinks its error to 0.77 times this."""
    rows = [(f"p{n}", *sides, outcome, "r") for n in range(500) for sides in BOTH_WAYS for outcome in ("left", "right")]
    rare = [("left", 9), ("right", 3)]  # gamma wins nine of twelve, on either side
    rows += [(f"q{n}", "gamma", "alpha", outcome, "r") for outcome, count in rare for n in range(count)]
    swapped = {"left": "right", "right": "left"}
    rows += [(f"s{n}", "alpha", "gamma", swapped[outcome], "r") for outcome, count in rare for n in range(count)]
    votes = table(*rows)
    fit = fit_votes(votes)
    alpha, gamma = votes.systems.index("alpha"), votes.systems.index("gamma")
    assert fit.strengths[gamma] - fit.strengths[alpha] == pytest.approx(np.log(3), abs=1e-9)
    contrast = np.zeros(len(fit.covariance))
    contrast[[gamma, alpha]] = 1, -1
    variance = contrast @ fit.covariance @ contrast
    assert variance == pytest.approx(1 / (24 * 0.75 * 0.25), rel=1e-6), "1 / (n p (1 - p)), as for any log odds"


def test_unconnected_groups_are_named() -> None:
    votes = table(("p", "a", "b", "tie", "r"), ("p", "d", "c", "tie", "r"), ("p", "e", "d", "tie", "s"))
    with pytest.raises(DisconnectedError) as error:
        bradley_terry(votes)
    assert str(error.value) == (
        "Bradley-Terry ratings do not exist: no comparison connects (a and b) and (c, d and e)."
    )


def test_systems_that_win_or_lose_everything_are_named() -> None:
    votes = table(
        ("p", "a", "b", "left", "r"),
        ("p", "b", "c", "left", "s"),
        ("p", "c", "b", "left", "s"),
        ("p", "d", "c", "right", "t"),
    )
    with pytest.raises(SeparationError) as error:
        bradley_terry(votes)
    assert str(error.value) == (
        "Bradley-Terry ratings are not finite: a never lost to the other systems, and d never won against them."
    )


def test_running_out_of_iterations_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ITERATIONS", 2)
    with pytest.raises(NotConvergedError, match=r"^Bradley-Terry did not converge after 2 iterations\.$"):
        fit_counts(np.array([[0.0, 9.0], [2.0, 0.0]]), np.array([[0.0, 10.0], [10.0, 0.0]]), ("a", "b"))


def test_without_swapped_sides_the_intercept_is_left_out() -> None:
    votes = table(("p", "a", "b", "left", "r"), ("q", "a", "b", "left", "r"), ("p", "a", "b", "right", "s"))
    ratings = bradley_terry(votes)
    assert np.isnan(ratings.diagnostics["side"])
    assert ratings.values[0] - ratings.values[1] == pytest.approx(POINTS * np.log(2))


def finite_by_linear_programming(left: FloatArray, right: FloatArray) -> bool:
    """Albert & Anderson (1984): no direction but the strengths' sum leaves every vote at least as likely."""
    k = len(left)
    rows = []
    for i, j in itertools.permutations(range(k), 2):
        difference = np.eye(k)[i] - np.eye(k)[j]
        rows += [[*difference, 1]] * bool(left[i, j]) + [[*-difference, -1]] * bool(right[i, j])
    votes = np.array(rows, dtype=float)
    for goal in np.vstack([np.eye(k + 1), -np.eye(k + 1)]):
        found = linprog(goal, A_ub=-votes, b_ub=np.zeros(len(votes)), bounds=[(0, 0)] + [(-1, 1)] * k, method="highs")
        assert found.fun is not None
        if found.fun < -1e-7:
            return False
    return True


def test_separation_is_found_exactly_where_linear_programming_finds_it() -> None:
    rng = np.random.default_rng(6)
    seen = {True: 0, False: 0}
    for _ in range(80):
        k = int(rng.integers(2, 5))
        games = rng.integers(0, 3, (k, k)) * (1.0 - np.eye(k))
        wins = np.minimum(rng.integers(0, 3, (k, k)), games)
        try:
            finite = not np.isnan(fit_counts(wins, games, tuple("abcde"[:k])).side)
        except (SeparationError, DisconnectedError):
            finite = False
        assert finite == (games.any() and finite_by_linear_programming(wins, games - wins))
        seen[finite] += 1
    assert min(seen.values()) > 15
