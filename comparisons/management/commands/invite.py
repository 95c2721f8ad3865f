from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from comparisons.inviting import invite_people
from comparisons.studies import StudyError, find_study
from people import audit


class Command(BaseCommand):
    help = "Print new addresses, each for one person. They are told this once: only hashes are stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--count", type=int, required=True, metavar="N", help="of people")
        parser.add_argument("--url", default="", metavar="SITE", help="such as https://evalsite.example")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = find_study(options["slug"])
            address = options["url"].rstrip("/") + reverse("rate:landing", args=[study.key])
            invitations = invite_people(study, options["count"], address, by=audit.shell_user())
        except StudyError as error:
            raise CommandError(str(error)) from error
        for invitation in invitations:
            self.stdout.write(invitation)
