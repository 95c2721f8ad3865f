"""Attention checks and repeats: they look like every other pair, take no capacity, and are known for what they are."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image as PillowImage

from comparisons.conduct import CheckResult, check_results
from comparisons.extras import passing
from comparisons.leases import release_expired
from comparisons.models import Assignment, Comparison, RaterSession, Study, Vote
from comparisons.protocol import Checks, Gold, Protocol
from comparisons.studies import StudyError, build_comparisons, image_jobs, open_study
from comparisons.study_file import QuestionSpec
from generation import jobs
from generation.models import ImageJob
from tests.comparisons.browsing import Browser, assert_counters_true, make_answer
from tests.comparisons.test_padding import pixels
from tests.factories import make_draft, make_image, make_open_study

pytestmark = pytest.mark.django_db

TEXTS = ["a red fox", "a paper boat", "two green teapots", "a lighthouse"]
GOLD = Gold("q", "a paper boat", better="alpha@4", worse="beta@4")
Kind = Assignment.Kind


def make_study(*kinds: str, tie: bool = False, **checks: Any) -> Study:
    question = QuestionSpec("q", "Which?", tie=tie, both_bad=False, checks=kinds)
    values = {"every": 3 if kinds else None} | checks
    return make_open_study(TEXTS, questions=(question,), protocol=Protocol(checks=Checks(**values)), votes_wanted=3)


def judge_well(browser: Browser, *, fail: bool = False) -> list[dict[str, Any]]:
    """Answer checks rightly, or wrongly, and everything else at random."""
    shown, payload = [], browser.judge()
    while payload:
        shown.append(payload)
        lease = Assignment.objects.get(public_id=payload["assignment"])
        is_left = lease.a_is_left != fail
        payload = browser.answer(payload, "left" if is_left else "right")["next"]
    return shown


def test_checks_and_repeats_come_between_the_pairs_that_count() -> None:
    study = make_study("corrupted", "mismatched", "same", repeats=2)
    shown = judge_well(Browser(study).consent())
    kinds = Counter(Assignment.objects.values_list("kind", flat=True))
    checks = [kinds.pop(kind) for kind in ("corrupted", "mismatched", "same")]
    assert kinds == {"judgement": 12, "repeat": 2}
    assert sorted(checks) == [1, 1, 2]
    assert len(shown) == 12 + 2 + 4
    assert [payload["progress"] for payload in shown] == [
        {"done": done, "total": len(shown)} for done in range(len(shown))
    ]
    assert Vote.objects.standing().count() == 12
    assert set(Comparison.objects.values_list("done", flat=True)) == {1}
    assert_counters_true(study)


def test_what_a_rater_receives_has_one_shape_whatever_it_is() -> None:
    study = make_study("corrupted", "mismatched", "same", repeats=2)
    browser = Browser(study).consent()
    shapes, lengths, payload = set(), set(), browser.judge()
    while payload:
        shapes.add((tuple(payload), tuple(payload["question"]), payload["practice"]))
        for side in ("left", "right"):
            response = browser.get(payload[side])
            lengths.add((len(response.content), response.headers["Content-Type"]))
        reply = browser.answer(payload)
        assert reply["feedback"] is None
        payload = reply["next"]
    assert len(shapes) == len(lengths) == 1


def test_the_pictures_of_checks_are_what_their_kind_says() -> None:
    study = make_study("corrupted", "mismatched", "same")
    browser = Browser(study).consent()
    payload, seen = browser.judge(), set()
    while payload:
        lease = Assignment.objects.get(public_id=payload["assignment"])
        left, right = (pixels(browser.get(payload[side]).content) for side in ("left", "right"))
        seen.add(lease.kind)
        if lease.kind == Kind.SAME:
            assert left == right
        if lease.stand_in and lease.kind == Kind.MISMATCHED:
            image = lease.comparison.image_a
            assert lease.stand_in.job.prompt_id != image.job.prompt_id
            assert lease.stand_in.job.system_id == image.job.system_id
        payload = browser.answer(payload)["next"]
    assert seen == {"judgement", "corrupted", "mismatched", "same"}


@pytest.mark.parametrize("kind", ["corrupted", "mismatched"])
def test_nobody_is_asked_to_prefer_a_blank_picture(kind: str) -> None:
    """Its spoilt copy looks the same, and to no text does it belong."""
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, checks=(kind,), practice=(kind,) * 3)

    def paint(job: ImageJob) -> PillowImage.Image | None:
        return PillowImage.new("RGB", (64, 64), "white") if job.system.slug == "alpha@4" else None

    protocol = Protocol(checks=Checks(every=3))
    study = make_open_study(TEXTS, paint, questions=(question,), protocol=protocol, votes_wanted=3)
    browser = Browser(study).consent()
    judge_well(browser)
    asked = Assignment.objects.filter(kind=kind).values_list("is_practice", "comparison__image_a__job__system__slug")
    assert {is_practice for is_practice, _ in asked} == {True, False}
    assert "alpha@4" not in {slug for _, slug in asked}


def test_a_repeat_is_an_earlier_pair_with_its_sides_exchanged() -> None:
    judge_well(Browser(make_study(repeats=3)).consent())
    repeats = Assignment.objects.filter(kind=Kind.REPEAT)
    assert repeats.count() == 3
    for repeat in repeats:
        first = Assignment.objects.get(kind=Kind.JUDGEMENT, comparison=repeat.comparison)
        assert first.id < repeat.id
        assert first.a_is_left != repeat.a_is_left


def test_a_gold_pair_is_the_studys_and_comes_once() -> None:
    study = make_study("gold", gold=(GOLD,))
    judge_well(Browser(study).consent())
    gold = Assignment.objects.get(kind=Kind.GOLD)
    slugs = {gold.comparison.image_a.job.system.slug, gold.comparison.image_b.job.system.slug}
    assert slugs == {"alpha@4", "beta@4"}
    assert gold.comparison.image_a.job.prompt.text == "a paper boat"
    assert gold.comparison.votes_wanted == 0, "nobody votes on what is beyond doubt"
    assert Assignment.objects.filter(kind=Kind.JUDGEMENT).count() == 11
    assert_counters_true(study)


@pytest.mark.parametrize("loss", ["expired", "reported"])
def test_a_gold_pair_that_was_lost_holds_up_no_other_check(loss: str) -> None:
    """It comes once, so there is no other to take its place."""
    study = make_study("gold", "same", repeats=2, gold=(GOLD,))
    shown, bars = judge_but_lose(Browser(study).consent(), Kind.GOLD, loss)
    assert Counter(shown) == {"judgement": 11, "gold": 1, "same": 2, "repeat": 2}
    assert bars[-1] == {"done": 14, "total": 15}, "what was lost and cannot come again is not waited for"
    checks = [index for index, kind in enumerate(shown) if kind == Kind.SAME]
    assert "judgement" in shown[checks[0] : checks[1]], "nor does one follow at once in its place"
    assert Assignment.objects.get(kind=Kind.GOLD).state == loss
    assert_counters_true(study)


@pytest.mark.parametrize("kind", ["corrupted", "mismatched", "same", "repeat"])
def test_one_that_is_reported_has_been_shown(kind: str) -> None:
    """No other comes at once in its place: who calls each spoilt picture broken would get nothing but those."""
    study = make_study(repeats=2) if kind == Kind.REPEAT else make_study(kind)
    shown, bars = judge_but_lose(Browser(study).consent(), kind, "reported")
    planned = 2 if kind == Kind.REPEAT else 4
    assert Counter(shown) == {"judgement": 12, kind: planned}
    assert (kind, kind) not in itertools.pairwise(shown)
    assert all(bar["done"] < bar["total"] <= 12 + planned for bar in bars)
    assert bars[-1]["total"] - bars[-1]["done"] == 1
    assert check_results(study) == []
    assert_counters_true(study)


def judge_but_lose(browser: Browser, kind: str, loss: str) -> tuple[list[str], list[dict[str, int]]]:
    """To the end, losing what is of this kind; return the kinds that were shown, and the progress at each."""
    payload, shown, bars = browser.judge(), [], []
    while payload:
        lease = Assignment.objects.get(public_id=payload["assignment"])
        shown.append(lease.kind)
        bars.append(payload["progress"])
        if lease.kind == kind:
            lose(browser, lease, loss)
            payload = browser.judge()
        else:
            payload = browser.answer(payload)["next"]
    return shown, bars


def lose(browser: Browser, lease: Assignment, loss: str) -> None:
    if loss == "reported":
        report = {"assignment": str(lease.public_id), "problem": "broken"}
        assert browser.client.post(f"{browser.url}report/", report, content_type="application/json").status_code == 200
    else:
        now = timezone.now()
        Assignment.objects.filter(id=lease.id).update(issued_at=now - timedelta(hours=2), expires_at=now)
        assert release_expired() == 1


def test_a_gold_pair_without_pictures_holds_up_no_other_check() -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, checks=("gold", "same"))
    protocol = Protocol(checks=Checks(every=3, repeats=2, gold=(GOLD,)))
    study = make_draft(TEXTS, questions=(question,), protocol=protocol, votes_wanted=3)
    open_study(study)
    wishes = itertools.product(study.systems.all(), study.prompt_set.prompts.all())
    jobs.request([(system, prompt, study.seed + prompt.position) for system, prompt in wishes], study.display_px)
    for job in image_jobs(study).exclude(system__slug=GOLD.better, prompt__text=GOLD.prompt):
        make_image(job)
    build_comparisons(study)
    shown = judge_well(Browser(study).consent())
    kinds = Counter(Assignment.objects.values_list("kind", flat=True))
    assert kinds == {"judgement": 10, "same": 2, "repeat": 2}
    assert len(shown) == 14
    assert shown[-1]["progress"] == {"done": 13, "total": 14}


def test_each_gold_pair_of_a_prompt_has_its_own_answer() -> None:
    """In a ring each system is the better one of one pair and the worse one of another."""
    ring = ["alpha@4", "beta@4", "gamma@4"]
    golds = tuple(Gold("q", "a paper boat", ring[n], ring[(n + 1) % 3]) for n in range(3))
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, checks=("gold",))
    protocol = Protocol(checks=Checks(every=3, gold=golds))
    study = make_open_study(TEXTS, questions=(question,), protocol=protocol, votes_wanted=3)
    judge_well(Browser(study).consent())
    checks = Assignment.objects.filter(kind=Kind.GOLD)
    assert checks.count() == 3
    for check in checks:
        check.comparison.question.study = study
        slugs = [image.job.system.slug for image in (check.comparison.image_a, check.comparison.image_b)]
        left, right = slugs if check.a_is_left else slugs[::-1]
        left_is_better = ring[(ring.index(left) + 1) % 3] == right
        assert passing(check) == {"left" if left_is_better else "right"}


def test_a_gold_pair_of_another_prompt_set_is_refused() -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, checks=("gold",))
    protocol = Protocol(checks=Checks(every=3, gold=(GOLD,)))
    with pytest.raises(
        StudyError, match=r"^checks\.gold\[1\]\.prompt is 'a paper boat'; allowed: a prompt of 'prompts"
    ):
        make_open_study(["a red fox"], questions=(question,), protocol=protocol)


def test_who_fails_too_many_checks_is_thanked_with_another_code() -> None:
    study = make_study("corrupted", stop_after_failed=2)
    browser = Browser(study).consent()
    shown = judge_well(browser, fail=True)
    assert Assignment.objects.filter(kind=Kind.CORRUPTED).count() == 2
    assert len(shown) < 16
    session = RaterSession.objects.get()
    assert session.stage == "failed"
    page = browser.get("thanks/").content.decode()
    assert session.code in page
    assert session.completion_code not in page
    assert not Assignment.objects.open().exists(), "what was leased ahead went back"
    assert_counters_true(study)


def test_a_screen_of_several_questions_is_one_check() -> None:
    """One wrong click there answers all of them wrong."""
    questions = (
        QuestionSpec("q", "Which?", tie=False, both_bad=False, checks=("corrupted",)),
        QuestionSpec("r", "Which now?", tie=False, both_bad=False),
    )
    protocol = Protocol(layout="together", checks=Checks(every=3, stop_after_failed=2))
    study = make_open_study(TEXTS, questions=questions, protocol=protocol, votes_wanted=3)
    study.questions.filter(key="r").update(checks=["corrupted"])
    browser = Browser(study).consent()
    payload = browser.judge()
    while payload and not check_results(study):
        lease = Assignment.objects.get(public_id=payload["assignment"])
        outcome = "right" if lease.a_is_left else "left"
        also = [make_answer({"assignment": other["assignment"]}, outcome) for other in payload["also"]]
        payload = browser.answer(payload, outcome, also=also)["next"]
    session = RaterSession.objects.get()
    assert check_results(study) == [CheckResult(session.id, "q", "corrupted", is_right=False)]
    assert session.stage == "judging", "of two that end the session this is the first"


def test_who_passes_them_comes_to_the_end() -> None:
    study = make_study("corrupted", "mismatched", stop_after_failed=2)
    browser = Browser(study).consent()
    judge_well(browser)
    browser.get("thanks/")
    assert RaterSession.objects.get().stage == "completed"
