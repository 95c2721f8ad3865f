from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from scipy import stats

from analysis.stats.bradley_terry import POINTS, bradley_terry
from analysis.stats.outcomes import VoteTable
from analysis.stats.win_rates import field_win_rates, left_share, pair_win_rates
from tests.analysis.stats.planted import Population, table


def votes_of(seed: int, prompts: int = 12, raters: int = 7, per_prompt: int = 10) -> VoteTable:
    return Population().votes(np.random.default_rng(seed), prompts, raters, per_prompt)


def few_clusters(clusters: int, votes: int) -> float:
    """Cameron & Miller (2015), without the number of parameters."""
    return clusters / (clusters - 1) * (votes - 1) / votes


def naive_margin(influences: list[tuple[int, int, float]]) -> float:
    """Half the width of the interval of a sum over votes (prompt, rater, influence), loop by loop."""
    sums: dict[str, dict[object, float]] = {key: defaultdict(float) for key in ("prompt", "rater", "cell")}
    counts: dict[str, dict[object, int]] = {key: defaultdict(int) for key in ("prompt", "rater")}
    for prompt, rater, influence in influences:
        sums["prompt"][prompt] += influence
        sums["rater"][rater] += influence
        sums["cell"][prompt, rater] += influence
        if influence:
            counts["prompt"][prompt] += 1
            counts["rater"][rater] += 1
    votes = sum(counts["prompt"].values())
    factor = {key: few_clusters(len(clusters), votes) for key, clusters in counts.items()}
    variance = {
        key: factor.get(key, 1) * sum(value**2 for value in clusters.values()) for key, clusters in sums.items()
    }
    two_way = variance["prompt"] + variance["rater"] - variance["cell"]
    effective = [
        sum(clusters.values()) ** 2 / sum(count**2 for count in clusters.values()) for clusters in counts.values()
    ]
    error = math.sqrt(max(two_way, variance["prompt"], variance["rater"]))
    return float(stats.t.ppf(0.975, min(effective) - 1)) * error


def test_a_pairs_interval_is_that_of_the_naive_formula() -> None:
    votes = votes_of(1)
    pairs = pair_win_rates(votes)
    for m, (a, b) in enumerate(zip(pairs.a, pairs.b, strict=True)):
        n, influences = pairs.counted[m], []
        for prompt, rater, left, right, score in zip(
            votes.prompt, votes.rater, votes.system_left, votes.system_right, votes.left_score, strict=True
        ):
            if {left, right} == {a, b}:
                residual = (score if left == a else 1 - score) - pairs.win_rate[m]
                influences.append((int(prompt), int(rater), residual / n * math.sqrt(n / (n - 1))))
        margin = naive_margin(influences)
        assert pairs.intervals.low[m] == pytest.approx(max(0, pairs.win_rate[m] - margin))
        assert pairs.intervals.high[m] == pytest.approx(min(1, pairs.win_rate[m] + margin))


def test_a_ratings_standard_error_is_that_of_the_naive_sandwich() -> None:
    votes = votes_of(2)
    ratings = bradley_terry(votes)
    k = len(votes.systems)
    theta = np.append((ratings.values - 1000) / POINTS, float(np.asarray(ratings.diagnostics["side"])) / POINTS)
    design = np.zeros((len(votes), k + 1))
    design[np.arange(len(votes)), votes.system_left] = 1
    design[np.arange(len(votes)), votes.system_right] = -1
    design[:, k] = 1
    chance = 1 / (1 + np.exp(-design @ theta))
    bread = np.linalg.pinv(design.T @ (design * (chance * (1 - chance))[:, None]))
    influence = (design * (votes.left_score - chance)[:, None]) @ bread * POINTS

    def variance(codes: list[object]) -> np.ndarray:
        sums: dict[object, np.ndarray] = defaultdict(lambda: np.zeros(k + 1))
        for code, row in zip(codes, influence, strict=True):
            sums[code] += row
        return np.asarray(np.sum([row**2 for row in sums.values()], axis=0)[:k])

    prompt, rater = list(votes.prompt), list(votes.rater)
    bearing = [np.flatnonzero((votes.system_left == i) | (votes.system_right == i)) for i in range(k)]
    by_prompt, by_rater = (
        variance(codes) * [few_clusters(len({codes[vote] for vote in own}), len(own)) for own in bearing]
        for codes in (prompt, rater)
    )
    two_way = by_prompt + by_rater - variance(list(zip(prompt, rater, strict=True)))
    expected = np.sqrt(np.maximum(two_way, np.maximum(by_prompt, by_rater)))
    assert ratings.intervals is not None
    np.testing.assert_allclose(ratings.intervals.standard_error, expected, rtol=1e-8)


def test_the_smaller_margin_sets_the_degrees_of_freedom() -> None:
    """Prompts share the votes as 3 : 1, raters evenly, so that 1 / (9/16 + 1/16) = 1.6 prompts stand there."""
    votes = table(
        ("p", "a", "b", "left", "r"),
        ("p", "a", "b", "right", "s"),
        ("p", "a", "b", "left", "t"),
        ("q", "a", "b", "left", "u"),
    )
    intervals = pair_win_rates(votes).intervals
    assert intervals.effective_prompts[0] == pytest.approx(1.6)
    assert intervals.effective_raters[0] == pytest.approx(4)
    assert intervals.effective_clusters[0] == pytest.approx(1.6)


@pytest.mark.parametrize(
    ("prompts", "raters"),
    [(["p", "p", "p", "p"], ["r", "s", "t", "u"]), (["p", "q", "x", "y"], ["r", "r", "r", "r"])],
    ids=["one prompt", "one rater"],
)
def test_a_single_prompt_or_rater_gives_no_interval(prompts: list[str], raters: list[str]) -> None:
    outcomes = ["left", "right", "left", "tie"]
    sides = [("a", "b"), ("b", "a"), ("b", "a"), ("a", "b")]
    votes = table(
        *(
            (prompt, *side, outcome, rater)
            for prompt, side, outcome, rater in zip(prompts, sides, outcomes, raters, strict=True)
        )
    )
    rating = bradley_terry(votes).intervals
    field = field_win_rates(votes).intervals
    assert rating is not None
    assert field is not None
    assert math.isnan(left_share(votes).low)
    for intervals in (rating, field, pair_win_rates(votes).intervals):
        assert np.isnan(intervals.low).all()
        assert np.isnan(intervals.high).all()


def test_independent_clusters_of_equal_votes_have_the_error_of_a_mean_of_clusters() -> None:
    """Ten raters who always say the same, each on prompts of their own, are ten observations."""
    rows = [(f"p{i}", "a", "b", ("left", "right")[i // 8 % 10 > 5], f"r{i // 8}") for i in range(80)]
    error = pair_win_rates(table(*rows)).intervals.standard_error[0]
    assert error == pytest.approx(math.sqrt(0.6 * 0.4 / 9))


def test_votes_that_all_agree_get_the_exact_interval_of_as_many_clusters() -> None:
    votes = table(*((f"p{i}", "a", "b", "left", f"r{i}") for i in range(10)))
    intervals = pair_win_rates(votes).intervals
    assert intervals.low[0] == pytest.approx(0.025 ** (1 / 10))
    assert intervals.high[0] == 1.0


def test_fitting_without_residue_gives_a_rating_no_interval() -> None:
    votes = table(*((f"p{i}", *("ab", "ba")[i % 2], "tie", f"r{i}") for i in range(10)))
    ratings = bradley_terry(votes)
    assert ratings.intervals is not None
    np.testing.assert_allclose(ratings.values, 1000)
    assert np.isnan(ratings.intervals.low).all()


def test_the_same_votes_again_by_the_same_raters_add_nothing_but_by_others_they_do() -> None:
    population = Population()
    votes = population.votes(np.random.default_rng(3), prompts=30, raters=20, per_prompt=10)

    def error(copies: int, other_people: bool) -> float:
        rows = [
            (
                f"{votes.prompts[p]}/{copy if other_people else 0}",
                votes.systems[left],
                votes.systems[right],
                {1.0: "left", 0.0: "right", 0.5: "tie"}[score],
                f"{votes.raters[r]}/{copy if other_people else 0}",
            )
            for copy in range(copies)
            for p, left, right, score, r in zip(
                votes.prompt, votes.system_left, votes.system_right, votes.left_score, votes.rater, strict=True
            )
        ]
        intervals = bradley_terry(table(*rows)).intervals
        assert intervals is not None
        return float(intervals.standard_error[0])

    # All but the factor of few clusters, which is about 1.03 with 30 prompts and nearly 1 with 120.
    assert error(4, other_people=False) == pytest.approx(error(1, other_people=False), rel=0.005)
    assert error(4, other_people=True) == pytest.approx(error(1, other_people=True) / 2, rel=0.03)
