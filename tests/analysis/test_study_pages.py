from __future__ import annotations

import csv

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from analysis.computing import compute
from comparisons.models import Comparison, Rater, RaterSession, Study
from generation.models import ImageJob
from tests.analysis.votes import cast_vote, cast_votes
from tests.factories import make_draft, make_open_study

pytestmark = pytest.mark.django_db

PAGES = ("/studies/", "/studies/one/", "/studies/one/report/", "/studies/one/votes.csv")


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_asked_to_sign_in(path: str, client: Client) -> None:
    make_draft(slug="one")
    response = client.get(path)
    assert (response.status_code, response["Location"]) == (302, f"/login/?next={path}")


@pytest.mark.parametrize("path", PAGES)
def test_who_takes_no_part_sees_nothing(path: str, client: Client) -> None:
    study = make_draft(slug="one")
    client.force_login(User.objects.create_user("bob"))
    response = client.get(path)
    assert response.status_code == (200 if path == "/studies/" else 404)
    assert study.title not in response.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_they_only_read(path: str, researcher: Client) -> None:
    make_draft(slug="one")
    assert researcher.post(path).status_code == 405


@pytest.mark.parametrize("path", PAGES[1:])
def test_an_unknown_study_is_not_found(path: str, researcher: Client) -> None:
    assert researcher.get(path.replace("one", "two")).status_code == 404


def test_the_list_counts_images_and_votes(researcher: Client) -> None:
    study, draft = make_open_study(), make_draft()
    cast_votes(study, raters=2, each=5)
    cast_votes(study, raters=1, each=3, kind=Rater.Kind.SIMULATED)
    late = RaterSession.objects.latest("id")
    free = Comparison.objects.filter(question__study=study).exclude(assignments__session=late)
    cast_vote(late, free[0], late=True)
    shown = {row.slug: row for row in researcher.get("/studies/").context["studies"]}
    row = shown[study.slug]
    assert (row.images_done, row.images_total) == (12, 12)
    assert (row.votes, row.simulated_votes, row.votes_wanted) == (13, 3, 48)
    assert row.url == f"/studies/{study.slug}/"
    assert (shown[draft.slug].images_done, shown[draft.slug].images_total, shown[draft.slug].votes) == (0, 12, 0)


def test_images_are_those_of_the_study_s_own_seed(researcher: Client) -> None:
    study = make_open_study()
    ImageJob.objects.filter(id=ImageJob.objects.latest("id").id).update(seed=12345)
    (row,) = researcher.get("/studies/").context["studies"]
    assert (row.images_done, row.images_total) == (11, 12)
    other_seed = Study.objects.filter(id=study.id)
    other_seed.update(seed=study.seed + 1000)
    (row,) = researcher.get("/studies/").context["studies"]
    assert row.images_done == 0


def test_the_list_makes_as_many_queries_for_twelve_studies_as_for_two(
    researcher: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    texts = ("a fox", "a boat")
    for _ in range(2):
        cast_votes(make_open_study(texts), raters=1, each=2)
    with django_assert_num_queries(8):
        researcher.get("/studies/")
    for _ in range(10):
        cast_votes(make_open_study(texts), raters=1, each=2)
    with django_assert_num_queries(8):
        assert len(researcher.get("/studies/").context["studies"]) == 12


def test_a_study_shows_its_progress(researcher: Client) -> None:
    study = make_open_study(title="<b>Pictures</b>")
    cast_votes(study, raters=10, each=12)
    response = researcher.get(f"/studies/{study.slug}/")
    context, html = response.context, response.content.decode()
    assert "&lt;b&gt;Pictures&lt;/b&gt;" in html
    assert [(row.system, row.done, row.total) for row in context["generation"]] == [
        ("alpha@4", 4, 4),
        ("beta@4", 4, 4),
        ("gamma@4", 4, 4),
    ]
    assert sum(row.votes for row, _ in context["rating"]) == 120
    assert context["rate_url"] == f"http://testserver/r/{study.key}/"


def test_a_study_without_votes_has_a_page(researcher: Client) -> None:
    for study in (make_draft(), make_open_study()):
        response = researcher.get(f"/studies/{study.slug}/")
        assert response.status_code == 200


def test_a_study_takes_as_many_queries_for_many_votes_as_for_few(
    researcher: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    study = make_open_study()
    path = f"/studies/{study.slug}/"
    for raters in (1, 12):
        cast_votes(study, raters, each=10)
        researcher.get(path)  # computes and stores
        with django_assert_num_queries(22):
            researcher.get(path)


def test_votes_are_streamed_as_a_file(researcher: Client) -> None:
    study = make_open_study(slug="one")
    cast_votes(study, raters=2, each=4)
    response = researcher.get("/studies/one/votes.csv")
    assert response["Content-Disposition"] == 'attachment; filename="one-votes.csv"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response.streaming
    lines = response.getvalue().decode().splitlines()
    assert len(list(csv.DictReader(lines))) == 8


def test_the_report_page_may_have_its_own_style_and_nothing_else(researcher: Client) -> None:
    study = make_open_study(slug="one")
    waiting = researcher.get("/studies/one/report/")["Content-Security-Policy"]
    compute(study, "report-page")
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in researcher.get("/studies/one/report/")["Content-Security-Policy"].split(";")
    )
    assert policy.pop("style-src") == "'unsafe-inline'"
    page = researcher.get("/studies/one/")["Content-Security-Policy"]
    assert policy == dict(directive.strip().split(" ", 1) for directive in page.split(";"))
    assert "unsafe" not in page
    assert waiting == page, "it waits on a page like others"


def test_the_drawing_script_is_cached_for_ever_under_an_address_of_its_version(client: Client) -> None:
    path = reverse("studies:vega")
    response = client.get(path, headers={"accept-encoding": "gzip"})
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Content-Encoding"] == "gzip"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert any(part[0].isdigit() for part in path.split("-"))
