"""How often nominal 95% intervals of ratings combined over two questions hold the truth.

`python -m benchmarks.coverage_combined` simulates the studies of `benchmarks.coverage` with a second question, about
which the systems differ half as much: asked of the same people about the same pairs, or of the same people and prompts
about pairs of its own. What prompts and raters like under one question correlates by ALIKE with what they like under
the other. Beside the combined intervals stand those of who forgets that the questions share people and prompts, and
takes the two ratings for independent. It ends with status 1 where the coverage leaves 93 to 97.5%.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.combined import combined_ratings
from analysis.stats.outcomes import VoteTable
from analysis.stats.ratings import Ratings
from benchmarks.coverage import DEFAULT, SETTINGS, Ends, Held, Setting, held, misses, summarise, table, truth_of
from tests.analysis.stats.planted import Population, side_by_side

ALIKE = 0.7
SEPARATE = "questions taken for independent"
KIND = "combined ratings"
WAYS = ("same pairs", "own pairs")
"""What the second question is asked about."""


def second(population: Population) -> Population:
    return replace(population, strengths=tuple(strength / 2 for strength in population.strengths))


def two_questions(setting: Setting, way: str, rng: np.random.Generator) -> tuple[VoteTable, VoteTable]:
    one, other = setting.population, second(setting.population)
    size = setting.prompts, setting.raters, setting.per_prompt
    drawn = one.occasions(rng, *size)
    besides = other.asked_besides(drawn, rng, ALIKE)
    if way == "own pairs":
        besides = replace(other.occasions(rng, *size), liked=besides.liked, taste=besides.taste)
    return one.answered(drawn, "quality"), other.answered(besides, "relevance")


def without_covariance(parts: Iterable[Ratings]) -> Ends:
    """Of the means of ratings whose errors would have nothing to do with each other."""
    ends = np.array([(part.intervals.low, part.intervals.high) for part in parts if part.intervals])
    centre = ends.mean(axis=(0, 1))
    width = np.sqrt(((ends[:, 1] - ends[:, 0]) ** 2).sum(axis=0)) / 2 / len(ends)
    return centre - width, centre + width


def measure(setting: Setting, way: str, seed: tuple[int, int, int]) -> dict[str, Held]:
    tables = two_questions(setting, way, np.random.default_rng(seed))
    parts = {votes.questions[0]: bradley_terry(votes) for votes in tables}
    truth = (truth_of(setting.population).ratings + truth_of(second(setting.population)).ratings) / 2
    found = combined_ratings(side_by_side(*tables), parts)
    return {
        DEFAULT: held(found.intervals, truth),
        SEPARATE: held(without_covariance(parts.values()), truth),
    }


def run_one(task: tuple[str, str, int]) -> dict[str, Held]:
    name, way, number = task
    return measure(SETTINGS[name], way, (list(SETTINGS).index(name), WAYS.index(way), number))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=1000, help="of each setting (default: 1000)")
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS), metavar="NAME")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write everything as JSON")
    options = parser.parse_args()
    results = {}
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for name, way in [(name, way) for name in options.settings for way in WAYS]:
            collected: dict[str, list[Held]] = defaultdict(list)
            tasks = [(name, way, number) for number in range(options.datasets)]
            for found in pool.imap(run_one, tasks, chunksize=10):
                for method, one in found.items():
                    collected[method].append(one)
            label = f"{name}, {way}"
            results[label] = {method: {KIND: summarise(several)} for method, several in collected.items()}
            print(f"{label}: {json.dumps(results[label])}", file=sys.stderr, flush=True)
    missed = misses(results)
    print(*table(results, KIND), *missed, sep="\n")
    if options.out is not None:
        document = {"datasets": options.datasets, "alike": ALIKE, "settings": results}
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
