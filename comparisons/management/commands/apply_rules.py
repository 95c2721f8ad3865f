from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comparisons.rules import Applied, apply_rules
from comparisons.studies import StudyError, find_study
from people import audit
from people.audit import Verb


class Command(BaseCommand):
    help = "Leave out of the analysis what the study's rules leave out; what a person has restored stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = find_study(options["slug"])
        except StudyError as error:
            raise CommandError(str(error)) from error

        def note(applied: Applied) -> None:
            for verb, votes in ((Verb.EXCLUDED, applied.excluded), (Verb.RESTORED, applied.returned)):
                if votes:
                    audit.record(verb, study=study, by=audit.shell_user(), details={"by the rules": votes})

        applied = apply_rules(study, note)
        self.stdout.write(f"{applied.excluded} newly left out, {applied.returned} taken back in.")
