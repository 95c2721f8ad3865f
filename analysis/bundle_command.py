"""python -m analysis bundle.zip

Exit status: 0 everything agrees; 1 a file was changed, or what is stored differs from what the votes give; 2 it cannot
be read as a bundle.
"""

from __future__ import annotations

import argparse
import sys

from analysis.bundle_check import check_bundle
from analysis.options import parse
from analysis.stats.errors import StatsError, listed


def main(options: argparse.Namespace) -> int:
    plain = vars(parse([str(options.votes)]))
    others = [f"--{name.replace('_', '-')}" for name, value in vars(options).items() if value != plain[name]]
    if others := [option for option in others if option != "--quiet"]:
        print(
            f"{options.votes.name}: a bundle is checked as it is, without {listed(others, len(others))}; "
            "take its votes.parquet out for other numbers.",
            file=sys.stderr,
        )
        return 2
    try:
        agrees, lines = check_bundle(options.votes)
    except StatsError as error:
        print(error, file=sys.stderr)
        return 2
    if not options.quiet or not agrees:
        print("\n".join(lines))
    return 0 if agrees else 1
