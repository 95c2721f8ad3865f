"""Attack a study's blindness."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import requests
from django.core.management.base import BaseCommand, CommandError

from analysis.blindness.audit import Audit, audit
from analysis.blindness.telling import ALPHA, Telling
from comparisons.bots import BotError, no_site
from comparisons.studies import StudyError, find_study
from generation.storage import StorageError


class Command(BaseCommand):
    help = (
        "Attack the blindness of a study on a running site, like raters with developer tools: collect all that they "
        "can see but pixels, train a classifier to tell systems apart, and name each leak. The raters really take "
        "part: their votes are marked as simulated, and take places in the study's quota. The exit status is 1 if "
        "anything leaks."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="SLUG", help="an open study")
        parser.add_argument("--sessions", type=int, required=True, metavar="N", help="raters who take part; 2 or more")
        parser.add_argument("--url", required=True, help="of the site, such as http://127.0.0.1:8000")
        parser.add_argument("--seed", type=int, default=0, help="of the raters and of the classifier (default: 0)")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write everything to a file, too")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["json"]:
                options["json"].touch()  # before anybody votes: a file that cannot be written ends it here
            found = audit(find_study(options["study"]), options["url"], options["sessions"], options["seed"])
            if options["json"]:
                options["json"].write_text(json.dumps(found.as_dict(), indent=2) + "\n", encoding="utf-8")
        except (StudyError, BotError, StorageError) as error:
            raise CommandError(str(error)) from error
        except requests.RequestException as error:
            raise CommandError(no_site(options["url"], error)) from error
        except OSError as error:
            raise CommandError(f"{options['json']}: cannot be written: {error.strerror}.") from error
        self.stdout.write("\n".join(report(found)))
        if not found.is_blind:
            raise CommandError(f"{len(found.leaks)} leak(s): the study is not blind.")


def report(found: Audit) -> list[str]:
    lines = [f"{found.study}: {found.pairs} pairs in {found.sessions} sessions, {found.responses} responses."]
    lines.append(f"Systems {_accuracy(found.systems)}")
    if found.checks:
        lines.append(f"Checks  {_accuracy(found.checks)}")
    return [*lines, *(f"  {leak}" for leak in found.leaks), *(["Nothing leaks."] if found.is_blind else [])]


def _accuracy(telling: Telling) -> str:
    interval = f"{1 - ALPHA:.1%} interval {telling.low:.1%} to {telling.high:.1%}"
    verdict = "ABOVE CHANCE" if telling.is_above_chance else "not above chance"
    share = f"{telling.accuracy:.1%} of {telling.rows}"
    return f"told apart in {share} cases ({interval}; chance {telling.chance:.1%}): {verdict}"
