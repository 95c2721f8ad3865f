"""Write a study's report."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analysis.reporting.folder import write_report
from analysis.reporting.source import read_source
from analysis.snapshots import current
from comparisons.studies import StudyError, find_study
from people import audit
from people.audit import Verb


class Command(BaseCommand):
    help = (
        "Write a study's report to a folder: report.html and report.pdf, the votes, all numbers as JSON and CSV, every "
        "table as LaTeX and every figure as SVG and PDF. Files of an earlier report are replaced."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG", help="the study")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder, made if need be")

    def handle(self, *args: Any, study: str, out: Path, **options: Any) -> None:
        try:
            found = find_study(study)
            written = write_report(read_source(found, current), out)
        except StudyError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{out}: cannot be written: {error.strerror}.") from None
        audit.record(Verb.EXPORTED, study=found, by=audit.shell_user(), details={"file": "report"})
        for file in written.files:
            self.stdout.write(f"Wrote {file}")
        if written.lacks_letters:
            self.stderr.write(
                "report.pdf shows some characters as boxes, since no font of this machine has them: "
                "install one that does, and write the report again."
            )
