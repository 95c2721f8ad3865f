from __future__ import annotations

import gc
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.backends import BackendError
from generation.benchmarking import UnknownSystem, find_system, measure, timings_of
from generation.latency import Breakdown, surroundings, table
from generation.models import LatencyRun
from generation.systems import SystemSpec

PROMPT = "a photograph of an astronaut riding a horse"


class Command(BaseCommand):
    help = "Measure how long systems take for encoding, one forward and decoding; print it as a table and store it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("systems", nargs="+", metavar="SYSTEM", help="a slug, or NAME@STEPS of the catalogue")
        parser.add_argument("--runs", type=int, default=10, metavar="N", help="calls of each batch size (default: 10)")
        parser.add_argument(
            "--batch", type=int, action="append", metavar="N", help="images a call; may be repeated (default: 1)"
        )
        parser.add_argument("--prompt", default=PROMPT, metavar="TEXT", help=f"default: {PROMPT}")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = options["batch"] or [1]
        for name, value in [("--runs", options["runs"]), *(("--batch", size) for size in asked)]:
            if value < 1:
                raise CommandError(f"{name} is {value}; allowed: a whole number of at least 1.")
        try:
            specs = [find_system(name) for name in options["systems"]]
            for spec in specs:
                stored, largest = measure(spec, settings.DATA_DIR, asked, options["runs"], options["prompt"])
                self._print(spec, stored, largest, asked)
                gc.collect()  # a pipeline's modules refer to each other, and must go before the next are made
        except (UnknownSystem, BackendError) as error:
            raise CommandError(str(error)) from error

    def _print(self, spec: SystemSpec, stored: list[LatencyRun], largest: int | None, asked: list[int]) -> None:
        rows: dict[int, Breakdown | str] = {
            run.batch_size: run.error or Breakdown.of(timings_of(run)) for run in stored
        }
        calls = max(run.runs for run in stored)
        self.stdout.write(f"{spec.slug}: milliseconds a call, median (quartiles) of {calls} call(s)")
        self.stdout.write(table(rows))
        if largest is not None and max(asked) > largest:
            self.stdout.write(f"{spec.slug} makes at most {largest} image(s) a call.")
        if measured := next((run for run in stored if run.environment), None):
            self.stdout.write(surroundings(measured.environment))
        self.stdout.write("")
