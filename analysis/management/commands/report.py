"""Write a study's report."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analysis.reports import write_report
from comparisons.studies import StudyError, find_study


class Command(BaseCommand):
    help = "Write a study's report to a folder: report.html, votes.csv, leaderboard.csv, win_rates.csv, summary.json."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG", help="the study")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder, made if need be")

    def handle(self, *args: Any, study: str, out: Path, **options: Any) -> None:
        try:
            files = write_report(find_study(study), out)
        except StudyError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{out}: cannot be written: {error.strerror}.") from None
        for file in files:
            self.stdout.write(f"Wrote {file}")
