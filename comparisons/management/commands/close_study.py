from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comparisons.studies import StudyError, close_study, find_study


class Command(BaseCommand):
    help = "Hand out no more pairs. Answers to pairs that raters hold already are still kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = find_study(options["slug"])
            closed = close_study(study)
        except StudyError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Study {study.slug} is closed{'' if closed else ' already'}.")
