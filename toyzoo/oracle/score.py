"""The oracle's verdict on a study's images, for simulated raters: python -m toyzoo.oracle.score STUDY --out scores.csv

`manage.py simulate_raters STUDY --strengths scores.csv` lets bots judge by it. The study's prompts are captions of the
toy world, its questions prompt-following and quality. Settings are the site's, so run it where manage.py is run.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage

from toyzoo.domain.captions import CaptionError, parse
from toyzoo.domain.drawing import Pixels
from toyzoo.domain.scenes import SIDE
from toyzoo.domain.words import Wish
from toyzoo.oracle.following import follow
from toyzoo.oracle.quality import judge
from toyzoo.oracle.reading import read

if TYPE_CHECKING:
    from comparisons.models import Study

QUESTIONS = ("prompt-following", "quality")
STEEPNESS = 8.0  # a score that is higher by 0.1 wins with odds exp(0.8), 2.2 to 1


def scores(pixels: Pixels, wish: Wish) -> dict[str, float]:
    """From 0 to 1, by question."""
    reading = read(pixels)
    return dict(zip(QUESTIONS, (follow(reading, wish).score, judge(pixels, reading).score), strict=True))


def as_pixels(picture: PillowImage.Image) -> Pixels:
    return np.asarray(picture.convert("RGB"))


def of_study(study: Study) -> dict[tuple[str, str, int], float]:
    """The score by question, system and position of the prompt; of the originals, in the order of the systems."""
    from comparisons.studies import StudyError, image_jobs
    from generation import storage
    from generation.models import Image

    wishes = {prompt.position: parse(prompt.text) for prompt in study.prompt_set.prompts.all()}
    found: dict[tuple[str, str, int], float] = {}
    images = Image.objects.filter(job__in=image_jobs(study)).order_by("job__system__slug", "job__prompt__position")
    for sha256, system, position in images.values_list("sha256", "job__system__slug", "job__prompt__position"):
        with storage.open_original(sha256) as handle, PillowImage.open(handle) as picture:
            if picture.size != (SIDE, SIDE):
                width, height = picture.size
                raise StudyError(
                    f"{system}: its pictures are {width} x {height}; the oracle reads the toy world's {SIDE} x {SIDE}."
                )
            by_question = scores(as_pixels(picture), wishes[position])
        found |= {(question, system, position): score for question, score in by_question.items()}
    return found


def write(found: Mapping[tuple[str, str, int], float], questions: list[str], file: Path) -> None:
    from comparisons.strengths import COLUMNS

    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        for (question, system, position), score in found.items():
            if question in questions:
                writer.writerow([question, system, position, f"{STEEPNESS * score:.4f}"])


def main() -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalsite.settings")
    django.setup()
    from comparisons.studies import StudyError, find_study

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    try:
        study = find_study(options.study)
        asked = list(study.questions.values_list("key", flat=True))
        if unknown := sorted(set(asked) - set(QUESTIONS)):
            raise StudyError(f"The oracle cannot answer {', '.join(unknown)}; it knows {' and '.join(QUESTIONS)}.")
        write(of_study(study), asked, options.out)
    except (StudyError, CaptionError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
