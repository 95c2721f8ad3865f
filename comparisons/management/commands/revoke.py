from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comparisons.studies import StudyError, find_study
from people import audit, members
from people.members import MembershipError


class Command(BaseCommand):
    help = "Take somebody's role in a study away."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("user", help="user name or e-mail address of an account")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study, user = find_study(options["slug"]), members.find_user(options["user"], active=False)
            members.revoke(study, user, by=audit.shell_user())
        except (StudyError, MembershipError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{user.username} no longer takes part in {study.slug}.")
