"""What the pages around judging tell a rater is true for that rater."""

from __future__ import annotations

import pytest

from comparisons.protocol import Protocol, Recruitment
from comparisons.sessions import storage_name
from comparisons.studies import close_study
from comparisons.study_file import QuestionSpec
from tests.comparisons.browsing import Browser
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

NO_RIGHT_ANSWERS = "There are no right answers"


def text(browser: Browser, path: str = "") -> str:
    return browser.get(path).content.decode()


def test_a_stranger_is_not_told_that_answers_are_stored() -> None:
    study = make_open_study(["a red fox"], protocol=Protocol(recruitment=Recruitment("invitation")))
    page = text(Browser(study), "?invitation=unknown")
    assert "Nothing to judge here now." in page
    assert "stored" not in page
    assert "thanks.js" not in page


def test_who_has_no_answer_here_may_have_some_in_the_browser_which_that_page_delivers() -> None:
    study = make_open_study(["a red fox"])
    rater = Browser(study).consent()
    payload = rater.judge()
    assert payload
    close_study(study)
    page = text(rater, "thanks/")
    assert "This study is closed." in page
    assert "stored" not in page
    assert "thanks.js" in page
    assert f'data-answer-url="{rater.url}answer/" data-session="{storage_name(study.sessions.get())}"' in page
    rater.answer(payload)
    assert "Your 1 answer is stored." in text(rater, "thanks/")


@pytest.mark.parametrize("practice", [(), ("corrupted",)])
def test_only_without_practice_there_are_no_right_answers(practice: tuple[str, ...]) -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, practice=practice)
    page = text(Browser(make_open_study(["a red fox"], questions=(question,))))
    assert (NO_RIGHT_ANSWERS in page) == (not practice)
    assert ("the page tells you which image is the better answer" in page) == bool(practice)


def test_the_copy_button_speaks_the_language_of_the_study() -> None:
    rater = Browser(make_open_study(["a red fox"], protocol=Protocol(language="de"))).consent()
    rater.judge_all()
    assert 'data-copied="Kopiert" data-selected="Markiert: jetzt kopieren"' in text(rater, "thanks/")


def test_each_session_has_a_name_of_its_own_for_what_the_browser_keeps() -> None:
    study = make_open_study(["a red fox"])
    pages = [text(Browser(study).consent(), "judge/") for _ in range(2)]
    names = [storage_name(session) for session in study.sessions.order_by("id")]
    assert len(set(names)) == 2
    for page, name, session in zip(pages, names, study.sessions.order_by("id"), strict=True):
        assert f'data-session="{name}"' in page
        assert str(session.public_id) not in page
