"""From consent to judging: instructions, comprehension check, practice; each can be left and come back to."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone

from analysis.blindness.naming import find_leaks, secrets_of
from comparisons.models import Assignment, Comparison, RaterSession, Study, Vote
from comparisons.protocol import Checks, ComprehensionItem, Example, Protocol
from comparisons.study_file import QuestionSpec
from generation import storage
from generation.models import Image
from tests.comparisons.browsing import Browser, assert_counters_true
from tests.comparisons.test_padding import pixels
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

ITEMS = (
    ComprehensionItem("What do you compare?", ("texts", "pictures"), 2),
    ComprehensionItem("How many at a time?", ("two", "three"), 1),
)
RIGHT, WRONG = {"item-0": "2", "item-1": "1"}, {"item-0": "1", "item-1": "1"}
SECOND_TRY = "this is the second try"


def make_study(**protocol: Any) -> Study:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, practice=("corrupted", "mismatched"))
    values = {"instructions": "Look closely.", "comprehension": ITEMS} | protocol
    return make_open_study(["a red fox", "a paper boat"], questions=(question,), protocol=Protocol(**values))


def place(browser: Browser, path: str = "") -> str:
    """Where an address leads this rater, within the study."""
    response = browser.get(path)
    assert response.status_code == 302, response.content.decode()
    return response.headers["Location"].removeprefix(browser.url)


def test_the_way_goes_through_every_stage_and_none_can_be_jumped() -> None:
    browser = Browser(make_study()).consent()
    for path in ("", "judge/", "comprehension/"):
        assert place(browser, path) == "instructions/"
    assert "Look closely." in browser.get("instructions/").content.decode()
    browser.client.post(f"{browser.url}instructions/")
    for path in ("", "judge/", "instructions/"):
        assert place(browser, path) == "comprehension/"
    browser.try_comprehension(RIGHT)
    for path in ("", "instructions/", "comprehension/"):
        assert place(browser, path) == "judge/"
    assert [shown["practice"] for shown in browser.judge_all()] == [True] * 2 + [False] * 6
    assert browser.get("thanks/").status_code == 200
    for path in ("", "judge/", "instructions/"):
        assert place(browser, path) == "thanks/"


def test_instructions_show_examples_whose_answer_is_known() -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False)
    examples = (
        Example("q", "a red fox", better="alpha@4", worse="beta@4", why="Only one of them is red."),
        Example("q", "a paper boat", better="gamma@4", worse="beta@4", why="A boat of paper."),
    )
    protocol = Protocol(instructions="Look closely.", examples=examples)
    study = make_open_study(["a red fox", "a paper boat"], questions=(question,), protocol=protocol)
    browser = Browser(study).consent()
    page = browser.get("instructions/").content.decode()
    assert page.count("The better answer") == 2
    assert all(text in page for text in ("Only one of them is red.", "A boat of paper.", '<q dir="auto">a red fox</q>'))
    assert not find_leaks(secrets_of(study), [page])
    addresses = re.findall(r'<img src="([^"]+)"', page)
    assert len(addresses) == 4
    files = [browser.get(address).content for address in addresses]
    study.refresh_from_db()
    assert {len(file) for file in files} == {study.padded_bytes}
    first, second = examples
    slugs = [(first, first.worse), (first, first.better), (second, second.better), (second, second.worse)]  # in turns
    for (example, slug), file in zip(slugs, files, strict=True):
        image = Image.objects.get(job__system__slug=slug, job__prompt__text=example.prompt)
        with storage.open_display(image.sha256, study.display_px) as handle:
            assert pixels(file) == pixels(handle.read())
    assert Browser(study).get(addresses[0]).status_code == 404, "nobody without a session"
    for wrong in ("3/left/", "0/left/", "1/top/"):
        assert browser.get(f"instructions/{wrong}").status_code == 404


def test_nobody_votes_on_an_example() -> None:
    questions = tuple(QuestionSpec(key, "Which?", tie=False, both_bad=False) for key in ("q", "r"))
    example = Example("r", "a red fox", better="alpha@4", worse="beta@4", why="It is.")
    for layout in ("blocks", "together"):
        protocol = Protocol(instructions="Look closely.", examples=(example,), layout=layout)
        study = make_open_study(["a red fox", "a paper boat"], questions=questions, protocol=protocol, votes_wanted=1)
        unasked = Comparison.objects.filter(question__study=study, votes_wanted=0)
        pairs = {(c.question.key, c.image_a.job.prompt.text, frozenset(systems_of(c))) for c in unasked}
        assert pairs == {(key, "a red fox", frozenset({"alpha@4", "beta@4"})) for key in "qr"}
        assert {question.comparison_count for question in study.questions.all()} == {5}
    study = Study.objects.earliest("id")
    browser = Browser(study).consent()
    browser.client.post(f"{browser.url}instructions/")
    assert len(browser.judge_all()) == 10
    assert_counters_true(study)


def systems_of(comparison: Comparison) -> list[str]:
    return [image.job.system.slug for image in (comparison.image_a, comparison.image_b)]


def test_a_study_without_stages_leads_from_consent_to_judging() -> None:
    study = make_open_study(["a red fox"])
    assert place(Browser(study).consent()) == "judge/"


def test_the_consent_is_stored_with_its_text_and_time() -> None:
    Browser(make_study()).consent()
    session = RaterSession.objects.get()
    assert len(session.consent_version) == 64
    assert session.consented_at <= timezone.now()


@pytest.fixture
def checked() -> Browser:
    """Somebody whose next page is the comprehension check."""
    browser = Browser(make_study()).consent()
    browser.client.post(f"{browser.url}instructions/")
    return browser


def tries() -> int:
    return RaterSession.objects.get().comprehension_tries


def post_check(browser: Browser, content: dict[str, str]) -> str:
    """The page that the post leads to."""
    return browser.client.post(f"{browser.url}comprehension/", content, follow=True).content.decode()


def test_one_wrong_try_is_forgiven(checked: Browser) -> None:
    assert SECOND_TRY not in checked.get("comprehension/").content.decode()
    checked.try_comprehension(WRONG)
    assert SECOND_TRY in checked.get("comprehension/").content.decode()
    checked.try_comprehension(RIGHT)
    assert place(checked) == "judge/"
    assert tries() == 2


def test_two_wrong_tries_end_the_study_without_blame_and_with_another_code(checked: Browser) -> None:
    checked.try_comprehension(WRONG)
    response = checked.try_comprehension(WRONG)
    assert response.headers["Location"] == f"{checked.url}thanks/"
    page = checked.get("thanks/").content.decode()
    session = RaterSession.objects.get()
    assert session.stage == "screened_out"
    assert session.code in page
    assert session.completion_code not in page
    assert "nothing is held against you" in page
    assert place(checked, "judge/") == "thanks/"


def test_the_same_post_again_is_no_second_try(checked: Browser) -> None:
    for _ in range(3):
        page = post_check(checked, WRONG | {"tries": "0"})
        assert SECOND_TRY in page
        assert 'name="tries" value="1"' in page
    assert tries() == 1
    assert SECOND_TRY in post_check(checked, RIGHT | {"tries": "0"}), "of a page from before the first try"
    assert place(checked) == "comprehension/"
    assert tries() == 1
    post_check(checked, RIGHT | {"tries": "1"})
    post_check(checked, WRONG | {"tries": "1"})
    assert place(checked) == "judge/"
    assert tries() == 2


def test_who_leaves_after_a_wrong_try_comes_back_to_the_second(checked: Browser) -> None:
    checked.try_comprehension(WRONG)
    tab = checked.another_tab()
    assert place(tab) == "comprehension/"
    assert SECOND_TRY in tab.get("comprehension/").content.decode()
    tab.try_comprehension(RIGHT)
    assert place(checked) == "judge/"


@pytest.mark.parametrize(
    "number", [None, "", "x", "-1", "1", "00", "0.0", "\u0660", pytest.param("9" * 5000, id="5000 digits")]
)
def test_a_post_without_the_number_of_tries_burns_none(checked: Browser, number: str | None) -> None:
    page = post_check(checked, WRONG if number is None else WRONG | {"tries": number})
    assert 'name="tries" value="0"' in page
    assert SECOND_TRY not in page
    assert tries() == 0


@pytest.mark.parametrize("answer", [None, "", "x", "0", "3", "-1", pytest.param("9" * 5000, id="5000 digits")])
def test_a_try_with_a_question_left_open_is_none(checked: Browser, answer: str | None) -> None:
    given = {"item-0": "2", "tries": "0"}
    page = post_check(checked, given if answer is None else given | {"item-1": answer})
    assert "Please answer every question." in page
    assert tries() == 0


def test_practice_says_what_is_right_and_counts_for_nothing() -> None:
    study = make_study(instructions="", comprehension=())
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    assert payload["practice"]
    assert payload["progress"] == {"done": 0, "total": 2}
    lease = Assignment.objects.get()
    right = "left" if lease.a_is_left else "right"
    wrong = {"left": "right", "right": "left"}[right]
    reply = browser.answer(payload, wrong)
    assert reply["feedback"] == {"right": False, "answers": sorted([right, "both_bad"])}
    assert reply["next"]["practice"]
    second = Assignment.objects.get(public_id=reply["next"]["assignment"])
    reply = browser.answer(reply["next"], "left" if second.a_is_left else "right")
    assert reply["feedback"]["right"]
    assert not reply["next"]["practice"]
    assert reply["next"]["progress"] == {"done": 0, "total": 6}
    assert reply["next"]["block"]["first"]
    assert not Vote.objects.standing().exists()
    assert_counters_true(study)


def test_a_reload_in_practice_shows_the_same_pair() -> None:
    browser = Browser(make_study(instructions="", comprehension=())).consent()
    assert browser.judge() == browser.judge()
    assert Assignment.objects.count() == 1, "nothing is leased ahead while the rater practises"


def test_a_break_is_offered_after_so_many_answers() -> None:
    study = make_open_study(["a red fox", "a paper boat"], protocol=Protocol(break_every=5, checks=Checks()))
    shown = Browser(study).consent().judge_all()
    assert [number for number, payload in enumerate(shown) if payload["pause"]] == [5, 10]
