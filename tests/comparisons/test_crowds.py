"""Many raters at once on two web processes, some of whom leave or fall asleep: quotas are exact and nobody starves."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Count

from comparisons.leases import release_expired
from comparisons.models import Assignment, Comparison, Matchup, Study, Vote
from tests.comparisons.browsing import assert_counters_true
from tests.crowd import Rater
from tests.factories import make_open_study
from tests.processes import Site

pytestmark = pytest.mark.django_db(transaction=True)

LEASE_S = 2


def crowd_size() -> int:
    return 8 if connection.vendor == "sqlite" else 32


@contextmanager
def site(folder: Path, lease_s: int) -> Iterator[str]:
    """Two processes of gunicorn on the tests' own database."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        url = f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    settings = {"DATABASE_URL": url, "ASSIGNMENT_LEASE_SECONDS": str(lease_s)}
    with Site(folder, settings).server() as address:
        yield address


def take_part(url: str, seed: int, *, is_reliable: bool) -> int:
    """Judge to the end; the others leave in the middle of a pair, or answer one too late. Return late answers."""
    rng, rater, late = random.Random(seed), Rater(url), 0
    while rater.judgement:
        if not is_reliable and rng.random() < 0.15:
            if rng.random() < 0.5:
                return late
            time.sleep(LEASE_S + 0.5)
        late += rater.answer()["late"]
    return late


def test_drop_outs_and_sleepers_cost_no_vote_and_add_none(tmp_path: Path) -> None:
    study = make_open_study(votes_wanted=6)
    with site(tmp_path, LEASE_S) as address, ThreadPoolExecutor(crowd_size()) as pool:
        url = f"{address}/r/{study.key}/"
        calls = [pool.submit(take_part, url, seed, is_reliable=seed % 2 == 0) for seed in range(crowd_size())]
        late = sum(call.result() for call in calls)
        assert_exact(study)
        assert Vote.objects.filter(late=True).count() == late
        fill_up(study, url)
    assert set(Comparison.objects.values_list("done", "open_leases")) == {(6, 0)}, "none starves"
    assert_exact(study)


def test_sides_are_balanced_where_everybody_stays(tmp_path: Path) -> None:
    study = make_open_study(votes_wanted=6, judgements_per_question=5)
    with site(tmp_path, lease_s=300) as address, ThreadPoolExecutor(crowd_size()) as pool:
        url = f"{address}/r/{study.key}/"
        calls = [pool.submit(take_part, url, seed, is_reliable=True) for seed in range(2 * crowd_size())]
        assert sum(call.result() for call in calls) == 0
    for matchup in Matchup.objects.all():
        assert abs(matchup.a_left - matchup.b_left) <= 1
    assert_exact(study)


def fill_up(study: Study, url: str) -> None:
    """Reliable people come until there is nothing left, once what was left behind has run out."""
    deadline = time.monotonic() + 60
    while Comparison.objects.exclude(done=study.votes_wanted).exists():
        assert time.monotonic() < deadline
        time.sleep(LEASE_S / 2)
        release_expired()
        take_part(url, 0, is_reliable=True)


def assert_exact(study: Study) -> None:
    assert_counters_true(study)
    for comparison in Comparison.objects.all():
        on_time = Vote.objects.standing().filter(assignment__comparison=comparison, late=False).count()
        assert on_time == comparison.done <= study.votes_wanted
    seen = Assignment.objects.values("session", "comparison").annotate(times=Count("id"))
    assert set(seen.values_list("times", flat=True)) == {1}, "nobody sees a comparison twice"
