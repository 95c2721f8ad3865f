"""Ratings over several questions: means whose intervals know that questions share people and prompts."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats import RatingError, Ratings, VoteTable, summarise
from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.combined import combined_ratings
from analysis.stats.outcomes import BOTH_BAD, TIE
from analysis.stats.ranks import rank_ranges
from analysis.stats.rows import CombinedRow, Summary, combined_rows
from analysis.stats.summary import TIES
from analysis.stats.tie_models import MODELS, rate_with_ties
from analysis.stats.uncertainty import CLUSTERS, INDEPENDENT, TWO_WAY, Covariances, Intervals
from benchmarks import coverage_combined
from benchmarks.coverage import DEFAULT, SETTINGS, TARGET
from benchmarks.coverage import summarise as summarised
from tests.analysis.stats.planted import COLUMNS, Population, side_by_side

RESULTS = json.loads((Path(coverage_combined.__file__).parent / "results" / "coverage_combined.json").read_text())
DATA_SETS = 40
SHARING = [cluster for cluster in CLUSTERS if cluster != INDEPENDENT]
MODELLED = ("half", *MODELS)


def votes_of(seed: int, question: str = "quality", prompts: int = 15, raters: int = 8) -> VoteTable:
    population = Population()
    return population.answered(population.occasions(np.random.default_rng(seed), prompts, raters, 12), question)


def on(question: str, votes: VoteTable) -> VoteTable:
    return replace(votes, questions=(question,))


def by_others(votes: VoteTable) -> VoteTable:
    """On other prompts by other people."""
    prompts, raters = (tuple(f"other {name}" for name in names) for names in (votes.prompts, votes.raters))
    return replace(votes, prompts=prompts, raters=raters)


def rated(votes: VoteTable, ties: str = "half", cluster: str = TWO_WAY) -> Ratings:
    return bradley_terry(votes, cluster=cluster) if ties == "half" else rate_with_ties(votes, ties, cluster=cluster)


def combined(*tables: VoteTable, ties: str = "half", cluster: str = TWO_WAY) -> Ratings:
    ratings = {votes.questions[0]: rated(votes, ties, cluster) for votes in tables}
    return combined_ratings(side_by_side(*tables), ratings, cluster=cluster)


def intervals(ratings: Ratings) -> Intervals:
    assert ratings.intervals is not None
    return ratings.intervals


def covariances(ratings: Ratings) -> Covariances:
    assert ratings.covariances is not None
    return ratings.covariances


@pytest.mark.parametrize("ties", MODELLED)
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_one_question_has_its_own_intervals_and_ranks_to_the_last_digit(ties: str, cluster: str) -> None:
    votes = votes_of(1)
    alone, found = rated(votes, ties, cluster), combined(votes, ties=ties, cluster=cluster)
    assert found.systems == alone.systems
    assert (found.values == alone.values).all()
    assert (intervals(found).low == intervals(alone).low).all()
    assert (intervals(found).high == intervals(alone).high).all()
    ranks, own = rank_ranges(found), rank_ranges(alone)
    assert ranks
    assert own
    assert ranks.critical_value == own.critical_value
    assert (ranks.low == own.low).all()


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 1000),
    copies=st.integers(2, 4),
    cluster=st.sampled_from(SHARING),
    ties=st.sampled_from(MODELLED),
)
def test_the_same_answers_to_further_questions_say_nothing_new(seed: int, copies: int, cluster: str, ties: str) -> None:
    votes = votes_of(seed)
    alone = rated(votes, ties, cluster)
    found = combined(*(on(f"question {i}", votes) for i in range(copies)), ties=ties, cluster=cluster)
    np.testing.assert_allclose(found.values, alone.values, rtol=1e-12)
    np.testing.assert_allclose(intervals(found).low, intervals(alone).low, rtol=1e-10)
    np.testing.assert_allclose(intervals(found).high, intervals(alone).high, rtol=1e-10)


def test_they_do_where_every_vote_is_taken_for_independent() -> None:
    votes = votes_of(2)
    alone, found = rated(votes, cluster=INDEPENDENT), combined(votes, on("again", votes), cluster=INDEPENDENT)
    np.testing.assert_allclose(intervals(found).standard_error * math.sqrt(2), intervals(alone).standard_error)


@pytest.mark.parametrize("ties", MODELLED)
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_of_other_people_and_prompts_the_variance_is_half_the_mean_of_variances(ties: str, cluster: str) -> None:
    one, other = votes_of(3), by_others(votes_of(4, "relevance"))
    parts = zip(*(covariances(rated(votes, ties, cluster)).candidates for votes in (one, other)), strict=True)
    found = covariances(combined(one, other, ties=ties, cluster=cluster)).candidates
    for matrix, (first, second) in zip(found, parts, strict=True):
        np.testing.assert_allclose(matrix, (first + second) / 4, rtol=1e-9)


def test_sharing_people_alone_or_prompts_alone_lies_between() -> None:
    """The second question's answers are the first's, so that what is shared is fully shared."""
    votes = votes_of(5)
    other = on("relevance", votes)
    only_people, only_prompts = (
        replace(other, prompts=by_others(other).prompts),
        replace(other, raters=by_others(other).raters),
    )
    nothing, all_shared = (covariances(combined(votes, second)) for second in (by_others(other), other))
    for second, shared, apart in ((only_people, 1, 0), (only_prompts, 0, 1)):
        found = covariances(combined(votes, second))
        np.testing.assert_allclose(found.candidates[shared], all_shared.candidates[shared], rtol=1e-9)
        np.testing.assert_allclose(found.candidates[apart], nothing.candidates[apart], rtol=1e-9)


def test_the_standard_error_is_that_of_influences_added_up_vote_by_vote() -> None:
    """Question by question, prompt by prompt and rater by rater, in a loop."""
    tables = [votes_of(6), votes_of(7, "relevance", prompts=11)]
    sums: dict[str, dict[object, np.ndarray]] = {way: defaultdict(lambda: np.zeros((2, 4))) for way in ("p", "r", "c")}
    factors: dict[str, list[np.ndarray]] = {"p": [], "r": [], "c": []}
    for q, votes in enumerate(tables):
        influence = bradley_terry(votes).influence
        assert influence is not None
        moved = influence.scores.toarray() @ influence.weights
        for prompt, rater, kind in zip(votes.prompt, votes.rater, votes.kind, strict=True):
            names = {"p": votes.prompts[prompt], "r": votes.raters[rater]}
            for way, name in {**names, "c": (names["p"], names["r"])}.items():
                sums[way][name][q] += moved[kind]
        for way, codes in (("p", votes.prompt), ("r", votes.rater)):
            of = [codes[(votes.system_left == s) | (votes.system_right == s)] for s in range(4)]
            count = [(len(set(own)), len(own)) for own in of]
            factors[way].append(np.array([math.sqrt(g / (g - 1) * (n - 1) / n) for g, n in count]))
        factors["c"].append(np.ones(4))
    variance = {
        way: sum((np.mean(np.array(factors[way]) * total, axis=0)) ** 2 for total in clusters.values())
        for way, clusters in sums.items()
    }
    expected = np.maximum.reduce([variance["p"] + variance["r"] - variance["c"], variance["p"], variance["r"]])
    np.testing.assert_allclose(intervals(combined(*tables)).standard_error, np.sqrt(expected), rtol=1e-9)


def test_degrees_of_freedom_are_those_of_the_question_with_the_fewest() -> None:
    many, few = votes_of(8, raters=30), by_others(votes_of(9, "relevance", raters=4))
    found = intervals(combined(many, few))
    np.testing.assert_allclose(found.effective_raters, intervals(bradley_terry(few)).effective_raters)
    np.testing.assert_allclose(
        found.effective_prompts,
        np.minimum(*(intervals(bradley_terry(votes)).effective_prompts for votes in (many, few))),
    )


def test_the_order_of_questions_and_of_votes_is_nothing() -> None:
    one, other = votes_of(10), votes_of(11, "relevance")
    table = side_by_side(one, other)
    ratings: dict[str, Ratings | None] = {"quality": bradley_terry(one), "relevance": bradley_terry(other)}
    shuffled = table.select(np.ones(len(table), dtype=np.bool_))
    order = np.random.default_rng(0).permutation(len(table))
    columns = ("question", "prompt", "rater", "system_left", "system_right", "outcome")
    shuffled = replace(table, **{name: getattr(table, name)[order] for name in columns})
    expected = intervals(combined_ratings(table, ratings))
    for votes in (shuffled, side_by_side(other, one)):
        found = intervals(combined_ratings(votes, dict(reversed(ratings.items()))))
        np.testing.assert_allclose(found.low, expected.low, rtol=1e-9)


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("ties", MODELLED)
def test_both_bad_counts_no_more_than_for_one_question(ties: str, cluster: str) -> None:
    votes = votes_of(12)
    worse = replace(votes, outcome=np.where(np.arange(len(votes)) % 5 == 0, BOTH_BAD, votes.outcome))
    alone = rated(worse, ties, cluster)
    found = combined(worse, on("again", worse), ties=ties, cluster=cluster)
    if cluster != INDEPENDENT:
        np.testing.assert_allclose(intervals(found).low, intervals(alone).low, rtol=1e-10)
    without = worse.select(worse.outcome != BOTH_BAD)
    bare = combined(without, on("again", without), ties=ties, cluster=cluster)
    np.testing.assert_allclose(intervals(found).low, intervals(bare).low, rtol=1e-10)


def test_systems_need_a_rating_in_every_question() -> None:
    one, other = votes_of(13), votes_of(14, "relevance")
    other = other.select((other.system_left != 3) & (other.system_right != 3))
    found = combined(one, other)
    assert found.systems == ("system-0", "system-1", "system-2")
    first, second = bradley_terry(one), bradley_terry(other)
    np.testing.assert_allclose(found.values, (first.values[:3] + second.values) / 2)
    with pytest.raises(RatingError, match="do not exist: there are none for relevance"):
        combined_ratings(side_by_side(one, other), {"quality": first, "relevance": None})
    elsewhere = replace(other, systems=("x", "y", "z"))
    with pytest.raises(RatingError, match="do not exist: no system is rated in every question"):
        combined(one, elsewhere)


def rows_of(summary: Summary) -> dict[str, CombinedRow]:
    return {row["system"]: row for row in combined_rows(summary)}


@pytest.mark.parametrize("ties", TIES)
def test_a_summary_has_them_with_ties_as_chosen(ties: str) -> None:
    one, other = votes_of(15), votes_of(16, "relevance")
    summary = summarise(side_by_side(one, other), ties=ties)
    tables = [votes.select(votes.outcome != TIE) if ties == "drop" else votes for votes in (one, other)]
    found = combined(*tables, ties="half" if ties == "drop" else ties)
    rows = rows_of(summary)
    for system, low, high in zip(found.systems, intervals(found).low, intervals(found).high, strict=True):
        assert (rows[system]["bt_low"], rows[system]["bt_high"]) == (low, high)
    assert [row["rank"] for row in combined_rows(summary)] == [1, 2, 3, 4]
    ratings = [{row["system"]: row["bt"] for row in q["systems"]} for q in summary["questions"].values()]
    for system, row in rows.items():
        assert row["bt"] == pytest.approx(np.mean([bt for of in ratings if (bt := of[system])]))


def test_one_question_leaves_the_key_out() -> None:
    assert "combined" not in summarise(votes_of(17))


def summary_of(*rows: tuple[str, ...]) -> Summary:
    return summarise(VoteTable.from_columns({name: [row[i] for row in rows] for i, name in enumerate(COLUMNS)}))


def several(question: str, a: str, b: str) -> list[tuple[str, ...]]:
    """So many votes on two systems that they have a rating and an interval."""
    return [
        (question, f"p{i}", *((a, b) if i % 2 else (b, a)), ("left", "right", "left")[i % 3], f"r{i}")
        for i in range(30)
    ]


def test_a_system_that_wins_all_of_one_question_leaves_all_without_a_number() -> None:
    always = [("second", f"p{i}", "a", "b", "left", f"r{i}") for i in range(5)]
    summary = summary_of(*several("first", "a", "b"), *always)
    for row in combined_rows(summary):
        assert {value for key, value in row.items() if key != "system"} == {None}
    assert summary["warnings"] == ["Combined Bradley-Terry ratings do not exist: there are none for second."]


def test_a_question_of_dropped_ties_alone_is_not_forgotten() -> None:
    ties = [("second", f"p{i}", "a", "b", "tie", f"r{i}") for i in range(5)]
    columns = {name: [row[i] for row in [*several("first", "a", "b"), *ties]] for i, name in enumerate(COLUMNS)}
    summary = summarise(VoteTable.from_columns(columns), ties="drop")
    assert {row["bt"] for row in combined_rows(summary)} == {None}
    assert "Combined Bradley-Terry ratings do not exist: there are none for second." in summary["warnings"]


def test_a_system_missing_from_one_question_is_named() -> None:
    summary = summary_of(*several("first", "a", "b"), *several("second", "a", "b"), *several("second", "b", "c"))
    rows = rows_of(summary)
    assert rows["c"]["bt"] is rows["c"]["rank"] is None
    assert list(rows)[-1] == "c"
    assert rows["a"]["bt_low"] is not None
    assert "No combined Bradley-Terry rating for c: not rated in every question." in summary["warnings"]


def test_too_few_raters_leave_the_rating_without_an_interval() -> None:
    lonely = [(*row[:5], "r") for row in several("second", "a", "b")]
    summary = summary_of(*several("first", "a", "b"), *lonely)
    for row in combined_rows(summary):
        assert row["bt"] is not None
        assert row["bt_low"] is row["rank_low"] is None
    assert summary["warnings"] == [
        "No interval for 2 of 2 combined Bradley-Terry ratings: "
        "too few different prompts or raters, or votes without any variation."
    ]


@pytest.mark.parametrize("name", ["few of both", "ties and sides"])
@pytest.mark.parametrize("way", coverage_combined.WAYS)
def test_intervals_cover_where_questions_share_people_and_prompts(name: str, way: str) -> None:
    found = [coverage_combined.measure(SETTINGS[name], way, (0, 0, number)) for number in range(DATA_SETS)]
    share = {method: summarised([one[method] for one in found])["coverage"] for method in found[0]}
    # 40 data sets of four systems: the standard error of a coverage is about 2 points.
    assert 0.90 <= share[DEFAULT] <= 0.995
    assert share[coverage_combined.SEPARATE] < share[DEFAULT]


def test_the_stored_results_hold() -> None:
    assert list(RESULTS["settings"]) == [f"{name}, {way}" for name in SETTINGS for way in coverage_combined.WAYS]
    for name, methods in RESULTS["settings"].items():
        found = methods[DEFAULT][coverage_combined.KIND]
        assert found["datasets"] >= 1000
        assert TARGET[0] <= found["coverage"] <= TARGET[1], name
        assert found["without_interval"] == 0
