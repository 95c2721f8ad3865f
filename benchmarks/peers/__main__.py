"""What one answer and the next task cost in other products: python -m benchmarks.peers [--only NAME] [--seconds S]

Each peer gets an environment of its own, installed by pip, and serves the same study as benchmarks/rating.py: two
images and a prompt, the answers left and right, a thousand comparisons, raters who answer without thinking, all on this
machine. It is configured as its documentation recommends for production, which the module of each peer states. Server
CPU is that of the product's processes, the database's is told apart; images, scripts and style sheets are not asked
for. At the end the answers that the peer stored are counted in its own books.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import requests

from benchmarks.peers.common import CROWDS, Peer, PeerFailed, Place, install, measure
from benchmarks.peers.label_studio import LABEL_STUDIO
from benchmarks.peers.otree import OTREE
from benchmarks.peers.potato import POTATO
from benchmarks.peers.turkle import TURKLE
from benchmarks.processes import Load
from scripts.with_postgres import postgres

PEERS = (OTREE, TURKLE, POTATO, LABEL_STUDIO)
HEADER = """\
| peer | raters | answers/s | web CPU, ms | database CPU, ms | median, ms | p99, ms | stored of given | configured |
|---|---:|---:|---:|---:|---:|---:|---:|---|"""


def line(peer: Peer, row: Load, stored: int, given: int) -> str:
    product = peer.requirements[0].replace("==", " ")
    database = "" if row.database_ms is None else f"{row.database_ms:.1f}"
    return (
        f"| {product} | {row.raters} | {row.answers / row.seconds:.1f} | {row.web_ms:.1f} | {database} | "
        f"{row.median_ms:.0f} | {row.p99_ms:.0f} | {stored} of {given} | {peer.configured} |"
    )


def run(peer: Peer, environments: Path, seconds: float) -> tuple[list[Load], int, int]:
    """A row for each crowd, the answers that are stored at the end, and those that were given."""
    environment = install(peer, environments)
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres(for_tests=False) as database_url,
        peer.serve(Place(environment, Path(folder), database_url)) as running,
    ):
        rows, given, entered = [], 0, 0
        for size in CROWDS:
            crowd = [running.enter(entered + n) for n in range(size)]
            for rater in crowd:
                rater.answer()
            rows.append(measure(running, crowd, seconds, peer.postgres))
            given += size + rows[-1].answers
            entered += size
        return rows, running.stored(), given


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=[peer.name for peer in PEERS])
    parser.add_argument("--seconds", type=float, default=15.0, help="for each line (default: 15)")
    parser.add_argument("--dir", type=Path, help="keeps the environments there for the next run (default: nowhere)")
    parser.add_argument("--json", type=Path, help="writes the figures there as well")
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    failures = []
    print(HEADER, flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        for peer in PEERS:
            if options.only not in (None, peer.name):
                continue
            try:
                rows, stored, given = run(peer, (options.dir or Path(temporary)).resolve(), options.seconds)
            except (PeerFailed, requests.RequestException) as failed:
                failures.append(f"{peer.name} could not be measured: {' '.join(str(failed).split())}")
                continue
            for row in rows:
                print(line(peer, row, stored, given), flush=True)
            if stored != given:
                failures.append(f"{peer.name} stored {stored} of the {given} answers that it was given.")
            about = {"product": peer.requirements[0], "configured": peer.configured, "stored": stored, "given": given}
            results.append(about | {"rows": [asdict(row) for row in rows]})
    for sentence in failures:
        print(sentence)
    if options.json:
        options.json.write_text(json.dumps({"peers": results, "failures": failures}, indent=1) + "\n")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
