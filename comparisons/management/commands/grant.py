from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comparisons.studies import StudyError, find_study
from people import audit, members
from people.members import MembershipError, Role


class Command(BaseCommand):
    help = "Give somebody a role in a study, in the place of the one that they have."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("user", help="user name or e-mail address of an account")
        parser.add_argument("role", help=", ".join(Role.values))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study, user = find_study(options["slug"]), members.find_user(options["user"])
            is_new = members.grant(study, user, options["role"], by=audit.shell_user())
        except (StudyError, MembershipError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{user.username} is {options['role']} of {study.slug}{'' if is_new else ' already'}.")
