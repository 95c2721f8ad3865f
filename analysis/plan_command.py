"""python -m analysis plan: how many prompts, raters, votes, hours and how much money a study needs."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np

from analysis.stats.agreement import agreement
from analysis.stats.errors import StatsError
from analysis.stats.outcomes import TIE, VoteTable
from analysis.stats.planning import PROMPT_ICC, RATER_ICC, Plan, PlanError, Wish, pilot_icc, plan
from analysis.stats.uncertainty import FEW_CLUSTERS

_HELP = {
    "win_rate": "to be told from one half, among votes that are no tie",
    "ties": "share of votes",
    "power": "with which the difference is to be found",
    "level": "of the interval, and 1 less it of the test",
    "systems": "that are compared with each other",
    "questions": "",
    "votes_per_prompt": "on each pair of images",
    "judgements": "by one rater under one question",
    "prompt_icc": "correlation of two votes on one prompt and pair of systems",
    "rater_icc": "correlation of two votes of one rater on one pair of systems",
    "seconds": "for one answer",
    "pay": "for an hour",
}


def main(arguments: Sequence[str]) -> int:
    options = vars(_parser().parse_args(arguments))
    pilot, file = options.pop("pilot"), options.pop("json")
    try:
        wish = _learned(pilot) if pilot else Wish()
        wish = replace(wish, **{name: value for name, value in options.items() if value is not None})
        found = plan(wish)
        if file is not None:
            file.write_text(
                json.dumps({"wish": asdict(wish), "plan": asdict(found)}, indent=2) + "\n", encoding="utf-8"
            )
    except (PlanError, StatsError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{file}: cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    print(_render(wish, found))
    return 0


def _learned(pilot: Path) -> Wish:
    """Ties and correlations of a pilot's votes; of several questions the means."""
    tables = list(VoteTable.from_file(pilot).split_by_question().values())
    ties = [float((table.outcome == TIE).mean()) for table in tables]
    found = [agreement(table) for table in tables]
    return Wish(
        ties=float(np.mean(ties)),
        prompt_icc=_mean_icc([each.prompt_icc for each in found], PROMPT_ICC),
        rater_icc=_mean_icc([each.rater_icc for each in found], RATER_ICC),
    )


def _mean_icc(found: Sequence[float], default: float) -> float:
    """Over the questions that determine it."""
    known = [value for value in found if not math.isnan(value)]
    return pilot_icc(known) if known else default


def _render(wish: Wish, found: Plan) -> str:
    aim = (
        f"To find a win rate of {wish.win_rate:.3g} with a power of {wish.power:.0%}"
        if wish.half_width is None
        else f"For an interval of half-width {wish.half_width:.3g}"
    )
    return (
        f"{aim}, with {wish.ties:.0%} ties and correlations of {wish.prompt_icc:.2f} within prompts and "
        f"{wish.rater_icc:.2f} within raters:\n\n"
        f"  {found.prompts:,} prompts (at least {found.fewest_prompts:,}, however many votes)\n"
        f"  {found.raters:,} raters (at least {found.fewest_raters:,})\n"
        f"  {found.votes_per_pair:,} votes for each pair of systems and question, {found.votes:,} in all\n"
        f"  {found.hours:,.1f} hours of judging, {found.cost:,.0f} for pay\n"
        f"  an interval of +-{found.half_width:.3f} for each pair\n"
        f"{_caution(found)}"
    )


def _caution(found: Plan) -> str:
    if min(found.prompts, found.raters) >= FEW_CLUSTERS:
        return ""
    return (
        f"Warning: with fewer than {FEW_CLUSTERS} prompts or raters, intervals are approximate. Fewer votes on each "
        "prompt, or judgements by each rater, bring more of them.\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis plan", description=(__doc__ or "").partition(": ")[2])
    for field in fields(Wish):
        if field.name == "half_width":
            text = "instead of power: half the width that an interval of a pair's win rate may have"
            parser.add_argument("--half-width", type=float, metavar="X", help=text)
            continue
        default = getattr(Wish(), field.name)
        kind = type(default)
        text = f"{_HELP[field.name]} (default {default})".strip()
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=kind, metavar="N" if kind is int else "X", help=text
        )
    parser.add_argument("--pilot", type=Path, metavar="VOTES", help="learn ties and correlations from this vote file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write wish and plan to FILE")
    return parser
