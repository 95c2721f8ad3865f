"""Studies by the API: listed, made, changed, opened, closed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from api.interface import schema
from comparisons.models import Study
from comparisons.progress import generation_progress, rating_progress
from comparisons.studies import create_study, design_hash
from comparisons.study_file import read_table, study_of
from comparisons.study_text import study_table, write_study
from people.models import AuditEntry, Membership
from tests.api.conftest import Caller, Program
from tests.comparisons.study_texts import GOOD
from tests.factories import make_draft, make_prompt_set, make_study_spec

NEW = GOOD.replace("colours", "new").replace('"alpha"', '"delta"')
ELSEWHERE = NEW.replace('"diffusers"', '"imported"').replace('pipeline = "StableDiffusionXLPipeline"\n', "")


@pytest.fixture
def owner(program: Caller) -> Program:
    make_prompt_set("words")
    return program("owner")


def verbs() -> list[str]:
    return list(AuditEntry.objects.order_by("id").exclude(verb="token_made").values_list("verb", flat=True))


def test_a_study_is_made_from_a_file(owner: Program) -> None:
    response = owner.post("studies", GOOD, "application/toml")
    assert response.status_code == 409
    assert response.json() == {"error": "slug is 'colours', which another study has; allowed: a name that none has."}
    made = owner.post("studies", NEW, "application/toml")
    study, spec = Study.objects.get(slug="new"), study_of(read_table(NEW.encode(), "test"))
    assert made.status_code == 201 and study.design == spec.as_design() | {"prompts_sha256": study.prompt_set.sha256}
    body = made.json()
    assert body["design_hash"] == design_hash(study) and body["state"] == "draft" and body["prompts"] == 4
    assert body["systems"] == ["delta@1", "delta@4"] and body["design"] == study.design
    assert body["raters_url"] == f"http://testserver/r/{study.key}/"
    assert Membership.objects.get(study=study, role="owner").user.username == "owner"
    assert verbs() == ["granted", "created"]


def test_what_a_study_says_of_itself_can_be_posted_again(owner: Program, study: Study) -> None:
    table = owner.get("studies/colours").json()["study_file"]
    again = owner.post("studies", table | {"slug": "again"}).json()
    assert again["design_hash"] == design_hash(study) and again["slug"] == "again"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (
            ("votes_wanted = 4", "votes_wanted = 0"),
            "study file: rating.votes_wanted is 0; allowed: a whole number from 1",
        ),
        (('"words"', '"none"'), "study file: prompt_set is 'none', which does not exist"),
        (("seed = 7", "seed = "), "study file: not valid TOML: "),
        (
            ("seed = 7", 'seed = 7\ntitle = "\\u0000"'),
            "study file: title is '\\x00'; allowed: texts without the character NUL.",
        ),
        (
            ('name = "delta"', 'name = "delta"\narguments = { prompt_2 = "\\U00000000" }'),
            "study file: systems[1].arguments.prompt_2 is '\\x00'; allowed: texts without the character NUL.",
        ),
    ],
)
def test_mistakes_name_their_key(change: tuple[str, str], error: str, owner: Program) -> None:
    response = owner.post("studies", NEW.replace(*change), "application/toml")
    assert response.status_code == 422 and response.json()["error"].startswith(error)
    assert not Study.objects.filter(slug="new").exists()


@pytest.mark.parametrize(
    ("body", "kind", "status", "error"),
    [
        ("[]", "application/json", 422, "study file: found list; allowed: an object with the keys of a study file."),
        ("{", "application/json", 422, "study file: not valid JSON: "),
        ('{"seed": NaN}', "application/json", 422, "study file: not valid JSON: NaN is no number."),
        ('{"slug": "\\ud800"}', "application/json", 422, "study file: not valid JSON: "),
        ("[" * 100_000, "application/json", 422, "study file: not valid JSON: "),
        ("slug,seed", "text/csv", 415, "Content-Type is 'text/csv'; allowed: application/toml, application/json."),
        ("x" * 2_700_000, "application/toml", 413, "Too much in one request; allowed: "),
    ],
)
def test_bodies_that_hold_no_study(body: str, kind: str, status: int, error: str, owner: Program) -> None:
    response = owner.post("studies", body, kind)
    assert (response.status_code, list(response.json())) == (status, ["error"])
    assert response.json()["error"].startswith(error)


def test_a_draft_is_changed_opened_closed_and_then_it_is_frozen(owner: Program) -> None:
    assert owner.post("studies", ELSEWHERE, "application/toml").status_code == 201
    assert owner.post("studies/new/close").status_code == 409
    changed = owner.send("PUT", "studies/new", ELSEWHERE.replace("seed = 7", "seed = 8"), "application/toml")
    assert changed.json()["design"]["seed"] == 8
    opened = owner.post("studies/new/open").json()
    assert opened == {
        "is_new": True,
        "images_asked_for": 0,
        "awaiting_import": ["delta@1", "delta@4"],
        "trouble": "",
    }
    assert owner.post("studies/new/open").json()["is_new"] is False
    frozen = owner.send("PUT", "studies/new", ELSEWHERE, "application/toml")
    assert frozen.status_code == 409 and "its design is frozen" in frozen.json()["error"]
    same = owner.send("PUT", "studies/new", ELSEWHERE.replace("seed = 7", "seed = 8"), "application/toml")
    assert same.status_code == 200 and same.json()["design_hash"] == Study.objects.get(slug="new").design_hash
    assert owner.send("DELETE", "studies/new").status_code == 409
    assert owner.post("studies/new/close").json() == {"is_new": True}
    assert owner.post("studies/new/close").json() == {"is_new": False}
    assert owner.post("studies/new/open").json()["error"] == "Study 'new' is closed: closed studies stay closed."
    assert verbs() == ["granted", "created", "changed", "opened", "closed"]


def test_a_draft_keeps_its_name_and_can_be_deleted(owner: Program) -> None:
    owner.post("studies", NEW, "application/toml")
    renamed = owner.send("PUT", "studies/new", GOOD, "application/toml")
    assert renamed.json() == {"error": "slug is 'colours'; allowed: 'new', as in the address."}
    assert owner.send("DELETE", "studies/new").status_code == 204
    assert not Study.objects.filter(slug="new").exists() and verbs()[-1] == "deleted"


def test_progress_is_that_of_the_page(owner: Program, study: Study) -> None:
    found = owner.get("studies/colours/progress").json()
    rows = generation_progress(study)
    assert [(row["system"], row["done"], row["missing"]) for row in found["images"]] == [
        (row.system, row.done, row.missing) for row in rows
    ]
    assert [(row["question"], row["votes"], row["left"]) for row in found["questions"]] == [
        (row.key, row.votes, row.left) for row in rating_progress(study)
    ]
    assert found["questions"][0]["votes"] + found["questions"][1]["votes"] == 32


def test_studies_come_in_pages_and_none_twice(owner: Program, study: Study) -> None:
    user, words = User.objects.get(username="owner"), study.prompt_set.slug
    for number in range(6):
        made = create_study(make_study_spec(words, slug=f"more-{number}"))[0]
        Membership.objects.create(user=user, study=made, role="analyst")
    make_draft(slug="of-others")
    seen: list[Any] = []
    page: dict[str, Any] = {"next_cursor": 0}
    while page["next_cursor"] is not None:
        page = owner.get("studies", limit=3, cursor=page["next_cursor"]).json()
        assert len(page["items"]) <= 3
        seen += [item["slug"] for item in page["items"]]
        Membership.objects.filter(study__slug="more-0").delete()  # what goes shifts nothing
    assert seen == ["colours", *(f"more-{number}" for number in range(6))]
    assert owner.queries("studies", items=1) == owner.queries("studies", items=6)


def test_the_file_of_a_study_is_the_same_in_both_forms(owner: Program, study: Study) -> None:
    text = write_study("in-toml", study.design)
    owner.post("studies", text, "application/toml")
    owner.post("studies", study_table("in-json", study.design))
    made = Study.objects.filter(slug__startswith="in-").order_by("slug")
    assert [design_hash(each) for each in made] == [design_hash(study)] * 2


def test_the_examples_of_the_description_make_a_study(owner: Program) -> None:
    content = schema()["paths"]["/api/v1/studies"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/toml", "application/json"}
    toml, table = content["application/toml"]["example"], content["application/json"]["example"]
    made = owner.post("studies", toml.replace('"colours"', '"from-toml"'), "application/toml")
    same = owner.post("studies", table | {"slug": "from-json"})
    assert (made.status_code, same.status_code) == (201, 201)
    assert made.json()["systems"] == ["sdxl-turbo@1", "sdxl-turbo@4"]
    assert made.json()["design_hash"] == same.json()["design_hash"]
