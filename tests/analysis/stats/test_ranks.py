from __future__ import annotations

import numpy as np

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.outcomes import VoteTable
from analysis.stats.ranks import Ranks, rank_ranges
from tests.analysis.stats.planted import Population, table


def votes_of(population: Population, seed: int, prompts: int = 60, raters: int = 30) -> VoteTable:
    return population.votes(np.random.default_rng(seed), prompts, raters, per_prompt=30)


def ranges_of(votes: VoteTable) -> Ranks | None:
    return rank_ranges(bradley_terry(votes))


def test_two_groups_that_are_far_apart_are_told_apart_and_their_members_are_not() -> None:
    population = Population(strengths=(-1.5, -1.5, 1.5, 1.5), prompt_sd=0.5, rater_sd=0.2)
    ranks = ranges_of(votes_of(population, 1))
    assert ranks
    assert list(zip(ranks.low, ranks.high, strict=True)) == [(3, 4), (3, 4), (1, 2), (1, 2)]


def test_the_best_estimate_is_within_every_range() -> None:
    ranks = ranges_of(votes_of(Population(), 2))
    assert ranks
    assert list(ranks.systems) == sorted(ranks.systems)
    place = np.arange(4, 0, -1)  # planted from worst to best
    assert ((ranks.low <= place) & (place <= ranks.high)).all()


def test_all_pairs_at_once_take_a_larger_quantile_than_one_pair() -> None:
    few = ranges_of(votes_of(Population(strengths=(-0.1, 0.1)), 3))
    many = ranges_of(votes_of(Population(strengths=tuple(np.linspace(-0.5, 0.5, 8))), 3))
    assert few
    assert many
    assert 1.9 < few.critical_value < 2.2
    assert 2.8 < many.critical_value < 4


def test_it_is_the_same_each_time_and_whatever_the_systems_are_called() -> None:
    votes = votes_of(Population(), 4)
    one, again = ranges_of(votes), ranges_of(votes)
    assert one
    assert again
    assert (one.low == again.low).all()
    assert one.critical_value == again.critical_value


def test_without_two_prompts_or_raters_there_is_nothing_to_say() -> None:
    votes = table(("p", "a", "b", "left", "r"), ("p", "a", "b", "right", "s"), ("p", "b", "a", "left", "t"))
    assert ranges_of(votes) is None


def test_true_ranks_lie_within_all_ranges_at_once() -> None:
    population = Population()
    truth = np.argsort(np.argsort(-population.ratings())) + 1
    rng = np.random.default_rng(7)
    held = []
    for _ in range(80):
        ranks = ranges_of(population.votes(rng, prompts=20, raters=10, per_prompt=40))
        assert ranks
        held.append(((ranks.low <= truth) & (truth <= ranks.high)).all())
    assert np.mean(held) >= 0.9, "nominal 0.95; of 80 the standard error is 2.4 points"
