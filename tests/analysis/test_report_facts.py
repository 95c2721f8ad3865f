"""What a report counts of raters and images."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from analysis.reporting import blocks
from analysis.reporting.image_facts import image_facts
from analysis.reporting.rater_facts import rater_facts
from comparisons.leases import release_expired
from comparisons.models import Assignment, Comparison, Exclusion, Matchup, RaterSession, Report, Vote
from generation.models import Checkpoint, Image, LatencyRun
from tests.analysis.votes import cast_vote, cast_votes
from tests.comparisons.browsing import Browser
from tests.factories import make_open_study, make_session

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(finite, st.integers(0, 6))
def test_a_number_keeps_all_its_digits_beside_those_that_are_read(value: float, digits: int) -> None:
    cell = blocks.number(value, digits)
    assert float(cell.data) == value
    assert abs(float(cell.text) - value) <= 0.5 * 10**-digits + abs(value) * 1e-15
    assert not (cell.text.startswith("-") and float(cell.text) == 0)


@given(st.floats(0, 1))
def test_a_small_probability_is_only_said_to_be_so(p: float) -> None:
    cell = blocks.probability(p)
    assert float(cell.data) == p
    assert (cell.text == "< 0.001") == (p < 0.001)


def test_what_is_not_known_is_a_dash() -> None:
    assert {blocks.number(None, 3), blocks.interval(None, 1.0, 3), blocks.probability(None)} == {blocks.Cell("–")}


@pytest.mark.django_db
def test_times_are_quartiles_of_answers_sessions_and_work() -> None:
    study = make_open_study()
    pair, *others = Comparison.objects.filter(question__study=study).order_by("id")
    for minutes in (2, 4, 10):
        session = make_session(study)
        end = session.consented_at + timedelta(minutes=minutes)
        RaterSession.objects.filter(id=session.id).update(stage="completed", completed_at=end)
        for comparison in (pair, *others[: minutes // 2]):
            cast_vote(session, comparison)
    found = rater_facts(study)
    assert found["minutes_per_session"] == {"count": 3, "lower": 3.0, "median": 4.0, "upper": 7.0}
    assert found["votes_per_rater"] == {"count": 3, "lower": 2.5, "median": 3.0, "upper": 4.5}
    assert {key: spread["median"] for key, spread in found["seconds_per_answer"].items()} == {"prompt-following": 1.5}
    assert found["stages"] == {"completed": 3}
    assert sum(found["consents"].values()) == 3


@pytest.mark.django_db
def test_reports_answers_taken_back_and_exclusions_are_counted() -> None:
    study = make_open_study()
    cast_votes(study, raters=2, each=3)
    first, second, *_ = Vote.objects.order_by("id")
    Report.objects.create(assignment=first.assignment, problem="broken")
    Vote.objects.create(
        assignment=second.assignment,
        supersedes=second,
        outcome="left",
        response_ms=5,
        client_key="0" * 32,
        answered_at=timezone.now(),
    )
    Exclusion.objects.create(session=first.assignment.session, reason="slow", rule="fast_share")
    found = rater_facts(study)
    assert (found["reports"], found["taken_back"], found["excluded_votes"]) == ({"broken": 1}, 1, 3)
    assert found["exclusions"] == [{"rule": "fast_share", "sessions": 1, "votes": 0}]
    assert found["crowds"] == [{"kind": "person", "is_imported": False, "raters": 2, "votes": 6, "late_votes": 0}]


@pytest.mark.django_db
def test_sides_are_those_of_votes_on_time_whatever_becomes_of_leases() -> None:
    study = make_open_study(votes_wanted=4)
    for _ in range(3):
        judge_some(Browser(study).consent(), 5)
    counters = list(Matchup.objects.values_list("a_left", "b_left"))
    assert Assignment.objects.open().count() == 6 and sum(map(sum, counters)) == 15 + 6
    found = rater_facts(study)["quotas"]
    Assignment.objects.open().update(
        issued_at=timezone.now() - timedelta(hours=2), expires_at=timezone.now() - timedelta(hours=1)
    )
    assert release_expired() == 6
    assert rater_facts(study)["quotas"] == found
    counters = list(Matchup.objects.filter(question__key="prompt-following").values_list("a_left", "b_left"))
    first, second = found
    assert (first["shown_left"], first["shown_right"]) == (sum(map(min, counters)), sum(map(max, counters)))
    assert first["votes_on_time"] == first["shown_left"] + first["shown_right"] == 15
    assert (second["shown_left"], second["shown_right"]) == (0, 0)


def judge_some(browser: Browser, answers: int) -> None:
    """Leaves a pair open, and another one taken ahead."""
    payload = browser.judge()
    for _ in range(answers):
        assert payload
        payload = browser.answer(payload)["next"]
    browser.judge()


@pytest.mark.django_db
def test_machines_and_checkpoints_come_from_provenance() -> None:
    study = make_open_study()
    alpha, beta, _ = study.systems.order_by("slug")
    weights = Checkpoint.objects.create(sha256="a" * 64, location="./alpha", files={"unet": "1", "vae": "2"})
    Image.objects.filter(job__system=alpha).update(
        environment={"device": "H200", "torch": "2.13.0", "batch_size": 4, "checkpoints": {"model": weights.sha256}}
    )
    LatencyRun.objects.create(
        system="alpha@4",
        fingerprint=alpha.fingerprint,
        spec={},
        device="H200",
        batch_size=1,
        runs=1,
        timings=[
            {
                "encode_ms": 1,
                "forward_ms": [2, 4],
                "denoise_ms": 6,
                "decode_ms": 3,
                "total_ms": 11,
                "stages_known": True,
            }
        ],
        environment={},
    )
    found = image_facts(study)
    assert found["surroundings"][0] == {
        "systems": ["alpha@4"],
        "images": 4,
        "hardware": "H200, torch 2.13.0",
        "batch_size": 4,
        "platform": "",
    }
    assert found["surroundings"][1]["systems"] == [beta.slug, "gamma@4"]
    (checkpoint,) = found["checkpoints"]
    assert (checkpoint["systems"], checkpoint["part"], checkpoint["files"]) == (["alpha@4"], "model", 2)
    (measured,) = found["benchmarks"]
    assert (measured["system"], measured["batch_size"], measured["runs"]) == ("alpha@4", 1, 1)
    assert measured["latency"]["one_step"] == {"count": 1, "lower": 7.0, "median": 7.0, "upper": 7.0}


@pytest.mark.django_db
def test_imported_images_without_times_have_no_latency() -> None:
    study = make_open_study()
    stages = dict.fromkeys(["encode_ms", "forward_ms", "denoise_ms", "decode_ms", "total_ms"])
    Image.objects.filter(job__system__slug="alpha@4").update(environment={"imported": True, "seed": None}, **stages)
    alpha, beta, _ = image_facts(study)["systems"]
    assert (alpha["imported"], alpha["latency"]) == (4, None)
    assert beta["latency"] is not None
