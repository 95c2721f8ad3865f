from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.stats.agreement import agreement, design_effect, krippendorff_alpha, pairwise_agreement
from analysis.stats.outcomes import BOTH_BAD, TIE
from analysis.stats.win_rates import pair_codes, pair_win_rates
from tests.analysis.stats.planted import Population, table


def test_alpha_is_that_of_krippendorffs_own_example() -> None:
    """Krippendorff (2011), Computing Krippendorff's alpha-reliability, sec. C: nominal data, alpha = 0.743."""
    observers = ["123321412...", "123322412 5.3".replace(" ", ""), ".3332342251.", "12332441251."]
    counts = np.zeros((12, 5))
    for observer in observers:
        for unit, value in enumerate(observer):
            if value != ".":
                counts[unit, int(value) - 1] += 1
    assert krippendorff_alpha(counts) == pytest.approx(0.743, abs=5e-4)


def test_raters_who_always_agree_and_raters_who_never_do() -> None:
    assert krippendorff_alpha(np.array([[3.0, 0], [0, 3], [3, 0]])) == 1
    assert krippendorff_alpha(np.array([[1.0, 1], [1, 1]])) < 0
    assert pairwise_agreement(np.array([[2.0, 1], [3, 0]])) == pytest.approx((2 + 6) / 12)
    assert math.isnan(krippendorff_alpha(np.array([[3.0, 0], [2, 0]]))), "nothing could disagree"
    assert math.isnan(krippendorff_alpha(np.array([[1.0, 0], [0, 1]]))), "nobody shares a unit"


def test_sides_do_not_matter() -> None:
    votes = [("p", "a", "b", "left", "r"), ("p", "b", "a", "right", "s"), ("p", "a", "b", "right", "t")]
    votes += [("q", "a", "b", "tie", "r"), ("q", "b", "a", "tie", "s")]
    found = agreement(table(*votes))
    assert found.pairwise == pytest.approx((1 + 1) / 4)
    assert found.leave_one_out == pytest.approx(0.0), "of three votes the odd one meets two against it, the others tie"


def test_votes_that_share_nothing_say_nothing() -> None:
    found = agreement(table(("p", "a", "b", "left", "r"), ("q", "a", "b", "right", "s")))
    assert all(math.isnan(value) for value in vars(found).values())


def test_planted_effects_are_found_and_absent_ones_are_not() -> None:
    rng = np.random.default_rng(4)
    alone = Population(prompt_sd=0.0, rater_sd=0.0).votes(rng, prompts=300, raters=60, per_prompt=24)
    prompts = Population(prompt_sd=2.0, rater_sd=0.0).votes(rng, prompts=300, raters=60, per_prompt=24)
    raters = Population(prompt_sd=0.0, rater_sd=2.0).votes(rng, prompts=300, raters=60, per_prompt=24)
    nothing, of_prompts, of_raters = (agreement(votes) for votes in (alone, prompts, raters))
    assert abs(nothing.prompt_icc) < 0.02
    assert abs(nothing.rater_icc) < 0.02
    assert of_prompts.prompt_icc > 0.2
    assert abs(of_prompts.rater_icc) < 0.02
    assert of_raters.rater_icc > 0.2
    assert abs(of_raters.prompt_icc) < 0.02
    effects = [design_effect(pair_win_rates(votes)) for votes in (alone, prompts, raters)]
    assert effects[0] == pytest.approx(1.2, abs=0.2), "the rule of the maximum errs on the safe side"
    assert min(effects[1:]) > 1.5


def test_it_is_that_of_counts_made_one_by_one() -> None:
    rng = np.random.default_rng(5)
    votes = Population().votes(rng, prompts=12, raters=5, per_prompt=30)
    votes = replace(votes, outcome=np.where(rng.random(len(votes)) < 0.1, BOTH_BAD, votes.outcome))
    pairs, of_vote = pair_win_rates(votes), pair_codes(votes)[2]
    first = pairs.a[of_vote] == votes.system_left
    outcome = np.where(first | (votes.outcome >= TIE), votes.outcome, 1 - votes.outcome)
    counts = np.zeros((12, len(pairs.a), 4))
    np.add.at(counts, (votes.prompt, of_vote, outcome), 1)
    found = agreement(votes)
    units = counts.reshape(-1, 4)
    assert found.alpha == pytest.approx(krippendorff_alpha(units))
    assert found.pairwise == pytest.approx(pairwise_agreement(units))
    for codes, icc in ((votes.prompt, found.prompt_icc), (votes.rater, found.rater_icc)):
        residual = np.array([1.0, 0.0, 0.5, np.nan])[outcome] - pairs.win_rate[of_vote]
        residual *= np.sqrt(pairs.counted / (pairs.counted - 1))[of_vote]
        known = ~np.isnan(residual)
        together = (codes[:, None] == codes) & (of_vote[:, None] == of_vote) & ~np.eye(len(votes), dtype=np.bool_)
        together &= known & known[:, None]
        products = np.outer(np.nan_to_num(residual), np.nan_to_num(residual))[together].mean()
        assert icc == pytest.approx(products / (residual[known] ** 2).mean())
