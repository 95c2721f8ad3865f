from __future__ import annotations

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from tqdm import tqdm

from comparisons.bots import Bot, BotError
from comparisons.models import Study
from comparisons.studies import StudyError, find_study, image_jobs
from generation import storage
from generation.models import Image

MOST_STRENGTH = 100
SPREAD = 2.0  # of the planted strengths when none are given: the best beats the worst with odds exp(2)


class Command(BaseCommand):
    help = "Let simulated raters with planted strengths take part in a running site, over HTTP like people."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--raters", type=int, required=True, metavar="N")
        parser.add_argument("--seed", type=int, required=True)
        parser.add_argument("--url", required=True, help="of the site, such as http://127.0.0.1:8000")
        parser.add_argument("--at-once", type=int, default=4, metavar="N", help="raters at a time (default: 4)")
        parser.add_argument(
            "--strength",
            action="append",
            default=[],
            metavar="SYSTEM=NUMBER",
            help="a difference of d wins with odds exp(d); default: evenly spread, in an order drawn with the seed",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = find_study(options["slug"])
            strengths = _strengths(study, options["strength"], options["seed"])
            answers = self._take_part(study, strengths, options)
        except (StudyError, BotError) as error:
            raise CommandError(str(error)) from error
        except requests.RequestException as error:
            raise CommandError(f"--url is {options['url']!r}: the site does not answer ({error}).") from error
        self.stdout.write(f"{answers} answers by {options['raters']} simulated raters. Planted strengths:")
        for system, strength in sorted(strengths.items(), key=lambda item: -item[1]):
            self.stdout.write(f"  {strength:+.2f}  {system}")

    def _take_part(self, study: Study, strengths: dict[str, float], options: dict[str, Any]) -> int:
        if options["raters"] < 1 or options["at_once"] < 1:
            raise StudyError("--raters and --at-once are whole numbers of at least 1.")
        if study.state != Study.State.OPEN:
            raise StudyError(f"Study {study.slug!r} is {study.state}: raters can take part in open studies only.")
        pictures = _strength_by_picture(study, strengths)
        url = options["url"].rstrip("/") + reverse("rate:landing", args=[study.key])
        bots = [Bot(url, pictures, f"{options['seed']}:{number}") for number in range(options["raters"])]
        with ThreadPoolExecutor(options["at_once"]) as pool:
            results = pool.map(Bot.take_part, bots)
            return sum(tqdm(results, total=len(bots), unit="rater", disable=None))


def _strengths(study: Study, given: list[str], seed: int) -> dict[str, float]:
    systems = list(study.systems.order_by("slug").values_list("slug", flat=True))
    if not given:
        order = random.Random(f"strengths:{seed}").sample(systems, len(systems))
        step = SPREAD / (len(systems) - 1)
        return {system: SPREAD / 2 - step * place for place, system in enumerate(order)}
    strengths = dict(_strength(text, systems) for text in given)
    missing = [system for system in systems if system not in strengths]
    if missing:
        raise StudyError(f"--strength is missing for {', '.join(missing)}: give none or all.")
    return strengths


def _strength(text: str, systems: list[str]) -> tuple[str, float]:
    system, _, number = text.rpartition("=")
    if system not in systems:
        raise StudyError(f"--strength is {text!r}; allowed: SYSTEM=NUMBER with one of {', '.join(systems)}.")
    try:
        strength = float(number)
    except ValueError:
        raise StudyError(f"--strength is {text!r}; {number!r} is not a number.") from None
    if not abs(strength) <= MOST_STRENGTH:
        raise StudyError(f"--strength is {text!r}; allowed: -{MOST_STRENGTH} to {MOST_STRENGTH}.")
    return system, strength


def _strength_by_picture(study: Study, strengths: dict[str, float]) -> dict[str, float]:
    images = Image.objects.filter(job__in=image_jobs(study)).values_list("sha256", "job__system__slug")
    pictures: dict[str, float] = {}
    for sha256, system in images:
        with storage.open_display(sha256, study.display_px) as handle:
            pictures[hashlib.sha256(handle.read()).hexdigest()] = strengths[system]
    return pictures
