"""What raters read stands in the report, whatever the study uses."""

from __future__ import annotations

import pytest

from analysis.reporting.blocks import Quotation
from analysis.reporting.pages import page_blocks
from comparisons.admission import Refusal, sentence
from comparisons.models import Study
from comparisons.protocol import Checks, ComprehensionItem, Protocol, Recruitment
from comparisons.study_file import QuestionSpec
from tests.analysis.reported import source_of
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

FULL = Protocol(
    instructions="Look at both pictures.\n\nTake your time.",
    comprehension=(ComprehensionItem("What do you compare?", ("Two pictures", "Two texts"), 1),),
    checks=Checks(every=5, stop_after_failed=2),
    recruitment=Recruitment(pay="2.00 GBP", contact="lab@example.org"),
)
ASKED = QuestionSpec("quality", "Which is better?", tie=True, both_bad=True, help="Edges & colours.", checks=("same",))


def quotations(study: Study) -> dict[str, str]:
    blocks = page_blocks(source_of(study))
    return {block.title: "\n".join(block.lines) for block in blocks if isinstance(block, Quotation)}


def test_every_page_on_the_way_is_quoted() -> None:
    study = make_open_study(protocol=FULL, questions=(ASKED,))
    found = quotations(study)
    first = found["First page, with consent"]
    for text in (study.title, study.introduction, study.consent_text, "2.00 GBP", "lab@example.org", ASKED.wording):
        assert text in first
    assert "Look at both pictures.\nTake your time." in found["Instructions"]
    assert "Edges & colours." in found["Instructions"]
    assert "What do you compare?\nTwo pictures\nTwo texts" in found["Comprehension check"]
    assert "a short text, the prompt, and two images" in first
    assert "\nBoth bad B\n" in found["Judging"]
    assert "Some of the pairs had an answer beyond doubt" in found["Last page of who failed too many checks"]
    assert "The instructions were not clear to you" in found["Last page of who misread the instructions twice"]


def test_pages_that_the_study_lacks_are_not() -> None:
    titles = quotations(make_open_study()).keys()
    assert "First page, with consent" in titles
    assert not {"Instructions", "Comprehension check", "Last page of who failed too many checks"} & titles


def test_what_a_page_says_only_at_times_is_quoted() -> None:
    found = quotations(make_open_study(protocol=FULL))
    assert found["Comprehension check, with a question left out"] == "Please answer every question."
    assert found["Comprehension check, the second try"] == (
        "Not all of that was right. Please read the instructions once more; this is the second try."
    )
    assert "The page was open for too long" in found["Where a page was open for too long"]


def test_every_reason_for_which_somebody_cannot_begin_is_quoted() -> None:
    lines = refusals(Recruitment(max_raters=9))
    assert lines == ["Nothing to judge here now.", *(sentence(refusal) for refusal in Refusal)]
    assert [line for line in lines if line not in refusals(Recruitment())] == [sentence(Refusal.FULL)]


@pytest.mark.parametrize(
    ("platform", "told"),
    [
        ("prolific", ["what Prolific adds to it (PROLIFIC_PID)", "give your place back on Prolific"]),
        ("mturk", ["what Mechanical Turk adds to it (assignmentId)", "(turkSubmitTo)", "back on Mechanical Turk"]),
        ("invitation", ["This study is by invitation.", "This invitation is not known."]),
    ],
)
def test_what_is_wrong_with_an_address_is_quoted(platform: str, told: list[str]) -> None:
    lines = refusals(Recruitment(platform=platform))
    for text in told:
        assert sum(text in line for line in lines) == 1
    assert len(lines) == 1 + len(told) + len(Refusal) - 1


def refusals(recruitment: Recruitment) -> list[str]:
    study = make_open_study(protocol=Protocol(recruitment=recruitment))
    return quotations(study)["Where somebody cannot begin or go on"].splitlines()


def test_the_page_in_the_frame_of_a_platform_is_quoted() -> None:
    study = make_open_study(protocol=Protocol(recruitment=Recruitment(platform="mturk")))
    text = quotations(study)["Page in the frame of Mechanical Turk"]
    for told in ("This is a preview.", "The study opens in a window of its own", "Open the study"):
        assert text.count(told) == 1


def test_they_are_quoted_in_the_language_of_the_study() -> None:
    study = make_open_study(protocol=Protocol(language="de"))
    assert "Ihre Einwilligung" in quotations(study)["First page, with consent"]
    assert {block.language for block in page_blocks(source_of(study)) if isinstance(block, Quotation)} == {"de"}


def test_no_script_style_or_token_is_taken_for_text() -> None:
    everything = "\n".join(quotations(make_open_study()).values())
    assert "csrf" not in everything
    assert "{%" not in everything
    assert "function" not in everything
