from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comparisons.studies import StudyError, create_study
from comparisons.study_file import StudyFileError, read_study


class Command(BaseCommand):
    help = "Create a study from a study file, or replace the draft of the same slug."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study, is_new = create_study(read_study(options["file"]))
        except StudyFileError as error:
            raise CommandError(str(error)) from error
        except StudyError as error:
            raise CommandError(f"{options['file']}: {error}") from error
        if not is_new:
            self.stdout.write(f"Study {study.slug} is there already, unchanged ({study.get_state_display()}).")
            return
        self.stdout.write(
            f"Study {study.slug}: {study.systems.count()} systems, {study.prompt_set.prompts.count()} prompts, "
            f"{study.questions.count()} question(s). Next: manage.py open_study {study.slug}"
        )
