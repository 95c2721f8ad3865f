"""Texts that a form can hardly hold: each comes back as it was, or is named and left alone."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from comparisons.protocol import ComprehensionItem, Protocol
from comparisons.studies import create_study
from people.models import Membership
from studio import copies
from studio.models import WorkingCopy
from tests.factories import make_draft, make_study_spec
from tests.studio.test_form_pages import press, shown

pytestmark = pytest.mark.django_db
OF_TWO_LINES = Protocol(instructions="Look.", comprehension=(ComprehensionItem("How?", ("a\nb", "c"), 1),))


@pytest.mark.parametrize("brackets", [50, 3_000])
def test_a_table_without_an_end_is_kept_and_named(brackets: int, researcher: Client, copy: WorkingCopy) -> None:
    text = "a = " + "[" * brackets
    press(researcher, copy, "keep", **{"systems[2].arguments": text})
    assert text in shown(researcher, copy)
    assert "systems[2].arguments" in shown(researcher, copy, "?check=1")


def test_a_number_of_thousands_of_digits_is_kept_and_named(researcher: Client, copy: WorkingCopy) -> None:
    press(researcher, copy, "keep", **{"systems[2].scheduler": f"a = {'9' * 5_000}"})
    assert "systems[2].scheduler" in shown(researcher, copy, "?check=1")


def test_a_wording_of_two_lines_keeps_them(researcher: Client, copy: WorkingCopy) -> None:
    """An input of one line would drop the break, and the design would be another one."""
    press(researcher, copy, "keep", **{"questions[1].wording": "Which follows\nthe text?"})
    html = shown(researcher, copy)
    assert re.search(r'<textarea [^>]*name="questions\[1\].wording"[^>]*>\nWhich follows\nthe text\?</textarea>', html)
    assert re.search(r'<input [^>]*name="questions\[2\].wording"', html)


def test_checks_of_a_second_question_that_stands_beside_the_first_are_refused_at_their_field(
    researcher: Client, copy: WorkingCopy
) -> None:
    press(researcher, copy, "check", rating__layout="together")
    html = shown(researcher, copy, "?check=1")
    assert re.search(r'id="f-questions-2-checks-problem">Found \[&#x27;corrupted&#x27;\]; allowed: none, since', html)
    assert "1 thing to mend" in html


def test_a_text_that_the_form_would_change_is_named_and_left_alone(researcher: Client, ana: User) -> None:
    study = make_draft(slug="lines", protocol=OF_TWO_LINES)
    Membership.objects.create(study=study, user=ana, role="owner")
    for verb in ("edit", "version"):
        page = researcher.post(f"/studio/studies/lines/{verb}/", follow=True)
        assert page.redirect_chain == [("/studio/studies/lines/", 302)]
        assert "lines has a text in comprehension[1].options that the form would change" in page.content.decode()
    assert not WorkingCopy.objects.exists()
    assert researcher.get("/studio/studies/lines/open/").status_code == 200


def test_a_draft_whose_text_the_form_would_change_is_not_taken_into_it(
    researcher: Client, copy: WorkingCopy, ana: User
) -> None:
    copies.save_study(copy, ana)
    create_study(make_study_spec("animals", slug="mine", protocol=OF_TWO_LINES))
    press(researcher, copy, "take", title="Typed")
    assert "mine has a text in comprehension[1].options" in shown(researcher, copy)
    copy.refresh_from_db()
    assert copy.content["title"] == "Typed"
    assert copies.has_strayed(copy)
