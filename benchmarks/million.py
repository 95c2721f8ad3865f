"""A study with a million votes in the database of DATABASE_URL: python -m benchmarks.million [--votes N] [--slug NAME]

12 systems, 1,000 prompts of ten categories and five challenges, two questions, raters of 40 judgements each. Systems of
higher number win more often, every prompt and every rater leans its own way, one answer in fifty was taken back and
given again, one rater in a hundred is excluded. The database must be migrated; all its constraints hold.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import random
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from django.db.models import Model

    from comparisons.models import Study

SLUG = "million"
SYSTEMS, PROMPTS, EACH = 12, 1000, 40
CATEGORIES = [f"Category {n}" for n in range(10)]
CHALLENGES = [f"Challenge {n}" for n in range(5)]
OUTCOMES = ["left", "right", "tie", "both_bad"]
START = datetime(2026, 1, 1)  # noqa: DTZ001  both databases take it as UTC
SECONDS_A_VOTE = 2.0
EXCLUDED = 100  # one rater in so many
TAKEN_BACK = 0.02


def make_study(slug: str, votes: int) -> Study:
    """An open study of that slug and so many standing votes."""
    from django.db import connection

    study = _study(slug, votes)
    raters = votes // EACH
    rng = random.Random(slug)
    sessions = _insert_sessions(study, raters)
    judged = _insert_assignments(study, sessions, rng)
    _insert_votes(study, judged, rng)
    _exclude(sessions[::EXCLUDED])
    _count(study, judged)
    with connection.cursor() as cursor:
        _reset_sequences(cursor)
        cursor.execute("ANALYZE")  # as autovacuum would have done by now
    return study


def _study(slug: str, votes: int) -> Study:
    from PIL import Image as Picture

    from comparisons.studies import build_comparisons, create_study, open_study
    from generation import storage
    from generation.models import Image, ImageJob
    from generation.prompt_sets import store_prompt_set
    from generation.prompts import PromptLine
    from tests.factories import make_study_spec, make_system_spec

    lines = [PromptLine(f"prompt, number {n}", CATEGORIES[n % 10], CHALLENGES[n % 5]) for n in range(PROMPTS)]
    prompt_set, _ = store_prompt_set(slug, lines, source="benchmarks")
    steps = itertools.cycle([1, 4, 50])
    specs = tuple(make_system_spec(f"{slug}-{n}", steps=next(steps)) for n in range(SYSTEMS))
    comparisons = 2 * PROMPTS * SYSTEMS * (SYSTEMS - 1) // 2
    mean = votes / comparisons
    wanted = math.ceil(mean + 8 * math.sqrt(mean)) + 10  # pairs are drawn by chance: some have more votes than others
    study, _ = create_study(make_study_spec(prompt_set.slug, slug=slug, systems=specs, votes_wanted=wanted))
    open_study(study)
    sha256 = storage.store_original(Picture.new("RGB", (64, 64)))
    jobs = ImageJob.objects.bulk_create(
        ImageJob(system=system, prompt=prompt, seed=study.seed + prompt.position, display_px=64, state="done")
        for system in study.systems.all()
        for prompt in prompt_set.prompts.all()
    )
    rng = random.Random(2)
    Image.objects.bulk_create(
        Image(job=job, sha256=sha256, width=64, height=64, total_ms=job.system.steps * rng.gauss(40, 2), environment={})
        for job in jobs
    )
    build_comparisons(study)
    return study


def _insert_sessions(study: Study, raters: int) -> list[int]:
    from comparisons.models import Rater, RaterSession

    first_rater, first = _next_id(Rater), _next_id(RaterSession)
    seconds = EACH * SECONDS_A_VOTE
    _insert(
        Rater,
        ["id", "kind", "platform", "worker_hash", "created_at"],
        ((first_rater + n, "person", "link", "", _moment(n * seconds)) for n in range(raters)),
    )
    columns = ["id", "rater_id", "study_id", "public_id", "consented_at", "consent_version", "stage"]
    columns += ["comprehension_tries", "submission_hash", "completion_code"]
    rows = (
        (first + n, first_rater + n, study.id, uuid.uuid4().hex, _moment(n * seconds), "1", "judging", 0, "", "")
        for n in range(raters)
    )
    _insert(RaterSession, columns, rows)
    return list(range(first, first + raters))


def _insert_assignments(study: Study, sessions: Sequence[int], rng: random.Random) -> list[tuple[int, int, int, bool]]:
    """One for every vote; returns id, session, comparison and whether image a stood left."""
    from comparisons.models import Assignment, Comparison

    comparisons = list(Comparison.objects.filter(question__study=study).order_by("id").values_list("id", flat=True))
    numbers = itertools.count(_next_id(Assignment))
    judged = [
        (next(numbers), session, comparison, rng.random() < 0.5)
        for session in sessions
        for comparison in rng.sample(comparisons, EACH)
    ]
    columns = ["id", "session_id", "comparison_id", "kind", "is_practice", "public_id", "a_is_left", "left_token"]
    columns += ["right_token", "probability", "state", "issued_at", "expires_at"]
    names, issued, expires = _names(rng), _moment(0), _moment(600)
    states = (0.5, "done", issued, expires)
    rows = (
        (number, session, comparison, "judgement", False, next(names), a_is_left, next(names), next(names), *states)
        for number, session, comparison, a_is_left in judged
    )
    _insert(Assignment, columns, rows)
    return judged


def _insert_votes(study: Study, judged: Iterable[tuple[int, int, int, bool]], rng: random.Random) -> None:
    from comparisons.models import Comparison, Vote

    systems = {system: n for n, system in enumerate(study.systems.order_by("id").values_list("id", flat=True))}
    of = ("id", "image_a__job__system", "image_b__job__system", "image_a__job__prompt")
    pairs = {
        comparison: (systems[a] - systems[b], prompt)
        for comparison, a, b, prompt in Comparison.objects.filter(question__study=study).values_list(*of)
    }
    numbers, names = itertools.count(_next_id(Vote)), _names(rng)

    def answers() -> Iterator[tuple[Any, ...]]:
        for place, (assignment, session, comparison, a_is_left) in enumerate(judged):
            ahead, prompt = pairs[comparison]
            leaning = math.sin(prompt * 7.1 + ahead) + 0.5 * math.sin(session * 3.3)
            a_wins = 1 / (1 + math.exp(-(0.15 * ahead + 0.5 * leaning)))
            left = a_wins if a_is_left else 1 - a_wins
            taken_back = None
            for _ in range(2 if rng.random() < TAKEN_BACK else 1):
                number, outcome = next(numbers), rng.choices(OUTCOMES, [left, 1 - left, 0.1, 0.05])[0]
                response_ms, late = rng.randrange(500, 20_000), rng.random() < 0.01
                moment = _moment(place * SECONDS_A_VOTE)
                yield (number, assignment, taken_back, next(names), outcome, response_ms, late, moment)
                taken_back = number

    columns = ["id", "assignment_id", "supersedes_id", "client_key", "outcome", "response_ms", "late", "answered_at"]
    _insert(Vote, columns, answers())


def _exclude(sessions: Sequence[int]) -> None:
    from comparisons.models import Exclusion

    Exclusion.objects.bulk_create(Exclusion(session_id=session, reason="too fast") for session in sessions)


def _count(study: Study, judged: Iterable[tuple[int, int, int, bool]]) -> None:
    """The counters that record_vote keeps."""
    from comparisons.models import Comparison, Matchup

    done: Counter[int] = Counter()
    shown: Counter[tuple[int, bool]] = Counter()  # by comparison, and whether image a stood left
    for _, _, comparison_id, a_is_left in judged:
        done[comparison_id] += 1
        shown[comparison_id, a_is_left] += 1
    comparisons = list(Comparison.objects.filter(question__study=study).with_systems())
    matchups = {matchup.id: matchup for matchup in Matchup.objects.filter(question__study=study)}
    for comparison in comparisons:
        comparison.done, matchup = done[comparison.id], matchups[comparison.matchup_id]
        in_order = comparison.is_in_system_order()
        matchup.a_left += shown[comparison.id, in_order]
        matchup.b_left += shown[comparison.id, not in_order]
    Comparison.objects.bulk_update(comparisons, ["done"], batch_size=1000)
    Matchup.objects.bulk_update(matchups.values(), ["a_left", "b_left"])


def _insert(model: type[Model], columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    from django.db import transaction

    from comparisons.many_rows import insert_rows

    with transaction.atomic():
        insert_rows(model, columns, rows)


def _next_id(model: type[Model]) -> int:
    last = model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
    return (last or 0) + 1


def _reset_sequences(cursor: Any) -> None:
    from django.apps import apps
    from django.core.management.color import no_style
    from django.db import connection

    for statement in connection.ops.sequence_reset_sql(
        no_style(), list(apps.get_app_config("comparisons").get_models())
    ):
        cursor.execute(statement)


def _names(rng: random.Random) -> Iterator[str]:
    while True:
        digits = rng.randbytes(16 * 1000).hex()
        yield from (digits[start : start + 32] for start in range(0, len(digits), 32))


def _moment(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(" ")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--slug", default=SLUG)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalsite.settings")
    django.setup()
    make_study(options.slug, options.votes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
