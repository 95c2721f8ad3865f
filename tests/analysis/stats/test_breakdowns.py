"""Slices of the votes: their own win rates, and what the other slices say of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from analysis.stats.breakdowns import Breakdown, break_down
from analysis.stats.errors import RatingError, VoteFileError
from analysis.stats.outcomes import FloatArray, VoteTable
from analysis.stats.vote_file import OUTCOMES
from analysis.stats.win_rates import field_win_rates
from tests.analysis.stats.planted import COLUMNS, table

Row = tuple[str, str, str, str, str, str]  # prompt, left, right, outcome, rater, category


def sliced(rows: Sequence[Row]) -> VoteTable:
    columns = {name: [("quality", *row)[i] for row in rows] for i, name in enumerate(COLUMNS)}
    return VoteTable.from_columns({**columns, "category": [row[5] for row in rows]})


def study(
    rng: np.random.Generator, sizes: Sequence[int], shifts: FloatArray, raters: int = 25, per_prompt: int = 12
) -> list[Row]:
    """`sizes` prompts a category; `shifts` (categories, systems) are added to the systems' strengths there."""
    k, prompts = shifts.shape[1], sum(sizes)
    category = np.repeat(np.arange(len(sizes)), sizes)
    worth = np.linspace(-0.6, 0.6, k) + shifts[category] + rng.normal(0, 0.7, (prompts, k))
    taste = rng.normal(0, 0.3, (raters, k))
    rows: list[Row] = []
    for prompt in np.repeat(np.arange(prompts), per_prompt):
        rater, (left, right) = rng.integers(raters), rng.permutation(k)[:2]
        liking = worth[prompt] + taste[rater]
        wins = rng.random() < expit(liking[left] - liking[right])
        outcome = "tie" if rng.random() < 0.2 else ("left" if wins else "right")
        rows.append((f"p{prompt}", f"s{left}", f"s{right}", outcome, f"r{rater}", f"c{category[prompt]}"))
    return rows


def enough(found: Breakdown) -> FloatArray:
    return np.array([[not reason for reason in row] for row in found.reasons])


def test_one_slice_is_the_whole() -> None:
    votes = sliced(study(np.random.default_rng(1), [30], np.zeros((1, 4))))
    found, whole = break_down(votes, "category"), field_win_rates(votes)
    assert whole.intervals
    assert found.raw[0] == pytest.approx(whole.values, abs=1e-12)
    assert found.raw_low[0] == pytest.approx(whole.intervals.low, abs=1e-12)
    assert found.raw_high[0] == pytest.approx(whole.intervals.high, abs=1e-12)
    assert (found.pooled[0] == found.raw[0]).all()
    assert (found.low[0] == found.raw_low[0]).all()
    assert (found.votes[0], found.prompts[0], found.raters[0]) == (len(votes), len(votes.prompts), len(votes.raters))


def test_each_raw_rate_is_that_of_the_slices_votes_alone() -> None:
    votes = sliced(study(np.random.default_rng(2), [12, 20, 9], np.zeros((3, 3))))
    found = break_down(votes, "category")
    for s, name in enumerate(found.slices):
        alone = votes.select(np.asarray(votes.optional["category"] == name))
        field = field_win_rates(alone)
        assert field.intervals
        assert found.raw[s] == pytest.approx(field.values, abs=1e-12)
        assert found.standard_error[s] == pytest.approx(field.intervals.standard_error, abs=1e-12)
        assert found.raw_high[s] == pytest.approx(field.intervals.high, abs=1e-12)
        assert (found.votes[s], found.prompts[s], found.raters[s]) == (
            len(alone), len(alone.prompts), len(alone.raters),
        )  # fmt: skip


def test_slices_without_any_difference_are_pooled_fully() -> None:
    """Each slice has the same votes, by raters and on prompts of its own."""
    rows = study(np.random.default_rng(3), [15], np.zeros((1, 3)))
    copies = [(f"{p}/{i}", a, b, o, f"{r}/{i}", f"c{i}") for i in range(4) for p, a, b, o, r, _ in rows]
    found = break_down(sliced(copies), "category")
    assert (found.tau == 0).all()
    assert found.q == pytest.approx(0, abs=1e-9)
    assert found.pooled == pytest.approx(np.tile(found.mean, (4, 1)), abs=1e-12)
    assert (found.high - found.low < found.raw_high - found.raw_low).all()


def test_raters_who_judge_all_slices_leave_the_pool_less_certain_than_raters_of_each() -> None:
    rows = study(np.random.default_rng(12), [15], np.zeros((1, 3)), raters=6)

    def width(own: bool) -> float:
        copies = [(f"{p}/{i}", a, b, o, f"{r}/{i * own}", f"c{i}") for i in range(4) for p, a, b, o, r, _ in rows]
        found = break_down(sliced(copies), "category")
        return float((found.high - found.low).mean())

    assert width(own=False) > 1.2 * width(own=True)


def test_a_planted_interaction_is_found_and_kept() -> None:
    shifts = np.zeros((6, 4))
    shifts[2] = [1.5, 0, 0, -1.5]
    found = break_down(sliced(study(np.random.default_rng(4), [20] * 6, shifts)), "category")
    assert found.p_holm[[0, 3]] == pytest.approx(0, abs=0.01)
    assert (found.p_holm >= found.p).all()
    others = np.delete(found.high[:, 0], 2)
    assert found.low[2, 0] > others.min()
    assert abs(found.pooled[2, 0] - found.raw[2, 0]) < 0.3 * abs(found.pooled[2, 0] - found.mean[0])


def test_noise_is_shrunk_toward_the_truth_and_alarms_are_few() -> None:
    rng = np.random.default_rng(5)
    raw, pooled, held, alarms = [], [], [], []
    for _ in range(16):
        effects = rng.normal(0, 0.1, (6, 3))
        votes = study(rng, [4, 5, 6, 8, 15, 30], effects)
        found = break_down(sliced(votes), "category")
        # Truth by the very formula of the votes, over many prompts and raters.
        logits = np.linspace(-0.6, 0.6, 3) + effects
        nodes, weights = np.polynomial.hermite_e.hermegauss(30)
        sd = np.sqrt(2 * (0.7**2 + 0.3**2))
        wins = expit(logits[:, :, None, None] - logits[:, None, :, None] + sd * nodes) @ (weights / weights.sum())
        truth = ((0.1 + 0.8 * wins).sum(axis=2) - 0.5) / 2
        good = enough(found)
        raw.append(((found.raw - truth) ** 2)[good].mean())
        pooled.append(((found.pooled - truth) ** 2)[good].mean())
        held.append((found.low <= truth) & (truth <= found.high))
        alarms.append((found.p_holm < 0.05).any())
    assert np.mean(pooled) < 0.5 * np.mean(raw)
    assert np.mean(held) > 0.93
    assert np.mean(alarms) < 0.25


def test_small_slices_say_why_they_have_no_rate_of_their_own_and_get_a_wide_interval() -> None:
    rows = study(np.random.default_rng(6), [20, 20, 20], np.zeros((3, 3)))
    rows += [("x1", "s0", "s1", "left", f"r{i}", "opponents") for i in range(9)]
    rows += [("y1", a, b, "left", f"r{i}", "prompts") for i, (a, b) in enumerate([("s0", "s1"), ("s1", "s2")] * 4)]
    rows += [("y1", "s2", "s0", "left", f"r{i}", "prompts") for i in range(3)]
    rows += [("z1", "s0", "s1", "tie", "r1", "votes"), ("z2", "s0", "s2", "tie", "r2", "votes")]
    rows += [("z3", "s0", "s2", "tie", "r3", "votes")]
    found = break_down(sliced(rows), "category")
    of = dict(zip(found.slices, found.reasons, strict=True))
    assert of["opponents"] == ("met 1 of its 2 opponents", "met 1 of its 2 opponents", "no vote")
    assert of["prompts"][0] == "1.0 effective prompts or raters; more than 3 are needed"
    assert of["votes"][0] == "met an opponent in a single vote"
    assert of["c0"] == ("", "", "")
    small = [found.slices.index(name) for name in ("opponents", "prompts", "votes")]
    assert found.pooled[small] == pytest.approx(np.tile(found.mean, (3, 1)))
    large = [found.slices.index(name) for name in ("c0", "c1", "c2")]
    assert (found.high - found.low)[small].min() > (found.high - found.low)[large].max()
    assert np.isnan(found.raw[found.slices.index("opponents"), 2])


def test_with_one_slice_that_is_large_enough_nothing_can_be_pooled() -> None:
    rows = study(np.random.default_rng(7), [20], np.zeros((1, 2)))
    found = break_down(sliced([*rows, ("x", "s0", "s1", "left", "r1", "tiny")]), "category")
    assert [row[0] for row in found.reasons] == [
        "no other slice has enough votes to pool with",
        "met an opponent in a single vote",
    ]
    assert np.isnan(found.pooled).all()
    assert np.isnan(found.p).all()
    assert np.isfinite(found.raw_low[0]).all()


def test_a_slice_whose_votes_all_agree_is_pooled_but_not_believed_blindly() -> None:
    rows = study(np.random.default_rng(8), [25, 25], np.zeros((2, 2)))
    rows += [(f"x{i}", "s0", "s1", "left", f"r{i}", "unanimous") for i in range(8)]
    found = break_down(sliced(rows), "category")
    s = found.slices.index("unanimous")
    assert found.raw[s].tolist() == [1, 0]
    assert found.reasons[s] == ("", "")
    assert found.mean[0] < found.pooled[s, 0] < 1
    assert found.low[s, 0] < 0.75


def test_of_one_pair_the_two_systems_mirror_each_other() -> None:
    votes = sliced(study(np.random.default_rng(9), [10, 20, 14], np.zeros((3, 2))))
    found = break_down(votes, "category")
    assert found.pooled[:, 0] == pytest.approx(1 - found.pooled[:, 1])
    assert found.low[:, 0] == pytest.approx(1 - found.high[:, 1])
    assert found.p[0] == pytest.approx(found.p[1])


MIRRORED = {"left": "right", "right": "left", "tie": "tie"}


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_names_sides_and_order_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = study(rng, [6, 9, 12], rng.normal(0, 0.4, (3, 3)), per_prompt=6)
    found = break_down(sliced(rows), "category")
    system, category = rng.permutation(3), rng.permutation(3)
    changed = [
        (p, f"s{system[int(b[1])]}", f"s{system[int(a[1])]}", MIRRORED[o], r, f"c{category[int(c[1])]}")
        for p, a, b, o, r, c in (rows[i] for i in rng.permutation(len(rows)))
    ]
    other = break_down(sliced(changed), "category")
    at = np.ix_(category, system)
    for name in ("raw", "pooled", "low", "high"):
        assert getattr(other, name)[at] == pytest.approx(getattr(found, name), abs=1e-8, nan_ok=True)
    assert other.p[system] == pytest.approx(found.p, abs=1e-8, nan_ok=True)


def test_both_bad_is_not_counted_and_an_empty_value_is_a_slice() -> None:
    rows = study(np.random.default_rng(10), [15, 15], np.zeros((2, 2)))
    unnamed = [(p, a, b, o, r, "" if c == "c0" else c) for p, a, b, o, r, c in rows]
    found = break_down(sliced([*unnamed, ("new", "s0", "s1", "both_bad", "r0", "c1")]), "category")
    assert found.slices == ("", "c1")
    assert found.votes.tolist() == [180, 180]
    assert found.prompts.tolist() == [15, 15]


def test_what_cannot_be_broken_down_is_refused() -> None:
    votes = table(("p", "a", "b", "left", "r"))
    with pytest.raises(VoteFileError) as missing:
        break_down(votes, "category")
    assert str(missing.value) == (
        'There is no column "category" to break the votes down by; optional columns are none.'
    )
    rows: list[Row] = [("p", "a", "b", OUTCOMES[i % 3], "r", str(i)) for i in range(51)]
    with pytest.raises(VoteFileError, match=r"^category has 51 different values; at most 50 can be told apart\.$"):
        break_down(sliced(rows), "category")
    with pytest.raises(RatingError, match="no vote"):
        break_down(sliced([("p", "a", "b", "both_bad", "r", "c")]), "category")
