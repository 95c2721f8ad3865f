"""Compute a study's results here and now, where no worker does."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analysis.computing import ComputedElsewhere, compute
from analysis.kinds import KINDS
from comparisons.studies import StudyError, find_study


class Command(BaseCommand):
    help = "Compute what the pages of a study show of its votes, and store it. A worker does the same by itself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG", help="the study")
        parser.add_argument("--kind", action="append", choices=KINDS, help="only numbers of this kind; may be repeated")

    def handle(self, *args: Any, study: str, kind: list[str] | None, **options: Any) -> None:
        try:
            found = find_study(study)
        except StudyError as error:
            raise CommandError(str(error)) from None
        for name in kind or KINDS:
            start = time.monotonic()
            try:
                compute(found, name)
            except ComputedElsewhere:
                self.stdout.write(f"{name}: a worker is computing them at this moment.")
            else:
                self.stdout.write(f"{name}: {time.monotonic() - start:.1f} s")
