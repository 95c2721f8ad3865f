"""How often thirty daily looks raise a false alarm: python -m benchmarks.sequential

Simulated studies of three systems that are equally good. Every prompt and every rater likes each system a little more
or less, by normal effects in log odds; raters prefer a side; some votes are ties. After each day the votes so far are
tested. A false alarm for a pair is that its two systems are told apart on any day (mean over the three pairs); for all
pairs, and for the ranking by Bradley-Terry, that any two are. Offered are the planned looks of O'Brien-Fleming type and
the confidence sequence; beside them stand the naive ways: a test at 5% every day, of votes as if independent or two-way
clustered, and an e-process on votes, which is offered only where each prompt and rater appears once.

Settings with a better system say how often it is found, and after how many days in the median.

Studies are simulated side by side in one table, with systems, prompts and raters of their own, which changes nothing in
any pair. It ends with status 1 where an offered way's false alarms exceed 5%.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit, ndtr

from analysis.stats.confidence_sequence import prior_votes
from analysis.stats.e_process import log_e
from analysis.stats.errors import RatingError
from analysis.stats.outcomes import BoolArray, FloatArray, IntArray, VoteTable
from analysis.stats.pair_tests import pair_p_values
from analysis.stats.sequential import Contrasts, confidence_sequence, pair_contrasts
from analysis.stats.sequential_looks import allowed_p, ratings_of
from analysis.stats.win_rates import Pairs, pair_win_rates

DAYS, SYSTEMS, PAIRS = 30, 3, 3
ALPHA = 0.05
AT_ONCE = 50  # studies in one table
SIDE = 0.15
ALLOWED = {at_once: allowed_p(range(1, DAYS + 1), DAYS, at_once=at_once) for at_once in (1, PAIRS)}
OFFERED = ("planned looks", "confidence sequence")


@dataclass(frozen=True)
class Setting:
    """`prompts_by` and `raters_by` say who comes when: any of them on any day ("same"), some more often by Zipf's law
    ("zipf"), each in one stretch of days ("passing"), or never again ("once"). `better`: of one system, in log odds.
    """

    prompts: int = 100
    raters: int = 100
    votes_a_day: int = 60
    prompt_sd: float = 1.0
    rater_sd: float = 0.5
    ties: float = 0.2
    prompts_by: str = "same"
    raters_by: str = "same"
    better: float = 0.0
    ranking: bool = False


SETTINGS = {
    "many raters": Setting(raters=300),
    "10 raters": Setting(raters=10),
    "10 raters, unbalanced": Setting(raters=10, raters_by="zipf", ranking=True),
    "10 raters, new prompts daily": Setting(raters=10, prompts=300, prompts_by="passing"),
    "10 raters, few votes": Setting(raters=10, votes_a_day=12),
    "raters come and go": Setting(raters=60, raters_by="passing", ranking=True),
    "unbalanced prompts and raters": Setting(raters=30, prompts_by="zipf", raters_by="zipf"),
    "20 prompts": Setting(raters=30, prompts=20),
    "half of the votes are ties": Setting(raters=40, ties=0.5),
    "each prompt and rater once": Setting(votes_a_day=45, prompts_by="once", raters_by="once"),
    "many raters, one system better": Setting(raters=300, better=0.5),
    "10 raters, one system better": Setting(raters=10, better=0.5),
    "each once, one system better": Setting(votes_a_day=45, prompts_by="once", raters_by="once", better=0.5),
}


def drawn(by: str, number: int, votes: int, rng: np.random.Generator) -> IntArray:
    """Who gives each vote, or what it is on, in time order."""
    if by == "once":
        return np.arange(votes)
    if by == "passing":
        return np.arange(votes) * number // votes
    share = 1 / np.arange(1, number + 1) if by == "zipf" else np.ones(number)
    return rng.choice(number, votes, p=share / share.sum())


def simulated(setting: Setting, rng: np.random.Generator, studies: int) -> VoteTable:
    """All studies' votes, day by day. System i of study s has the code s * SYSTEMS + i."""
    n, columns = setting.votes_a_day * DAYS, []
    prompts = n if setting.prompts_by == "once" else setting.prompts
    raters = n if setting.raters_by == "once" else setting.raters
    for study in range(studies):
        prompt = drawn(setting.prompts_by, prompts, n, rng)
        rater = drawn(setting.raters_by, raters, n, rng)
        liked = rng.normal(0, setting.prompt_sd, (prompts, SYSTEMS))
        taste = rng.normal(0, setting.rater_sd, (raters, SYSTEMS))
        left = rng.integers(0, SYSTEMS, n)
        right = (left + rng.integers(1, SYSTEMS, n)) % SYSTEMS
        worth = liked[prompt] + taste[rater] + setting.better * np.eye(SYSTEMS)[0]
        rows = np.arange(n)
        left_wins = rng.random(n) < expit(worth[rows, left] - worth[rows, right] + SIDE)
        outcome = np.where(rng.random(n) < setting.ties, 2, np.where(left_wins, 0, 1))
        codes = (prompt + study * prompts, rater + study * raters, left + study * SYSTEMS, right + study * SYSTEMS)
        columns.append(np.array([*codes, outcome]).reshape(5, DAYS, -1))
    prompt, rater, left, right, outcome = np.concatenate(columns, axis=2).reshape(5, -1)
    names = [tuple(f"{i:07}" for i in range(studies * number)) for number in (prompts, raters, SYSTEMS)]
    zeros = np.zeros(len(prompt), dtype=np.intp)
    table = VoteTable(("q",), names[0], names[1], names[2], zeros, prompt, rater, left, right, outcome, {})
    return table.select(zeros == 0)


class Alarms:
    """On which day each way first raised an alarm, from 1, or 0: arrays (studies, pairs), by the way's name."""

    def __init__(self, studies: int) -> None:
        self.first: dict[str, IntArray] = defaultdict(lambda: np.zeros((studies, PAIRS), dtype=np.intp))

    def add(self, way: str, day: int, contrasts: Contrasts, alarm: BoolArray) -> None:
        name = np.array([int(system) for system in contrasts.systems])
        a, b = name[contrasts.a[alarm]], name[contrasts.b[alarm]]
        first, at = self.first[way], (a // SYSTEMS, a % SYSTEMS + b % SYSTEMS - 1)
        first[at] = np.where(first[at] == 0, day, first[at])

    def add_offered(self, suffix: str, day: int, contrasts: Contrasts, planned: float, at_once: int) -> None:
        sequence = confidence_sequence(contrasts, planned, at_once=at_once)
        self.add(f"confidence sequence, {suffix}", day, contrasts, sequence.sign != 0)
        self.add(f"planned looks, {suffix}", day, contrasts, contrasts.p <= ALLOWED[at_once][day - 1])


def look_at_pairs(setting: Setting, votes: VoteTable, alarms: Alarms) -> None:
    planned = setting.votes_a_day * DAYS / PAIRS
    for day in range(1, DAYS + 1):
        pairs = pair_win_rates(votes.select(np.arange(len(votes)) < len(votes) * day // DAYS))
        contrasts = pair_contrasts(pairs)
        alarms.add_offered("a pair", day, contrasts, planned, 1)
        alarms.add_offered("all pairs", day, contrasts, planned, PAIRS)
        if day == DAYS:
            alarms.add("two-way test at the end only, a pair", day, contrasts, contrasts.p <= ALPHA)
        alarms.add("two-way test every day, a pair", day, contrasts, pair_p_values(pairs) <= ALPHA)
        alarms.add("vote-level test every day, a pair", day, contrasts, vote_level_p(pairs) <= ALPHA)
        stake = log_e(pairs.a_wins, pairs.b_wins, prior_votes(planned, ALPHA))
        alarms.add("vote-level e-process, a pair", day, contrasts, stake >= -np.log(ALPHA))


def vote_level_p(pairs: Pairs) -> FloatArray:
    """Of the z test of independent votes; 1 with fewer than ten or without variation."""
    n = np.maximum(pairs.counted, 1)
    variance = ((pairs.a_wins + pairs.ties / 4) / n - pairs.win_rate**2) / n
    enough = (pairs.counted >= 10) & (variance > 1e-9)
    z = np.abs(pairs.win_rate - 0.5) / np.sqrt(np.where(enough, variance, 1))
    return np.where(enough, 2 * ndtr(-z), 1)


def look_at_ranking(votes: VoteTable, studies: int, alarms: Alarms) -> None:
    for study in range(studies):
        name = np.array([int(system) // SYSTEMS for system in votes.systems])
        own = votes.select(name[votes.system_left] == study)
        for day in range(1, DAYS + 1):
            with suppress(RatingError):  # the first day's votes may not connect the systems
                contrasts = ratings_of(own.select(np.arange(len(own)) < len(own) * day // DAYS))
                alarms.add_offered("ranking", day, contrasts, len(own), PAIRS)


@dataclass(frozen=True)
class Found:
    """`alarms`: the share of pairs (of studies, where a way is for all) told apart, in the median on `median_day`."""

    studies: int
    alarms: float
    standard_error: float
    median_day: float | None


def measured(setting: Setting, seed: list[int], studies: int) -> dict[str, Found]:
    """What each way found."""
    rng, found = np.random.default_rng(seed), defaultdict(list)
    for start in range(0, studies, AT_ONCE):
        number = min(AT_ONCE, studies - start)
        alarms, votes = Alarms(number), simulated(setting, rng, number)
        look_at_pairs(setting, votes, alarms)
        if setting.ranking:
            look_at_ranking(votes, number, alarms)
        for way, first in alarms.first.items():
            found[way].append(first)
    return {way: _summary(way, np.concatenate(parts), setting.better > 0) for way, parts in found.items()}


def _summary(way: str, first: IntArray, power: bool) -> Found:
    if way.endswith("a pair"):
        first = first[:, :2] if power else first  # the third pair's systems are equally good
        by_study = (first > 0).mean(axis=1)
    else:
        by_study = (first > 0).any(axis=1).astype(float)
    days = first[first > 0]
    return Found(
        studies=len(by_study),
        alarms=float(by_study.mean()),
        standard_error=float(by_study.std() / np.sqrt(len(by_study))),
        median_day=float(np.median(days)) if len(days) else None,
    )


def is_missed(setting: Setting, way: str, found: Found) -> bool:
    """Whether a way that is offered raises more false alarms than it may."""
    offered = way.startswith(OFFERED) or ("e-process" in way and setting.raters_by == "once")
    return offered and not setting.better and found.alarms > ALPHA


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000, help="for each setting (default: 1000)")
    parser.add_argument("--only", action="append", choices=list(SETTINGS), help="settings to simulate (default: all)")
    parser.add_argument("--json", type=Path, help="where the results go")
    options = parser.parse_args()
    results, missed = {}, False
    for index, (name, setting) in enumerate(SETTINGS.items()):
        if options.only and name not in options.only:
            continue
        start = time.monotonic()
        ways = measured(setting, [2026, index], options.studies)
        print(f"\n{name} ({options.studies} studies, {time.monotonic() - start:.0f} s)", flush=True)
        for way, found in sorted(ways.items()):
            over = is_missed(setting, way, found)
            missed |= over
            print(f"  {way:38}{found.alarms:6.1%} +- {found.standard_error:.1%}{' OVER 5%' * over}", flush=True)
        results[name] = {"setting": asdict(setting), "ways": {way: asdict(found) for way, found in ways.items()}}
        if options.json:
            written = {"days": DAYS, "alpha": ALPHA, "settings": results}
            options.json.write_text(json.dumps(written, indent=1) + "\n")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
