"""What holds for every member of ESTIMATORS."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import ESTIMATORS, RatingError, Ratings, VoteTable
from tests.analysis.stats.planted import Population, table

Row = tuple[str, str, str, str, str]

MIRRORED = {"left": "right", "right": "left", "tie": "tie", "both_bad": "both_bad"}
EVERY_PAIR_BOTH_WAYS: list[Row] = [
    (f"p{i}", a, b, outcome, f"r{i}")
    for i, outcome in enumerate(["left", "right"])
    for a in "abcd"
    for b in "abcd"
    if a != b
]
rows = st.lists(
    st.tuples(
        st.sampled_from(["p0", "p1", "p2"]),
        st.sampled_from([(a, b) for a in "abcd" for b in "abcd" if a != b]),
        st.sampled_from(["left", "right", "tie", "both_bad"]),
        st.sampled_from(["r0", "r1", "r2"]),
    ).map(lambda vote: (vote[0], *vote[1], vote[2], vote[3])),
    max_size=25,
).map(lambda extra: [*EVERY_PAIR_BOTH_WAYS, *extra])


def rate(name: str, votes: VoteTable) -> Ratings:
    return ESTIMATORS[name](votes, np.random.default_rng(0))


def assert_same(name: str, one: Ratings, other: Ratings, order: list[int] | None = None) -> None:
    order = list(range(len(one.systems))) if order is None else order
    np.testing.assert_allclose(one.values, other.values[order], rtol=0, atol=1e-6, err_msg=name)
    assert (one.intervals is None) == (other.intervals is None)
    if one.intervals is not None and other.intervals is not None:
        np.testing.assert_allclose(one.intervals.low, other.intervals.low[order], atol=1e-5, err_msg=name)
        np.testing.assert_allclose(one.intervals.high, other.intervals.high[order], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", ESTIMATORS)
@given(rows=rows, seed=st.integers(0, 1000))
@settings(max_examples=8, deadline=None)
def test_the_order_of_rows_does_not_matter(name: str, rows: list[Row], seed: int) -> None:
    shuffled = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    assert_same(name, rate(name, table(*rows)), rate(name, table(*shuffled)))


@pytest.mark.parametrize("name", ESTIMATORS)
@given(rows=rows)
@settings(max_examples=8, deadline=None)
def test_showing_every_pair_the_other_way_round_does_not_matter(name: str, rows: list[Row]) -> None:
    mirrored = [(prompt, b, a, MIRRORED[outcome], rater) for prompt, a, b, outcome, rater in rows]
    assert_same(name, rate(name, table(*rows)), rate(name, table(*mirrored)))


@pytest.mark.parametrize("name", ["bradley-terry", "win-rate"])
@given(rows=rows, names=st.permutations("wxyz"))
@settings(max_examples=8, deadline=None)
def test_other_names_only_move_the_values(name: str, rows: list[Row], names: list[str]) -> None:
    """Elo is left out: its orders are drawn for the votes as sorted by name."""
    new = dict(zip("abcd", names, strict=True))
    renamed = [(prompt, new[a], new[b], outcome, rater) for prompt, a, b, outcome, rater in rows]
    moved = ["wxyz".index(new[old]) for old in "abcd"]
    assert_same(name, rate(name, table(*rows)), rate(name, table(*renamed)), moved)


@pytest.mark.parametrize("name", ESTIMATORS)
@given(rows=rows)
@settings(max_examples=8, deadline=None)
def test_both_bad_does_not_matter(name: str, rows: list[Row]) -> None:
    counted = [row for row in rows if row[3] != "both_bad"]
    assert_same(name, rate(name, table(*rows)), rate(name, table(*counted)))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_planted_strengths_come_out_in_their_order(name: str) -> None:
    votes = Population().votes(np.random.default_rng(1), prompts=100, raters=30, per_prompt=20)
    assert list(np.argsort(rate(name, votes).values)) == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("votes", [table(), table(("p", "a", "b", "both_bad", "r"))], ids=["none", "both-bad"])
def test_without_a_vote_there_is_nothing_to_rate(name: str, votes: VoteTable) -> None:
    with pytest.raises(RatingError, match=r"^Nothing can be rated: there is no vote that is not both-bad\.$"):
        rate(name, votes)
