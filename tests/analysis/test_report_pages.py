"""What raters read stands in the report, whatever the study uses."""

from __future__ import annotations

import pytest

from analysis.reporting.blocks import Quotation
from analysis.reporting.pages import page_blocks
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
    assert "Both bad" in found["Judging"]
    assert "Some of the pairs had an answer beyond doubt" in found["Last page of who failed too many checks"]
    assert "The instructions were not clear to you" in found["Last page of who misread the instructions twice"]


def test_pages_that_the_study_lacks_are_not() -> None:
    titles = quotations(make_open_study()).keys()
    assert "First page, with consent" in titles
    assert not {"Instructions", "Comprehension check", "Last page of who failed too many checks"} & titles


def test_they_are_quoted_in_the_language_of_the_study() -> None:
    study = make_open_study(protocol=Protocol(language="de"))
    assert "Ihre Einwilligung" in quotations(study)["First page, with consent"]
    assert {block.language for block in page_blocks(source_of(study)) if isinstance(block, Quotation)} == {"de"}


def test_no_script_style_or_token_is_taken_for_text() -> None:
    everything = "\n".join(quotations(make_open_study()).values())
    assert "csrf" not in everything
    assert "{%" not in everything
    assert "function" not in everything
