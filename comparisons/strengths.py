"""The truth that simulated raters bring along: how strong each picture is under each question.

A strength belongs to a system, or to what a system made of one prompt under one question (a file). A difference of d
wins with odds exp(d).
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean

from comparisons.bots import Picture, Truth, digest_of
from comparisons.models import Study
from comparisons.studies import StudyError, image_jobs
from generation import storage
from generation.models import Image

MOST = 100
SPREAD = 2.0  # when none are given: the best system beats the worst with odds exp(2)
COLUMNS = ("question", "system", "prompt_id", "strength")

ByImage = Mapping[tuple[str, str, int], float]  # question, system, position of the prompt


def of_systems(study: Study, given: Sequence[str], seed: int) -> dict[str, float]:
    """SYSTEM=NUMBER for each system of the study; without any, evenly spread in an order drawn with the seed."""
    systems = list(study.systems.order_by("slug").values_list("slug", flat=True))
    if not given:
        order = random.Random(f"strengths:{seed}").sample(systems, len(systems))
        step = SPREAD / (len(systems) - 1)
        return {system: SPREAD / 2 - step * place for place, system in enumerate(order)}
    strengths = dict(_of_system(text, systems) for text in given)
    missing = [system for system in systems if system not in strengths]
    if missing:
        raise StudyError(f"--strength is missing for {', '.join(missing)}: give none or all.")
    return strengths


def _of_system(text: str, systems: Sequence[str]) -> tuple[str, float]:
    system, _, number = text.rpartition("=")
    if system not in systems:
        raise StudyError(f"--strength is {text!r}; allowed: SYSTEM=NUMBER with one of {', '.join(systems)}.")
    strength = _number(number)
    if strength is None:
        raise StudyError(f"--strength is {text!r}; allowed: a number from -{MOST} to {MOST}.")
    return system, strength


def everywhere(study: Study, strengths: Mapping[str, float]) -> ByImage:
    """Each system's own under every question and prompt."""
    questions, _, prompts = _design(study)
    return {key: strengths[key[1]] for key in product(questions, strengths, prompts)}


def from_file(study: Study, file: Path) -> ByImage:
    """A CSV with a line for each question, system and prompt of the study."""
    questions, systems, prompts = _design(study)
    found: dict[tuple[str, str, int], float] = {}
    for number, row in _rows(file):
        place = f"{file.name}: row {number}"
        for column, allowed in (("question", questions), ("system", systems), ("prompt_id", list(map(str, prompts)))):
            if row[column] not in allowed:
                raise StudyError(f"{place}: {column} is {row[column]!r}; study {study.slug!r} has no such {column}.")
        key = row["question"], row["system"], int(row["prompt_id"])
        if key in found:
            raise StudyError(f"{place}: {', '.join(map(str, key))} has had a row before.")
        strength = _number(row["strength"])
        if strength is None:
            raise StudyError(f"{place}: strength is {row['strength']!r}; allowed: a number from -{MOST} to {MOST}.")
        found[key] = strength
    if missing := [key for key in product(questions, systems, prompts) if key not in found]:
        raise StudyError(
            f"{file.name}: {len(missing)} row(s) are missing, the first for {', '.join(map(str, missing[0]))}."
        )
    return found


def _design(study: Study) -> tuple[list[str], list[str], list[int]]:
    """Questions, systems and prompts."""
    return (
        list(study.questions.values_list("key", flat=True)),
        list(study.systems.order_by("slug").values_list("slug", flat=True)),
        list(study.prompt_set.prompts.order_by("position").values_list("position", flat=True)),
    )


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, restval="", restkey="")
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise StudyError(f"{file.name}: no column {', '.join(missing)}; needed: {', '.join(COLUMNS)}.")
            for row in reader:
                yield reader.line_num, {name: row[name].strip() for name in COLUMNS}
    except OSError as error:
        raise StudyError(f"{file} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"{file.name} is not a CSV in UTF-8: {error}.") from None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) <= MOST else None  # which a NaN is not


def truth(study: Study, strengths: ByImage) -> Truth:
    """Bots know pictures by their pixels alone, as everybody does who rates. Of equal ones they know the mean."""
    questions = list(study.questions.values_list("key", flat=True))
    found: dict[str, dict[str, list[float]]] = {question: {} for question in questions}
    prompts: dict[str, set[str]] = {}
    images = Image.objects.filter(job__in=image_jobs(study)).select_related("job__system", "job__prompt")
    for image in images:
        with storage.open_display(image.sha256, study.display_px) as handle:
            digest = digest_of(handle.read())
        prompts.setdefault(digest, set()).add(image.job.prompt.text)
        for question in questions:
            strength = strengths[question, image.job.system.slug, image.job.prompt.position]
            found[question].setdefault(digest, []).append(strength)
    pictures = {
        question: {digest: Picture(fmean(values), frozenset(prompts[digest])) for digest, values in each.items()}
        for question, each in found.items()
    }
    return Truth(pictures, tuple(item.answer for item in study.protocol.comprehension))
