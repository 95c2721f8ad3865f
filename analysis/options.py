"""The options of python -m analysis."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from analysis.stats.asked import COVARIATES, FACTORS, RESAMPLED, WEIGHTS, Asked
from analysis.stats.errors import listed
from analysis.stats.formats import FORMATS
from analysis.stats.summary import TIES
from analysis.stats.uncertainty import CLUSTERS, TWO_WAY

_DESCRIPTION = (
    "Win rates, Elo and Bradley-Terry ratings of a file of pairwise votes. "
    "python -m analysis plan --help: how many votes a study needs."
)
_EPILOG = (
    "The file is CSV, or Parquet where its name ends in .parquet or .pq, with the columns question, prompt_id, "
    "system_left, system_right, outcome (left, right, tie or both_bad) and rater; vote_id, category, "
    "challenge, session, response_ms, answered_at, probability and excluded (true: leave the vote out) "
    "are optional; others are ignored. Of a study's bundle (a zip file) every file is checked and every number "
    "computed again; the exit status is then 0 if all agrees, 1 if anything differs, and 2 if it cannot be read."
)
_MOST_LOOKS = 1000
_MOST_PLANNED = 10**12  # votes; more is a slip, and far more than the mathematics can take


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Exits with status 2, after one sentence, for arguments that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m analysis", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("votes", type=Path, help="the vote file")
    _add_output(parser)
    _add_choices(parser)
    _add_requests(parser.add_argument_group("what is shown besides, for each question"))
    options = parser.parse_args(arguments)
    if options.looks is not None and options.planned_votes is None:
        parser.error("--looks needs --planned-votes: at which numbers of votes the looks were planned")
    if options.looks is not None and options.looks > (most := options.planned_votes):
        parser.error(f"--looks is {options.looks}; allowed with --planned-votes {most}: from 1 to {most}")
    if options.conclusion is not None and len(set(options.conclusion)) < len(options.conclusion):
        parser.error(f'--conclusion is about "{options.conclusion[0]}" twice; allowed are two systems')
    if options.ended and options.looks is None:
        parser.error("--ended says something of --looks, which is not given")
    return options


def asked(options: argparse.Namespace) -> Asked:
    return Asked(
        details=options.details,
        bootstrap=options.bootstrap,
        planned_votes=options.planned_votes,
        looks=options.looks,
        ended=options.ended,
        covariates=options.covariates,
        weights=options.weights,
        ridge=options.ridge,
        conclusion=None if options.conclusion is None else tuple(options.conclusion),
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything to FILE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="also write JSON, tables and report to this folder")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _add_choices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, help="the file is not a vote file but has this form")
    parser.add_argument("--with-excluded", action="store_true", help="count the votes that are marked as excluded too")
    parser.add_argument("--question", metavar="Q", help="read only the votes on question Q")
    parser.add_argument(
        "--ties",
        choices=TIES,
        default="half",
        help="half a win for each (default), left out, or modelled by Bradley-Terry (and half elsewhere)",
    )
    parser.add_argument(
        "--cluster",
        choices=CLUSTERS,
        default=TWO_WAY,
        metavar="BY",
        help="what intervals take the votes for a sample of: prompt,rater (default); prompt or rater, the other "
        "being a fixed set; or none (right only where no two votes share a prompt or a rater)",
    )
    parser.add_argument(
        "--seed",
        type=_whole("seed", 0),
        default=0,
        metavar="N",
        help="seed of Elo's shuffled orders and of bootstraps (default 0)",
    )


def _add_requests(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--details", action="store_true", help="fragility, slices, raters, learning and fatigue, response times"
    )
    group.add_argument(
        "--conclusion",
        nargs=2,
        metavar=("A", "B"),
        help="how few votes, or raters, would have to go for the conclusion to fall that system A is better than B",
    )
    group.add_argument(
        "--bootstrap", choices=RESAMPLED, help="intervals by drawing these anew (two-way: prompts and raters)"
    )
    group.add_argument(
        "--planned-votes",
        type=_whole("planned votes", 1, _MOST_PLANNED),
        metavar="N",
        help="what holds however often one looks; N votes under one question were planned before the first",
    )
    group.add_argument(
        "--looks",
        type=_whole("looks", 1, _MOST_LOOKS),
        metavar="K",
        help="instead: what K looks, planned at equal distances up to N votes, have shown (O'Brien-Fleming boundaries)",
    )
    group.add_argument(
        "--ended", action="store_true", help="there will be no more votes: the last look is at all that there are"
    )
    group.add_argument(
        "--covariates",
        type=_covariates,
        default=(),
        metavar="LIST",
        help=f"Bradley-Terry ratings that depend on these, of {', '.join(COVARIATES)} (one of the first two at a time)",
    )
    group.add_argument(
        "--weights",
        choices=WEIGHTS,
        help="ratings and shares of votes weighted by the inverse of the column probability, that of the pair's draw",
    )
    group.add_argument(
        "--ridge",
        type=_ridge,
        metavar="R",
        help="Bradley-Terry ratings under a normal prior of precision R on strengths in log odds (1: a standard "
        "deviation of 174 points), finite even for who wins or loses all",
    )


def _whole(name: str, least: int, most: float = math.inf) -> Callable[[str], int]:
    allowed = f"whole numbers from {least}" + ("" if most == math.inf else f" to {most:,}")

    def number(text: str) -> int:
        if not text.isdecimal() or not least <= float(text) <= most:
            verb = "are" if name.endswith("s") else "is"
            raise argparse.ArgumentTypeError(f'{name} {verb} "{text}"; allowed are {allowed}')
        return int(text)

    return number


def _covariates(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    allowed = f"allowed are {listed(COVARIATES, len(COVARIATES))}, with commas between them"
    if wrong := [f'"{name}"' for name in names if name not in COVARIATES]:
        raise argparse.ArgumentTypeError(f"covariates hold {listed(wrong)}; {allowed}")
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f'covariates are "{text}"; each may be named once')
    if len(set(names) & set(FACTORS)) > 1:
        raise argparse.ArgumentTypeError(f'covariates are "{text}"; allowed is one of {listed(FACTORS)} at a time')
    return names


def _ridge(text: str) -> float:
    try:
        ridge = float(text)
    except ValueError:
        ridge = math.nan
    if not 0 < ridge < math.inf:
        raise argparse.ArgumentTypeError(f'ridge is "{text}"; allowed are numbers above 0')
    return ridge
