from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from comparisons.models import Comparison
from comparisons.studies import StudyError, build_comparisons, find_study, import_images
from generation.manifest import ManifestError
from generation.storage import StorageError
from people import audit


class Command(BaseCommand):
    help = "Take images made elsewhere into a study: all images of a manifest, or none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument(
            "manifest",
            type=Path,
            help="CSV with the columns system, prompt or prompt_id, path, and perhaps seed and latency_ms",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        watch = partial(tqdm, unit="image", disable=None)
        try:
            study = find_study(options["slug"])
            new, there = import_images(study, options["manifest"], watch, by=audit.shell_user())
        except (StudyError, ManifestError) as error:
            raise CommandError(str(error)) from error
        except StorageError as error:
            raise CommandError(f"Nothing was imported. {error}") from error
        except OSError as error:
            raise CommandError(f"Nothing was imported: the images cannot be stored ({error.strerror}).") from error
        build_comparisons(study)
        ready = Comparison.objects.filter(question__study=study).count()
        self.stdout.write(
            f"{new} images imported, {there} were there already; {ready} comparisons are ready to be judged."
        )
