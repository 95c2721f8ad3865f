from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from generation.prompt_sets import store_prompt_set
from generation.prompts import LABELS, PromptFileError, Selection, read_prompts, select
from people import audit
from people.audit import Verb


class Command(BaseCommand):
    help = "Read prompts from a PartiPrompts TSV, a CSV, a JSON list or plain lines into a named prompt set."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--set", required=True, metavar="SLUG", help="the name that study files use")
        parser.add_argument(
            "--exclude-challenge", action="append", default=[], metavar="CHALLENGE", help="may be repeated"
        )
        parser.add_argument("--drop-repeats", action="store_true", help="keep the first of prompts that are the same")
        parser.add_argument("--sample", type=int, metavar="N", help="keep N of them, drawn at random")
        parser.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")
        parser.add_argument("--stratify", choices=LABELS, default="", help="draw the sample in proportion by it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            read = read_prompts(options["file"], drop_repeats=options["drop_repeats"])
            wanted = Selection(options["exclude_challenge"], options["sample"], options["seed"], options["stratify"])
            prompts = select(read, wanted)
            with transaction.atomic():
                prompt_set, is_new = store_prompt_set(options["set"], prompts, wanted.in_words(options["file"].name))
                if is_new:
                    details = {"prompts": len(prompts), "prompt set": prompt_set.slug}
                    audit.record(Verb.IMPORTED, by=audit.shell_user(), details=details)
        except PromptFileError as error:
            raise CommandError(str(error)) from error
        verb = "imported" if is_new else "is there already"
        self.stdout.write(f"Prompt set {prompt_set.slug}: {prompt_set.prompts.count()} prompts, {verb}.")
