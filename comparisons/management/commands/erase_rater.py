from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comparisons.erasure import Erasure, erase, find_by_session, find_by_worker
from comparisons.imported_raters import known_raters
from comparisons.models import Rater, Study
from comparisons.studies import StudyError, find_study
from people import audit

WORKER = "the platform's id of the person, the invitation's token, or their name in a file of votes that was imported"


class Command(BaseCommand):
    help = "Forget a person for good: nothing that is stored points to them afterwards. Their votes stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("worker", nargs="?", help=WORKER)
        parser.add_argument("--session", metavar="ID", help="instead: a session's id, as in votes.csv")
        parser.add_argument("--exclude", action="store_true", help="leave their votes out of every number as well")
        parser.add_argument("--reason", default="", metavar="TEXT", help="for --exclude: what the study's pages say")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = find_study(options["slug"])
            _check_reason(options["exclude"], options["reason"].strip())
            rater = _find(study, options["worker"], options["session"])
        except StudyError as error:
            raise CommandError(str(error)) from error
        if rater is None:
            self.stdout.write(
                f"Nothing was changed: nobody with this id is known to study {study.slug}. "
                "They never took part, or have been erased."
            )
            return
        self.stdout.write(_told(erase(rater, options["reason"].strip(), by=audit.shell_user())))


def _check_reason(exclude: bool, reason: str) -> None:
    if exclude != bool(reason):
        raise StudyError("--exclude and --reason TEXT go together: what is left out is left out for a reason.")


def _find(study: Study, worker: str | None, session: str | None) -> Rater | None:
    if bool(worker) == bool(session):
        raise StudyError("Say who: either WORKER, the platform's id of the person, or --session ID.")
    if worker and study.protocol.recruitment.platform == "link" and not known_raters(study):
        raise StudyError(f"Study {study.slug!r} recruits by link and knows nobody's id: use --session ID.")
    if worker:
        return find_by_worker(study, worker)
    try:
        return find_by_session(study, uuid.UUID(session))
    except ValueError:
        raise StudyError(f"--session is {session!r}; allowed: a session's id, as in the column of votes.csv.") from None


def _told(erasure: Erasure) -> str:
    told = ["This person had been erased before." if erasure.was_erased else "Erased: all that pointed to this person."]
    for session in erasure.sessions:
        left_out = ", newly left out of the numbers" if session.is_excluded else ""
        told.append(f"Study {session.study}: {session.votes} vote(s) stay{left_out}; {session.notes} note(s) removed.")
    told.append("Files that were exported before still have the session's former id.")
    return "\n".join(told)
