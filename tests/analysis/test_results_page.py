"""The page of a study's results: what it shows, says of its age, leads to and hides."""

from __future__ import annotations

import csv
import io
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from analysis import computing, kinds, result_pages, snapshots
from analysis.models import Snapshot
from comparisons.models import Exclusion, RaterSession, Study, Vote
from comparisons.protocol import Protocol
from comparisons.studies import close_study
from people.models import AuditEntry, Membership
from tests.analysis.results import computed, study_with_votes
from tests.analysis.votes import cast_votes
from tests.factories import make_draft, make_open_study, make_system_spec

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unread_messages")]

QUESTIONS = ("prompt-following", "quality")


def test_every_question_has_its_charts_and_tables(researcher: Client) -> None:
    response = researcher.get(computed(study_with_votes()))
    html, page = response.content.decode(), response.context["page"]
    assert [result.question.key for result in page.questions] == list(QUESTIONS)
    names = ("ratings", "win-rates", "latency", "category")
    of_questions = {f"{key}-{name}" for key in QUESTIONS for name in names}
    assert set(response.context["charts"]) == of_questions | {"ratings", "elo"}
    for chart in response.context["charts"]:
        assert f'data-chart="{chart}"' in html
    for result in page.questions:
        assert len(result.leaderboard) == 3
        assert len(result.pairs) == 3
        assert html.count(f'<h2 id="result-{result.question.key}">') == 1


def test_systems_that_differ_in_steps_alone_have_a_chart_of_their_steps(researcher: Client) -> None:
    systems = (*(make_system_spec("alpha", steps=steps) for steps in (1, 4)), make_system_spec("beta", steps=2))
    charts = researcher.get(computed(study_with_votes(systems=systems))).context["charts"]
    rows = charts["quality-steps"]["data"]["values"]
    assert [(row["model"], row["steps"]) for row in rows] == [("alpha", 1), ("alpha", 4)]


def test_numbers_lead_to_the_votes_behind_them(researcher: Client) -> None:
    study = study_with_votes()
    response = researcher.get(computed(study))
    shown = unescape(response.content.decode()) + str(response.context["charts"])
    votes = f"/studies/{study.slug}/votes/"
    for query in (
        "question=quality&excluded=no",
        "question=quality&excluded=no&system=alpha%404",
        "question=quality&excluded=no&system=alpha%404&opponent=beta%404&outcome=won",
        "question=quality&excluded=no&outcome=both_bad",
        "question=quality&excluded=no&system=alpha%404&category=Places",
    ):
        assert f"{votes}?{query}" in shown
        assert researcher.get(f"{votes}?{query}").context["form"].is_valid()


def test_what_is_excluded_can_be_put_back(researcher: Client) -> None:
    study = study_with_votes()
    Exclusion.objects.create(session=RaterSession.objects.latest("id"), reason="asked for it")
    Exclusion.objects.create(vote=Vote.objects.all()[0], reason="asked for it")
    page = computed(study)
    without, everything = (researcher.get(page + query) for query in ("", "?excluded=with"))
    assert "1 rater and 1 single answer left out of these numbers" in without.content.decode()
    assert "These numbers leave nothing out" in everything.content.decode()
    counts = [sum(result.votes for result in each.context["page"].questions) for each in (without, everything)]
    assert counts == [107, 120]
    for each in (without, everything):
        for result in each.context["page"].questions:
            assert researcher.get(result.votes_url).context["page"].count == str(result.votes)
            for pair in result.pairs:
                assert researcher.get(pair["votes_url"]).context["page"].count == str(pair["votes"])
    assert "?excluded=with" in everything.content.decode().split('class="downloads')[1]


def test_before_anything_is_computed_the_page_waits_and_offers_to_compute(researcher: Client) -> None:
    study = study_with_votes()
    page = f"/studies/{study.slug}/results/"
    html = researcher.get(page).content.decode()
    assert "not been computed yet" in html
    assert f'data-refresh="{page}age/"' in html
    response = researcher.post(f"{page}compute/", follow=True)
    assert "The results have been computed." in response.content.decode()
    assert response.context["page"].questions


def test_stale_numbers_are_shown_with_their_age(researcher: Client) -> None:
    study = study_with_votes()
    page = computed(study)
    fresh = researcher.get(f"{page}age/")
    assert "Nothing has changed since." in fresh.content.decode()
    cast_votes(study, raters=1, each=5)
    stale = researcher.get(f"{page}age/").content.decode()
    assert "<strong>5 newer answers since.</strong>" in stale
    assert researcher.get(page).context["page"].questions
    snapshots.compute_due()
    Snapshot.objects.update(took_ms=0)
    snapshots.compute_due()
    assert "Nothing has changed since." in researcher.get(f"{page}age/").content.decode()


def test_of_several_kinds_of_numbers_the_stalest_is_told(researcher: Client) -> None:
    study = study_with_votes()
    page = computed(study)
    cast_votes(study, raters=1, each=5)
    for kind in ("results", "activity"):
        computing.compute(study, kind)
    stale = researcher.get(f"{page}age/").content.decode()
    assert "<strong>5 newer answers since.</strong>" in stale
    assert f'data-computed="{Snapshot.objects.get(kind="activity").computed_at:%Y-%m-%dT%H:%M:%S.%f}+00:00"' in stale
    Snapshot.objects.filter(kind="breakdowns").update(error="ZeroDivisionError: by nought")
    assert "The last attempt failed: ZeroDivisionError: by nought" in researcher.get(page).content.decode()


def test_too_many_votes_are_not_computed_in_a_request(researcher: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_with_votes()
    monkeypatch.setattr(result_pages, "AT_ONCE", 100)
    page = f"/studies/{study.slug}/results/"
    assert "Compute now" not in researcher.get(page).content.decode()
    html = researcher.post(f"{page}compute/", follow=True).content.decode()
    assert "More than 100 votes take too long for a page." in html
    assert f"python manage.py compute_results {study.slug}" in html
    assert not Snapshot.objects.exclude(computed_at=None).exists()


def test_what_a_worker_computes_is_not_computed_in_a_request(
    researcher: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(study: Study, kind: str) -> None:
        raise computing.ComputedElsewhere

    study = study_with_votes()
    monkeypatch.setattr(result_pages, "compute", elsewhere)
    html = researcher.post(f"/studies/{study.slug}/results/compute/", follow=True).content.decode()
    assert "A worker is computing them at this moment." in html


def test_what_fails_in_a_request_is_a_sentence(researcher: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(kind: kinds.Kind, study: Study) -> None:
        raise ZeroDivisionError("by nought")

    study = study_with_votes()
    monkeypatch.setattr(kinds.Kind, "make", broken)
    html = researcher.post(f"/studies/{study.slug}/results/compute/", follow=True).content.decode()
    assert "The results could not be computed." in html
    assert "The last attempt failed: ZeroDivisionError: by nought" in html


def test_a_study_without_votes_says_so(researcher: Client) -> None:
    for study in (make_draft(), make_open_study()):
        response = researcher.get(f"/studies/{study.slug}/results/")
        assert (response.status_code, response.context["page"].questions) == (200, [])
        assert "No votes yet" in response.content.decode()
        assert "Results appear with the first votes." in response.content.decode()
    close_study(study)
    page = researcher.get(f"/studies/{study.slug}/results/").content.decode()
    assert "No votes" in page and "yet" not in page and "The study was closed before anybody had voted." in page


def test_a_page_takes_as_many_queries_for_many_votes_as_for_few(
    researcher: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    study = make_open_study()
    for raters in (1, 12):
        cast_votes(study, raters, each=10)
        page = computed(study)
        with django_assert_num_queries(15):
            researcher.get(page)


@pytest.mark.parametrize(
    ("form", "content_type", "start"),
    [
        ("svg", "image/svg+xml", b"<svg"),
        ("png", "image/png", b"\x89PNG"),
        ("pdf", "application/pdf", b"%PDF"),
        ("csv", "text/csv; charset=utf-8", b"system,compared with,preferred"),
    ],
)
def test_a_chart_can_be_taken_away(form: str, content_type: str, start: bytes, researcher: Client) -> None:
    study = study_with_votes()
    response = researcher.get(f"{computed(study)}quality-win-rates.{form}")
    assert response["Content-Type"] == content_type
    assert response["Content-Disposition"] == f'attachment; filename="{study.slug}-quality-win-rates.{form}"'
    assert response.content.startswith(start)
    assert researcher.get(f"/studies/{study.slug}/results/nothing.{form}").status_code == 404
    entry = AuditEntry.objects.get(verb="exported")
    assert (entry.study_slug, entry.details) == (study.slug, {"file": f"quality-win-rates.{form}"})


def test_a_chart_s_file_has_all_digits(researcher: Client) -> None:
    study = study_with_votes()
    content = researcher.get(f"{computed(study)}quality-win-rates.csv").content.decode()
    rows = {(row["system"], row["compared with"]): row for row in csv.DictReader(io.StringIO(content))}
    assert len(rows) == 6
    for pair in snapshots.results(study)["questions"]["quality"]["pairs"]:
        assert rows[pair["a"], pair["b"]]["preferred"] == str(pair["win_rate"])


def test_hidden_results_are_shown_nowhere_until_the_study_is_closed(researcher: Client) -> None:
    study = study_with_votes(protocol=Protocol(hide_results_until_closed=True))
    page = computed(study)
    for path in (page, f"{page}age/", f"{page}?excluded=with"):
        html = researcher.get(path).content.decode()
        assert "hidden until it is closed" in html
        assert "data-chart" not in html
    for form in ("svg", "csv"):
        response = researcher.get(f"{page}quality-win-rates.{form}")
        assert response.status_code == 403
        assert "hidden until it is closed" in response.content.decode()
    close_study(study)
    assert 'data-chart="quality-win-rates"' in researcher.get(computed(study)).content.decode()


def test_who_may_not_see_results_sees_none(client: Client) -> None:
    study = study_with_votes()
    page = computed(study)
    operator = User.objects.create_user("olga")
    Membership.objects.create(user=operator, study=study, role=Membership.Role.OPERATOR)
    client.force_login(operator)
    for path in (page, f"{page}age/", f"{page}quality-ratings.svg"):
        assert client.get(path).status_code == 403
    assert client.post(f"{page}compute/").status_code == 403


def test_the_command_names_a_study_that_there_is_not() -> None:
    with pytest.raises(CommandError, match="There is no study 'nothing'"):
        call_command("compute_results", "nothing")


def test_a_question_of_which_everything_is_left_out_is_named(researcher: Client) -> None:
    study = study_with_votes()
    votes = Vote.objects.filter(assignment__comparison__question__key="quality")
    Exclusion.objects.bulk_create(Exclusion(vote=vote, reason="asked for it") for vote in votes)
    response = researcher.get(computed(study))
    assert [result.question.key for result in response.context["page"].questions] == ["prompt-following"]
    sentence = "All votes are marked as excluded, and left out, of the question &quot;quality&quot;."
    assert f'<p class="notice">{sentence}</p>' in response.content.decode()
