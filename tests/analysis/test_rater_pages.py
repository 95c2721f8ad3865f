"""What a researcher sees of a study's raters, and decides about them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from analysis import computing, snapshots
from comparisons.models import Assignment, Comparison, Exclusion, RaterSession, Report, Study, Vote
from comparisons.protocol import Checks, Protocol, Rules
from comparisons.rules import apply_rules
from comparisons.study_file import QuestionSpec
from tests.analysis.votes import cast_vote, cast_votes
from tests.comparisons.browsing import Browser
from tests.comparisons.test_checks import judge_well
from tests.comparisons.test_problem_reports import report
from tests.comparisons.test_questions_together import judge_all
from tests.comparisons.test_undo import undo
from tests.factories import make_open_study, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False, checks=("corrupted", "mismatched"))
    protocol = Protocol(checks=Checks(every=4, repeats=1), rules=Rules(failed_checks=2))
    return make_open_study(slug="one", questions=(question,), protocol=protocol, votes_wanted=4)


@pytest.fixture
def careless(study: Study) -> RaterSession:
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    browser.answer(payload)
    undo(browser)
    judge_well(browser, fail=True)
    return RaterSession.objects.latest("id")


@pytest.mark.parametrize("path", ["raters/", "raters/1/", "raters/reported/"])
def test_only_those_who_take_part_see_them(study: Study, careless: RaterSession, client: Client, path: str) -> None:
    path = path.replace("1", str(careless.id))
    assert client.get(f"/studies/one/{path}").status_code == 302
    client.force_login(User.objects.create_user("bob"))
    assert client.get(f"/studies/one/{path}").status_code == 404


def test_the_list_tells_how_each_answers(study: Study, careless: RaterSession, researcher: Client) -> None:
    judge_well(Browser(study).consent())
    apply_rules(study)
    page = researcher.get("/studies/one/raters/")
    good, bad = page.context["rows"]
    assert (bad.conduct.failed_checks, bad.conduct.checks) == (3, 3)
    assert (good.conduct.failed_checks, good.conduct.checks) == (0, 3)
    assert bad.exclusion.reason == "3 of 3 attention checks failed; the rule failed_checks = 2."
    assert good.exclusion is None
    assert "1 excluded" in page.content.decode()


def test_agreement_on_the_list_is_the_stored_one_and_on_a_raters_page_that_of_now(researcher: Client) -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False)
    study = make_open_study(slug="one", questions=(question,), votes_wanted=5)
    steady, other, third = (make_session(study) for _ in range(3))
    for number, comparison in enumerate(Comparison.objects.order_by("id")[:4]):
        cast_vote(steady, comparison, "left")
        cast_vote(other, comparison, "left" if number else "right")
    text = researcher.get("/studies/one/raters/").text
    assert "has not been computed yet" in text and text.count("not yet</span>") == 2
    computing.compute(study, "quality")
    page = researcher.get("/studies/one/raters/")
    assert [(row.is_compared, row.agreement) for row in page.context["rows"]] == [
        (True, None),
        (True, 0.75),
        (True, 0.75),
    ]
    assert "as of <time" in page.text and "newer answer" not in page.text
    for comparison in Comparison.objects.order_by("id")[:4]:
        cast_vote(third, comparison, "left")
    page = researcher.get("/studies/one/raters/")
    assert [(row.is_compared, row.agreement) for row in page.context["rows"]] == [
        (False, None),
        (True, 0.75),
        (True, 0.75),
    ]
    assert "4 newer answers since" in page.text and "not yet</span>" in page.text
    row = researcher.get(f"/studies/one/raters/{third.id}/").context["row"]
    assert (row.conduct.agreed, row.conduct.compared) == (3, 3), "one against one is no majority"


def test_who_was_restored_is_told_from_what_was_decided_whatever_is_computed(researcher: Client) -> None:
    study = make_open_study(slug="one", protocol=Protocol(rules=Rules(agreement=0.5)))
    ana = User.objects.get()
    restored, returned, excluded, untouched = (make_session(study) for _ in range(4))
    for session in (restored, returned, excluded):
        made = Exclusion.objects.create(session=session, rule="agreement", reason="1 of 10 answers agree")
        if session is not excluded:
            made.revoke(ana.pk if session is restored else None, "because")
    page = researcher.get("/studies/one/raters/")
    found = {row.session: (row.exclusion is not None, row.is_restored) for row in page.context["rows"]}
    assert found == {
        restored: (False, True),
        returned: (False, False),
        excluded: (True, False),
        untouched: (False, False),
    }
    assert page.text.count(">Restored</span>") == page.text.count(">Excluded</span>") == 1
    assert ">Restored</span>" in researcher.get(f"/studies/one/raters/{restored.id}/").text


def test_a_rule_on_agreement_is_broken_on_a_raters_page_by_the_votes_of_now(researcher: Client) -> None:
    question = QuestionSpec("q", "Which?", tie=False, both_bad=False)
    protocol = Protocol(rules=Rules(agreement=0.5))
    study = make_open_study(slug="one", questions=(question,), protocol=protocol, votes_wanted=5)
    computing.compute(study, "quality")
    *others, odd = (make_session(study) for _ in range(3))
    for comparison in Comparison.objects.order_by("id")[:10]:
        for session in others:
            cast_vote(session, comparison, "left")
        cast_vote(odd, comparison, "right")
    page = researcher.get(f"/studies/one/raters/{odd.id}/")
    assert page.context["breaches"] == [
        "0 of 10 answers agree with the other raters (p = 0.00098); the rule agreement = 0.5."
    ]
    assert page.context["breaches"][0] in page.text


def test_a_raters_page_shows_every_answer_with_what_it_was_about(
    study: Study, careless: RaterSession, researcher: Client
) -> None:
    page = researcher.get(f"/studies/one/raters/{careless.id}/")
    answers = page.context["answers"]
    assert len(answers) == Vote.objects.count() == 12 + 3 + 1 + 1
    assert answers[0].is_superseded
    assert not answers[1].is_superseded
    kinds = [answer.kind for answer in answers]
    assert (kinds.count("corrupted") + kinds.count("mismatched"), kinds.count("repeat"), kinds.count("")) == (3, 1, 13)
    for answer in answers:
        assert answer.is_right is (False if answer.kind in {"corrupted", "mismatched"} else None)
    text = page.content.decode()
    assert "spoilt" in text
    assert "of another prompt" in text


def test_an_answer_beside_another_questions_check_is_neither_right_nor_wrong(researcher: Client) -> None:
    asked = QuestionSpec("following", "Which follows the text?", tie=False, both_bad=False, checks=("corrupted",))
    beside = QuestionSpec("quality", "Which is better?", tie=True, both_bad=False)
    protocol = Protocol(layout="together", checks=Checks(every=3))
    study = make_open_study(["a red fox", "a paper boat"], slug="one", questions=(asked, beside), protocol=protocol)
    judge_all(Browser(study).consent())
    session = RaterSession.objects.get()
    page = researcher.get(f"/studies/one/raters/{session.id}/")
    checks = [answer for answer in page.context["answers"] if answer.kind == "corrupted"]
    assert {answer.assignment.comparison.question.key for answer in checks} == {"following", "quality"}
    for answer in checks:
        assert (answer.is_right is not None) == (answer.assignment.comparison.question.key == "following")
    assert page.context["row"].conduct.checks == sum(answer.is_right is not None for answer in checks)


def test_excluding_and_restoring_take_a_reason_and_change_the_numbers(
    study: Study, careless: RaterSession, researcher: Client
) -> None:
    judge_well(Browser(study).consent())
    path = f"/studies/one/raters/{careless.id}/"
    assert votes_counted(study) == 24
    for content in ({}, {"reason": "  "}, {"reason": "\0 "}):
        researcher.post(f"{path}exclude/", content)
        assert not Exclusion.objects.exists()
    researcher.post(f"{path}exclude/", {"reason": "told\0 us to"})
    researcher.post(f"{path}exclude/", {"reason": "again"})
    exclusion = Exclusion.objects.get()
    assert (exclusion.session, exclusion.reason, exclusion.created_by) == (careless, "told us to", User.objects.get())
    assert votes_counted(study) == 12
    assert votes_counted(study, with_excluded=True) == 24
    assert "told us to" in researcher.get(path).content.decode()
    researcher.post(f"/studies/one/exclusions/{exclusion.id}/restore/", {"reason": "a mis\0take"})
    exclusion.refresh_from_db()
    assert (exclusion.revoked_by, exclusion.revoked_because) == (User.objects.get(), "a mistake")
    assert votes_counted(study) == 24
    assert apply_rules(study).excluded == 0


def test_a_single_answer_can_be_left_out(study: Study, careless: RaterSession, researcher: Client) -> None:
    vote = Vote.objects.standing().earliest("id")
    path = f"/studies/one/raters/{careless.id}/exclude/"
    researcher.post(path, {"vote": vote.id, "reason": "slipped"})
    assert Exclusion.objects.get().vote == vote
    assert votes_counted(study) == 11
    number = list(Vote.objects.filter(assignment__session=careless).order_by("id")).index(vote) + 1
    assert f"<strong>Answer {number}</strong>: slipped" in researcher.get(f"/studies/one/raters/{careless.id}/").text
    for foreign in (vote.id + 10_000, "x", "9" * 5000):
        assert researcher.post(path, {"vote": foreign, "reason": "slipped"}).status_code == 404


def test_reported_pairs_have_a_page(study: Study, researcher: Client) -> None:
    assert "reported" not in researcher.get("/studies/one/raters/").text
    assert "Nobody has reported a pair." in researcher.get("/studies/one/raters/reported/").text
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    report(browser, payload)
    assert '<a href="/studies/one/raters/reported/">1 reported pair</a>' in researcher.get("/studies/one/raters/").text
    text = researcher.get("/studies/one/raters/reported/").text
    assert "a wound" in text
    assert payload["prompt"] in text
    session = RaterSession.objects.get()
    assert f'<a href="/studies/one/raters/{session.id}/">{session.id}</a>' in text


def test_many_reported_pairs_take_as_many_queries_as_few(
    researcher: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    study = make_open_study(slug="many")
    cast_votes(study, raters=20, each=3)
    Report.objects.bulk_create(Report(assignment=lease, problem="other") for lease in Assignment.objects.all())
    assert "60 reported pairs" in researcher.get("/studies/many/raters/").text
    with django_assert_max_num_queries(8):
        page = researcher.get("/studies/many/raters/reported/")
    assert [report.id for report in page.context["page"]] == list(
        Report.objects.order_by("-id").values_list("id", flat=True)[:50]
    )
    assert len(researcher.get("/studies/many/raters/reported/?page=2").context["page"]) == 10


def test_many_raters_take_as_many_queries_as_few(
    researcher: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    study = make_open_study(slug="many")
    cast_votes(study, raters=120, each=2)
    computing.compute(study, "quality")
    with django_assert_max_num_queries(20):
        page = researcher.get("/studies/many/raters/")
    assert len(page.context["rows"]) == 25
    session = RaterSession.objects.latest("id")
    with django_assert_max_num_queries(20):
        researcher.get(f"/studies/many/raters/{session.id}/")
    assert len(researcher.get("/studies/many/raters/?page=5").context["rows"]) == 20


def votes_counted(study: Study, *, with_excluded: bool = False) -> int:
    summary = snapshots.results(study, with_excluded=with_excluded)
    return sum(question["votes"] for question in summary["questions"].values())
