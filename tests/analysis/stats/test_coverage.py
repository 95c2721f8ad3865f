"""Nominal 95% intervals must hold their truth about 95 times in a hundred: a quick look, and the stored long one."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from analysis.stats.bootstrap import bootstrap_ratings
from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.win_rates import field_win_rates, left_share, pair_win_rates
from benchmarks import coverage, coverage_peers
from benchmarks.coverage import ALONE, DEFAULT, SETTINGS, TARGET
from tests.analysis.stats.planted import Population

RESULTS = json.loads((Path(coverage.__file__).parent / "results" / "coverage.json").read_text(encoding="utf-8"))
DATA_SETS = 40


@cache
def shares(name: str) -> dict[tuple[str, str], float]:
    """Of the truths, by method and kind of estimate."""
    found = defaultdict(list)
    for number in range(DATA_SETS):
        seed = (list(SETTINGS).index(name), number)
        for key, one in coverage.measure(SETTINGS[name], seed, bootstraps=0, evalicas=0).items():
            found[key].append(one)
    return {key: coverage.summarise(several)["coverage"] for key, several in found.items()}


@pytest.mark.parametrize("name", ["few of both", "few raters", "ten unequal raters", "ties and sides"])
def test_intervals_cover_with_prompt_and_rater_effects(name: str) -> None:
    share = shares(name)
    for kind in coverage.KINDS:
        # 40 data sets of four or six estimates: the standard error of a coverage is about 2 points.
        assert 0.90 <= share[DEFAULT, kind] <= 0.995, kind


def test_intervals_that_forget_prompts_and_raters_would_not_cover() -> None:
    """The same simulation can tell: with each vote a cluster of its own far too few truths are held."""
    share = shares("few of both")
    assert share[ALONE, "ratings"] < 0.8
    assert share[ALONE, "pairs"] < 0.9


def test_the_stored_results_are_of_these_settings_and_hold() -> None:
    assert list(RESULTS["settings"]) == list(SETTINGS)
    for name, found in RESULTS["settings"].items():
        setting = json.loads(json.dumps(asdict(SETTINGS[name])))
        assert {key: found[key] for key in setting} == setting
        for one in found["methods"][DEFAULT].values():
            assert one["datasets"] >= 1000
            assert TARGET[0] <= one["coverage"] <= TARGET[1], name
            assert one["without_interval"] == 0


@pytest.mark.parametrize(
    "population",
    [Population(side=0.5, side_sd=1.5, ties=0.3), Population(rater_skew=0.5, prompt_sd=2.0)],
    ids=["sides", "strong prompts and unequal raters"],
)
def test_the_truth_is_what_very_many_votes_say(population: Population) -> None:
    """On 4,000 prompts by 2,000 raters."""
    votes = population.votes(np.random.default_rng(1), 4000, 2000, 50)
    pairs = pair_win_rates(votes)
    truth = coverage.truth_of(population)
    np.testing.assert_allclose(pairs.win_rate, truth.win_rates[pairs.a, pairs.b], atol=0.015)
    np.testing.assert_allclose(field_win_rates(votes).values, truth.averages, atol=0.012)
    np.testing.assert_allclose(bradley_terry(votes).values, truth.ratings, atol=6)
    off_diagonal = ~np.eye(len(population.strengths), dtype=bool)
    assert left_share(votes).value == pytest.approx(population.left_chance()[off_diagonal].mean(), abs=0.01)


def test_unequal_raters_are_as_busy_as_they_should_be() -> None:
    votes = Population(rater_skew=1.0).votes(np.random.default_rng(2), 100, 4, 200)
    counts = dict(zip(votes.raters, np.bincount(votes.rater) / len(votes), strict=True))
    assert [counts[f"r{i}"] for i in range(4)] == pytest.approx([0.48, 0.24, 0.16, 0.12], abs=0.01)


def test_wilsons_interval_is_the_published_one() -> None:
    """Of 81 in 263 and of 1 in 29: Newcombe (1998), Statistics in Medicine 17, table I, method 3."""
    low, high = coverage.wilson(np.array([81 / 263, 1 / 29]), np.array([263.0, 29.0]))
    np.testing.assert_allclose(low, [0.2553, 0.0061], atol=5e-5)
    np.testing.assert_allclose(high, [0.3662, 0.1718], atol=5e-5)


def test_estimates_without_an_interval_are_counted_apart() -> None:
    truth = np.array([0.5, 0.5, 0.5])
    found = coverage.held((np.array([0.4, np.nan, 0.6]), np.array([0.6, np.nan, 0.7])), truth)
    assert coverage.summarise([found, found]) == {
        "coverage": 0.5,
        "standard_error": 0.0,
        "lowest_of_an_estimate": 0.0,
        "without_interval": 0.3333,
        "mean_width": 0.15,
        "datasets": 2,
    }


def test_evalicas_intervals_are_read_on_the_sites_scale() -> None:
    """Its bootstrap is that of votes, and so the same as that one here but for chance and the side intercept."""
    votes = Population(side=0.0).votes(np.random.default_rng(3), 20, 20, 10)
    low, high = coverage_peers.evalica(votes, np.random.default_rng(0), 100)
    ours = bootstrap_ratings(votes, "votes", np.random.default_rng(0))
    np.testing.assert_allclose((low + high) / 2, ours.values, atol=12)
    np.testing.assert_allclose(high - low, ours.high - ours.low, rtol=0.35)
