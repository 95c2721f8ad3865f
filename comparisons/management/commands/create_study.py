from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from comparisons.models import Study
from comparisons.studies import StudyError, create_study
from comparisons.study_file import StudyFileError, StudySpec, read_study
from people import audit, members
from people.audit import Verb
from people.members import MembershipError


class Command(BaseCommand):
    help = "Create a study from a study file, or replace the draft of the same slug."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--owner", metavar="USER", help="who may then do everything in it: a user name or e-mail")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            owner = members.find_user(options["owner"]) if options["owner"] else None
            study, is_new = _create(read_study(options["file"]), owner)
        except (StudyFileError, MembershipError) as error:
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


@transaction.atomic
def _create(spec: StudySpec, owner: User | None) -> tuple[Study, bool]:
    verb = Verb.CHANGED if Study.objects.filter(slug=spec.slug).exists() else Verb.CREATED
    study, is_new = create_study(spec)
    if is_new:
        audit.record(verb, study=study, by=audit.shell_user())
    if owner:
        members.grant(study, owner, members.Role.OWNER, by=audit.shell_user())
    return study, is_new
