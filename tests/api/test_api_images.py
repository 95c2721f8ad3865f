"""Images by the API: listed, downloaded, and brought from elsewhere."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from kombu.exceptions import OperationalError
from PIL import Image as PillowImage

from comparisons.asking import NO_BROKER
from comparisons.models import Study
from comparisons.studies import image_jobs, open_study
from generation.models import Image, ImageJob
from people.models import AuditEntry, Membership
from tests.api.conftest import Caller, Program
from tests.comparisons.manifests import make_waiting_study
from tests.factories import make_draft, make_system_spec

WAITING = "v1/studies/waiting/images"
MANIFEST = 'system,prompt,path,latency_ms\noutside@1,a red fox,fox.png,20\noutside@1,"boats, two",boats.png,\n'


@pytest.fixture
def owner(program: Caller) -> Program:
    return program("owner")


@pytest.fixture
def importer(owner: Program, study: Study) -> Program:
    """May bring images to a study that waits for them."""
    Study.objects.filter(pk=study.pk).update(slug="other")
    waiting = make_waiting_study()
    Study.objects.filter(pk=waiting.pk).update(slug="waiting")
    Membership.objects.create(user=User.objects.get(username="owner"), study=waiting, role="operator")
    return owner


def picture(name: str, colour: tuple[int, int, int] = (200, 10, 10), side: int = 64) -> SimpleUploadedFile:
    content = io.BytesIO()
    PillowImage.new("RGB", (side, side), colour).save(content, "PNG")
    return SimpleUploadedFile(name, content.getvalue())


def send(program: Program, manifest: str, *pictures: SimpleUploadedFile) -> Any:
    upload = SimpleUploadedFile("manifest.csv", manifest.encode())
    return program.client.post(f"/api/{WAITING}", {"manifest": upload, "pictures": list(pictures)})


def test_images_come_in_pages_and_by_system_and_prompt(owner: Program, study: Study) -> None:
    first = owner.get("studies/colours/images", limit=7).json()
    rest = owner.get("studies/colours/images", limit=7, cursor=first["next_cursor"]).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (7, 5, None)
    assert len({image["id"] for image in first["items"] + rest["items"]}) == 12
    [one] = owner.get("studies/colours/images", system="beta@4", prompt_id=2).json()["items"]
    assert (one["system"], one["prompt_id"], one["seed"]) == ("beta@4", 2, study.seed + 2)
    wrong = owner.get("studies/colours/images", system="delta")
    assert wrong.json() == {"error": "system is 'delta'; allowed: alpha@4, beta@4, gamma@4."}


def test_an_image_has_its_provenance_and_its_files(owner: Program, study: Study) -> None:
    image = Image.objects.earliest("id")
    listed = owner.get("studies/colours/images").json()["items"][0]
    path = listed["url"].removeprefix("http://testserver/api/v1/")
    assert owner.get(path).json() == listed | {"provenance": image.provenance()}
    original = owner.get(f"{path}/original.png").getvalue()
    assert hashlib.sha256(original).hexdigest() == image.sha256 == listed["sha256"]
    with PillowImage.open(io.BytesIO(owner.get(f"{path}/display.webp").getvalue())) as shown:
        assert (shown.format, shown.size) == ("WEBP", (study.display_px, study.display_px))
    missing = owner.get("studies/colours/images/00000000-0000-0000-0000-000000000000")
    assert missing.status_code == 404 and missing.json()["error"].startswith("Study 'colours' has no image")


def test_originals_are_an_export(program: Caller, study: Study) -> None:
    path = f"studies/colours/images/{Image.objects.earliest('id').public_id}/original.png"
    assert program("operator").get(path).status_code == 403
    assert program("analyst", "read:studies").get(path).status_code == 403


def test_a_list_takes_as_many_queries_whatever_its_length(owner: Program) -> None:
    owner.get("me")
    assert owner.queries("studies/colours/images", items=1) == owner.queries("studies/colours/images", items=12)


def test_images_made_elsewhere_are_taken_in(importer: Program) -> None:
    pictures = [("fox.png", (200, 10, 10)), ("boats.png", (10, 10, 200))]
    made = send(importer, MANIFEST, *(picture(*each) for each in pictures))
    assert made.json() == {"new": 2, "there_already": 0, "comparisons": 0}
    again = send(importer, MANIFEST, *(picture(*each) for each in pictures))
    assert again.json() == {"new": 0, "there_already": 2, "comparisons": 0}
    fox = Image.objects.imported().get(environment__file="fox.png")
    assert fox.total_ms == 20 and fox.environment["manifest"] == "manifest.csv"
    listed = importer.get("studies/waiting/images", system="outside@1").json()["items"]
    assert [(image["is_imported"], image["seed"]) for image in listed] == [(True, None)] * 2
    assert AuditEntry.objects.filter(verb="imported").values_list("study_slug", flat=True)[0] == "waiting"


@pytest.mark.parametrize(
    ("manifest", "names", "error"),
    [
        (MANIFEST, ["fox.png"], "row 3: path is 'boats.png'; there is no such file in the manifest's folder"),
        (
            MANIFEST.replace("fox.png", "../../fox.png"),
            ["boats.png"],
            "manifest.csv: path is '../../fox.png'; allowed: ",
        ),
        (
            MANIFEST,
            ["fox.png", "boats.png", "x.png"],
            "manifest.csv: no row names x.png; allowed: a row for each file.",
        ),
        (MANIFEST, ["fox.png", "fox.png"], "Two files are called 'fox.png'; allowed: each name once."),
        (MANIFEST, ["é" * 128], f"A file is called {'é' * 20!r} and on; allowed: 255 bytes."),
        (MANIFEST, ["manifest.csv"], "Two files are called 'manifest.csv'; allowed: each name once."),
        (
            MANIFEST.replace("outside@1", "inside@1", 1),
            ["fox.png", "boats.png"],
            "row 2: system is 'inside@1'; allowed: ",
        ),
        ("system;path", ["fox.png"], "manifest.csv: no column system, path, prompt or prompt_id; found: system;path"),
    ],
)
def test_a_mistake_takes_nothing_in(manifest: str, names: list[str], error: str, importer: Program) -> None:
    before = Image.objects.count()
    response = send(importer, manifest, *map(picture, names))
    assert response.status_code == 422 and error in response.json()["error"]
    assert Image.objects.count() == before and not AuditEntry.objects.filter(verb="imported").exists()


def test_more_files_than_a_request_holds(importer: Program) -> None:
    response = send(importer, MANIFEST, *(picture(f"{number}.png") for number in range(100)))
    assert response.status_code == 413 and "100 files" in response.json()["error"]


def test_a_body_that_is_no_form(importer: Program) -> None:
    for kind, status in (("multipart/form-data", 400), ("application/json", 422)):
        response = importer.send("POST", "studies/waiting/images", "x", kind)
        assert (response.status_code, list(response.json())) == (status, ["error"])


def test_a_draft_takes_no_images(importer: Program) -> None:
    study = Study.objects.get(slug="waiting")
    Study.objects.filter(pk=study.pk).update(state="draft", opened_at=None, design_hash="")
    response = send(importer, MANIFEST, picture("fox.png"), picture("boats.png"))
    assert response.status_code == 409 and "is a draft" in response.json()["error"]


def test_images_are_asked_for_and_failed_ones_again(importer: Program) -> None:
    study = Study.objects.get(slug="waiting")
    Study.objects.filter(pk=study.pk).update(slug="asked")
    made_here = make_draft(slug="waiting", systems=[make_system_spec(name) for name in ("alpha", "beta")])
    Membership.objects.create(user=User.objects.get(username="owner"), study=made_here, role="operator")
    refused = importer.post("studies/waiting/images/request")
    assert refused.status_code == 409 and "is a draft" in refused.json()["error"]
    open_study(made_here)
    nothing = {"new": 0, "retried": 0, "awaiting_import": [], "trouble": ""}
    assert importer.post("studies/waiting/images/request").json() == nothing | {"new": 8}
    failed = ImageJob.objects.filter(pk=image_jobs(made_here).earliest("id").pk)
    failed.update(state="failed", error="out of memory")
    assert importer.post("studies/waiting/images/request").json() == nothing
    assert importer.post("studies/waiting/images/request?retry=true").json() == nothing | {"retried": 1}
    assert failed.get().state == "queued"
    noted = AuditEntry.objects.filter(verb__in=["generated", "retried"]).order_by("id")
    assert [(entry.verb, entry.details) for entry in noted] == [
        ("generated", {"images": 8}),
        ("retried", {"images": 1}),
    ]


@pytest.mark.django_db(transaction=True)
def test_where_no_broker_answers_the_images_are_queued_all_the_same(
    importer: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OperationalError

    monkeypatch.setattr(current_app, "send_task", unreachable)
    answer = importer.post("studies/waiting/images/request").json()
    assert answer["awaiting_import"] == ["outside@1"] and answer["trouble"] == NO_BROKER
    assert image_jobs(Study.objects.get(slug="waiting")).filter(state="queued").count() == 2
