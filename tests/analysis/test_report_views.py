"""The report on the site: as a page with its ways out, as a paper, as everything in one file."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from analysis.ages import PATIENCE
from analysis.computing import compute
from analysis.kinds import KINDS
from analysis.models import Snapshot
from analysis.reporting.content import report
from analysis.reporting.html import html
from analysis.reporting.source import kinds_of, stored_source
from comparisons.models import Study
from comparisons.studies import close_study, image_jobs
from comparisons.study_file import QuestionSpec
from generation.models import ImageJob, LatencyRun
from people.models import AuditEntry, Membership
from tests.analysis.votes import cast_votes
from tests.factories import PROMPTS, make_draft, make_open_study

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unread_messages")]

OUTDATED = "Something has changed since this report was written"
PATHS = ("/studies/one/report/", "/studies/one/report.pdf", "/studies/one/report.zip")


@pytest.fixture
def study() -> Study:
    question = QuestionSpec("quality", "Which is better?", tie=True, both_bad=True)
    study = make_open_study(texts=PROMPTS[:2], questions=(question,), slug="one")
    cast_votes(study, raters=3)
    return study


@pytest.fixture
def computed(study: Study) -> Study:
    ImageJob.objects.filter(id=image_jobs(study)[0].id).update(state="queued")
    for kind in KINDS:
        compute(study, kind)
    return study


@pytest.mark.parametrize("path", PATHS)
def test_until_it_can_be_shown_it_says_what_it_waits_for(path: str, researcher: Client, study: Study) -> None:
    response = researcher.get(path)
    assert response["Content-Type"].startswith("text/html")
    assert "being computed by a worker" in response.content.decode()
    asked = set(study.snapshots.exclude(asked_at=None).values_list("kind", flat=True))
    assert asked == ({"report-page"} if path == PATHS[0] else set(kinds_of(study)))
    assert not AuditEntry.objects.exists()


def test_the_page_is_shown_as_the_worker_made_it(researcher: Client, computed: Study) -> None:
    page = researcher.get(PATHS[0]).content.decode()
    written = html(report(stored_source(computed)))
    assert undated(page).partition("</nav>")[2] == undated(written).partition("<body>")[2]
    Snapshot.objects.filter(kind="report-page").update(results='"<h1>As it was made</h1>"')
    assert "<h1>As it was made</h1>" in researcher.get(PATHS[0]).content.decode()


def undated(page: str) -> str:
    return re.sub(r"\s+|\d+:\d+", " ", page)


def test_the_page_leads_to_the_other_files_and_back(researcher: Client, computed: Study) -> None:
    page = researcher.get("/studies/one/report/").content.decode()
    for path in ("/studies/one/", *PATHS[1:]):
        assert f'href="{path}"' in page
    assert "Table 1" not in page  # numbers of tables are the style's
    assert "<caption>" in page


def new_vote(study: Study) -> None:
    cast_votes(study, raters=1, seed=2)


def new_image(study: Study) -> None:
    assert image_jobs(study).filter(state="queued").update(state="done") == 1


def new_measurement(study: Study) -> None:
    system = study.systems.all()[0]
    of_system = {"system": system.slug, "fingerprint": system.fingerprint, "spec": system.spec}
    LatencyRun.objects.create(**of_system, batch_size=1, runs=1, timings=[{"total_ms": 1.0}], environment={})


@pytest.mark.parametrize("change", [new_vote, new_image, new_measurement, close_study])
def test_an_old_page_says_so(change: Callable[[Study], object], researcher: Client, computed: Study) -> None:
    assert OUTDATED not in researcher.get(PATHS[0]).content.decode()
    change(computed)
    assert OUTDATED in researcher.get(PATHS[0]).content.decode()


def test_an_old_page_says_that_no_worker_runs(researcher: Client, computed: Study) -> None:
    close_study(computed)
    assert "A worker writes a new one" in researcher.get(PATHS[0]).content.decode()
    Snapshot.objects.filter(kind="report-page").update(asked_at=timezone.now() - 2 * PATIENCE)
    assert "see that one runs (<code>make worker</code>)" in researcher.get(PATHS[0]).content.decode()


def test_the_page_of_a_draft_follows_its_design(researcher: Client) -> None:
    draft = make_draft(slug="draft")
    compute(draft, "report-page")
    assert OUTDATED not in researcher.get("/studies/draft/report/").content.decode()
    draft.design["protocol"]["breaks"] = 0
    draft.save(update_fields=["design"])
    assert OUTDATED in researcher.get("/studies/draft/report/").content.decode()


def test_the_paper_is_a_file(researcher: Client, computed: Study) -> None:
    response = researcher.get("/studies/one/report.pdf")
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == 'attachment; filename="one-report.pdf"'
    assert response.content.startswith(b"%PDF-")
    assert AuditEntry.objects.get().details == {"file": "report.pdf"}


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
