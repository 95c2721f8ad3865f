from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comparisons.rules import apply_rules
from comparisons.studies import StudyError, find_study


class Command(BaseCommand):
    help = "Leave out of the analysis what the study's rules leave out; what a person has restored stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = find_study(options["slug"])
        except StudyError as error:
            raise CommandError(str(error)) from error
        applied = apply_rules(study)
        self.stdout.write(f"{applied.excluded} newly left out, {applied.returned} taken back in.")
