"""A leak of each kind is planted in a site, and the audit names it."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.db.models import Q
from django.http import HttpResponse
from PIL import Image as PillowImage

from analysis.blindness import structure
from analysis.blindness.audit import certain_leaks, collect
from comparisons import judging
from comparisons.models import Assignment, RaterSession, Study
from comparisons.protocol import Example, Protocol
from comparisons.study_file import QuestionSpec
from generation.models import Image, ImageJob
from tests.analysis.in_process import URL, Tamper, browsers
from tests.factories import make_open_study, make_system_spec

pytestmark = pytest.mark.django_db

QUESTION = QuestionSpec("quality", "Which has the higher quality?", tie=False, both_bad=False)


def paint(job: ImageJob) -> PillowImage.Image:
    """The second system's pictures take much more room."""
    rng = np.random.default_rng(job.id)
    noise = rng.integers(0, 256, (64, 64, 3) if job.system.slug == "beta@4" else (1, 1, 3), dtype=np.uint8)
    return PillowImage.fromarray(noise).resize((64, 64), PillowImage.Resampling.NEAREST)


@pytest.fixture
def study() -> Study:
    return make_two(["a red fox"])


def make_two(prompts: list[str], **changes: Any) -> Study:
    systems = (make_system_spec("alpha"), make_system_spec("beta"))
    return make_open_study(
        prompts,
        paint,
        slug="alpha-or-beta",
        systems=systems,
        questions=(QUESTION,),
        votes_wanted=5,
        seed=918273645,
        **changes,
    )


@pytest.mark.parametrize("slug", ["dark", "fox", "quality"])
def test_a_slug_that_is_a_word_of_the_study_is_no_leak(slug: str) -> None:
    """Of the ground behind the pictures, of a prompt, of a question: raters get these words in any case."""
    systems = (make_system_spec("alpha"), make_system_spec("beta"))
    protocol = Protocol(theme="dark")
    study = make_open_study(["a red fox"], slug=slug, systems=systems, questions=(QUESTION,), protocol=protocol)
    leaks = certain_leaks(study, collect(study, URL, 2, 0, browsers()))
    assert [str(leak) for leak in leaks] == []


def image_of(request: Any) -> Image:
    token = request.resolver_match.kwargs["token"]
    assignment = Assignment.objects.get(Q(left_token=token) | Q(right_token=token))
    is_a = (assignment.left_token == token) == assignment.a_is_left
    return assignment.comparison.image_a if is_a else assignment.comparison.image_b


def on_images(change: Callable[[Image, HttpResponse], None]) -> Tamper:
    def tamper(request: Any, response: HttpResponse) -> None:
        if request.resolver_match.url_name == "image" and response.status_code == 200:
            change(image_of(request), response)

    return tamper


def name_the_system(image: Image, response: HttpResponse) -> None:
    response["X-System"] = image.job.system.slug


def tag_by_hash(image: Image, response: HttpResponse) -> None:
    response["ETag"] = f'"{image.sha256}"'


def tag_by_another_hash(image: Image, response: HttpResponse) -> None:
    response["ETag"] = hashlib.md5(image.sha256.encode()).hexdigest()


def name_the_file(image: Image, response: HttpResponse) -> None:
    response["Content-Disposition"] = f'inline; filename="{image.job.system.slug}.webp"'


def add_exif(image: Image, response: HttpResponse) -> None:
    exif, buffer = PillowImage.Exif(), io.BytesIO()
    exif[0x010E] = f"made by {image.job.system.slug}"
    PillowImage.open(io.BytesIO(response.content)).save(buffer, "WEBP", lossless=True, exif=exif)
    response.content = buffer.getvalue()


def encode_otherwise(image: Image, response: HttpResponse) -> None:
    if image.job.system.slug == "beta@4":
        length, buffer = len(response.content), io.BytesIO()
        PillowImage.open(io.BytesIO(response.content)).save(buffer, "PNG")
        response.content = buffer.getvalue().ljust(length, b"\0")


def set_a_cookie(image: Image, response: HttpResponse) -> None:
    response.set_cookie("seen", str(image.id % 2))


def let_caches_keep_it(image: Image, response: HttpResponse) -> None:
    response["Cache-Control"] = "max-age=3600"


@pytest.mark.parametrize(
    ("plant", "named"),
    [
        (
            name_the_system,
            {"name: a system's name is received: 'alpha@4'", "header: images differ in their header x-system"},
        ),
        (tag_by_hash, {"name: an image's hash is received", "header: images differ in their header etag"}),
        (tag_by_another_hash, {"header: images differ in their header etag"}),
        (name_the_file, {"name: a system's name", "header: images differ in their header content-disposition"}),
        (add_exif, {"name: a system's name", "metadata: an image's file holds more", "length: ", "encoding: "}),
        (encode_otherwise, {"encoding: images differ in format of their files"}),
        (set_a_cookie, {"cookie: an image sets a cookie"}),
        (let_caches_keep_it, {"access: caches may give an image to others"}),
    ],
)
def test_what_comes_with_an_image(study: Study, plant: Callable[[Image, HttpResponse], None], named: set[str]) -> None:
    leaks = find(study, on_images(plant))
    assert {each for each in named if any(leak.startswith(each) for leak in leaks)} == named, leaks
    kinds = {each.partition(":")[0] for each in named}
    assert {leak.partition(":")[0] for leak in leaks} == kinds


def find(study: Study, tamper: Tamper = lambda request, response: None) -> list[str]:
    return [str(leak) for leak in certain_leaks(study, collect(study, URL, 2, 0, browsers(tamper)))]


def test_the_examples_of_the_instructions() -> None:
    """Their pictures are loaded, too, and held against those of the pairs."""

    def change(request: Any, response: HttpResponse) -> None:
        if request.resolver_match.url_name == "example":
            response.content += b"\0"
            response["X-Side"] = request.resolver_match.kwargs["side"]

    example = Example("quality", "a red fox", better="alpha@4", worse="beta@4", why="It is red.")
    study = make_two(["a red fox", "a paper boat"], protocol=Protocol(instructions="Look.", examples=(example,)))
    assert {leak.partition(" (")[0] for leak in find(study, change)} == {
        "length: images differ in their number of bytes",
        "encoding: images differ in bytes after the end of their files",
        "header: images differ in their header x-side",
    }


def test_what_is_said_when_an_answer_is_taken_back(study: Study) -> None:
    def name_systems(request: Any, response: HttpResponse) -> None:
        if request.resolver_match.url_name == "undo":
            response.content = json.dumps(json.loads(response.content) | {"by": "alpha@4"})

    (leak,) = find(study, name_systems)
    assert leak.startswith("name: a system's name is received: 'alpha@4'") and "/undo/" in leak


def test_an_address_that_comes_again(study: Study) -> None:
    seen = collect(study, URL, 2, 0, browsers()).seen
    assert structure.find(seen) == []
    again = {leak.what: leak.example for leak in structure.find([*seen, *seen])}
    assert again.keys() == {"an address comes again", "an assignment comes again"}
    assert again["an address comes again"].startswith("2 times /r/")


def test_a_random_header_is_no_leak(study: Study) -> None:
    def identify(request: Any, response: HttpResponse) -> None:
        response["X-Request-Id"] = uuid.uuid4().hex

    assert find(study, identify) == []


def test_images_of_their_own_length(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "padded", lambda webp, length: webp)
    leaks = find(study)
    assert {leak.partition(":")[0] for leak in leaks} == {"length", "encoding"}
    assert leaks[0].startswith("length: images differ in their number of bytes")


def test_a_system_in_the_judging_page_s_data(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    payload = judging.payload

    def telling(assignment: Assignment, *others: Any) -> dict[str, Any]:
        return payload(assignment, *others) | {"made": {"by": assignment.comparison.image_a.job.system.slug.upper()}}

    monkeypatch.setattr(judging, "payload", telling)
    (leak,) = find(study)
    assert leak.startswith("name: a system's name is received: ")
    assert "by" in leak and "body of http://testserver/r/" in leak


@pytest.mark.parametrize(
    ("tokens", "named"),
    [
        ((uuid.UUID(int=n) for n in itertools.count(1)), "token: an address is not a random UUID4"),
        ((uuid.UUID(int=n, version=4) for n in itertools.count(1)), "token: the digits of each address are not random"),
    ],
)
def test_tokens_that_can_be_guessed(study: Study, tokens: Any, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for field in ("left_token", "right_token"):
        monkeypatch.setattr(Assignment._meta.get_field(field), "_get_default", lambda: next(tokens))
    assert any(leak.startswith(named) for leak in find(study))


def test_images_that_stay_open_to_everybody(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def anybody_s(session: RaterSession, token: uuid.UUID) -> bytes | None:
        assignment = Assignment.objects.get(Q(left_token=token) | Q(right_token=token))
        return image_bytes(assignment.session, token)

    image_bytes = judging.image_bytes
    monkeypatch.setattr(judging, "image_bytes", anybody_s)
    monkeypatch.setattr(Assignment, "VISIBLE", Assignment.State.values)
    assert {leak.partition(" (")[0] for leak in find(study)} == {
        "access: an image opens for another session",
        "access: an image opens for its own session after the answer",
    }
