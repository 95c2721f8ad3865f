"""The log of who did what: what gets into it, that nothing changes it, and the page that shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from pytest_django import DjangoAssertNumQueries

from comparisons.models import Comparison, Exclusion, Study
from comparisons.studies import rename_draft
from people import audit
from people.audit import Verb
from people.members import grant
from people.models import AuditEntry
from tests.analysis.votes import cast_vote
from tests.comparisons.arriving import make_recruiting_study
from tests.comparisons.study_texts import ANOTHER_SYSTEM, GOOD
from tests.factories import make_draft, make_open_study, make_prompt_set, make_session
from tests.people.conftest import SignedIn

pytestmark = pytest.mark.django_db

SENTENCE = "the audit log is insert-only"


def told(study: Study) -> list[tuple[str, dict[str, object]]]:
    return list(AuditEntry.objects.filter(study_slug=study.slug).order_by("id").values_list("verb", "details"))


@pytest.mark.parametrize("statement", ["UPDATE people_auditentry SET verb = 'closed'", "DELETE FROM people_auditentry"])
def test_the_database_refuses_plain_sql(statement: str) -> None:
    audit.record(Verb.OPENED, by="a test")
    with pytest.raises(IntegrityError, match=SENTENCE), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEntry.objects.get().verb == "opened"


def test_querysets_and_rows_are_refused_too() -> None:
    entry = audit.record(Verb.OPENED, by="a test")
    entry.verb = Verb.CLOSED
    for change in (entry.save, entry.delete, AuditEntry.objects.all().delete):
        with pytest.raises(IntegrityError, match=SENTENCE), transaction.atomic():
            change()
    with pytest.raises(IntegrityError, match=SENTENCE), transaction.atomic():
        AuditEntry.objects.update(by="nobody")


def test_an_entry_names_one_actor_and_a_known_verb() -> None:
    with pytest.raises(IntegrityError, match="audit_entry_names_one_actor"), transaction.atomic():
        audit.record(Verb.OPENED)
    with pytest.raises(IntegrityError, match="audit_entry_names_one_actor"), transaction.atomic():
        audit.record(Verb.OPENED, actor=User.objects.create_user("ana"), by="a test")
    with pytest.raises(IntegrityError, match="audit_entry_verb_is_known"), transaction.atomic():
        AuditEntry.objects.create(verb="pondered", by="a test")


def test_an_account_that_did_something_stays() -> None:
    ana = User.objects.create_user("ana")
    audit.record(Verb.SIGNED_IN, actor=ana)
    with pytest.raises(ProtectedError):
        ana.delete()


def test_entries_outlive_a_draft() -> None:
    study = make_draft(slug="one")
    audit.record(Verb.CREATED, study=study, by="a test")
    study.delete()
    assert AuditEntry.objects.get().study_slug == "one"


def test_what_is_done_at_the_command_line_is_noted() -> None:
    study = make_open_study(slug="one")
    call_command("close_study", "one")
    call_command("close_study", "one")
    assert told(study) == [("closed", {})]
    assert AuditEntry.objects.get().by == audit.shell_user()


def test_invitations_are_counted_and_not_told() -> None:
    study = make_recruiting_study("invitation")
    call_command("invite", study.slug, "--count", "3")
    assert told(study) == [("invited", {"people": 3})]


def test_prompts_are_noted_once(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("a red fox\na paper boat\n")
    for _ in range(2):
        call_command("import_prompts", str(file), "--set", "words")
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.details) == ("imported", {"prompts": 2, "prompt set": "words"})


def test_creating_changing_and_opening_are_noted(tmp_path: Path) -> None:
    User.objects.create_user("ana")
    make_prompt_set("words")
    file = tmp_path / "study.toml"
    file.write_text(GOOD + ANOTHER_SYSTEM)
    call_command("create_study", str(file), "--owner", "ana")
    call_command("create_study", str(file))
    file.write_text(GOOD.replace("seed = 7", "seed = 8") + ANOTHER_SYSTEM)
    call_command("create_study", str(file))
    study = Study.objects.get(slug="colours")
    call_command("open_study", study.slug)
    study.refresh_from_db()
    assert told(study) == [
        ("created", {}),
        ("granted", {"user": "ana", "role": "owner"}),
        ("changed", {}),
        ("opened", {"design_hash": study.design_hash}),
    ]
    assert [member.user.get_username() for member in study.memberships.all()] == ["ana"]


def test_exclusions_are_noted_with_their_reasons(signed_in: SignedIn) -> None:
    study = Study.objects.get(slug="one")
    owner = signed_in("owner")
    rated = make_open_study(["a red fox"])
    rated.memberships.create(user=User.objects.get(username="owner"), role="owner")
    vote = cast_vote(make_session(rated), Comparison.objects.filter(question__study=rated).earliest("id"))
    session = vote.assignment.session
    owner.post(f"/studies/{rated.slug}/raters/{session.pk}/exclude/", {"reason": "asleep", "vote": vote.pk})
    owner.post(f"/studies/{rated.slug}/raters/{session.pk}/exclude/", {"reason": "again", "vote": vote.pk})
    exclusion = Exclusion.objects.get()
    owner.post(f"/studies/{rated.slug}/exclusions/{exclusion.pk}/restore/", {"reason": "awake"})
    owner.post(f"/studies/{rated.slug}/raters/{session.pk}/exclude/", {"reason": ""})
    assert told(rated) == [
        ("excluded", {"rater": session.pk, "vote": vote.pk, "because": "asleep"}),
        ("restored", {"rater": session.pk, "vote": vote.pk, "because": "awake"}),
    ]
    assert told(study) == []


def test_exports_are_noted(study: Study, signed_in: SignedIn) -> None:
    signed_in("analyst").get("/studies/one/votes.csv")
    (entry,) = AuditEntry.objects.all()
    assert (entry.who, entry.verb, entry.study_slug) == ("analyst", "exported", "one")


def test_the_page_shows_a_study_s_own_entries(study: Study, signed_in: SignedIn) -> None:
    owner = signed_in("owner")
    audit.record(Verb.OPENED, study=study, by="the shell", details={"design_hash": "1f<e>", "nothing": ""})
    audit.record(Verb.OPENED, study=make_draft(), by="somebody else")
    page = owner.get("/studies/one/activity/").content.decode()
    assert "the shell" in page and "opened the study" in page and "design_hash: 1f&lt;e&gt;" in page
    assert "nothing" not in page and "somebody else" not in page


def test_the_page_shows_nothing_of_a_draft_that_had_the_name_before(signed_in: SignedIn) -> None:
    earlier = make_draft(slug="two")
    audit.record(Verb.GRANTED, study=earlier, by="somebody else", details={"user": "zoe"})
    earlier.delete()
    later = make_draft(slug="two")
    owner = signed_in("owner")
    later.memberships.create(user=User.objects.get(username="owner"), role="owner")
    audit.record(Verb.CREATED, study=later, by="the shell")
    page = owner.get("/studies/two/activity/").content.decode()
    assert "the shell" in page and "zoe" not in page and "somebody else" not in page


def test_the_page_goes_back_in_time(
    study: Study, signed_in: SignedIn, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    owner, actor = signed_in("owner"), User.objects.get(username="owner")
    for number in range(120):
        audit.record(Verb.EXPORTED, study=study, actor=actor, details={"number": number})
    seen, before = [], ""
    while True:
        with django_assert_num_queries(6):
            page = owner.get("/studies/one/activity/", {"before": before})
        seen += [entry.details["number"] for entry in page.context["entries"]]
        if not page.context["has_earlier"]:
            break
        before = str(page.context["entries"][-1].pk)
    assert seen == list(range(120))[::-1]


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "1\0"])
def test_a_mistyped_address_shows_the_latest(before: str, study: Study, signed_in: SignedIn) -> None:
    audit.record(Verb.OPENED, study=study, by="a test")
    assert len(signed_in("owner").get("/studies/one/activity/", {"before": before}).context["entries"]) == 1


def test_the_page_follows_a_draft_through_its_names(signed_in: SignedIn) -> None:
    def rename(study: Study, slug: str) -> None:
        before = study.slug
        rename_draft(study, slug)
        study.refresh_from_db()
        audit.record(Verb.CHANGED, study=study, by=f"{before} to {slug}", details={"before": before})

    first, second = make_draft(slug="a"), make_draft(slug="b")
    for study in (first, second):
        audit.record(Verb.CREATED, study=study, by=f"maker of {study.slug}")
    rename(second, "c")
    rename(first, "b")
    for role in ("analyst", "operator"):  # whose former role is no former name
        grant(first, User.objects.get_or_create(username="ben")[0], role, by=f"ben is {role}")
    audit.record(Verb.CHANGED, study=make_draft(slug="a"), by="maker of another a")
    rename(second, "d")
    rename(first, "c")
    rename(first, "e")
    rename(first, "c")
    owner = signed_in("owner")
    for study, own in (
        (first, ["maker of a", "a to b", "ben is analyst", "ben is operator", "b to c", "c to e", "e to c"]),
        (second, ["maker of b", "b to c", "c to d"]),
    ):
        study.memberships.create(user=User.objects.get(username="owner"), role="owner")
        entries = owner.get(f"/studies/{study.slug}/activity/").context["entries"]
        assert [entry.who for entry in entries] == own[::-1]
