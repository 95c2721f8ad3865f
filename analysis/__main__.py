"""python -m analysis votes.csv, or votes.parquet, or bundle.zip: the statistics of votes, without a database."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from analysis.bundle_files import is_zip
from analysis.options import asked, parse
from analysis.stats.asked import Asked
from analysis.stats.errors import StatsError, VoteFileError, counted, listed
from analysis.stats.folder import as_json, write_folder
from analysis.stats.formats import convert
from analysis.stats.outcomes import VoteTable
from analysis.stats.summary import summarise
from analysis.stats.terminal import render


def main(arguments: Sequence[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] == "plan":
        from analysis import plan_command

        return plan_command.main(arguments[1:])
    options = parse(arguments)
    if is_zip(options.votes):
        from analysis import bundle_command

        return bundle_command.main(options)
    try:
        votes, notes = _read(options)
        if options.question is not None:
            votes = _one_question(votes, options.question, options.votes.name)
        wish = asked(options)
        _check(votes, wish, options.votes.name)
        summary = summarise(votes, seed=options.seed, ties=options.ties, cluster=options.cluster, asked=wish)
        summary["warnings"] = [*notes, *summary["warnings"]]
        if options.json is not None:
            options.json.write_text(as_json(summary), encoding="utf-8")
        if options.out is not None:
            write_folder(summary, options.out)
    except StatsError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        # A full disk is told without a name.
        names = [str(path) for path in (options.json, options.out) if path is not None]
        print(f"{error.filename or ' or '.join(names)}: cannot be written: {error.strerror}.", file=sys.stderr)
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


def _check(votes: VoteTable, wish: Asked, name: str) -> None:
    """That the file has what is wished for."""
    if wrong := [f'"{system}"' for system in wish.conclusion or () if system not in votes.systems]:
        known = listed([f'"{system}"' for system in votes.systems], limit=50)
        raise VoteFileError(f"{name}: no system {listed(wrong)}, which --conclusion names; the file has {known}.")
    for column, option in wish.columns().items():
        if column not in votes.optional:
            there = listed(list(votes.optional), len(votes.optional)) or "none"
            raise VoteFileError(
                f'{name}: no column "{column}", which --{option} needs; its optional columns are {there}.'
            )
    if wish.weights is not None and (empty := int((votes.optional[wish.weights] == "").sum())):
        raise VoteFileError(f"{name}: {wish.weights} is empty in {counted(empty, 'vote')}; --weights needs it in each.")


if __name__ == "__main__":
    sys.exit(main())
