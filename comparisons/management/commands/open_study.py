from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from comparisons.studies import StudyError, find_study, open_study
from people import audit
from people.audit import Verb


class Command(BaseCommand):
    help = "Freeze a study's design and let raters in as soon as there are images."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = find_study(options["slug"])
            with transaction.atomic():
                opened = open_study(study)
                if opened:
                    audit.record(
                        Verb.OPENED, study=study, by=audit.shell_user(), details={"design_hash": study.design_hash}
                    )
        except StudyError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Study {study.slug} is open{'' if opened else ' already'}.")
        self.stdout.write(f"Design hash: {study.design_hash}")
        self.stdout.write(f"Raters' address: /r/{study.key}/")
        self.stdout.write(f"Next: manage.py generate {study.slug} --wait")
