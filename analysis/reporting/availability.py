"""Where data and code are, and the hashes by which one knows them again."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version

from analysis.numbers import planned_votes
from analysis.reporting.blocks import Block, Heading, Paragraph, code, definitions, table, words
from analysis.reporting.source import Source

LIBRARIES = ("numpy", "scipy", "pandas", "numba", "django")
FILES = {
    "report.html, report.pdf": "this report",
    "votes.csv, votes.parquet": "every vote as the rater saw it, late and excluded ones too; no ids of people",
    "prompts.csv": "the prompts with category and challenge",
    "tables/": "each table of this report, as LaTeX with booktabs",
    "figures/": "each figure, as SVG and as PDF",
    "SHA256SUMS": "hashes of all of these, for sha256sum --check",
}
ONE_LOOK = "of an open study its fixed-sample numbers hold for one look"
OF_RESULTS = {
    "summary.json": f"all results in full; {ONE_LOOK}",
    "leaderboard.csv, win_rates.csv": "the same, as tables of systems and of pairs",
    "breakdowns.json": f"rates by category and challenge, and fragility, in full; {ONE_LOOK}",
}


def availability_blocks(source: Source) -> Iterator[Block]:
    study = source.study
    yield Heading("Data and code")
    yield Paragraph(
        "These files come with the report when it is written to a folder or downloaded whole. The bundle of the study "
        "(manage.py export_bundle) has the design, the exclusions and every image's provenance besides, and recomputes "
        "every number without a database."
    )
    files = FILES if study.hides_results else FILES | OF_RESULTS
    yield table(
        "files", "Files.", ["File", "What it holds"], [(code(name), words(what)) for name, what in files.items()]
    )
    settings = source.summary["settings"]
    planned = f" --planned-votes {planned_votes(study)}" if source.is_open else ""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    yield definitions(
        ("Design", code(study.design_hash) if study.design_hash else "a draft, without a hash"),
        ("Prompts", code(study.prompt_set.sha256)),
        ("Results from votes", code(f"python -m analysis votes.csv --json summary.json{planned}")),
        ("Analysis", f"version {settings['version']}, seed {settings['seed']}"),
        ("Software", f"Python {platform.python_version()}, {libraries}"),
    )
