from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.errors import ConclusionError, RatingError, SeparationError
from analysis.stats.fragility import Fragility, first_place, preferred, rated_above, significantly_preferred
from analysis.stats.outcomes import LEFT, RIGHT, BoolArray, IntArray, VoteTable
from analysis.stats.ratings import Ratings
from analysis.stats.removal import Cells, Unit
from analysis.stats.win_rates import field_win_rates, pair_win_rates
from tests.analysis.stats.planted import Population, table

ESTIMATES = {"bradley-terry": bradley_terry, "win-rate": field_win_rates}
UNITS: tuple[Unit, ...] = ("vote", "rater")
PAIR = [("p", "a", "b", "left", "r")] * 6 + [("q", "b", "a", "left", "s")] * 2 + [("q", "a", "b", "tie", "t")] * 3


def votes_of(seed: int, raters: int = 12, per_prompt: int = 30) -> VoteTable:
    return Population().votes(np.random.default_rng(seed), prompts=20, raters=raters, per_prompt=per_prompt)


def rest(votes: VoteTable, found: Fragility) -> VoteTable:
    of = np.arange(len(votes)) if found.unit == "vote" else votes.rater
    return votes.select(~np.isin(of, found.removed))


def winners(ratings: Ratings) -> set[str]:
    top = ratings.values.max()
    return {name for name, value in zip(ratings.systems, ratings.values, strict=True) if value >= top - 1e-9}


@pytest.mark.parametrize("ratings", ESTIMATES)
@pytest.mark.parametrize("unit", UNITS)
def test_without_the_removed_the_first_place_is_lost(ratings: str, unit: Unit) -> None:
    votes = votes_of(3)
    found = first_place(votes, ratings, unit)
    assert {found.above} == winners(ESTIMATES[ratings](votes))
    left = rest(votes, found)
    assert found.overtaken_by in winners(ESTIMATES[ratings](left))
    assert found.number == len(found.removed)
    assert found.share == pytest.approx(1 - len(left) / len(votes))


@pytest.mark.parametrize("ratings", ESTIMATES)
@pytest.mark.parametrize("seed", range(4))
def test_of_few_raters_no_smaller_set_would_do(ratings: str, seed: int) -> None:
    votes = votes_of(seed, raters=8, per_prompt=8)
    found = first_place(votes, ratings, "rater")
    assert found.is_exact
    assert found.number
    for chosen in itertools.combinations(range(len(votes.raters)), found.number - 1):
        left = votes.select(~np.isin(votes.rater, chosen))
        assert winners(ESTIMATES[ratings](left)) == {found.above}


def test_where_two_votes_are_called_fewest_no_single_one_would_do() -> None:
    rows = [("p", *pair, "left", "r") for pair in itertools.permutations("abc", 2) for _ in range(3)]
    votes = table(
        *rows, *[("p", "a", "b", "left", "s")] * 2, ("p", "a", "c", "left", "s"), ("p", "c", "a", "left", "s")
    )
    found = rated_above(votes, "a", "b")
    assert (found.number, found.is_exact) == (2, True)
    for row in range(len(votes)):
        left = bradley_terry(votes.select(np.arange(len(votes)) != row)).values
        assert left[0] > left[1]


def test_most_of_the_removed_are_not_enough() -> None:
    """A bound that is much too high would pass the other tests."""
    votes = votes_of(5, per_prompt=60)
    found = rated_above(votes, "system-3", "system-0")
    assert found.number
    assert not found.is_exact
    rng = np.random.default_rng(0)
    for share in (0.5, 0.9):
        fewer = replace(found, removed=rng.permutation(found.removed)[: int(share * found.number)])
        values = bradley_terry(rest(votes, fewer)).values
        assert values[3] > values[0]


@pytest.mark.parametrize("ratings", ESTIMATES)
@pytest.mark.parametrize("unit", UNITS)
def test_the_approximation_is_close_for_one_vote_or_rater(ratings: str, unit: Unit) -> None:
    votes = votes_of(6, raters=60, per_prompt=120)
    cells = Cells.of(votes, ratings, unit)
    evaluate = cells.lead(3, np.array([0]))
    margin, change = evaluate(np.zeros_like(cells.available))
    for one in np.flatnonzero(cells.available)[:12]:
        removed = np.zeros_like(cells.available)
        removed[one] = 1
        assert evaluate(removed)[0] - margin == pytest.approx(change[one], rel=0.1, abs=0.02 * np.abs(change).max())


def mirrored(votes: VoteTable, rows: BoolArray) -> VoteTable:
    """The same votes with the sides of some exchanged."""
    swapped = np.array([RIGHT, LEFT, *range(2, 4)])[votes.outcome]
    return replace(
        votes,
        system_left=np.where(rows, votes.system_right, votes.system_left),
        system_right=np.where(rows, votes.system_left, votes.system_right),
        outcome=np.where(rows, swapped, votes.outcome),
    )


def reordered(votes: VoteTable, order: IntArray, names: tuple[str, ...]) -> VoteTable:
    columns = ("question", "prompt", "rater", "system_left", "system_right", "outcome")
    code = np.argsort(np.argsort(names))
    taken = {name: getattr(votes, name)[order] for name in columns}
    taken |= {name: code[taken[name]] for name in ("system_left", "system_right")}
    return replace(votes, systems=tuple(sorted(names)), **taken)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000), names=st.permutations("wxyz"), unit=st.sampled_from(UNITS))
def test_names_rows_and_sides_do_not_matter(seed: int, names: list[str], unit: Unit) -> None:
    votes = votes_of(seed, per_prompt=20)
    order = np.random.default_rng(seed).permutation(len(votes))
    other = mirrored(reordered(votes, order, tuple(names)), np.ones(len(votes), dtype=np.bool_))
    for ratings in ESTIMATES:
        one, two = first_place(votes, ratings, unit), first_place(other, ratings, unit)
        assert two.above == names[votes.systems.index(one.above)]
        assert one.number == two.number
        assert one.share == pytest.approx(two.share)


def test_a_preference_falls_when_its_surplus_of_wins_is_gone() -> None:
    found = preferred(table(*PAIR), "a", "b")
    assert (found.number, found.is_exact, found.overtaken_by) == (4, True, "b")
    assert list(found.removed) == [0, 1, 2, 3]
    assert found.share == pytest.approx(4 / 11)
    by_rater = preferred(table(*PAIR), "a", "b", "rater")
    assert (by_rater.number, list(by_rater.removed)) == (1, [0])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("rstuv"), st.sampled_from(["left", "right", "tie"])), min_size=1, max_size=14)
)
def test_a_preferences_raters_are_the_fewest_of_all_sets(cast: list[tuple[str, str]]) -> None:
    votes = table(*[("p", "a", "b", outcome, rater) for rater, outcome in cast])
    net = np.bincount(votes.rater, 2 * votes.left_score - 1)
    if net.sum() <= 0:
        with pytest.raises(ConclusionError, match="a is not preferred to b: it got"):
            preferred(votes, "a", "b", "rater")
        return
    enough = [
        size
        for size in range(1, len(net) + 1)
        for chosen in itertools.combinations(range(len(net)), size)
        if np.delete(net, chosen).sum() <= 0
    ]
    assert preferred(votes, "a", "b", "rater").number == min(enough)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("names", [("system-3", "system-0"), ("zero", "one")])
def test_without_the_removed_the_interval_holds_one_half(unit: Unit, names: tuple[str, str]) -> None:
    votes = votes_of(1, raters=20)
    votes = replace(votes, systems=(names[1], "system-1", "system-2", names[0]))
    found = significantly_preferred(votes, *names, unit)

    def low(votes: VoteTable) -> float:
        pairs = pair_win_rates(votes)
        pair = int(np.flatnonzero((pairs.a == 0) & (pairs.b == 3))[0])
        return float(1 - pairs.intervals.high[pair])

    assert low(votes) > 0.5 >= low(rest(votes, found))
    assert found.number
    simply = preferred(votes, *names, unit)
    assert simply.number
    assert found.number < simply.number
    if found.overtaken_by is None and unit == "vote":
        last = replace(found, removed=found.removed[1:])
        assert low(rest(votes, last)) > low(rest(votes, found))


def test_a_rate_without_an_interval_is_not_significant() -> None:
    """All agree: it is significant with six effective raters and prompts, and not with five."""
    votes = table(*[(f"p{n}", "a", "b", "left", f"r{n}") for n in range(8)])
    found = significantly_preferred(votes, "a", "b", "rater")
    assert (found.number, found.overtaken_by) == (3, None)


def test_there_may_be_no_removal_that_leaves_ratings() -> None:
    found = first_place(
        table(*[("p", *side, "left", "r") for side in (("a", "b"), ("a", "b"), ("b", "a"))]), unit="rater"
    )
    assert (found.number, found.share, found.overtaken_by) == (None, None, None)
    assert not len(found.removed)
    assert not found.is_exact


def test_both_bad_counts_nowhere_but_rows_are_those_of_the_table() -> None:
    rows = [("p", "a", "b", "both_bad", "x"), *PAIR]
    assert list(preferred(table(*rows), "a", "b").removed) == [1, 2, 3, 4]
    assert list(preferred(table(*rows), "a", "b", "rater").removed) == [0]
    found = rated_above(table(*rows, ("p", "b", "a", "right", "a-first")), "a", "b", "win-rate", "rater")
    assert [("a-first", "r", "s", "t", "x")[code] for code in found.removed] == ["r"]
    assert min(rated_above(table(*rows), "a", "b", "win-rate").removed) > 0


def test_what_the_votes_do_not_say_cannot_be_doubted() -> None:
    level = table(("p", "a", "b", "left", "r"), ("p", "b", "a", "left", "s"))
    with pytest.raises(ConclusionError, match="No system is alone in first place: a and b are level"):
        first_place(level)
    with pytest.raises(ConclusionError, match="b is not rated above a: 1000 and 1000"):
        rated_above(level, "b", "a")
    with pytest.raises(ConclusionError, match="a is not significantly preferred to b at the 95% level"):
        significantly_preferred(table(*PAIR), "a", "b")
    with pytest.raises(ConclusionError, match='No vote rates "c"; systems are a and b'):
        rated_above(level, "a", "c")
    with pytest.raises(ConclusionError, match='Unknown ratings "elo"; allowed are bradley-terry and win-rate'):
        first_place(level, "elo")
    with pytest.raises(SeparationError):
        first_place(table(("p", "a", "b", "left", "r")))
    with pytest.raises(RatingError, match="Nothing can be rated"):
        first_place(table(("p", "a", "b", "both_bad", "r")))
