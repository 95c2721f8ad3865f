from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count, Q
from tqdm import tqdm

from comparisons.asking import ask_for_images, made_here
from comparisons.models import Comparison, Study
from comparisons.progress import failures
from comparisons.studies import StudyError, build_comparisons, find_study, image_jobs, systems_named
from generation.models import ImageJob, ImageJobQuerySet
from people import audit

POLL_SECONDS = 0.5
SILENCE_SECONDS = 30
BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}]"  # never seconds an image
MOST_FAILURES = 10  # listed, one a line


class Command(BaseCommand):
    help = "Ask the workers for every image of a study that is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--system", action="append", metavar="SLUG", help="only this one; may be repeated")
        parser.add_argument("--wait", action="store_true", help="show the progress until all images are there")
        parser.add_argument("--retry", action="store_true", help="also try again what has failed")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = find_study(options["slug"])
            named = options["system"]
            systems, awaited = (systems_named(study, named), []) if named else made_here(study)
            asked = ask_for_images(study, systems, retry=options["retry"], by=audit.shell_user())
        except StudyError as error:
            raise CommandError(str(error)) from error
        if asked.no_broker:
            raise CommandError(f"{asked.trouble} What was found: {asked.no_broker}") from asked.no_broker
        mine = image_jobs(study).filter(system__in=systems)
        self.stdout.write(f"{asked.new} new, {asked.retried} to try again, {mine.count()} in all.")
        for system in awaited:
            self.stdout.write(
                f"{system.slug} is made elsewhere: bring its images with "
                f"manage.py import_images {study.slug} manifest.csv."
            )
        if options["wait"]:
            try:
                self._wait(study, mine)
            except KeyboardInterrupt:
                raise CommandError("No longer waiting; the worker goes on.", returncode=130) from None
        elif mine.filter(state__in=[ImageJob.State.QUEUED, ImageJob.State.RUNNING]).exists():
            self.stdout.write("The worker makes them now, and pairs can be judged as they come.")

    def _wait(self, study: Study, mine: ImageJobQuerySet) -> None:
        total, last_change = mine.count(), time.monotonic()
        done, failed = self._count(mine)
        with tqdm(total=total, unit=" images", initial=done, bar_format=BAR) as bar:
            while done + failed < total:
                time.sleep(POLL_SECONDS)
                done, failed = self._count(mine)
                if done != bar.n or mine.filter(state=ImageJob.State.RUNNING).exists():
                    last_change = time.monotonic()
                elif time.monotonic() - last_change > SILENCE_SECONDS:
                    last_change = time.monotonic()
                    bar.write(self._silence(mine))
                bar.update(done - bar.n)
        build_comparisons(study)
        ready = Comparison.objects.filter(question__study=study).count()
        self.stdout.write(f"{done} images are there, and {ready} comparisons are ready to be judged.")
        if failed:
            raise CommandError(self._failures(mine, study))

    def _count(self, mine: ImageJobQuerySet) -> tuple[int, int]:
        """How many are done, and how many failed for good."""
        counts = mine.aggregate(
            done=Count("id", filter=Q(state=ImageJob.State.DONE)),
            failed=Count("id", filter=Q(state=ImageJob.State.FAILED)),
        )
        return counts["done"], counts["failed"]

    def _silence(self, mine: ImageJobQuerySet) -> str:
        waiting = mine.filter(state=ImageJob.State.QUEUED).exclude(error="").first()
        if waiting:
            return f"Waiting to try {waiting.system.slug} again: {waiting.error}"
        return "Nothing is being made. Is a worker running? Start one with `make worker`."

    def _failures(self, mine: ImageJobQuerySet, study: Study) -> str:
        count, found = mine.filter(state=ImageJob.State.FAILED).count(), failures(mine)
        lines = [f"  {failure.system}, {failure.which}: {failure.reason}" for failure in found[:MOST_FAILURES]]
        if more := found[MOST_FAILURES:]:
            lines.append(f"  and for {len(more)} other reason{'' if len(more) == 1 else 's'}")
        again = f"When that is mended, try again with: manage.py generate {study.slug} --retry --wait"
        return "\n".join([f"{count} image{'' if count == 1 else 's'} failed:", *lines, again])
