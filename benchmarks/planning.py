"""Whether planned studies find what they were planned to find: python -m benchmarks.planning

Each setting is a population of prompts and raters who like each system a little more or less, by normal effects in log
odds (tests/analysis/stats/planted.py). Its correlations within prompts and raters are measured in one study much larger
than the planned one, as of a very good pilot; its win rate is known by quadrature. analysis.stats.planning then says
how many prompts and raters are needed for a power of 80%, or for an interval of a given half-width; such studies are
simulated, analysed as the site does, and it is counted how often the better system is found and how wide the intervals
of the pair are.

It ends with status 1 where the power is more than 5 points below the wished, or the half-width more than 10% above.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from analysis.stats.agreement import agreement
from analysis.stats.pair_tests import pair_p_values
from analysis.stats.planning import Plan, Wish, plan
from analysis.stats.win_rates import pair_win_rates
from tests.analysis.stats.planted import Population

POWER, LEAST_POWER, MOST_WIDTH = 0.8, 0.75, 1.1
PILOT = {"prompts": 3000, "raters": 800, "per_prompt": 8}


@dataclass(frozen=True)
class Setting:
    """Of two systems; `half_width` is wished for instead of power."""

    population: Population
    votes_per_prompt: int = 4
    judgements: int = 40
    half_width: float | None = None


def _two(
    gap: float, prompt_sd: float = 0.7, rater_sd: float = 0.35, ties: float = 0.2, side: float = 0.15
) -> Population:
    return Population((-gap / 2, gap / 2), prompt_sd, rater_sd, side, ties)


SETTINGS: Mapping[str, Setting] = {
    "small difference": Setting(_two(0.35)),
    "large difference": Setting(_two(0.9)),
    "few judgements each": Setting(_two(0.5), judgements=10),
    "many votes a prompt": Setting(_two(0.5), votes_per_prompt=12),
    "strong prompts": Setting(_two(0.6, prompt_sd=1.5)),
    "strong tastes": Setting(_two(0.6, rater_sd=1.0), judgements=20),
    "half ties": Setting(_two(0.6, ties=0.5)),
    "half-width 0.05": Setting(_two(0.5), half_width=0.05),
    "half-width 0.03": Setting(_two(0.5), half_width=0.03),
    "half-width 0.05, strong tastes": Setting(_two(0.6, rater_sd=1.0), judgements=20, half_width=0.05),
}


@dataclass(frozen=True)
class Outcome:
    """`power` and `half_width` (mean) of the simulated studies; `planned_half_width` is the plan's own."""

    prompts: int
    raters: int
    votes: int
    prompt_icc: float
    rater_icc: float
    planned_half_width: float
    power: float
    half_width: float

    def is_as_wished(self, setting: Setting) -> bool:
        if setting.half_width is None:
            return self.power >= LEAST_POWER
        return self.half_width <= MOST_WIDTH * setting.half_width


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.planning", description=(__doc__ or "").partition(":")[0]
    )
    parser.add_argument("--studies", type=int, default=1000, metavar="N", help="simulated studies of each setting")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the outcomes to FILE")
    options = parser.parse_args()
    outcomes = {}
    with multiprocessing.Pool() as pool:
        for number, (name, setting) in enumerate(SETTINGS.items()):
            wish = piloted(setting, np.random.default_rng([1, number]))
            planned = plan(wish)
            study = partial(simulated, setting, planned)
            found = np.array(pool.map(study, [[2, number, draw] for draw in range(options.studies)], chunksize=10))
            outcomes[name] = _outcome(wish, planned, found)
            print(_line(name, setting, outcomes[name]), flush=True)
    if options.json is not None:
        content = {"studies": options.studies, "outcomes": {name: asdict(each) for name, each in outcomes.items()}}
        options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return int(not all(outcomes[name].is_as_wished(setting) for name, setting in SETTINGS.items()))


def piloted(setting: Setting, rng: np.random.Generator) -> Wish:
    found = agreement(setting.population.votes(rng, **PILOT))
    return wish_of(setting, max(0.0, found.prompt_icc), max(0.0, found.rater_icc))


def wish_of(setting: Setting, prompt_icc: float, rater_icc: float) -> Wish:
    rate, ties = float(setting.population.win_rates()[1, 0]), setting.population.ties
    return Wish(
        win_rate=0.5 + (rate - 0.5) / (1 - ties),
        ties=ties,
        power=POWER,
        half_width=setting.half_width,
        votes_per_prompt=setting.votes_per_prompt,
        judgements=setting.judgements,
        prompt_icc=prompt_icc,
        rater_icc=rater_icc,
    )


def simulated(setting: Setting, planned: Plan, seed: list[int]) -> tuple[bool, float]:
    """Whether the better system was found, and the half-width of the interval."""
    rng = np.random.default_rng(seed)
    votes = setting.population.votes(rng, planned.prompts, planned.raters, setting.votes_per_prompt)
    pairs = pair_win_rates(votes)
    half_width = (pairs.intervals.high[0] - pairs.intervals.low[0]) / 2
    return bool(pair_p_values(pairs)[0] < 0.05 and pairs.win_rate[0] < 0.5), float(half_width)


def _outcome(wish: Wish, planned: Plan, found: np.ndarray) -> Outcome:
    return Outcome(
        prompts=planned.prompts,
        raters=planned.raters,
        votes=planned.votes,
        prompt_icc=wish.prompt_icc,
        rater_icc=wish.rater_icc,
        planned_half_width=planned.half_width,
        power=float(found[:, 0].mean()),
        half_width=float(found[:, 1].mean()),
    )


def _line(name: str, setting: Setting, found: Outcome) -> str:
    wish = f"power {POWER:.0%}" if setting.half_width is None else f"half-width {setting.half_width}"
    return (
        f"{name:32} {wish:16} {found.prompts:5} prompts {found.raters:4} raters {found.votes:6} votes: "
        f"power {found.power:.1%}, half-width {found.half_width:.4f} (planned {found.planned_half_width:.4f})"
        f"{'' if found.is_as_wished(setting) else '  NOT AS WISHED'}"
    )


if __name__ == "__main__":
    sys.exit(main())
