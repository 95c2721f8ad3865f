"""How often what an open study's pages show is wrong on any of thirty days: python -m benchmarks.watched

Simulated studies of three systems that are equally good, under two questions that share prompts and raters, as in
`benchmarks.sequential`; what prompts and raters like under one question correlates by ALIKE with what they like under
the other. The second question is asked about the same pairs, about pairs of its own, or only once the first has all its
votes. Prompts fall into slices of equal size.

After each day the intervals are compared with the truth: of each system's rating over both questions and of its win
rate in each slice of the first (the share of intervals that have missed it on any day), and of the preference for the
left side; the ranking over both questions is wrong where any two systems are told apart. Beside the offered confidence
sequences stand the intervals for one look, looked at every day. It ends with status 1 where an offered one is wrong in
more than 5%.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy import special

from analysis.stats.always_valid import evenly_spread, own_ratings, own_win_rates
from analysis.stats.bradley_terry import MEAN, bradley_terry
from analysis.stats.combined import combined_ratings
from analysis.stats.errors import RatingError
from analysis.stats.outcomes import LEFT, RIGHT, TIE, BoolArray, FloatArray, IntArray, VoteTable
from analysis.stats.sequential import (
    ConfidenceSequence,
    Contrasts,
    confidence_sequence,
    rating_contrasts,
    side_contrast,
)
from benchmarks.sequential import ALPHA, DAYS, SIDE, SYSTEMS, drawn
from benchmarks.sequential import Setting as Study
from tests.analysis.stats.planted import Population

ALIKE = 0.7
AT_ONCE = 5  # studies
QUESTIONS = ("first", "second")
RANKING = "ranking over both questions"
EVERY_DAY = "for one look, every day"


@dataclass(frozen=True)
class Setting:
    """`second`: what the second question is asked about, or when; `slices` of the prompts."""

    study: Study
    second: str
    slices: int
    seed: int


SETTINGS = {
    "30 raters": Setting(Study(raters=30), "same pairs", 5, seed=0),
    "10 raters, unbalanced": Setting(Study(raters=10, raters_by="zipf"), "own pairs", 5, seed=1),
    "one question after the other": Setting(Study(raters=60, raters_by="passing"), "afterwards", 12, seed=2),
}


@dataclass(frozen=True, eq=False)
class Votes:
    """Of both questions, with the `day` (N,) of each, from 0."""

    table: VoteTable
    day: IntArray


def simulated(setting: Setting, rng: np.random.Generator) -> Votes:
    study, n = setting.study, setting.study.votes_a_day * DAYS
    sizes = (study.prompts, SYSTEMS), (study.raters, SYSTEMS)
    effects = [rng.normal(0, sd, size) for sd, size in zip((study.prompt_sd, study.rater_sd), sizes, strict=True)]
    seen = _seen(study, n, rng)
    luck = rng.random(n)
    columns = []
    for question in range(len(QUESTIONS)):
        if question:
            fresh = [rng.normal(0, each.std(), each.shape) for each in effects]
            effects = [ALIKE * old + np.sqrt(1 - ALIKE**2) * new for old, new in zip(effects, fresh, strict=True)]
            luck = np.where((rng.random(n) < ALIKE) & (setting.second == "same pairs"), luck, rng.random(n))
            seen = seen if setting.second == "same pairs" else _seen(study, n, rng)
        prompt, rater, left, right = seen
        worth, rows = effects[0][prompt] + effects[1][rater], np.arange(n)
        left_wins = luck < special.expit(worth[rows, left] - worth[rows, right] + SIDE)
        outcome = np.where(rng.random(n) < study.ties, TIE, np.where(left_wins, LEFT, RIGHT))
        day = rows * DAYS // n
        if setting.second == "afterwards":
            day = (day + question * DAYS) // len(QUESTIONS)
        columns.append(np.array([np.full(n, question), *seen, outcome, day]))
    question, prompt, rater, left, right, outcome, day = np.concatenate(columns, axis=1)
    prompts, raters, systems = map(names, (study.prompts, study.raters, SYSTEMS))
    codes = question, prompt, rater, left, right, outcome
    return Votes(VoteTable(QUESTIONS, prompts, raters, systems, *codes, {}), day)


def names(number: int) -> tuple[str, ...]:
    """In the order of their codes."""
    return tuple(f"{code:06}" for code in range(number))


def _seen(study: Study, votes: int, rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    prompt = drawn(study.prompts_by, study.prompts, votes, rng)
    rater = drawn(study.raters_by, study.raters, votes, rng)
    left = rng.integers(0, SYSTEMS, votes)
    return prompt, rater, left, (left + rng.integers(1, SYSTEMS, votes)) % SYSTEMS


class Wrong:
    """Which intervals have missed the truth on some day: arrays (studies, intervals), by what is shown."""

    def __init__(self) -> None:
        self.ever: dict[str, BoolArray] = {}

    def add(self, shown: str, sequence: ConfidenceSequence, truth: float, at: IntArray, shape: tuple[int, int]) -> None:
        """`at` are places in an array of that shape, one of each interval."""
        offered = (sequence.low > truth) | (sequence.high < truth)
        for way, missed in ((shown, offered), (f"{shown}, {EVERY_DAY}", is_outside(sequence.contrasts, truth))):
            self.ever.setdefault(way, np.zeros(shape, dtype=np.bool_)).ravel()[at] |= missed


def wrong_on_any_day(setting: Setting, seed: list[int]) -> dict[str, FloatArray]:
    """The shares of AT_ONCE studies' intervals; of rankings, whether there is any."""
    rng, wrong = np.random.default_rng(seed), Wrong()
    studies = [simulated(setting, rng) for _ in range(AT_ONCE)]
    together = slices_side_by_side(setting, studies)
    for day in range(DAYS):
        for number, votes in enumerate(studies):
            now = votes.table.select(votes.day <= day)
            look_over_questions(setting, now, number, wrong)
            look_at_sides(setting, now, number, wrong)
        look_at_slices(setting, together.table.select(together.day <= day), wrong)
    return {
        way: missed.any(axis=1).astype(float) if way.startswith(RANKING) else missed.mean(axis=1)
        for way, missed in wrong.ever.items()
    }


def is_outside(contrasts: Contrasts, truth: float) -> BoolArray:
    """Whether the truth lies outside of the interval for one look."""
    margin = special.stdtrit(np.maximum(contrasts.clusters, 2) - 1, 1 - ALPHA / 2) * contrasts.error
    return np.asarray(np.abs(contrasts.value - truth) > margin)


def look_over_questions(setting: Setting, votes: VoteTable, study: int, wrong: Wrong) -> None:
    by_question = votes.split_by_question()
    try:
        ratings = combined_ratings(votes, {name: bradley_terry(own) for name, own in by_question.items()})
    except RatingError:  # the first days' votes may not connect the systems
        return
    if len(by_question) < len(QUESTIONS):
        return
    n = evenly_spread(np.array([len(own) for own in by_question.values()]))
    planned = len(QUESTIONS) * setting.study.votes_a_day * DAYS
    ranking = confidence_sequence(rating_contrasts(ratings, n), planned, at_once=SYSTEMS)
    for shown, sequence, truth in (
        ("ratings over both questions", own_ratings(ratings, n, planned), MEAN),
        (RANKING, ranking, 0.0),
    ):
        wrong.add(shown, sequence, truth, study * SYSTEMS + np.arange(SYSTEMS), (AT_ONCE, SYSTEMS))


def look_at_sides(setting: Setting, votes: VoteTable, study: int, wrong: Wrong) -> None:
    """Of the first question."""
    of = setting.study
    equals = Population((0.0, 0.0), prompt_sd=of.prompt_sd, rater_sd=of.rater_sd, side=SIDE, ties=of.ties)
    sequence = confidence_sequence(side_contrast(votes.select(votes.question == 0)), of.votes_a_day * DAYS)
    wrong.add("left preferred", sequence, float(equals.left_chance()[0, 1]), np.array([study]), (AT_ONCE, 1))


def slices_side_by_side(setting: Setting, studies: Sequence[Votes]) -> Votes:
    """The votes on the first question of all studies: a system in each slice of each is a system of its own."""
    columns = []
    for number, votes in enumerate(studies):
        table, rows = votes.table, votes.table.question == 0
        prompt, rater = table.prompt[rows], table.rater[rows]
        own = (number * setting.slices + prompt % setting.slices) * SYSTEMS
        prompt, rater = prompt + number * len(table.prompts), rater + number * len(table.raters)
        sides = own + table.system_left[rows], own + table.system_right[rows]
        columns.append(np.array([prompt, rater, *sides, table.outcome[rows], votes.day[rows]]))
    prompt, rater, left, right, outcome, day = np.concatenate(columns, axis=1)
    prompts, raters, systems = (names(codes.max() + 1) for codes in (prompt, rater, np.maximum(left, right)))
    zeros = np.zeros(len(prompt), dtype=np.intp)
    return Votes(
        VoteTable(QUESTIONS[:1], prompts, raters, systems, zeros, prompt, rater, left, right, outcome, {}), day
    )


def look_at_slices(setting: Setting, votes: VoteTable, wrong: Wrong) -> None:
    sequence = own_win_rates(votes, setting.study.votes_a_day * DAYS * AT_ONCE)
    at = np.array([int(system) for system in sequence.contrasts.systems])
    wrong.add("win rates in slices", sequence, 0.5, at, (AT_ONCE, setting.slices * SYSTEMS))


@dataclass(frozen=True)
class Found:
    """`wrong`: the share of intervals, in the mean over studies, that missed the truth on any day."""

    studies: int
    wrong: float
    standard_error: float


def measured(setting: Setting, studies: int, processes: int) -> dict[str, Found]:
    parts = defaultdict(list)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        tasks = [(setting, [2026, setting.seed, number]) for number in range(studies // AT_ONCE)]
        for wrong in pool.starmap(wrong_on_any_day, tasks, chunksize=1):
            for shown, shares in wrong.items():
                parts[shown].append(shares)
    by_study = {shown: np.concatenate(shares) for shown, shares in parts.items()}
    return {
        shown: Found(len(shares), float(shares.mean()), float(shares.std() / np.sqrt(len(shares))))
        for shown, shares in by_study.items()
    }


def is_missed(shown: str, found: Found) -> bool:
    return not shown.endswith(EVERY_DAY) and found.wrong > ALPHA


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000, help="for each setting, in fives (default: 1000)")
    parser.add_argument("--only", action="append", choices=list(SETTINGS), help="settings to simulate (default: all)")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where the results go")
    options = parser.parse_args()
    results, failed = {}, False
    for name, setting in SETTINGS.items():
        if options.only and name not in options.only:
            continue
        start = time.monotonic()
        shown = measured(setting, options.studies, options.processes)
        print(f"\n{name} ({options.studies} studies, {time.monotonic() - start:.0f} s)", flush=True)
        for what, found in sorted(shown.items()):
            over = is_missed(what, found)
            failed |= over
            print(f"  {what:56}{found.wrong:6.1%} +- {found.standard_error:.1%}{' OVER 5%' * over}", flush=True)
        results[name] = {"setting": asdict(setting), "shown": {what: asdict(found) for what, found in shown.items()}}
        if options.json:
            written = {"days": DAYS, "alpha": ALPHA, "settings": results}
            options.json.write_text(json.dumps(written, indent=1) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
