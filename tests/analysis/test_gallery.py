"""Pictures by prompt and system, a prompt with all of them, and a picture with its provenance and its file."""

from __future__ import annotations

import io
import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client
from PIL import Image as PillowImage
from pytest_django import DjangoAssertNumQueries

from analysis import gallery
from comparisons.models import Comparison, Exclusion, Study
from comparisons.studies import image_jobs
from generation.models import Image, ImageJob
from generation.storage import StorageUnavailable
from people.models import Membership
from tests.analysis.votes import cast_vote
from tests.factories import make_draft, make_open_study, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def study() -> Study:
    return make_open_study(["a red fox", "a paper boat"], slug="one")


def an_image(study: Study) -> Image:
    return Image.objects.filter(job__in=image_jobs(study)).earliest("id")


def test_a_row_is_a_prompt_and_a_column_a_system(study: Study, researcher: Client) -> None:
    response = researcher.get("/studies/one/gallery/")
    rows = response.context["rows"]
    assert [row.prompt.text for row in rows] == ["a red fox", "a paper boat"]
    for row in rows:
        assert [cell.system for cell in row.cells] == ["alpha@4", "beta@4", "gamma@4"]
        for cell in row.cells:
            assert (cell.image.job.prompt, cell.image.job.system.slug) == (row.prompt, cell.system)
            assert f'href="/studies/one/images/{cell.image.public_id}/"' in response.content.decode()
    assert response.content.decode().count('loading="lazy"') == 6


def test_it_is_filtered_by_system_category_and_challenge(study: Study, researcher: Client) -> None:
    study.prompt_set.prompts.filter(position=1).update(category="Vehicles", challenge="")
    chosen: dict[str, str | list[str]] = {"system": ["beta@4", "gamma@4"], "category": "Vehicles"}
    (row,) = researcher.get("/studies/one/gallery/", chosen).context["rows"]
    assert (row.prompt.position, [cell.system for cell in row.cells]) == (1, ["beta@4", "gamma@4"])
    (row,) = researcher.get("/studies/one/gallery/", {"challenge": "none"}).context["rows"]
    assert row.prompt.position == 1
    both = researcher.get("/studies/one/gallery/", {"challenge": "none", "category": "Things"})
    assert "No prompt has that category and challenge at once." in both.content.decode()
    wrong = researcher.get("/studies/one/gallery/", {"system": "delta@4", "category": "Beasts"})
    assert wrong.status_code == 400
    assert {field: list(errors) for field, errors in wrong.context["form"].errors.items()} == {
        "system": ["system is 'delta@4'; allowed: alpha@4, beta@4, gamma@4."],
        "category": ["category is 'Beasts'; allowed: Things, Vehicles."],
    }


def test_what_is_missing_says_why(study: Study, researcher: Client) -> None:
    draft = make_draft(["a cat"], slug="draft")
    (row,) = researcher.get("/studies/draft/gallery/").context["rows"]
    assert {cell.state for cell in row.cells} == {"not asked for"}
    job = ImageJob.objects.create(
        system=draft.systems.get(slug="alpha@4"),
        prompt=draft.prompt_set.prompts.get(),
        seed=draft.seed,
        display_px=64,
        state=ImageJob.State.FAILED,
        error="alpha@4: the model is missing",
    )
    assert job.error in researcher.get("/studies/draft/prompts/0/").content.decode()


def test_pages_keep_the_filter(researcher: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "PER_PAGE", 2)
    make_draft([f"{number} cats" for number in range(5)], slug="one")
    page = researcher.get("/studies/one/gallery/", {"category": "Things", "page": "2"})
    assert [row.prompt.position for row in page.context["rows"]] == [2, 3]
    assert 'href="?category=Things&amp;page=3"' in page.content.decode()


def test_many_prompts_take_as_many_queries_as_few(
    researcher: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, 10):
        make_open_study([f"{number} cats" for number in range(count)], slug=f"study-of-{count}")
        with django_assert_max_num_queries(13):
            researcher.get(f"/studies/study-of-{count}/gallery/")


def test_a_prompt_s_page_has_the_win_rates_of_its_pairs(study: Study, researcher: Client) -> None:
    comparison = Comparison.objects.filter(question__key="quality", image_a__job__prompt__position=0).earliest("id")
    a = comparison.image_a.job.system.slug
    for outcome, a_is_left in [("left", True), ("right", False), ("right", True), ("tie", True), ("both_bad", True)]:
        cast_vote(make_session(study), comparison, outcome, a_is_left)
    out = cast_vote(make_session(study), comparison, "right", a_is_left=True)
    Exclusion.objects.create(vote=out, reason="slipped")
    cast_vote(make_session(study), Comparison.objects.filter(image_a__job__prompt__position=1).earliest("id"))
    response = researcher.get("/studies/one/prompts/0/")
    questions = {question.key: pairs for question, pairs in response.context["questions"]}
    assert questions["prompt-following"] == []
    (pair,) = questions["quality"]
    wins, losses = (pair.wins, pair.losses) if pair.system == a else (pair.losses, pair.wins)
    assert (wins, losses, pair.ties, pair.both_bad, pair.votes) == (2, 1, 1, 1, 5)
    assert (pair.win_rate if pair.system == a else 1 - pair.win_rate) == 2.5 / 4
    link = f"?question=quality&amp;system={pair.system.replace('@', '%40')}"
    assert link in response.content.decode()


def test_win_rates_are_for_those_who_may_see_results(study: Study, client: Client) -> None:
    for comparison in Comparison.objects.all()[:3]:
        cast_vote(make_session(study), comparison)
    bob = User.objects.create_user("bob")
    Membership.objects.create(user=bob, study=study, role=Membership.Role.OPERATOR)
    client.force_login(bob)
    response = client.get("/studies/one/prompts/0/")
    assert response.status_code == 200
    assert response.context["questions"] == []


def test_a_picture_s_page_tells_how_it_was_made(study: Study, researcher: Client) -> None:
    image = an_image(study)
    response = researcher.get(f"/studies/one/images/{image.public_id}/")
    text = response.content.decode()
    for told in (image.sha256, image.job.system.fingerprint, image.job.prompt.text, image.job.system.spec["model"]):
        assert told in text
    assert "differs" not in text


def test_files_are_kept_by_the_browser_for_ever_and_by_nobody_between(study: Study, researcher: Client) -> None:
    image = an_image(study)
    for name, kind, size in (("small.webp", "WEBP", 64), ("display.webp", "WEBP", 64), ("original.png", "PNG", 64)):
        response = researcher.get(f"/studies/one/images/{image.public_id}/{name}")
        assert response["Cache-Control"] == "private, max-age=31536000, immutable"
        picture = PillowImage.open(io.BytesIO(response.getvalue()))
        assert (picture.format, picture.size) == (kind, (size, size))
    assert response["Content-Disposition"] == f'attachment; filename="one-0-{image.job.system.slug}.png"' or (
        image.job.prompt.position == 1
    )


def test_a_thumbnail_is_no_larger_than_what_raters_see(researcher: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "SMALL_PX", 16)
    study = make_open_study(["a fox"], slug="one")
    response = researcher.get(f"/studies/one/images/{an_image(study).public_id}/small.webp")
    assert PillowImage.open(io.BytesIO(response.getvalue())).size == (16, 16)


def test_other_sizes_and_other_studies_images_are_not_found(study: Study, researcher: Client) -> None:
    image, other = an_image(study), an_image(make_open_study(["a cat"], slug="two"))
    for path in (f"{image.public_id}/huge.webp", f"{other.public_id}/display.webp", f"{other.public_id}/"):
        assert researcher.get(f"/studies/one/images/{path}").status_code == 404
    assert researcher.get(f"/studies/one/images/{uuid.uuid4()}/").status_code == 404
    assert researcher.get("/studies/one/prompts/2/").status_code == 404


def test_a_storage_that_does_not_answer_is_said_and_not_kept(
    study: Study, researcher: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*arguments: object, **options: object) -> None:
        raise StorageUnavailable("the bucket does not answer")

    monkeypatch.setattr("generation.storage.open_display", unavailable)
    response = researcher.get(f"/studies/one/images/{an_image(study).public_id}/display.webp")
    assert (response.status_code, response["Cache-Control"], response["Retry-After"]) == (503, "no-store", "60")


def test_originals_are_for_those_who_may_export(study: Study, client: Client) -> None:
    path = f"/studies/one/images/{an_image(study).public_id}/"
    assert client.get(f"{path}display.webp").status_code == 302
    bob = User.objects.create_user("bob")
    client.force_login(bob)
    assert client.get(f"{path}display.webp").status_code == 404
    Membership.objects.create(user=bob, study=study, role=Membership.Role.OPERATOR)
    assert client.get(f"{path}display.webp").getvalue()
    assert client.get(f"{path}original.png").status_code == 403
    assert "original.png" not in client.get(path).content.decode()
