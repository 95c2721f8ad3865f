from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from tqdm import tqdm

from comparisons import strengths
from comparisons.bots import Bot, BotError
from comparisons.models import Study
from comparisons.studies import StudyError, find_study
from generation import storage


class Command(BaseCommand):
    help = "Let simulated raters with planted strengths take part in a running site, over HTTP like people."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--raters", type=int, required=True, metavar="N")
        parser.add_argument("--seed", type=int, required=True)
        parser.add_argument("--url", required=True, help="of the site, such as http://127.0.0.1:8000")
        parser.add_argument("--at-once", type=int, default=4, metavar="N", help="raters at a time (default: 4)")
        planted = parser.add_mutually_exclusive_group()
        planted.add_argument(
            "--strength",
            action="append",
            default=[],
            metavar="SYSTEM=NUMBER",
            help="a difference of d wins with odds exp(d); default: evenly spread, in an order drawn with the seed",
        )
        planted.add_argument(
            "--strengths",
            type=Path,
            metavar="FILE",
            help=f"a CSV with a strength for each image under each question: {', '.join(strengths.COLUMNS)}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = find_study(options["slug"])
            by_system = (
                {} if options["strengths"] else strengths.of_systems(study, options["strength"], options["seed"])
            )
            if options["strengths"]:
                by_image = strengths.from_file(study, options["strengths"])
            else:
                by_image = strengths.everywhere(study, by_system)
            answers = self._take_part(study, by_image, options)
        except (StudyError, BotError, storage.StorageError) as error:
            raise CommandError(str(error)) from error
        except requests.RequestException as error:
            raise CommandError(f"--url is {options['url']!r}: the site does not answer ({error}).") from error
        truth = f"Strengths: {options['strengths']}" if options["strengths"] else "Planted strengths:"
        self.stdout.write(f"{answers} answers by {options['raters']} simulated raters. {truth}")
        for system, strength in sorted(by_system.items(), key=lambda item: -item[1]):
            self.stdout.write(f"  {strength:+.2f}  {system}")

    def _take_part(self, study: Study, by_image: strengths.ByImage, options: dict[str, Any]) -> int:
        if options["raters"] < 1 or options["at_once"] < 1:
            raise StudyError("--raters and --at-once are whole numbers of at least 1.")
        if study.state != Study.State.OPEN:
            raise StudyError(f"Study {study.slug!r} is {study.state}: raters can take part in open studies only.")
        pictures = strengths.by_picture(study, by_image)
        url = options["url"].rstrip("/") + reverse("rate:landing", args=[study.key])
        bots = [Bot(url, pictures, f"{options['seed']}:{number}") for number in range(options["raters"])]
        with ThreadPoolExecutor(options["at_once"]) as pool:
            results = pool.map(Bot.take_part, bots)
            return sum(tqdm(results, total=len(bots), unit="rater", disable=None))
