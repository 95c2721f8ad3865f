from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.urls import reverse

from comparisons.models import Study
from comparisons.recruitment import invite
from comparisons.studies import StudyError, find_study
from people import audit
from people.audit import Verb

MOST = 10_000


class Command(BaseCommand):
    help = "Print new addresses, each for one person. They are told this once: only hashes are stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--count", type=int, required=True, metavar="N", help="of people")
        parser.add_argument("--url", default="", metavar="SITE", help="such as https://evalsite.example")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = find_study(options["slug"])
            _check(study, options["count"])
        except StudyError as error:
            raise CommandError(str(error)) from error
        address = options["url"].rstrip("/") + reverse("rate:landing", args=[study.key])
        with transaction.atomic():
            tokens = invite(study, options["count"])
            audit.record(Verb.INVITED, study=study, by=audit.shell_user(), details={"people": len(tokens)})
        for token in tokens:
            self.stdout.write(f"{address}?{urlencode({'invitation': token})}")


def _check(study: Study, count: int) -> None:
    platform = study.protocol.recruitment.platform
    if platform != "invitation":
        raise StudyError(
            f'Study {study.slug!r} recruits by {platform}: only one with recruitment.platform = "invitation" invites.'
        )
    if study.state != Study.State.OPEN:
        raise StudyError(f"Study {study.slug!r} is {study.state}: people are invited to open studies only.")
    if not 1 <= count <= MOST:
        raise StudyError(f"--count is {count}; allowed: a whole number from 1 to {MOST}.")
