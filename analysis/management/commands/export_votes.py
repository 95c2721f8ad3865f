"""Write a study's votes to a CSV or Parquet file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analysis.exports import votes_csv, write_votes_parquet
from analysis.files import replacing, write_lines
from analysis.stats.vote_file import PARQUET
from comparisons.studies import StudyError, find_study
from people import audit
from people.audit import Verb


class Command(BaseCommand):
    help = (
        "Write every vote of a study, late and excluded ones too, to a file, which is replaced if it exists: CSV, or "
        "Parquet where its name ends in .parquet or .pq."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG", help="the study")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")
        parser.add_argument("--format", choices=["csv", "parquet"], help="whatever the file's name ends in")

    def handle(self, *args: Any, out: Path, format: str | None, **options: Any) -> None:  # noqa: A002 - the option
        is_parquet = out.suffix.lower() in PARQUET if format is None else format == "parquet"
        try:
            study = find_study(options["study"])
            if is_parquet:
                with replacing(out) as temporary:
                    write_votes_parquet(study, temporary)
            else:
                write_lines(out, votes_csv(study))
        except StudyError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{out}: cannot be written: {error.strerror}.") from None
        audit.record(Verb.EXPORTED, study=study, by=audit.shell_user(), details={"file": out.name})
        self.stdout.write(f"Wrote {out}")
