from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from comparisons.studies import StudyError, close_study, find_study
from people import audit
from people.audit import Verb


class Command(BaseCommand):
    help = "Hand out no more pairs. Answers to pairs that raters hold already are still kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = find_study(options["slug"])
            with transaction.atomic():
                closed = close_study(study)
                if closed:
                    audit.record(Verb.CLOSED, study=study, by=audit.shell_user())
        except StudyError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Study {study.slug} is closed{'' if closed else ' already'}.")
