"""The form in a browser without scripts: each button keeps what was typed, then does what it says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from analysis import snapshots
from comparisons.models import Study
from comparisons.protocol import Protocol
from comparisons.studies import close_study, create_study, open_study
from people.models import Membership
from studio import copies
from studio.models import WorkingCopy
from studio.typed import Content
from tests.analysis.votes import cast_votes
from tests.factories import make_draft, make_open_study, make_prompt_set, make_study_spec

pytestmark = pytest.mark.django_db


def address(copy: WorkingCopy) -> str:
    return f"/studio/drafts/{copy.pk}/"


def press(client: Client, copy: WorkingCopy, button: str, **changes: Any) -> Any:
    copy.refresh_from_db()
    content: Content = copy.content | {name.replace("__", "."): text for name, text in changes.items()}
    return client.post(address(copy), {**content, "version": copy.version, "do": button})


def shown(client: Client, copy: WorkingCopy, query: str = "") -> str:
    return client.get(address(copy) + query).content.decode()


def test_a_study_is_begun_and_found_again(researcher: Client) -> None:
    response = researcher.post("/studio/")
    copy = WorkingCopy.objects.get()
    assert response["Location"] == address(copy)
    assert address(copy) in researcher.get("/studio/").content.decode()


def test_a_study_is_begun_from_its_file(researcher: Client, copy: WorkingCopy) -> None:
    file = researcher.get(f"{address(copy)}study.toml")
    assert file["Content-Disposition"] == 'attachment; filename="mine.toml"'
    researcher.post("/studio/", {"file": SimpleUploadedFile("mine.toml", file.content)})
    begun = WorkingCopy.objects.latest("id")
    assert copies.as_file(begun) == file.content.decode()


def test_a_bad_file_is_refused_on_the_page(researcher: Client) -> None:
    response = researcher.post("/studio/", {"file": SimpleUploadedFile("mine.toml", b"slug = 3")})
    assert response.status_code == 422
    assert "mine.toml: slug is 3; allowed: 1 to 100 lower-case letters" in response.content.decode()


def test_what_was_typed_comes_back(researcher: Client, copy: WorkingCopy) -> None:
    text = 'A "quoted" <text>\r\n\r\nover lines'
    press(researcher, copy, "keep", introduction=text, rating__votes_wanted="many")
    html = shown(researcher, copy)
    assert "A &quot;quoted&quot; &lt;text&gt;\n\nover lines</textarea>" in html
    assert 'name="rating.votes_wanted" value="many"' in html


def test_a_text_keeps_the_line_break_that_it_begins_with(researcher: Client, copy: WorkingCopy) -> None:
    """Browsers drop the first line break after <textarea>."""
    press(researcher, copy, "keep", introduction="\n\nAfter two")
    assert ">\n\n\nAfter two</textarea>" in shown(researcher, copy)


def test_checks_keep_their_order_and_may_be_practised_twice(researcher: Client, copy: WorkingCopy) -> None:
    chosen = {"questions[1].checks": ["same", "corrupted"], "questions[1].practice": ["corrupted", "corrupted"]}
    press(researcher, copy, "keep", **chosen)
    ticked = re.findall(r'name="(questions\[1\]\.\w+)" value="(\w+)" checked', shown(researcher, copy))
    assert ticked == [
        ("questions[1].practice", "corrupted"),
        ("questions[1].practice", "corrupted"),
        ("questions[1].checks", "same"),
        ("questions[1].checks", "corrupted"),
    ]


def test_mistakes_are_shown_at_their_fields_once_they_are_asked_for(researcher: Client, copy: WorkingCopy) -> None:
    response = press(researcher, copy, "check", slug="My Study", rating__votes_wanted="0")
    assert response["Location"] == f"{address(copy)}?check=1#checked"
    html = shown(researcher, copy, "?check=1")
    assert "2 things to mend" in html
    assert re.search(r'id="f-rating-votes-wanted-problem">Found 0; allowed: a whole number from 1 to 10000.</p>', html)
    assert "Found 0; allowed" not in shown(researcher, copy)


def test_a_design_without_mistakes_says_so(researcher: Client, copy: WorkingCopy) -> None:
    assert "Nothing is wrong or missing." in shown(researcher, copy, "?check=1")
    assert not Study.objects.exists()


def test_rows_are_added_moved_and_removed(researcher: Client, copy: WorkingCopy) -> None:
    response = press(researcher, copy, "add:systems:imported")
    assert response["Location"] == f"{address(copy)}#f-systems-3"
    press(researcher, copy, "up:systems[3]")
    press(researcher, copy, "remove:systems[1]")
    copy.refresh_from_db()
    assert (copy.content["systems[1].backend"], copy.content["systems[2].catalogue"]) == ("imported", "sdxl")
    assert "systems[3].catalogue" not in copy.content


@pytest.mark.parametrize("button", ["add:nonsense", "up:systems[x]", "remove:", "up:", "existing", "pilot", "nonsense"])
def test_a_button_that_is_none_loses_nothing(button: str, researcher: Client, copy: WorkingCopy) -> None:
    before = copy.content
    assert press(researcher, copy, button).status_code == 302
    copy.refresh_from_db()
    assert copy.content == before


def test_a_refused_button_keeps_what_was_typed(researcher: Client, copy: WorkingCopy) -> None:
    press(researcher, copy, "existing", title="New title")
    copy.refresh_from_db()
    assert copy.content["title"] == "New title"
    assert "Choose one of the systems of your studies first." in shown(researcher, copy)


def test_a_system_of_one_s_other_studies_is_added_as_it_is(researcher: Client, copy: WorkingCopy, ana: User) -> None:
    Membership.objects.create(study=make_draft(), user=ana, role="owner")
    content = {**copy.content, "version": copy.version, "do": "existing", "existing": "alpha@4"}
    researcher.post(address(copy), content)
    copy.refresh_from_db()
    assert (copy.content["systems[3].name"], copy.content["systems[3].model"]) == ("alpha", "./alpha")


def test_an_earlier_study_s_votes_tell_ties_and_correlations(researcher: Client, copy: WorkingCopy, ana: User) -> None:
    pilot = make_open_study(slug="pilot")
    cast_votes(pilot, raters=6, each=12)
    chosen = {**copy.content, "do": "pilot", "pilot": "pilot", "version": copy.version}
    researcher.post(address(copy), chosen)
    assert "and whose results you may see" in shown(researcher, copy)

    Membership.objects.create(study=pilot, user=ana, role="owner")
    summary = snapshots.current(pilot, "results")
    copy.refresh_from_db()
    researcher.post(address(copy), chosen | {"version": copy.version})
    copy.refresh_from_db()
    found = [question["agreement"]["prompt_icc"] for question in summary["questions"].values()]
    mean = sum(found) / len(found)
    assert float(copy.content["plan.prompt_icc"]) == pytest.approx(min(0.49, max(0, mean)), rel=0.01)
    assert 0 < float(copy.content["plan.ties"]) < 0.3


def test_results_that_are_hidden_until_a_study_closes_tell_nothing(
    researcher: Client, copy: WorkingCopy, ana: User
) -> None:
    pilot = make_open_study(slug="pilot", protocol=Protocol(hide_results_until_closed=True))
    cast_votes(pilot, raters=6, each=12)
    Membership.objects.create(study=pilot, user=ana, role="owner")
    snapshots.current(pilot, "results")
    chosen = {**copy.content, "do": "pilot", "pilot": "pilot"}
    researcher.post(address(copy), chosen | {"version": copy.version})
    assert "and whose results you may see" in shown(researcher, copy)

    close_study(pilot)
    copy.refresh_from_db()
    researcher.post(address(copy), chosen | {"version": copy.version})
    copy.refresh_from_db()
    assert copy.content["plan.ties"] != copies.PLAN["ties"]


def test_it_is_saved_and_leads_to_the_design(researcher: Client, copy: WorkingCopy) -> None:
    assert press(researcher, copy, "save")["Location"] == "/studio/studies/mine/"
    assert Study.objects.get().slug == "mine"


def test_what_cannot_be_saved_says_why(researcher: Client, copy: WorkingCopy) -> None:
    assert press(researcher, copy, "save", slug="My Study")["Location"] == f"{address(copy)}?check=1#checked"
    assert not Study.objects.exists()


def test_a_window_that_is_behind_loses_nothing(researcher: Client, copy: WorkingCopy) -> None:
    old = {**copy.content, "version": copy.version, "title": "Typed here"}
    press(researcher, copy, "keep", title="Typed there")
    response = researcher.post(address(copy), {**old, "do": "keep"})
    assert response.status_code == 409
    html = response.content.decode()
    assert 'value="Typed here"' in html
    version = re.search(r'name="version" value="(\d+)"', html)
    assert version
    assert researcher.post(address(copy), {**old, "version": version[1], "do": "keep"}).status_code == 302
    copy.refresh_from_db()
    assert copy.content["title"] == "Typed here"


def test_typing_is_kept_and_answered(researcher: Client, copy: WorkingCopy) -> None:
    posted = {**copy.content, "version": copy.version, "rating.votes_wanted": "0", "title": "New"}
    reply = researcher.post(f"{address(copy)}typed/", posted).json()
    assert reply["problems"] == {"rating.votes_wanted": "Found 0; allowed: a whole number from 1 to 10000."}
    assert reply["notes"] == ["The estimate waits for votes wanted."]
    posted |= {"version": reply["version"], "rating.votes_wanted": "5"}
    reply = researcher.post(f"{address(copy)}typed/", posted).json()
    assert reply["problems"] == {}
    assert reply["figures"]["votes"] == "120"  # 4 prompts, 3 pairs, 2 questions
    copy.refresh_from_db()
    assert (copy.content["title"], copy.version) == ("New", reply["version"])
    assert researcher.post(f"{address(copy)}typed/", posted).status_code == 409


def test_the_estimate_needs_no_script(researcher: Client, copy: WorkingCopy) -> None:
    assert '<dd data-figure="votes">96</dd>' in shown(researcher, copy)


def test_a_draft_that_was_changed_elsewhere_can_be_taken_as_it_is(researcher: Client, copy: WorkingCopy) -> None:
    press(researcher, copy, "save")
    create_study(make_study_spec("animals", slug="mine", title="From a file"))
    assert "changed by other means" in shown(researcher, copy)
    press(researcher, copy, "take")
    html = shown(researcher, copy)
    assert "changed by other means" not in html
    assert 'value="From a file"' in html


def test_the_form_of_an_opened_study_is_no_more(researcher: Client, copy: WorkingCopy, ana: User) -> None:
    open_study(copies.save_study(copy, ana))
    for response in (researcher.get(address(copy)), press(researcher, copy, "save")):
        assert response["Location"] == "/studio/studies/mine/"


def test_what_is_typed_into_an_opened_study_is_not_said_to_be_kept(
    researcher: Client, copy: WorkingCopy, ana: User
) -> None:
    open_study(copies.save_study(copy, ana))
    answer = researcher.post(f"{address(copy)}typed/", {**copy.content, "version": copy.version, "title": "New"})
    assert answer.status_code == 409
    assert answer.json() == {
        "error": "This study has been opened, and its design is frozen. Make a new version to change it."
    }
    copy.refresh_from_db()
    assert copy.content.get("title") != "New"


def test_a_design_is_discarded_after_a_question(researcher: Client, copy: WorkingCopy) -> None:
    assert researcher.get(f"{address(copy)}discard/").status_code == 200
    assert WorkingCopy.objects.exists()
    researcher.post(f"{address(copy)}discard/")
    assert not WorkingCopy.objects.exists()


def test_the_form_takes_as_many_queries_for_many_rows_as_for_few(
    researcher: Client, copy: WorkingCopy, ana: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(7):
        shown(researcher, copy)
    for number in range(10):
        study = make_draft() if number else make_open_study()
        Membership.objects.create(study=study, user=ana, role="owner")
        make_prompt_set()
    for _ in range(10):
        press(researcher, copy, "add:questions")
        press(researcher, copy, "add:systems")
    with django_assert_num_queries(7):
        shown(researcher, copy)


def test_the_list_of_designs_takes_as_many_queries_for_many_as_for_few(
    researcher: Client, ana: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 10):
        for _ in range(count):
            copies.begin(ana)
        with django_assert_num_queries(3):
            researcher.get("/studio/")
