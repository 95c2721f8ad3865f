"""Nominal 95% intervals must hold their truth about 95 times in a hundred."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.outcomes import FloatArray
from analysis.stats.uncertainty import Intervals
from analysis.stats.win_rates import field_win_rates, pair_win_rates
from tests.analysis.stats.planted import Population

DATA_SETS = 100


def covered(intervals: Intervals | None, truth: FloatArray) -> FloatArray:
    assert intervals is not None
    return np.asarray((intervals.low <= truth) & (truth <= intervals.high), dtype=float)


@pytest.mark.parametrize(
    ("prompts", "raters", "per_prompt"),
    [(60, 30, 20), (20, 10, 40), (100, 10, 12)],
    ids=["ample", "few of both", "few raters"],
)
def test_intervals_cover_with_prompt_and_rater_effects(prompts: int, raters: int, per_prompt: int) -> None:
    population = Population()
    ratings, field, rates = population.ratings(), population.field_win_rates(), population.win_rates()
    rng = np.random.default_rng([prompts, raters])
    hits: dict[str, list[FloatArray]] = {"ratings": [], "field": [], "pairs": []}
    for _ in range(DATA_SETS):
        votes = population.votes(rng, prompts, raters, per_prompt)
        pairs = pair_win_rates(votes)
        hits["ratings"].append(covered(bradley_terry(votes).intervals, ratings))
        hits["field"].append(covered(field_win_rates(votes).intervals, field))
        hits["pairs"].append(covered(pairs.intervals, rates[pairs.a, pairs.b]))
    for name, found in hits.items():
        # 100 data sets of four or six estimates: the standard error of a coverage is about 1.4 points.
        assert 0.915 <= np.mean(found) <= 0.985, name


def test_intervals_that_forget_prompts_and_raters_would_not_cover() -> None:
    """The same simulation can tell: with each vote a cluster of its own far too few truths are held."""
    population = Population()
    truth = population.ratings()
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(60):
        votes = population.votes(rng, prompts=20, raters=10, per_prompt=60)
        alone = np.arange(len(votes))
        names = tuple(map(str, alone))
        apart = type(votes)(
            votes.questions, names, names, votes.systems, votes.question, alone, alone,
            votes.system_left, votes.system_right, votes.outcome, {},
        )  # fmt: skip
        hits.append(covered(bradley_terry(apart).intervals, truth))
    assert np.mean(hits) < 0.8
