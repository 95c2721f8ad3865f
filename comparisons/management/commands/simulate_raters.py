from __future__ import annotations

import csv
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from tqdm import tqdm

from comparisons import recruitment, strengths
from comparisons.bots import CHARACTERS, Bot, BotError, Result, no_site
from comparisons.models import Study
from comparisons.studies import StudyError, find_study
from generation import storage


class Command(BaseCommand):
    help = "Let simulated raters with planted strengths take part in a running site, over HTTP like people."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        count = parser.add_mutually_exclusive_group(required=True)
        count.add_argument("--raters", type=int, metavar="N", help="so many competent ones")
        count.add_argument(
            "--mix", metavar="CHARACTER=N,...", help=f"so many of each character: {', '.join(CHARACTERS)}"
        )
        parser.add_argument("--seed", type=int, required=True)
        parser.add_argument("--url", required=True, help="of the site, such as http://127.0.0.1:8000")
        parser.add_argument("--log", type=Path, metavar="FILE", help="write a CSV of who was which character")
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
            results = self._take_part(study, by_image, options)
        except (StudyError, BotError, storage.StorageError) as error:
            raise CommandError(str(error)) from error
        except requests.RequestException as error:
            raise CommandError(no_site(options["url"], error)) from error
        truth = f"Strengths: {options['strengths']}" if options["strengths"] else "Planted strengths:"
        answers = sum(result.answers for result in results)
        self.stdout.write(f"{answers} answers by {len(results)} simulated raters. {truth}")
        for system, strength in sorted(by_system.items(), key=lambda item: -item[1]):
            self.stdout.write(f"  {strength:+.2f}  {system}")

    def _take_part(self, study: Study, by_image: strengths.ByImage, options: dict[str, Any]) -> list[Result]:
        characters = _characters(options)
        if not characters or options["at_once"] < 1:
            raise StudyError("--raters and --at-once are whole numbers of at least 1.")
        if study.state != Study.State.OPEN:
            raise StudyError(f"Study {study.slug!r} is {study.state}: raters can take part in open studies only.")
        truth = strengths.truth(study, by_image)
        url = options["url"].rstrip("/") + reverse("rate:landing", args=[study.key])
        queries = recruitment.made_up(study, len(characters))
        bots = [
            Bot(f"{url}{query}", truth, f"{options['seed']}:{n}", name)
            for n, (name, query) in enumerate(zip(characters, queries, strict=True))
        ]
        _write_log(options["log"], [])  # before anybody votes: a file that cannot be written ends it here
        try:
            with ThreadPoolExecutor(options["at_once"]) as pool:
                return list(tqdm(pool.map(Bot.take_part, bots), total=len(bots), unit="rater", disable=None))
        finally:  # their answers are stored, whatever stopped one of them
            _write_log(options["log"], [bot.result for bot in bots])


def _characters(options: dict[str, Any]) -> list[str]:
    """One for each rater, mixed with the seed, so that no kind comes first."""
    if options["mix"] is None:
        return ["competent"] * options["raters"]
    characters: list[str] = []
    for part in options["mix"].split(","):
        name, _, count = part.strip().partition("=")
        if name not in CHARACTERS or not count.isdecimal():
            raise StudyError(f"--mix has {part.strip()!r}; allowed: CHARACTER=N with one of {', '.join(CHARACTERS)}.")
        characters += [name] * int(count)
    random.Random(f"mix:{options['seed']}").shuffle(characters)
    return characters


def _write_log(file: Path | None, results: list[Result]) -> None:
    if file is None:
        return
    try:
        with file.open("w", newline="", encoding="utf-8") as lines:
            writer = csv.writer(lines)
            writer.writerow(["session", "character", "answers"])
            writer.writerows([result.session, result.character, result.answers] for result in results)
    except OSError as error:
        raise CommandError(f"--log is {str(file)!r}: cannot be written: {error.strerror}.") from error
