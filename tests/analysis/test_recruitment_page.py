"""The page from which raters are recruited: the way in, who came by it, and what is amiss."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from analysis import crowds
from comparisons.leases import release_expired
from comparisons.models import Assignment, Comparison, Question, Rater, RaterSession, Study
from comparisons.protocol import Checks, Gold, Protocol, Recruitment
from comparisons.studies import close_study
from tests.analysis.votes import cast_votes
from tests.comparisons.arriving import (
    ITEM,
    QUESTION,
    TEXTS,
    come,
    end_as,
    make_recruiting_study,
    mturk,
    prolific,
    take_part,
)
from tests.comparisons.browsing import Browser
from tests.factories import make_draft, make_open_study, make_session, make_system_spec

pytestmark = pytest.mark.django_db

PUBLIC = "evalsite.example"
PROMISED: dict[str, Any] = {"pay": "2.00 GBP", "contact": "lab@example.org"}
Look = Callable[..., dict[str, Any]]


def page(study: Study) -> str:
    return f"/studies/{study.slug}/recruitment/"


@pytest.fixture
def look(researcher: Client, settings: Settings) -> Look:
    """What the page of a study shows on a public site, or at another address."""
    settings.ALLOWED_HOSTS = ["*"]

    def look(study: Study, host: str = PUBLIC, *, secure: bool = True) -> dict[str, Any]:
        response = researcher.get(page(study), headers={"host": host}, secure=secure)
        assert response.status_code == 200
        names = response.context.keys()
        shown = {name: response.context[name] for name in names}
        return shown | {"text": html.unescape(response.content.decode())}

    return look


def test_a_link_is_given_as_it_is(look: Look) -> None:
    study = make_recruiting_study("link")
    shown = look(study)
    assert shown["entrance"] == f"https://{PUBLIC}/r/{study.key}/"
    assert f'<code id="entrance">{shown["entrance"]}</code>' in shown["text"]
    assert "each person gets a code of their own" in shown["text"] and "Invitations" not in shown["text"]
    assert "Whom to pay" not in shown["text"]


def test_what_prolific_is_given_leads_its_people_in(look: Look) -> None:
    study = make_recruiting_study("prolific")
    shown = look(study)
    assert shown["entrance"] == (
        f"https://{PUBLIC}/r/{study.key}/"
        "?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
    )
    assert f'<code id="entrance">{shown["entrance"]}</code>' in shown["text"]
    filled_in = re.sub(r"\{\{%(\w+)%\}\}", r"value-of-\1", shown["entrance"]).removeprefix(f"https://{PUBLIC}")
    assert "I agree, begin" in Browser(study).get(filled_in).content.decode()
    codes = [(ending.name, ending.code) for ending in shown["endings"]]
    assert codes == [("Completed", "C-DONE"), ("Screened out", "C-SCREENED"), ("Failed", "C-CHECKS")]
    assert '<code id="code-failed">C-CHECKS</code>' in shown["text"]


def test_mechanical_turk_gets_a_question_whose_address_can_be_previewed(look: Look) -> None:
    study = make_recruiting_study("mturk")
    shown = look(study)
    question = ElementTree.fromstring(shown["entrance"])
    assert question.tag.endswith("ExternalQuestion")
    address, height = [str(part.text) for part in question]
    assert (address, height) == (f"https://{PUBLIC}/r/{study.key}/", "0")
    previewed = Browser(study).client.get(address.removeprefix(f"https://{PUBLIC}"), mturk("w", "")).content.decode()
    assert "Open the study" in previewed
    assert "which is <code>completed</code>, <code>screened_out</code> or <code>failed</code>." in shown["text"]


def test_codes_of_the_study_file_are_shown_for_a_link_too(look: Look) -> None:
    shown = look(make_recruiting_study("link", complete_code="C-ALL"))
    assert '<code id="code-completed">C-ALL</code>' in shown["text"] and "each person’s own" in shown["text"]


def test_endings_that_nobody_reaches_say_so(look: Look) -> None:
    assert [ending.never for ending in look(make_recruiting_study("link"))["endings"]] == [
        "",
        "the study has no comprehension check",
        "failed checks end no session of this study",
    ]
    protocol = Protocol(instructions="Look.", comprehension=(ITEM,), checks=Checks(every=3, stop_after_failed=2))
    study = make_open_study(TEXTS, questions=(QUESTION,), protocol=protocol)
    assert [ending.never for ending in look(study)["endings"]] == ["", "", ""]


def test_a_study_that_people_can_take_part_in_has_nothing_to_mend(look: Look) -> None:
    shown = look(make_recruiting_study("prolific", **PROMISED))
    assert shown["cautions"] == []
    assert "People can begin" in shown["text"] and "2.00 GBP" in shown["text"] and "lab@example.org" in shown["text"]


def test_a_draft_says_so_and_keeps_its_address(look: Look) -> None:
    study = make_draft()
    shown = look(study)
    assert shown["cautions"] == [
        "The study is a draft: whoever comes is turned away until it is opened. Its address stays."
    ]
    assert study.key in shown["entrance"]
    assert "known once there are pairs to judge" in shown["text"] and "Nobody new can begin" in shown["text"]


def test_what_is_amiss_with_the_study_is_said(look: Look) -> None:
    study = make_recruiting_study("prolific", max_raters=1, **PROMISED)
    come(study, prolific("p-1"))
    full = "All places are taken: whoever is new is turned away. Stop it on Prolific, too."
    assert look(study)["cautions"] == [full]
    close_study(study)
    assert look(study)["cautions"] == [full.replace("All places are taken", "The study is closed")]
    used_up = make_open_study(["a red fox"], questions=(QUESTION,), votes_wanted=1)
    take_part(used_up, {})
    assert look(used_up)["cautions"] == ["No pair is free now: whoever is new is turned away."]
    assert look(used_up)["limits"].people_needed == 0


def test_pairs_without_images_are_counted(look: Look) -> None:
    study = make_recruiting_study("link")
    Comparison.objects.filter(image_a__job__prompt__position=1).delete()
    (caution,) = look(study)["cautions"]
    assert caution.startswith("Only 3 of 6 pairs have both of their images:")


def test_pairs_that_nobody_votes_on_are_not_missed(look: Look) -> None:
    pair = tuple(make_system_spec(name) for name in ("fine", "poor"))
    question = replace(QUESTION, checks=("gold",))
    gold = Gold(question.key, "a red fox", *(system.slug for system in pair))
    study = make_open_study(
        ["a red fox", "a paper boat"],
        systems=pair,
        questions=(question,),
        protocol=Protocol(checks=Checks(every=2, gold=(gold,))),
    )
    assert look(study)["cautions"] == []
    assert Question.objects.get(study=study).comparison_count == 1


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "192.168.1.7", "lab.local", "gpu"])
def test_an_address_that_others_cannot_reach_is_named(host: str, look: Look) -> None:
    (caution,) = look(make_recruiting_study("link"), host, secure=False)["cautions"]
    assert caution.startswith(f"You have opened this site as {host}, which nobody outside reaches:")


def test_a_site_without_https_is_named(look: Look) -> None:
    (caution,) = look(make_recruiting_study("link"), secure=False)["cautions"]
    assert caution == (
        "The site’s address begins with http, and others can read along: set up HTTPS before people come."
    )
    (caution,) = look(make_recruiting_study("mturk", **PROMISED), secure=False)["cautions"]
    assert "Mechanical Turk shows no such page" in caution


def test_debug_is_named(look: Look, settings: Settings) -> None:
    settings.DEBUG = True
    (caution,) = look(make_recruiting_study("link"))["cautions"]
    assert caution.startswith("DEBUG is on:")


def test_a_promise_that_is_not_made_is_named(look: Look) -> None:
    assert look(make_recruiting_study("prolific"))["cautions"] == [
        "Before they agree, people read nothing of their pay (recruitment.pay is empty): say it on Prolific, as the "
        "design is frozen.",
        "Before they agree, people read nobody to turn to (recruitment.contact is empty): say it on Prolific, as the "
        "design is frozen.",
    ]
    draft = make_draft(protocol=Protocol(recruitment=Recruitment("mturk", pay="1 USD")))
    assert look(draft)["cautions"][1].endswith("(recruitment.contact is empty): say it in the design.")


def shows_what_newcomers_read(shown: dict[str, Any], study: Study, when: str) -> str:
    """The sentence for this turn; it is the one on the raters' own page at the moment."""
    (sentence,) = [reading.sentence for reading in shown["readings"] if reading.when == when]
    assert sentence in html.unescape(Browser(study).get().content.decode())
    return str(sentence)


def test_what_newcomers_read_is_what_they_really_read(look: Look) -> None:
    draft = make_draft()
    assert shows_what_newcomers_read(look(draft), draft, "now") == "This study has not begun yet."
    protocol = Protocol(language="de", recruitment=Recruitment(max_raters=1))
    study = make_open_study(TEXTS, questions=(QUESTION,), protocol=protocol)
    before = {reading.when: reading.sentence for reading in look(study)["readings"]}
    assert list(before) == ["when all places are taken", "when no pair is free", "when the study is closed"]
    Browser(study).consent()
    assert shows_what_newcomers_read(look(study), study, "now") == before["when all places are taken"]
    close_study(study)
    shown = look(study)
    assert shows_what_newcomers_read(shown, study, "now") == before["when the study is closed"]
    assert [reading.when for reading in shown["readings"]] == ["now"]
    assert '<span lang="de" dir="auto">' in shown["text"]


def test_time_votes_and_places_are_told(look: Look) -> None:
    study = make_recruiting_study("link", max_raters=7, votes_wanted=5)
    take_part(study, {})
    shown = look(study)
    limits = shown["limits"]
    assert (limits.places, limits.taken, limits.free) == (7, 1, 6)
    assert (limits.votes, limits.wanted, limits.each, limits.people_needed) == (6, 30, 6, 4)
    assert f"about {shown['minutes']} min" in Browser(study).get().content.decode().lower()
    assert "1 of 7 taken" in shown["text"]


def test_questions_on_one_screen_are_several_votes_of_one_person(look: Look) -> None:
    study = make_open_study(TEXTS, protocol=Protocol(layout="together"))
    assert (look(study)["judgements"], look(study)["limits"].each) == (6, 12)


def test_people_are_counted_by_stage_and_bots_apart(look: Look) -> None:
    study = make_recruiting_study("prolific", comprehension=True)
    ways: list[tuple[str, str]] = [("p-1", "completed"), ("p-2", "screened_out"), ("p-3", "failed")]
    for worker, ending in ways:
        end_as(study, prolific(worker), ending)
    come(study, prolific("p-4"))
    make_session(study, Rater.Kind.SIMULATED)
    RaterSession.objects.filter(stage="failed").update(consented_at=timezone.now() - timedelta(hours=2))
    shown = look(study)
    found = shown["attendance"]
    assert [(crowd.name, crowd.is_simulated, crowd.total, crowd.lately) for crowd in found.crowds] == [
        ("Prolific", False, 4, 3),
        ("Simulated", True, 1, 1),
    ]
    assert found.stages == [
        ("Comprehension", [1, 1]),
        ("Judging", [0, 0]),
        ("Completed", [1, 0]),
        ("Screened out", [1, 0]),
        ("Failed", [1, 0]),
    ]
    assert (
        '<tr><th scope="row">Screened out</th><td class="number">1</td><td class="number">0</td></tr>'
        in (shown["text"])
    )


def test_who_came_by_another_way_is_apart_too() -> None:
    study = make_recruiting_study("prolific")
    make_session(study)
    assert [(crowd.name, crowd.total) for crowd in crowds.attendance(study).crowds] == [
        ("Prolific", 0),
        ("By the link", 1),
    ]


def test_the_median_time_is_of_people_who_completed_it() -> None:
    study, start = make_recruiting_study("link"), timezone.now() - timedelta(hours=1)
    assert crowds.attendance(study).minutes is None
    for minutes, kind in ((4, "person"), (10, "person"), (6, "person"), (50, "simulated")):
        session = make_session(study, kind)
        end = start + timedelta(minutes=minutes)
        RaterSession.objects.filter(id=session.id).update(consented_at=start, completed_at=end, stage="completed")
    make_session(study)
    found = crowds.attendance(study)
    assert (found.minutes, found.timed) == (6, 3)


@pytest.mark.parametrize("platform", ["link", "prolific", "mturk", "invitation"])
def test_as_many_queries_for_many_raters_as_for_few(
    platform: str, researcher: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    study = make_recruiting_study(platform)
    for raters in (1, 12):
        cast_votes(study, raters=raters, each=3)
        with django_assert_num_queries(17 if platform == "invitation" else 15):
            researcher.get(page(study))


def test_looking_gives_lapsed_pairs_back_as_a_newcomer_would(look: Look) -> None:
    study = make_open_study(["a red fox"], questions=(QUESTION,), votes_wanted=1)
    for _ in range(2):
        Browser(study).consent().judge()  # takes one of the three pairs, and another ahead
    assert not look(study)["is_admitting"]
    Assignment.objects.update(issued_at=timezone.now() - timedelta(hours=2))
    Assignment.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    assert look(study)["is_admitting"]
    assert release_expired() == 0


def test_it_only_reads(researcher: Client) -> None:
    study = make_recruiting_study("link")
    assert researcher.post(page(study)).status_code == 405
    for verb in ("invite", "reconcile"):
        assert researcher.get(f"{page(study)}{verb}/").status_code == 405
