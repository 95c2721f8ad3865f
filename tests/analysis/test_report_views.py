"""The report on the site: as a page with its ways out, as a paper, as everything in one file."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.test import Client

from analysis.computing import compute
from analysis.reporting.source import kinds_of
from comparisons.models import Study
from comparisons.study_file import QuestionSpec
from people.models import AuditEntry, Membership
from tests.analysis.votes import cast_votes
from tests.factories import PROMPTS, make_open_study

pytestmark = pytest.mark.django_db

PATHS = ("/studies/one/report/", "/studies/one/report.pdf", "/studies/one/report.zip")


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes every message, and no worker is there."""
    monkeypatch.setattr(current_app, "send_task", lambda *arguments, **options: None)


@pytest.fixture
def study() -> Study:
    question = QuestionSpec("quality", "Which is better?", tie=True, both_bad=True)
    study = make_open_study(texts=PROMPTS[:2], questions=(question,), slug="one")
    cast_votes(study, raters=3)
    return study


@pytest.fixture
def computed(study: Study) -> Study:
    for kind in kinds_of(study):
        compute(study, kind)
    return study


@pytest.mark.parametrize("path", PATHS)
def test_until_the_numbers_are_there_it_says_what_it_waits_for(path: str, researcher: Client, study: Study) -> None:
    response = researcher.get(path)
    assert response["Content-Type"].startswith("text/html")
    assert "being computed by a worker" in response.content.decode()
    assert set(study.snapshots.exclude(asked_at=None).values_list("kind", flat=True)) == set(kinds_of(study))
    assert not AuditEntry.objects.exists()


def test_the_page_leads_to_the_other_files_and_back(researcher: Client, computed: Study) -> None:
    page = researcher.get("/studies/one/report/").content.decode()
    for path in ("/studies/one/", *PATHS[1:]):
        assert f'href="{path}"' in page
    assert "Table 1" not in page  # numbers of tables are the style's
    assert "<caption>" in page


def test_old_numbers_say_so(researcher: Client, computed: Study) -> None:
    note = "this report has the numbers of that time"
    assert note not in researcher.get("/studies/one/report/").content.decode()
    cast_votes(computed, raters=1, seed=2)
    assert note in researcher.get("/studies/one/report/").content.decode()


def test_the_paper_is_a_file(researcher: Client, computed: Study) -> None:
    response = researcher.get("/studies/one/report.pdf")
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="one-report.pdf"'
    assert response.content.startswith(b"%PDF-")


def test_everything_is_one_file_and_leaves_a_trace(researcher: Client, computed: Study) -> None:
    response = researcher.get("/studies/one/report.zip")
    assert response["Content-Disposition"] == 'attachment; filename="one-report.zip"'
    with zipfile.ZipFile(BytesIO(response.getvalue())) as archive:
        assert "one-report/report.pdf" in archive.namelist()
    assert AuditEntry.objects.get().details == {"file": "report.zip"}


@pytest.mark.parametrize(("role", "status"), [("analyst", 200), ("operator", 403)])
@pytest.mark.parametrize("path", PATHS)
def test_who_may_see_results_may_see_it(path: str, role: str, status: int, client: Client, study: Study) -> None:
    user = User.objects.create_user("bob")
    Membership.objects.create(user=user, study=study, role=role)
    client.force_login(user)
    assert client.get(path).status_code == status
    assert client.post(path).status_code in {403, 405}
