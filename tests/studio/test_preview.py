"""The preview shows the raters' own pages, before a study is open, and stores nothing."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client

from comparisons.models import Assignment, Rater, RaterSession, Study, Vote
from comparisons.protocol import Checks, ComprehensionItem, Example, Protocol
from comparisons.study_file import QuestionSpec
from generation.storage import StorageUnavailable
from people.models import Membership
from studio import copies
from studio.models import WorkingCopy
from studio.preview import PAIRS_A_QUESTION
from studio.preview_views import OVER
from tests.factories import make_draft, make_open_study
from tests.studio.conftest import change

pytestmark = pytest.mark.django_db

STORED: tuple[type[Model], ...] = (Assignment, Rater, RaterSession, Vote)
STAGES = Protocol(
    language="de",
    instructions="Sehen Sie hin.",
    examples=(Example("quality", "a red fox", "alpha@4", "beta@4", "It is sharper."),),
    comprehension=(ComprehensionItem("Wie viele?", ("zwei", "drei"), 1),),
    checks=Checks(every=5, stop_after_failed=3),
)
QUESTIONS = (
    QuestionSpec("quality", "Welches ist besser?", tie=True, both_bad=False, practice=("corrupted",), checks=("same",)),
)


@pytest.fixture
def staged(ana: User) -> Study:
    study = make_open_study(slug="staged", protocol=STAGES, questions=QUESTIONS)
    Membership.objects.create(study=study, user=ana, role="owner")
    return study


def post(client: Client, path: str, content: Any) -> dict[str, Any]:
    reply: dict[str, Any] = client.post(path, json.dumps(content), content_type="application/json").json()
    return reply


def payload(client: Client, key: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/preview/{key}/judge/").context["payload"]
    return found


def test_the_frame_leads_to_every_page_of_the_study(researcher: Client, staged: Study) -> None:
    pages = researcher.get("/studio/preview/study-staged/").context["pages"]
    assert [label for _, label in pages] == [
        "Consent",
        "Instructions",
        "Comprehension",
        "Judging",
        "Thanks",
        "Screened out",
        "Failed checks",
    ]
    for address, _ in pages:
        response = researcher.get(address)
        assert response.status_code == 200
        assert '<html lang="de"' in response.content.decode()


def test_each_page_leads_to_the_next_as_for_raters(researcher: Client, staged: Study) -> None:
    path, way = "/preview/study-staged/landing/", []
    while path.rsplit("/", 2)[1] != "judge":
        path = researcher.post(path)["Location"]
        way.append(path.rsplit("/", 2)[1])
    assert way == ["instructions", "comprehension", "judge"]


@pytest.mark.parametrize("layout", ["blocks", "together"])
def test_it_promises_what_the_real_first_page_promises(
    layout: str, researcher: Client, client: Client, ana: User
) -> None:
    """Checks and repeats are judged, too; a draft's preview reckons with all images, which are here."""
    protocol = Protocol(layout=layout, checks=Checks(every=2, repeats=1))
    second = QuestionSpec("following", "Which follows the text?", tie=True, both_bad=False)
    study = make_open_study(slug="counted", protocol=protocol, questions=(*QUESTIONS, second))
    Membership.objects.create(study=study, user=ana, role="owner")
    copy = copies.begin_version(study, ana)
    real = client.get(f"/r/{study.key}/").context
    comparisons = study.questions.first().comparison_count  # type: ignore[union-attr]
    assert real["judgements"] > comparisons * (2 if layout == "blocks" else 1)
    for key in ("study-counted", f"draft-{copy.pk}"):
        shown = researcher.get(f"/preview/{key}/landing/").context
        assert (shown["judgements"], shown["minutes"]) == (real["judgements"], real["minutes"])


def test_a_study_without_stages_leads_from_consent_to_judging(researcher: Client, ana: User) -> None:
    Membership.objects.create(study=make_draft(slug="plain"), user=ana, role="owner")
    assert researcher.post("/preview/study-plain/landing/")["Location"] == "/preview/study-plain/judge/"


def test_pairs_are_judged_to_the_end_and_nothing_is_stored(researcher: Client, staged: Study) -> None:
    current: dict[str, Any] | None = payload(researcher, "study-staged")
    seen = []
    while current:
        seen.append(current["practice"])
        given = {"assignment": current["assignment"], "key": str(uuid.uuid4()), "outcome": "left", "response_ms": 900}
        reply = post(researcher, "/preview/study-staged/answer/", given)
        assert reply["receipt"] == {"key": given["key"], "late": False}
        assert bool(reply["feedback"]) == current["practice"]
        current = reply["next"]
    assert seen == [True] + [False] * PAIRS_A_QUESTION
    assert [model.objects.count() for model in STORED] == [0] * len(STORED)  # type: ignore[attr-defined]


@pytest.mark.parametrize("body", ["", "{", "[]", '{"outcome": "up"}', "[" * 100_000])
def test_what_is_no_answer_is_refused_in_a_sentence(body: str, researcher: Client, staged: Study) -> None:
    payload(researcher, "study-staged")
    response = researcher.post("/preview/study-staged/answer/", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["error"]


def test_the_payload_has_the_shape_of_a_real_one(researcher: Client, client: Client, staged: Study) -> None:
    shown = payload(researcher, "study-staged")
    client.post(f"/r/{staged.key}/", {"consent": "1"})
    client.post(f"/r/{staged.key}/instructions/")
    client.post(f"/r/{staged.key}/comprehension/", {"item-0": "1", "tries": "0"})
    real = client.get(f"/r/{staged.key}/judge/").context["payload"]

    def shape(content: Any) -> Any:
        return {name: shape(part) for name, part in content.items()} if isinstance(content, dict) else type(content)

    assert shape(shown) == shape(real)


def test_an_answer_is_taken_back_and_a_pair_reported(researcher: Client, staged: Study) -> None:
    payload(researcher, "study-staged")
    second = post(researcher, "/preview/study-staged/report/", {})["next"]
    third = post(researcher, "/preview/study-staged/report/", {})["next"]
    assert third["undoable"]
    assert post(researcher, "/preview/study-staged/undo/", {})["next"] == second


def test_pictures_are_those_of_the_study_where_they_are(researcher: Client, staged: Study) -> None:
    shown = payload(researcher, "study-staged")
    left, right = (researcher.get(shown[side]) for side in ("left", "right"))
    assert left["Content-Type"] == right["Content-Type"] == "image/webp"
    assert left.content != right.content  # practice: the same picture, spoilt
    example = researcher.get("/preview/study-staged/instructions/1/left/")
    assert example["Content-Type"] == "image/webp"


@pytest.mark.parametrize("error", [StorageUnavailable("the bucket does not answer"), FileNotFoundError("gone")])
def test_a_picture_that_cannot_be_read_is_said_and_not_kept(
    error: Exception, researcher: Client, staged: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("generation.storage.open_display", unreadable)
    response = researcher.get(payload(researcher, "study-staged")["left"])
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert "no-store" in response["Cache-Control"]
    assert "The picture cannot be read at the moment." in response.content.decode()


def test_drawings_stand_for_those_that_are_not(researcher: Client, copy: WorkingCopy) -> None:
    shown = payload(researcher, f"draft-{copy.pk}")
    left, right = (researcher.get(shown[side]) for side in ("left", "right"))
    assert left["Content-Type"] == right["Content-Type"] == "image/svg+xml"
    assert left.content != right.content
    assert shown["prompt"] == "a red fox"


def test_a_design_is_previewed_before_it_is_saved(researcher: Client, copy: WorkingCopy) -> None:
    key = f"draft-{copy.pk}"
    change(copy, title="<b>Look</b>", rating__layout="together", **{"questions[2].checks": []})
    html = researcher.get(f"/preview/{key}/landing/").content.decode()
    assert "&lt;b&gt;Look&lt;/b&gt;" in html
    assert "15 pairs of images" in html  # of 4 prompts and 3 pairs of systems; a check and two repeats
    for _ in range(3):
        current = post(researcher, f"/preview/{key}/report/", {})["next"]
    assert [also["question"]["key"] for also in current["also"]] == ["quality"]
    assert not Study.objects.exists()


def test_a_saved_draft_shows_the_pictures_that_its_systems_have(researcher: Client, ana: User, staged: Study) -> None:
    copy = copies.begin_version(staged, ana)
    copies.save_study(copy, ana)
    shown = payload(researcher, f"draft-{copy.pk}")
    assert researcher.get(shown["left"])["Content-Type"] == "image/webp"


def test_a_design_with_mistakes_is_led_back_to_its_form(researcher: Client, copy: WorkingCopy) -> None:
    change(copy, slug="")
    response = researcher.get(f"/studio/preview/draft-{copy.pk}/")
    assert response["Location"] == f"/studio/drafts/{copy.pk}/?check=1#checked"
    assert researcher.get(f"/preview/draft-{copy.pk}/judge/").status_code == 409


@pytest.mark.parametrize("path", ["answer", "undo", "report"])
@pytest.mark.parametrize("end", ["incomplete", "deleted", "signed out"])
def test_what_is_posted_after_its_end_is_refused_in_json(
    end: str, path: str, researcher: Client, copy: WorkingCopy
) -> None:
    """The page's script takes anything else for a lost network, and tries again."""
    address = f"/preview/draft-{copy.pk}/{path}/"
    shown = payload(researcher, f"draft-{copy.pk}")
    given = {"assignment": shown["assignment"], "key": str(uuid.uuid4()), "outcome": "left", "response_ms": 900}
    if end == "incomplete":
        change(copy, slug="")
    elif end == "deleted":
        copy.delete()
    else:
        researcher.logout()
    response = researcher.post(address, json.dumps(given), content_type="application/json")
    assert (response.status_code, response.json()) == (400, {"error": OVER})


def test_no_preview_posts_what_another_could_not(researcher: Client, staged: Study) -> None:
    """Its script looks for what an earlier page has kept under its own name."""
    pages = [researcher.get(f"/preview/study-staged/{path}/") for path in ("judge", "judge", "thanks")]
    names = {page.context["storage_name"] for page in pages}
    assert len(names) == 3
    for page in pages:
        assert f'data-session="{page.context["storage_name"]}"' in page.content.decode()


def test_only_the_site_itself_may_frame_it(researcher: Client, staged: Study) -> None:
    shown = researcher.get("/preview/study-staged/landing/")
    assert shown["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in shown["Content-Security-Policy"]
    raters = researcher.get(f"/r/{staged.key}/")
    assert raters["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in raters["Content-Security-Policy"]


@pytest.mark.parametrize("key", ["study-nobodys", "draft-x", "draft-999", "nonsense", "study-"])
@pytest.mark.parametrize("path", ["/preview/{}/landing/", "/studio/preview/{}/"])
def test_what_is_not_there_is_not_found(path: str, key: str, researcher: Client) -> None:
    make_draft(slug="nobodys")
    assert researcher.get(path.format(key)).status_code == 404


@pytest.mark.parametrize("path", ["i/99/left/", "i/0/top/", "instructions/9/left/", "nonsense/"])
def test_a_picture_or_ending_that_is_none_is_not_found(path: str, researcher: Client, staged: Study) -> None:
    assert researcher.get(f"/preview/study-staged/{path}").status_code == 404
