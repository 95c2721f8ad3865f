"""People whom Prolific sends: known by a hash, the same in every browser, led back with the code of their ending."""

from __future__ import annotations

from typing import Any

import pytest

from comparisons.models import Assignment, Rater, RaterSession
from comparisons.sessions import end
from comparisons.studies import close_study
from tests.comparisons.arriving import WRONG, address, all_that_is_stored, come, make_recruiting_study, prolific
from tests.comparisons.browsing import Browser
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db

BACK = "https://app.prolific.com/submissions/complete?cc="


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({}, "PROLIFIC_PID"),
        ({"PROLIFIC_PID": "p-1"}, "SESSION_ID"),
        ({"PROLIFIC_PID": " ", "SESSION_ID": "s"}, "PROLIFIC_PID"),
        ({"PROLIFIC_PID": "{{%PROLIFIC_PID%}}", "SESSION_ID": "{{%SESSION_ID%}}"}, "PROLIFIC_PID"),
        ({"PROLIFIC_PID": "p" * 201, "SESSION_ID": "s"}, "PROLIFIC_PID"),
    ],
    ids=["nothing", "half", "blank", "not filled in", "too long"],
)
def test_an_address_without_its_parameters_begins_nothing(query: dict[str, str], name: str) -> None:
    study = make_recruiting_study("prolific")
    browser = Browser(study)
    for response in (
        browser.client.get(address(study, query)),
        browser.client.post(address(study, query), {"consent": "1"}),
    ):
        page = response.content.decode()
        assert f"This address lacks what Prolific adds to it ({name})." in page
        assert "I agree, begin" not in page
    assert not Rater.objects.exists()


def test_looking_at_the_first_page_begins_nothing() -> None:
    study = make_recruiting_study("prolific", pay="1.50 GBP")
    page = Browser(study).client.get(address(study, prolific("p-1"))).content.decode()
    assert "I agree, begin" in page
    assert "1.50 GBP" in page
    assert not Rater.objects.exists()


def test_the_same_worker_goes_on_in_another_browser_where_they_were() -> None:
    study = make_recruiting_study("prolific")
    first = come(study, prolific("p-1"))
    payload = first.judge()
    assert payload
    following = first.answer(payload)["next"]
    second = Browser(study)
    response = second.client.get(address(study, prolific("p-1")))
    assert response.headers["Location"] == f"/r/{study.key}/judge/"
    assert second.judge() == following
    assert RaterSession.objects.count() == 1


def test_agreeing_in_two_browsers_is_one_participation() -> None:
    study = make_recruiting_study("prolific")
    come(study, prolific("p-1"))
    response = Browser(study).client.post(address(study, prolific("p-1")), {"consent": "1"})
    assert response.headers["Location"] == f"/r/{study.key}/judge/"
    assert RaterSession.objects.count() == Rater.objects.count() == 1


def test_another_worker_on_the_same_computer_gets_a_session_of_their_own() -> None:
    study = make_recruiting_study("prolific")
    browser = come(study, prolific("p-1"))
    one = browser.judge()
    assert "I agree, begin" in browser.client.get(address(study, prolific("p-2"))).content.decode()
    come(study, prolific("p-2"), browser)
    other = browser.judge()
    assert one
    assert other
    assert one["assignment"] != other["assignment"]
    browser.client.get(address(study, prolific("p-1")))
    assert browser.judge() == one, "and the first finds theirs again"
    assert RaterSession.objects.count() == 2


def test_who_has_begun_needs_no_parameters_in_the_same_browser() -> None:
    study = make_recruiting_study("prolific")
    browser = come(study, prolific("p-1"))
    assert browser.get().headers["Location"] == f"/r/{study.key}/judge/"


def test_one_worker_takes_part_in_several_studies() -> None:
    studies = [make_recruiting_study("prolific"), make_recruiting_study("prolific")]
    for study in studies:
        come(study, prolific("p-1"))
    assert Rater.objects.count() == 1
    assert RaterSession.objects.count() == 2


def test_three_endings_have_three_codes() -> None:
    study = make_recruiting_study("prolific", comprehension=True)
    codes = {}
    for ending in ("completed", "screened_out", "failed"):
        browser = come(study, prolific(f"p-{ending}"))
        end(RaterSession.objects.latest("id"), ending)
        page = browser.get("thanks/").content.decode()
        codes[ending] = page.split(BACK)[1].split('"')[0]
        assert f'<output id="code" dir="ltr">{codes[ending]}</output>' in page
        others = {"C-DONE", "C-SCREENED", "C-CHECKS"} - {codes[ending]}
        assert not [code for code in others if code in page]
    assert codes == {"completed": "C-DONE", "screened_out": "C-SCREENED", "failed": "C-CHECKS"}


def test_the_whole_way_ends_at_prolific() -> None:
    study = make_recruiting_study("prolific")
    browser = come(study, prolific("p-1"))
    assert len(browser.judge_all()) == 6
    assert f'href="{BACK}C-DONE"' in browser.get("thanks/").content.decode()
    assert browser.client.get(address(study, prolific("p-1"))).headers["Location"] == f"/r/{study.key}/thanks/"


def test_a_code_is_one_parameter_whatever_it_holds() -> None:
    study = make_recruiting_study("prolific", complete_code="A&cc=B C")
    browser = come(study, prolific("p-1"))
    browser.judge_all()
    assert f'href="{BACK}A%26cc%3DB+C"' in browser.get("thanks/").content.decode()


def test_two_wrong_tries_lead_back_with_the_code_for_screened_out() -> None:
    study = make_recruiting_study("prolific", comprehension=True)
    browser = come(study, prolific("p-1"))
    for _ in range(2):
        browser.try_comprehension(WRONG)
    assert f'href="{BACK}C-SCREENED"' in browser.get("thanks/").content.decode()


def test_no_id_is_stored_anywhere() -> None:
    study = make_recruiting_study("prolific")
    browser = come(study, prolific("worker-quixotic", "submission-zephyr"))
    browser.judge_all()
    browser.get("thanks/")
    stored = all_that_is_stored()
    rater = Rater.objects.get()
    assert rater.worker_hash in stored, "so a table that holds it is looked at"
    assert len(rater.worker_hash) == len(RaterSession.objects.get().submission_hash) == 64
    for clear in ("quixotic", "zephyr"):
        assert clear not in stored.replace(rater.worker_hash, "").replace(
            RaterSession.objects.get().submission_hash, ""
        )


def test_without_the_sites_secret_the_hash_cannot_be_made(settings: Any) -> None:
    study = make_recruiting_study("prolific")
    come(study, prolific("p-1"))
    settings.SECRET_KEY = "another site's secret, which is as long as it should be"
    come(study, prolific("p-1"))
    assert len(set(Rater.objects.values_list("worker_hash", flat=True))) == 2


def test_who_comes_when_it_is_over_is_asked_to_give_the_place_back() -> None:
    study = make_recruiting_study("prolific")
    close_study(study)
    page = Browser(study).client.get(address(study, prolific("p-1"))).content.decode()
    assert "This study is closed. Thank you for your interest." in page
    assert "Please give your place back on Prolific." in page


def test_who_got_no_pair_before_the_end_is_asked_to_give_the_place_back() -> None:
    study = make_recruiting_study("prolific")
    browser = come(study, prolific("p-1"))
    close_study(study)
    page = browser.get("thanks/").content.decode()
    assert "Please give your place back on Prolific." in page
    assert "C-DONE" not in page
    assert RaterSession.objects.get().completed_at is None


def test_the_parameters_mean_nothing_to_a_study_with_a_plain_link() -> None:
    study = make_open_study(["a red fox"])
    for _ in range(2):
        come(study, prolific("p-1"))
    assert set(Rater.objects.values_list("platform", "worker_hash")) == {("link", "")}
    assert RaterSession.objects.count() == 2
    assert not Assignment.objects.exclude(session__submission_hash="").exists()
