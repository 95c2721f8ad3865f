"""Opening says what it will do, freezes the design, and asks for the images; closing and deleting ask first."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.test import Client
from kombu.exceptions import OperationalError

from comparisons.asking import NO_BROKER
from comparisons.models import Study
from comparisons.studies import create_study, design_hash, open_study
from comparisons.study_file import read_study
from generation import jobs
from generation.models import ImageJob, System
from people.models import AuditEntry, Membership
from studio import copies, opening
from studio.models import WorkingCopy
from tests.factories import make_draft, make_image, make_study_spec
from tests.studio.conftest import change

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(copy: WorkingCopy, ana: User) -> Study:
    """Three systems of the catalogue, and one whose pictures are made elsewhere."""
    row = {"name": "outside", "backend": "imported", "model": "theirs", "steps": "1", "width": "512", "height": "512"}
    change(copy, **{f"systems[3].{name}": text for name, text in row.items()})
    return copies.save_study(copy, ana)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The messages that workers would get."""
    messages: list[Any] = []
    monkeypatch.setattr(jobs, "dispatch", messages.extend)
    return messages


def open_it(client: Client, study: Study) -> str:
    """Press the button of the page that asks; return the page that comes then."""
    page = client.get(f"/studio/studies/{study.slug}/open/").content.decode()
    found = re.search(r'name="design_hash" value="(\w+)"', page)
    assert found
    return client.post(f"/studio/studies/{study.slug}/open/", {"design_hash": found[1]}, follow=True).content.decode()


def test_it_says_what_opening_does(researcher: Client, draft: Study) -> None:
    context = researcher.get("/studio/studies/mine/open/").context
    outlook = context["outlook"]
    assert (outlook.prompts, outlook.images_to_make, outlook.images_there) == (4, 12, 0)
    assert outlook.comparisons == 4 * 6 * 2
    assert [system.slug for system in outlook.awaited] == ["outside@1"]
    assert outlook.estimate.figures["votes"] == "192"
    draft.refresh_from_db()
    assert draft.state == "draft"


UNSAVED = "There are changes in the form that are not saved: they are not part of what opens."
PAGES_OF_THE_DRAFT = ("/studio/studies/mine/", "/studio/studies/mine/open/")


def test_what_is_typed_and_not_saved_is_no_part_of_what_opens(
    researcher: Client, draft: Study, copy: WorkingCopy, ana: User
) -> None:
    change(copy, rating__votes_wanted="40", **{"plan.pay": "24"})
    for path in PAGES_OF_THE_DRAFT:
        page = researcher.get(path).content.decode()
        assert UNSAVED in page
        assert f'href="/studio/drafts/{copy.pk}/"' in page
    figures = researcher.get("/studio/studies/mine/open/").context["outlook"].estimate.figures
    assert figures["votes"] == "192"
    copies.save_study(copy, ana)
    assert UNSAVED not in "".join(researcher.get(path).content.decode() for path in PAGES_OF_THE_DRAFT)
    figures = researcher.get("/studio/studies/mine/open/").context["outlook"].estimate.figures
    assert figures["votes"] == "1,920"


def test_assumptions_of_the_estimate_are_no_part_of_the_design(
    researcher: Client, draft: Study, copy: WorkingCopy
) -> None:
    cost = int(researcher.get("/studio/studies/mine/open/").context["outlook"].estimate.figures["cost"])
    change(copy, **{"plan.pay": "120"})
    page = researcher.get("/studio/studies/mine/open/")
    assert int(page.context["outlook"].estimate.figures["cost"]) == pytest.approx(10 * cost, rel=0.2)
    assert UNSAVED not in page.content.decode()


def test_an_assumption_that_no_study_can_meet_is_said(researcher: Client, draft: Study, copy: WorkingCopy) -> None:
    change(copy, **{"plan.win_rate": "0.5000000001"})
    page = researcher.get("/studio/studies/mine/open/")
    assert "win_rate is 0.5000000001; allowed: what takes at most" in page.content.decode()


@pytest.mark.parametrize("typed", [{"slug": "renamed"}, {"slug": ""}, {"title": "Another"}, {"prompt_set": "plants"}])
def test_any_change_and_any_mistake_is_told(
    typed: dict[str, str], researcher: Client, draft: Study, copy: WorkingCopy
) -> None:
    change(copy, **typed)
    for path in PAGES_OF_THE_DRAFT:
        assert UNSAVED in researcher.get(path).content.decode()


def test_a_draft_that_was_changed_by_a_file_is_what_opens(researcher: Client, draft: Study) -> None:
    create_study(make_study_spec("animals", slug="mine", votes_wanted=9))
    page = researcher.get("/studio/studies/mine/open/")
    assert page.context["outlook"].estimate.figures["votes_per_pair"] == "36"
    assert UNSAVED not in page.content.decode(), "nothing was typed"
    assert "The draft was changed by other means than its form" in page.content.decode()


def test_a_draft_without_a_form_opens_too(researcher: Client, ana: User) -> None:
    Membership.objects.create(study=make_draft(slug="from-a-file"), user=ana, role="owner")
    page = researcher.get("/studio/studies/from-a-file/open/")
    assert page.context["outlook"].estimate.figures["cost"]
    assert not WorkingCopy.objects.exists()


def test_after_opening_nothing_is_said_of_the_form(
    researcher: Client, draft: Study, copy: WorkingCopy, sent: list[Any]
) -> None:
    change(copy, title="Another")
    open_it(researcher, draft)
    assert UNSAVED not in researcher.get("/studio/studies/mine/").content.decode()


def test_images_that_are_there_already_are_counted(researcher: Client, draft: Study) -> None:
    (prompt, *_), system = draft.prompt_set.prompts.all(), draft.systems.get(slug="sdxl@50")
    jobs.request([(system, prompt, draft.seed + prompt.position)], draft.display_px)
    make_image(ImageJob.objects.get())
    outlook = researcher.get("/studio/studies/mine/open/").context["outlook"]
    assert (outlook.images_to_make, outlook.images_there) == (11, 1)


def test_opening_freezes_the_design_and_asks_for_the_images(researcher: Client, draft: Study, sent: list[Any]) -> None:
    page = open_it(researcher, draft)
    draft.refresh_from_db()
    assert (draft.state, draft.design_hash) == ("open", design_hash(draft))
    assert ImageJob.objects.count() == len(sent) == 12
    assert "The study is open, and 12 images are asked for." in page
    assert "outside@1 is made elsewhere" in page
    entry = AuditEntry.objects.get(verb="opened")
    assert (entry.study_slug, entry.details["design_hash"]) == ("mine", draft.design_hash)
    asked = AuditEntry.objects.get(verb="generated")
    assert (asked.study_slug, asked.who, asked.details) == ("mine", "ana", {"images": 12})


@pytest.mark.django_db(transaction=True)
def test_a_missing_broker_is_said_and_loses_nothing(
    researcher: Client, draft: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr(current_app, "send_task", unreachable)
    page = open_it(researcher, draft)
    assert NO_BROKER in page
    assert "12 images are asked for" in page
    assert ImageJob.objects.filter(state="queued").count() == 12


def test_a_design_that_changed_since_is_not_opened(
    researcher: Client, draft: Study, copy: WorkingCopy, ana: User
) -> None:
    before = design_hash(draft)
    change(copy, title="Another")
    copies.save_study(copy, ana)
    response = researcher.post("/studio/studies/mine/open/", {"design_hash": before}, follow=True)
    assert "Not opened: the design was changed since that page was loaded." in response.content.decode()
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_a_design_that_changes_at_that_very_moment_is_not_opened(
    researcher: Client, draft: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change_and_open(study: Study) -> bool:
        Study.objects.filter(id=study.id).update(design=study.design | {"seed": 8})
        return open_study(study)

    monkeypatch.setattr(opening, "open_study", change_and_open)
    page = open_it(researcher, draft)
    assert "Not opened: the design of &#x27;mine&#x27; was changed at this moment. Look at it again." in page
    draft.refresh_from_db()
    assert (draft.state, draft.design_hash, draft.opened_at) == ("draft", "", None)
    assert not AuditEntry.objects.filter(verb="opened").exists()
    assert not ImageJob.objects.exists()


def test_an_opened_study_is_closed_after_a_question(researcher: Client, draft: Study, sent: list[Any]) -> None:
    open_it(researcher, draft)
    assert "0 of 0 votes" in researcher.get("/studio/studies/mine/close/").content.decode()
    draft.refresh_from_db()
    assert draft.state == "open"
    researcher.post("/studio/studies/mine/close/")
    draft.refresh_from_db()
    assert draft.state == "closed"
    assert AuditEntry.objects.filter(verb="closed", study_slug="mine").count() == 1


@pytest.mark.parametrize("verb", ["open", "delete", "close"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_does_not_fit_the_state_is_refused(
    verb: str, method: str, researcher: Client, draft: Study, sent: list[Any]
) -> None:
    if verb != "close":
        open_it(researcher, draft)
    before = Study.objects.get().state
    response = getattr(researcher, method)(f"/studio/studies/mine/{verb}/", follow=True)
    assert response.redirect_chain == [("/studio/studies/mine/", 302)]
    assert "notice warning" in response.content.decode()
    assert Study.objects.get().state == before


def test_a_draft_is_deleted_with_its_form_and_its_unused_systems(researcher: Client, draft: Study) -> None:
    assert researcher.get("/studio/studies/mine/delete/").status_code == 200
    assert Study.objects.exists()
    researcher.post("/studio/studies/mine/delete/")
    assert not Study.objects.exists()
    assert not WorkingCopy.objects.exists()
    assert not System.objects.exists()
    assert AuditEntry.objects.filter(verb="deleted", study_slug="mine").count() == 1


def test_a_new_version_of_an_open_study_is_a_design_of_its_own(
    researcher: Client, draft: Study, sent: list[Any]
) -> None:
    open_it(researcher, draft)
    response = researcher.post("/studio/studies/mine/version/")
    newer = WorkingCopy.objects.latest("id")
    assert response["Location"] == f"/studio/drafts/{newer.pk}/"
    study = copies.save_study(newer, newer.owner)
    assert (study.slug, study.design) == ("mine-v2", draft.design)
    assert "a new version of" in researcher.get("/studio/studies/mine-v2/").content.decode()
    assert "/studio/studies/mine-v2/" in researcher.get("/studio/studies/mine/").content.decode()


def test_the_file_of_any_study_makes_the_same_study(
    researcher: Client, draft: Study, sent: list[Any], tmp_path: Path
) -> None:
    open_it(researcher, draft)
    response = researcher.get("/studio/studies/mine/study.toml")
    assert response["Content-Disposition"] == 'attachment; filename="mine.toml"'
    file = tmp_path / "mine.toml"
    file.write_bytes(response.content)
    assert create_study(read_study(file)) == (draft, False)


def test_the_design_is_read_on_its_page(researcher: Client, draft: Study) -> None:
    html = researcher.get("/studio/studies/mine/").content.decode()
    for said in ("Which picture follows the text more closely?", "sdxl-turbo", "1, 4", "imported", "animals"):
        assert said in html
