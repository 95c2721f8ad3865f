"""What may be watched besides pairs: ratings over all questions, the left side, and slices."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.stats import RatingError, VoteTable, summarise
from analysis.stats.always_valid import always_valid, always_valid_means, evenly_spread
from analysis.stats.asked import Asked
from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.breakdowns import break_down
from analysis.stats.combined import combined_ratings
from analysis.stats.confidence_sequence import critical_p, prior_votes
from analysis.stats.terminal import render
from analysis.stats.win_rates import left_share
from benchmarks import watched
from benchmarks.sequential import ALPHA, DAYS
from tests.analysis.stats.planted import Population, side_by_side, table

GOLDEN = Path(__file__).parents[2] / "golden"
RESULTS = json.loads((Path(watched.__file__).parent / "results" / "watched.json").read_text(encoding="utf-8"))
PLANNED = 300
ENDS = ("bt_low", "bt_high", "rank_low", "rank_high")


def votes_of(seed: int, question: str = "quality", prompts: int = 20, per_prompt: int = 12) -> VoteTable:
    population = Population()
    return population.answered(population.occasions(np.random.default_rng(seed), prompts, 10, per_prompt), question)


def means_of(*tables: VoteTable) -> dict[str, Any]:
    return always_valid_means(side_by_side(*tables), [votes.questions[0] for votes in tables], PLANNED)


def by_system(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["system"]: row for row in rows}


def sliced(votes: VoteTable, slices: int) -> VoteTable:
    category = np.array([f"c{code % slices}" for code in votes.prompt], dtype=object)
    return replace(votes, optional={"category": category})


def test_golden_votes_have_these_means() -> None:
    """As `python -m analysis tests/golden/votes.csv --planned-votes 200` says."""
    summary = summarise(VoteTable.from_csv(GOLDEN / "votes.csv"), asked=Asked(planned_votes=200))
    found: Any = summary["combined"]["always_valid"]
    assert (found["planned_votes"], found["leader"], found["more_votes"]) == (200, "sdxl-turbo@4", 66963)
    assert found["verdict"] == "about 67,000 more votes"
    expected = {
        "lcm-xl@1": (753.3512342661782, 1058.0969182385563),
        "sdxl-turbo@1": (872.7490383376626, 1205.7493655818444),
        "sdxl-turbo@4": (889.5192406658787, 1213.627185487577),
        "sdxl@50": (872.2256290370233, 1134.6813883852797),
    }
    for row in found["systems"]:
        assert (row["bt_low"], row["bt_high"]) == pytest.approx(expected[row["system"]], rel=1e-7)
        assert (row["rank_low"], row["rank_high"]) == (1, 4)


def test_an_interval_is_the_mean_and_so_many_standard_errors_of_t() -> None:
    tables = votes_of(1), votes_of(2, "relevance", prompts=11)
    ratings = combined_ratings(side_by_side(*tables), {votes.questions[0]: bradley_terry(votes) for votes in tables})
    assert ratings.intervals
    prompts, raters = ratings.intervals.effective_prompts, ratings.intervals.effective_raters
    n = 2**2 / (1 / len(tables[0]) + 1 / len(tables[1]))
    tail = critical_p(np.array([n]), prior_votes(2 * PLANNED, 0.05), 0.05)[0] / 2
    error = ratings.intervals.standard_error / np.sqrt(1 - 1 / prompts - 1 / raters)
    margin = stats.t.isf(tail, np.minimum(prompts, raters) - 1) * error
    rows = by_system(means_of(*tables)["systems"])
    for system, value, each in zip(ratings.systems, ratings.values, margin, strict=True):
        assert rows[system]["bt_low"] == pytest.approx(value - each)
        assert rows[system]["bt_high"] == pytest.approx(value + each)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), copies=st.integers(1, 4))
def test_the_same_answers_to_further_questions_say_nothing_new(seed: int, copies: int) -> None:
    votes = votes_of(seed)
    found = means_of(*(replace(votes, questions=(f"question {i}",)) for i in range(copies)))
    alone = always_valid(votes, PLANNED)
    own, ranks, rows = (by_system(rows) for rows in (alone["estimates"], alone["systems"], found["systems"]))
    for system, row in rows.items():
        of_one = {**own[system], **ranks[system]}
        assert [row[end] for end in ENDS] == pytest.approx([of_one[end] for end in ENDS], rel=1e-9)
    assert found["leader"] == alone["leader"]
    if found["more_votes"] is None:
        assert alone["more_votes"] is None
    else:
        assert found["more_votes"] == pytest.approx(copies * alone["more_votes"], abs=copies)


def test_names_of_questions_and_the_order_of_votes_are_nothing() -> None:
    one, other = votes_of(3), votes_of(4, "relevance")
    plain, renamed = means_of(one, other), means_of(replace(other, questions=("a",)), replace(one, questions=("b",)))
    rows, again = by_system(plain["systems"]), by_system(renamed["systems"])
    for system, row in rows.items():
        assert [again[system][end] for end in ENDS] == pytest.approx([row[end] for end in ENDS], rel=1e-9)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=6))
def test_votes_tell_most_where_they_are_spread_evenly(votes: list[int]) -> None:
    n = evenly_spread(np.array(votes))
    assert n <= sum(votes) * (1 + 1e-12)
    assert n >= len(votes) * min(votes) * (1 - 1e-12)
    assert evenly_spread(np.array([max(votes)] * len(votes))) == pytest.approx(max(votes) * len(votes))


def test_a_question_that_rates_nobody_is_named() -> None:
    always = table(*((f"p{i}", "system-0", "system-1", "left", f"r{i}") for i in range(5)))
    with pytest.raises(RatingError, match="do not exist: there are none for relevance"):
        means_of(votes_of(5), replace(always, questions=("relevance",)))


def test_a_question_of_dropped_ties_alone_is_not_forgotten() -> None:
    ties = table(*((f"p{i}", "system-0", "system-1", "tie", f"r{i}") for i in range(5)))
    votes = side_by_side(votes_of(5), replace(ties, questions=("relevance",)))
    found = summarise(votes, ties="drop", asked=Asked(planned_votes=PLANNED))["combined"]["always_valid"]
    assert found == "Combined Bradley-Terry ratings do not exist: there are none for relevance."


def test_a_summary_has_it_where_it_is_asked_for() -> None:
    votes = side_by_side(votes_of(6), votes_of(7, "relevance"))
    plain, more = (summarise(votes, asked=Asked(planned_votes=planned)) for planned in (None, PLANNED))
    assert "always_valid" not in plain["combined"]
    assert more["combined"]["always_valid"] == means_of(votes_of(6), votes_of(7, "relevance"))
    assert more["combined"]["systems"] == plain["combined"]["systems"]
    fixed = by_system([{**row} for row in plain["combined"]["systems"]])
    for row in more["combined"]["always_valid"]["systems"]:
        assert row["bt_low"] < fixed[row["system"]]["bt_low"] < fixed[row["system"]]["bt_high"] < row["bt_high"]
    assert "always_valid" not in summarise(votes, asked=Asked(details=True))["combined"]


def test_all_numbers_are_plain_ones() -> None:
    """As they are read from a file: a NumPy number is written otherwise on a page."""
    for found in (means_of(votes_of(1), votes_of(2, "relevance")), always_valid(sliced(votes_of(1), 2), PLANNED)):
        assert repr(found) == repr(json.loads(json.dumps(found)))


def test_a_terminal_shows_it() -> None:
    votes = side_by_side(votes_of(8), votes_of(9, "relevance"))
    summary = summarise(votes, asked=Asked(planned_votes=PLANNED))
    valid: Any = summary["combined"]["always_valid"]
    lines = render(summary).splitlines()
    start = lines.index("Valid at every look", lines.index("Means over the questions"))
    assert lines[start + 1].startswith(f"With 300 votes planned of each question. First place: {valid['leader']};")
    row = valid["systems"][0]
    assert f"[{row['bt_low']:.0f}, {row['bt_high']:.0f}]" in lines[start + 3]


def test_the_left_side_has_its_rate_and_a_wider_interval_than_for_one_look() -> None:
    votes = votes_of(10)
    found, once = always_valid(votes, PLANNED)["position_bias"], left_share(votes)
    assert found["left_share"] == once.value
    assert found["low"] < once.low < once.high < found["high"]


def test_the_left_side_that_always_wins_has_an_exact_interval() -> None:
    votes = table(*((f"p{i}", *(("a", "b") if i % 2 else ("b", "a")), "left", f"r{i}") for i in range(40)))
    found = always_valid(votes, 100)["position_bias"]
    tail = critical_p(np.array([40.0]), prior_votes(100, 0.05), 0.05)[0] / 2
    assert (found["left_share"], found["high"]) == (1.0, 1.0)
    assert found["low"] == pytest.approx(tail ** (1 / 40))


def test_slices_have_their_own_rates_and_wider_intervals_than_for_one_look() -> None:
    votes = sliced(votes_of(11, per_prompt=40), 2)
    once = break_down(votes, "category")
    rows = always_valid(votes, PLANNED)["slices"]["category"]
    assert [(row["slice"], row["system"]) for row in rows] == [
        (name, system) for name in once.slices for system in once.systems
    ]
    np.testing.assert_allclose([row["win_rate"] for row in rows], once.raw.ravel(), rtol=1e-9)
    for row, low, high in zip(rows, once.raw_low.ravel(), once.raw_high.ravel(), strict=True):
        assert row["low"] < low < high < row["high"]


def test_a_slice_is_a_study_of_its_own_for_which_as_many_votes_were_planned_as_for_each_other() -> None:
    votes = sliced(votes_of(12, per_prompt=40), 2)
    rows = [row for row in always_valid(votes, PLANNED)["slices"]["category"] if row["slice"] == "c1"]
    alone = always_valid(votes.select(votes.optional["category"] == "c1"), PLANNED // 2)["estimates"]
    assert [(row["low"], row["high"]) for row in rows] == [(row["win_rate_low"], row["win_rate_high"]) for row in alone]


def test_small_slices_and_opponents_met_once_have_no_interval() -> None:
    votes = votes_of(13, prompts=12, per_prompt=30)
    few = always_valid(sliced(votes, 4), PLANNED)["slices"]["category"]
    assert {(row["low"], row["high"]) for row in few} == {(None, None)}, "three prompts each"
    rows = [(f"p{i}", "a", "b", ("left", "right", "left")[i % 3], f"r{i}") for i in range(30)]
    once = {row["system"]: row for row in always_valid(table(*rows, ("p1", "a", "c", "left", "r2")), 100)["estimates"]}
    assert once["a"]["win_rate_low"] is once["c"]["win_rate_low"] is None
    assert once["b"]["win_rate_low"] is not None


def test_too_many_slices_are_a_sentence() -> None:
    votes = sliced(votes_of(14, prompts=51, per_prompt=2), 51)
    assert always_valid(votes, PLANNED)["slices"]["category"].startswith("category has 51 different values")


def test_what_is_watched_is_hardly_ever_wrong_where_what_is_for_one_look_often_is() -> None:
    """Five of the studies of which the stored results have a thousand."""
    found = watched.wrong_on_any_day(watched.SETTINGS["30 raters"], [1])
    shown = {name for name in found if not name.endswith(watched.EVERY_DAY)}
    assert shown == {"ratings over both questions", watched.RANKING, "win rates in slices", "left preferred"}
    for name in shown:
        assert found[name].mean() <= 0.2
        assert found[f"{name}, {watched.EVERY_DAY}"].mean() > found[name].mean()


def test_the_stored_results_are_of_these_settings_and_hold() -> None:
    assert list(RESULTS["settings"]) == list(watched.SETTINGS)
    assert RESULTS["days"] == DAYS
    for name, found in RESULTS["settings"].items():
        assert found["setting"] == json.loads(json.dumps(asdict(watched.SETTINGS[name])))
        for shown, one in found["shown"].items():
            assert one["studies"] >= 1000
            assert one["wrong"] <= ALPHA or shown.endswith(watched.EVERY_DAY), (name, shown)
        naive = found["shown"][f"{watched.RANKING}, {watched.EVERY_DAY}"]
        assert naive["wrong"] > 2 * ALPHA, "the simulation can tell"
