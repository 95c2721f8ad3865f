"""Take votes made elsewhere into a study."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analysis.stats.errors import counted
from analysis.vote_import import VoteImportError, import_file
from comparisons.studies import StudyError, find_study
from people import audit


class Command(BaseCommand):
    help = "Take votes made elsewhere on a study's own images into the study: all votes of a file, or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG", help="the study, which must be open")
        parser.add_argument(
            "votes",
            type=Path,
            metavar="FILE",
            help="CSV, or Parquet where its name ends in .parquet or .pq, with the columns of export_votes: question, "
            "prompt_id, system_left, system_right, outcome, rater, answered_at, response_ms, and perhaps probability, "
            "rater_kind, late and excluded",
        )

    def handle(self, *args: Any, votes: Path, **options: Any) -> None:
        try:
            done = import_file(find_study(options["study"]), votes, by=audit.shell_user())
        except (StudyError, VoteImportError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{counted(done.new, 'vote')} imported, {done.there_already} were there already.")
