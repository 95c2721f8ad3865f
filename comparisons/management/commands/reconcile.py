from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from comparisons import recruitment
from comparisons.payment import Payment
from comparisons.payments_file import payments_csv
from comparisons.reconciling import Line, Reconciliation, compare_books
from comparisons.studies import StudyError, find_study
from comparisons.submissions import BookError
from people import audit


class Command(BaseCommand):
    help = "Compare the file that Prolific or Mechanical Turk exports with what is stored, and say whom to pay what."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("submissions", type=Path, help="the platform's file, CSV")
        parser.add_argument("--out", type=Path, metavar="FILE", help="write a CSV with a line for each row and session")

    def handle(self, *args: Any, **options: Any) -> None:
        file, out = options["submissions"], options["out"]
        try:
            study = find_study(options["slug"])
            if out and out.resolve() == file.resolve():
                raise StudyError(f"--out is {str(out)!r}, the platform's file itself: give it another name.")
            found = compare_books(study, file, by=audit.shell_user())
            if out:
                out.write_text(payments_csv(found), encoding="utf-8")
        except (StudyError, BookError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"--out is {str(out)!r}, which cannot be written: {error.strerror}.") from error
        platform = recruitment.NAMES[study.protocol.recruitment.platform]
        self.stdout.write(_summary(found, platform))


def _summary(found: Reconciliation, platform: str) -> str:
    rows = sum(line.submission is not None for line in found.lines)
    different = [line for line in found.lines if line.differences]
    said = [f"{rows} row(s) in the book of {platform}, {found.sessions} session(s) here."]
    said += [f"{_name(line)}: {' '.join(line.differences)} {_to_pay(line)}" for line in different]
    if not different:
        said.append("The books agree.")
    if found.erased:
        said.append(f"{found.erased} erased here: their rows look like those of people who never came.")
    counts = ", ".join(f"{payment} {found.count(payment)}" for payment in Payment)
    return "\n".join([*said, f"To pay: {counts}."])


def _name(line: Line) -> str:
    if line.submission:
        return f"row {line.submission.row}, {line.submission.worker}"
    return f"session {line.session.public_id}" if line.session else ""


def _to_pay(line: Line) -> str:
    return f"To pay: {line.verdict.payment} ({line.verdict.reason})."
