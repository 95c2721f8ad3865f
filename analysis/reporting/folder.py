"""A report as files: the page, the paper, the votes, the numbers, and every table and figure by itself."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from analysis import exports
from analysis.files import in_temporary_file, replacing, write_lines
from analysis.reporting.blocks import Report
from analysis.reporting.content import report
from analysis.reporting.html import html
from analysis.reporting.latex import latex
from analysis.reporting.pdf import Pdf, figure_pdf, pdf
from analysis.reporting.source import Source
from comparisons.models import Study

SUMS = "SHA256SUMS"
Writer = Callable[[Path], None]


@dataclass(frozen=True)
class Written:
    files: list[Path]
    lacks_letters: bool  # of the paper: see pdf.Pdf


def write_report(source: Source, folder: Path) -> Written:
    """Write the report's files into `folder`, each whole or not at all, in place of those of an earlier report."""
    content = report(source)
    paper = pdf(content)
    made: dict[str, str] = {}
    for name, write in _files(source, content, paper).items():
        write(folder / name)
        made[name] = _sha256(folder / name)
    for name in _listed(folder / SUMS) - made.keys():
        (folder / name).unlink(missing_ok=True)
    write_lines(folder / SUMS, (f"{sha256}  {name}\n" for name, sha256 in made.items()))
    return Written([folder / name for name in [*made, SUMS]], paper.lacks_letters)


def zipped(source: Source) -> IO[bytes]:
    """All of it in one file, which is gone when it is closed."""

    def write(archive: IO[bytes]) -> None:
        with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for path in write_report(source, Path(name)).files:
                file.write(path, f"{source.study.slug}-report/{path.relative_to(name)}")

    return in_temporary_file(write)


def _files(source: Source, content: Report, paper: Pdf) -> dict[str, Writer]:
    study = source.study
    files = {
        "report.html": _lines([html(content)]),
        "report.pdf": _bytes(lambda: paper.content),
        "votes.csv": _lines(exports.votes_csv(study)),
        "votes.parquet": _parquet(study),
        "prompts.csv": _lines(_prompts(study)),
    }
    if not source.study.hides_results:
        files |= {
            "summary.json": _lines(_json(source.summary)),
            "breakdowns.json": _lines(_json(source.breakdowns["questions"])),
            "leaderboard.csv": _lines(exports.leaderboard_csv(source.summary)),
            "combined.csv": _lines(exports.combined_csv(source.summary)),
            "win_rates.csv": _lines(exports.win_rates_csv(source.summary)),
        }
    return files | _pieces(content)


def _pieces(content: Report) -> dict[str, Writer]:
    tables = {f"tables/{table.key}.tex": _lines([latex(table)]) for table in content.tables}
    drawings = {f"figures/{figure.key}.svg": _lines([figure.svg, "\n"]) for figure in content.figures}
    pages = {
        f"figures/{figure.key}.pdf": _bytes(lambda figure=figure: figure_pdf(figure, content.written_at))  # type: ignore[misc]
        for figure in content.figures
    }
    return tables | drawings | pages


def _lines(lines: Iterable[str]) -> Writer:
    return lambda path: write_lines(path, lines)


def _bytes(make: Callable[[], bytes]) -> Writer:
    def write(path: Path) -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(make())

    return write


def _parquet(study: Study) -> Writer:
    def write(path: Path) -> None:
        with replacing(path) as temporary:
            exports.write_votes_parquet(study, temporary)

    return write


def _json(content: Any) -> list[str]:
    return [json.dumps(content, allow_nan=False, indent=2), "\n"]


def _prompts(study: Study) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    prompts = study.prompt_set.prompts.order_by("position").values_list("position", "text", "category", "challenge")
    for row in [("prompt_id", "Prompt", "Category", "Challenge"), *prompts]:
        writer.writerow(row)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _listed(sums: Path) -> set[str]:
    """What an earlier report wrote here; nothing outside of the folder, whatever somebody wrote into the list."""
    if not sums.exists():
        return set()
    names = {line.partition("  ")[2] for line in sums.read_text(encoding="utf-8").splitlines()}
    return {name for name in names if not Path(name).is_absolute() and ".." not in Path(name).parts}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
