"""Two who save a design under one name at the same moment, on real connections: the second is told at that field."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from comparisons.models import Study
from comparisons.studies import create_study
from people.models import AuditEntry, Membership
from studio import copies
from studio.models import WorkingCopy
from tests.comparisons.unfinished import while_unfinished
from tests.factories import make_study_spec
from tests.studio.conftest import change
from tests.studio.test_copies import refusals

pytestmark = pytest.mark.django_db(transaction=True)
TAKEN = {"slug": "Found 'mine', which another study has; allowed: a name that none has."}


def test_a_new_design(copy: WorkingCopy, ana: User) -> None:
    spec = make_study_spec("animals", slug="mine")
    (theirs, _), found = while_unfinished(lambda: create_study(spec), lambda: refusals(copy, ana))
    assert found == TAKEN
    theirs.refresh_from_db()
    assert Study.objects.get() == theirs
    assert (theirs.title, theirs.systems.count()) == (spec.title, len(spec.systems))
    assert not Membership.objects.exists() and not AuditEntry.objects.exists()
    copy = WorkingCopy.objects.get()
    assert copy.study is None and copy.content["slug"] == "mine", "what was typed is kept"


def test_a_draft_that_is_renamed(copy: WorkingCopy, ana: User) -> None:
    change(copy, slug="before")
    study = copies.save_study(copy, ana)
    change(copy, slug="mine", title="Another title")
    spec = make_study_spec("animals", slug="mine")
    _, found = while_unfinished(lambda: create_study(spec), lambda: refusals(copy, ana))
    assert found == TAKEN
    kept = Study.objects.get(slug="before")
    assert (kept.pk, kept.title, kept.design) == (study.pk, study.title, study.design)


def test_it_is_not_renamed_once_it_is_open(copy: WorkingCopy, ana: User) -> None:
    study = copies.save_study(copy, ana)
    loaded = WorkingCopy.objects.select_related("study").get()
    Study.objects.filter(id=study.id).update(state="open", opened_at=study.created_at, design_hash="of what was opened")
    change(loaded, slug="renamed")
    sentence = "Study 'mine' is no draft any more: its design is frozen, so make a new version of it."
    assert refusals(loaded, ana) == {"": sentence}
    assert Study.objects.get().slug == "mine"
