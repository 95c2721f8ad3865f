"""Write a study's votes to a CSV file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analysis.exports import votes_csv
from analysis.files import write_lines
from comparisons.studies import StudyError, find_study


class Command(BaseCommand):
    help = "Write every vote of a study, late and excluded ones too, to a CSV file, which is replaced if it exists."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG", help="the study")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the CSV file to write")

    def handle(self, *args: Any, study: str, out: Path, **options: Any) -> None:
        try:
            write_lines(out, votes_csv(find_study(study)))
        except StudyError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{out}: cannot be written: {error.strerror}.") from None
        self.stdout.write(f"Wrote {out}")
