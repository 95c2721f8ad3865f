"""How often nominal 95% intervals hold the truth, where votes share prompts and raters.

`python -m benchmarks.coverage` simulates studies (tests/analysis/stats/planted.py): every prompt and every rater likes
each system a little more or less, by normal effects in log odds; raters prefer a side; some votes are ties; every
prompt gets as many votes, each on two systems and by a rater drawn at random. The truth is that of votes without end on
ever new prompts by ever new raters, by quadrature over their effects: for pair win rates and averages the expected
score; for Bradley-Terry the ratings that its likelihood leads to on such votes, with a side intercept where the method
fits one.

Beside the default stand: votes as if independent (sandwich for ratings, Wilson's interval for pair win rates), the
bootstraps of analysis/stats/bootstrap.py, arena-rank's sandwich and evalica's percentile bootstrap; bootstraps get the
first data sets only, as they take longer. A peer that cannot be imported is left out. It ends with status 1 where the
default's coverage leaves 93 to 97.5%.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

import numpy as np

from analysis.stats.asked import RESAMPLED
from analysis.stats.bootstrap import Bootstrap, bootstrap_pair_win_rates, bootstrap_ratings
from analysis.stats.bradley_terry import POINTS, bradley_terry, fit_counts
from analysis.stats.outcomes import FloatArray, VoteTable
from analysis.stats.uncertainty import Intervals
from analysis.stats.win_rates import field_win_rates, pair_win_rates
from benchmarks import coverage_peers
from tests.analysis.stats.planted import Population

TARGET = (0.93, 0.975)
DEFAULT, ALONE = "two-way (default)", "votes alone"
DRAWS = 199
KINDS = ("ratings", "pairs", "averages")
Ends = tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class Setting:
    prompts: int
    raters: int
    per_prompt: int
    population: Population = field(default_factory=Population)


SETTINGS: Mapping[str, Setting] = {
    "ample": Setting(60, 30, 20),
    "few of both": Setting(20, 10, 40),
    "few raters": Setting(100, 10, 10),
    "few prompts": Setting(20, 60, 50),
    "few votes a prompt": Setting(150, 20, 4),
    "unequal raters": Setting(60, 40, 20, Population(rater_skew=1.0)),
    "ten unequal raters": Setting(40, 10, 20, Population(rater_skew=0.8)),
    "strong tastes": Setting(60, 12, 15, Population(prompt_sd=0.5, rater_sd=1.0)),
    "strong prompts": Setting(40, 20, 20, Population(prompt_sd=2.0, rater_sd=0.3)),
    "ties and sides": Setting(40, 20, 25, Population(side=0.5, ties=0.4, side_sd=0.6)),
    "six far apart": Setting(50, 25, 30, Population(strengths=(-1.5, -0.9, -0.3, 0.3, 0.9, 1.5))),
    "independent votes": Setting(60, 30, 20, Population(prompt_sd=0.0, rater_sd=0.0)),
}


@dataclass(frozen=True)
class Truth:
    ratings: FloatArray
    ratings_without_side: FloatArray
    win_rates: FloatArray
    averages: FloatArray


@cache
def truth_of(population: Population) -> Truth:
    rates = population.win_rates()
    games = 1.0 - np.eye(len(rates))
    sideless = 1000 + POINTS * fit_counts(rates * games, games, population.systems).strengths
    return Truth(population.ratings(), sideless, rates, population.field_win_rates())


@dataclass(frozen=True)
class Held:
    """Of one kind of estimate by one method on one data set: who held the truth (m,), NaN without interval."""

    hits: FloatArray
    width: float


def held(found: Intervals | Bootstrap | Ends | None, truth: FloatArray) -> Held:
    """Without intervals at all, none is known."""
    low, high = found if isinstance(found, tuple) else (found.low, found.high) if found else (truth * math.nan,) * 2
    known = ~np.isnan(low)
    hits = np.where(known, (low <= truth) & (truth <= high), np.nan)
    return Held(hits, float((high - low)[known].mean()) if known.any() else math.nan)


def as_if_independent(votes: VoteTable) -> VoteTable:
    """The same votes, each on a prompt of its own by a rater of its own."""
    alone = np.arange(len(votes))
    names = tuple(map(str, alone))
    return replace(votes, prompts=names, raters=names, prompt=alone, rater=alone)


def wilson(rate: FloatArray, n: FloatArray) -> Ends:
    """Wilson (1927), Journal of the American Statistical Association 22; a tie counts half."""
    z2 = 1.959964**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    margin = np.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return centre - margin, centre + margin


def measure(setting: Setting, seed: tuple[int, int], bootstraps: int, evalicas: int) -> dict[tuple[str, str], Held]:
    """All that the methods say of one data set; `seed` is the setting's number and the data set's."""
    rng, number, truth = np.random.default_rng(seed), seed[1], truth_of(setting.population)
    votes = setting.population.votes(rng, setting.prompts, setting.raters, setting.per_prompt)
    pairs = pair_win_rates(votes)
    rates = truth.win_rates[pairs.a, pairs.b]
    found = {
        (DEFAULT, "ratings"): held(bradley_terry(votes).intervals, truth.ratings),
        (DEFAULT, "pairs"): held(pairs.intervals, rates),
        (DEFAULT, "averages"): held(field_win_rates(votes).intervals, truth.averages),
        (ALONE, "ratings"): held(bradley_terry(as_if_independent(votes)).intervals, truth.ratings),
        (ALONE, "pairs"): held(wilson(pairs.win_rate, pairs.counted.astype(np.float64)), rates),
    }
    for by in RESAMPLED if number < bootstraps else ():
        found[f"bootstrap {by}", "ratings"] = held(bootstrap_ratings(votes, by, rng, DRAWS), truth.ratings)
        found[f"bootstrap {by}", "pairs"] = held(bootstrap_pair_win_rates(votes, by, rng, DRAWS), rates)
    if find_spec("arena_rank"):
        ends = coverage_peers.arena_rank(votes, check=number == 0)
        found["arena-rank", "ratings"] = held(ends, truth.ratings_without_side)
    if find_spec("evalica") and number < evalicas:
        ends = coverage_peers.evalica(votes, rng, DRAWS)
        found["evalica", "ratings"] = held(ends, truth.ratings_without_side)
    return found


def summarise(found: Iterable[Held]) -> dict[str, float]:
    found = list(found)
    hits = np.array([one.hits for one in found])
    known = ~np.isnan(hits)
    each = np.where(known, hits, 0).sum(axis=1)[known.any(axis=1)] / known.sum(axis=1)[known.any(axis=1)]
    of_estimate = np.where(known, hits, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return {
        "coverage": round(float(each.mean()), 4),
        "standard_error": round(float(each.std(ddof=1) / math.sqrt(len(each))), 4) if len(each) > 1 else math.inf,
        "lowest_of_an_estimate": round(float(of_estimate.min()), 4),
        "without_interval": round(float(1 - known.mean()), 4),
        "mean_width": round(float(np.nanmean([one.width for one in found])), 4),
        "datasets": len(found),
    }


def run_one(task: tuple[str, int, int, int]) -> dict[tuple[str, str], Held]:
    name, number, bootstraps, evalicas = task
    return measure(SETTINGS[name], (list(SETTINGS).index(name), number), bootstraps, evalicas)


def run(name: str, options: argparse.Namespace, pool: Pool) -> dict[str, dict[str, Any]]:
    """Method by method, kind by kind."""
    collected: dict[tuple[str, str], list[Held]] = defaultdict(list)
    tasks = [(name, number, options.bootstraps, options.evalica) for number in range(options.datasets)]
    for found in pool.imap(run_one, tasks, chunksize=10):
        for key, one in found.items():
            collected[key].append(one)
    methods: dict[str, dict[str, Any]] = defaultdict(dict)
    for (method, kind), several in collected.items():
        methods[method][kind] = summarise(several)
    return dict(methods)


def table(results: Mapping[str, Mapping[str, Any]], kind: str) -> Iterator[str]:
    """Rows of Markdown: coverage in percent."""
    methods = list(dict.fromkeys(name for found in results.values() for name, kinds in found.items() if kind in kinds))
    yield f"| {kind} | {' | '.join(methods)} |"
    yield f"|---|{'---:|' * len(methods)}"
    for name, found in results.items():
        shares = [f"{100 * found[method][kind]['coverage']:.1f}" for method in methods]
        yield f"| {name} | {' | '.join(shares)} |"


def misses(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    low, high = TARGET
    return [
        f"{name}, {kind}: {100 * one['coverage']:.1f}% is not within {100 * low:g} to {100 * high:g}%."
        for name, found in results.items()
        for kind, one in found[DEFAULT].items()
        if not low <= one["coverage"] <= high
    ]


def peers() -> tuple[dict[str, str], list[str]]:
    """Versions of those that can be imported, and a sentence for each of the others."""
    modules = {"arena-rank": "arena_rank", "evalica": "evalica"}
    there = {name: version(name) for name, module in modules.items() if find_spec(module)}
    return there, [f"{name} is not installed and left out." for name in modules if name not in there]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=1000, help="of each setting (default: 1000)")
    parser.add_argument("--bootstraps", type=int, default=200, help="data sets that bootstraps get (default: 200)")
    parser.add_argument("--evalica", type=int, default=40, help="data sets that evalica gets (default: 40)")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS), metavar="NAME")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write everything as JSON")
    options = parser.parse_args()
    versions, absent = peers()
    results = {}
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for name in options.settings:
            results[name] = run(name, options, pool)
            print(f"{name}: {json.dumps(results[name][DEFAULT])}", file=sys.stderr, flush=True)
    lines = [line for kind in KINDS for line in (*table(results, kind), "")]
    missed = misses(results)
    print(*lines, *absent, *missed, sep="\n")
    if options.out is not None:
        document = {
            "datasets": options.datasets,
            "bootstrap_draws": DRAWS,
            "versions": versions,
            "settings": {name: {**asdict(SETTINGS[name]), "methods": found} for name, found in results.items()},
        }
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
