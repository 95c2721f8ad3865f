"""python -m analysis votes.csv, or votes.parquet: the statistics of any vote file, without a database."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.stats.asked import RESAMPLED, Asked
from analysis.stats.errors import StatsError, VoteFileError, listed
from analysis.stats.folder import as_json, write_folder
from analysis.stats.formats import FORMATS, convert
from analysis.stats.outcomes import VoteTable
from analysis.stats.summary import TIES, summarise
from analysis.stats.terminal import render
from analysis.stats.uncertainty import CLUSTERS, TWO_WAY


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] == "plan":
        from analysis import plan_command

        return plan_command.main(arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        votes, notes = _read(options)
        if options.question is not None:
            votes = _one_question(votes, options.question, options.votes.name)
        asked = Asked(options.details, options.bootstrap, options.planned_votes)
        summary = summarise(votes, seed=options.seed, ties=options.ties, cluster=options.cluster, asked=asked)
        summary["warnings"] = [*notes, *summary["warnings"]]
        if options.json is not None:
            options.json.write_text(as_json(summary), encoding="utf-8")
        if options.out is not None:
            write_folder(summary, options.out)
    except StatsError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename}: cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    if not options.quiet:
        _print(render(summary))
    return 0


def _read(options: argparse.Namespace) -> tuple[VoteTable, list[str]]:
    """The votes, and what is to be said of how they were read."""
    if options.format is None:
        return VoteTable.from_file(options.votes, with_excluded=options.with_excluded), []
    converted = convert(options.votes, options.format)
    return VoteTable.from_frame(converted.frame, options.votes.name), converted.notes


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Whoever reads (head, less) has seen enough; the interpreter's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _one_question(votes: VoteTable, question: str, name: str) -> VoteTable:
    if question not in votes.questions:
        known = listed([f'"{key}"' for key in votes.questions], limit=10)
        raise VoteFileError(f'{name}: no question "{question}"; the file has {known}.')
    return votes.split_by_question()[question]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analysis",
        description=(
            "Win rates, Elo and Bradley-Terry ratings of a file of pairwise votes. "
            "python -m analysis plan --help: how many votes a study needs."
        ),
        epilog=(
            "The file is CSV, or Parquet where its name ends in .parquet or .pq, with the columns question, prompt_id, "
            "system_left, system_right, outcome (left, right, tie or both_bad) and rater; vote_id, category, "
            "challenge, session, response_ms, answered_at, probability and excluded (true: leave the vote out) "
            "are optional; others are ignored."
        ),
    )
    parser.add_argument("votes", type=Path, help="the vote file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything to FILE")
    parser.add_argument("--out", type=Path, metavar="DIR", help="also write JSON, tables and report to this folder")
    parser.add_argument("--format", choices=FORMATS, help="the file is not a vote file but has this form")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
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
        help="what intervals take the votes for a sample of: prompts and raters (default), one of them "
        "while the other is a fixed set, or neither (right only where no two votes share a prompt or a rater)",
    )
    parser.add_argument(
        "--details",
        action="store_true",
        help="also fragility, slices, raters, learning and fatigue, response times",
    )
    parser.add_argument(
        "--bootstrap",
        choices=RESAMPLED,
        help="also intervals by drawing these anew (two-way: prompts and raters)",
    )
    parser.add_argument(
        "--planned-votes",
        type=_planned,
        metavar="N",
        help="also what holds however often one looks; N votes under one question were planned before the first",
    )
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="seed of Elo's shuffled orders (default 0)")
    return parser


def _planned(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f'planned votes are "{text}"; allowed are whole numbers from 1')
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'seed is "{text}"; allowed are whole numbers from 0')
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
