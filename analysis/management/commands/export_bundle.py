"""Write a study into one file that proves its numbers."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analysis.bundle import write_bundle
from analysis.files import replacing
from comparisons.studies import StudyError, find_study
from generation.storage import StorageError
from people import audit
from people.audit import Verb


class Command(BaseCommand):
    help = (
        "Write a study into a zip file, which is replaced if it exists: votes, exclusions, design, prompts, systems, "
        "how each picture was made, results, versions, and the SHA-256 of each file. python -m analysis FILE checks "
        "it and computes the numbers again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG", help="the study")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the zip file to write")
        parser.add_argument("--images", action="store_true", help="with the pictures, as they were made")

    def handle(self, *args: Any, out: Path, images: bool, **options: Any) -> None:
        try:
            study = find_study(options["study"])
            with replacing(out) as temporary, temporary.open("wb") as file:
                write_bundle(study, file, with_images=images)
        except (StudyError, StorageError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or out}: cannot be written: {error.strerror}.") from None
        audit.record(Verb.EXPORTED, study=study, by=audit.shell_user(), details={"file": out.name})
        self.stdout.write(f"Wrote {out}")
