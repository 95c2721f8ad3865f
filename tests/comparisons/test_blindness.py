"""Nothing that a rater receives tells which system made a picture."""

from __future__ import annotations

import io
import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image as PillowImage
from PIL.PngImagePlugin import PngInfo

from comparisons.leases import release_expired
from comparisons.models import Assignment, RaterSession, Study
from comparisons.studies import build_comparisons, close_study, image_jobs, open_study
from generation import jobs, storage
from generation.catalogue import resolve
from generation.models import Image
from generation.systems import SystemSpec
from tests.comparisons.browsing import Browser, make_answer
from tests.comparisons.leaks import RecordingClient, find_leaks, secrets_of
from tests.comparisons.test_leases import run_out
from tests.factories import make_draft, make_image, make_open_study

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

pytestmark = pytest.mark.django_db

SYSTEMS: tuple[SystemSpec, ...] = tuple(
    system
    for table in (
        {"catalogue": "sdxl-turbo", "steps": [1, 4], "width": 64, "height": 64},
        {"catalogue": "lcm-xl", "steps": 2, "width": 128, "height": 128},
    )
    for system in resolve(table)
)
SIZES = [(64, 64), (128, 128)]


def tell_tale(seed: int, size: tuple[int, int]) -> PillowImage.Image:
    """A picture whose file says who made it, in every way that PNG has."""
    picture = PillowImage.new("RGB", size, (seed % 256, seed % 13, 90))
    exif = PillowImage.Exif()
    exif[0x010E] = "made by sdxl-turbo"
    text = PngInfo()
    text.add_text("parameters", "stabilityai/sdxl-turbo, 4 steps, seed 918273645")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>lcm-xl</x:xmpmeta>")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=text, exif=exif, icc_profile=b"sdxl-turbo" * 20)
    return PillowImage.open(buffer)


@pytest.fixture
def study() -> Study:
    texts = ["a red fox", "a paper boat"]
    study = make_draft(texts, slug="turbo-versus-lcm", seed=918273645, systems=SYSTEMS, votes_wanted=5)
    open_study(study)
    prompts, systems = study.prompt_set.prompts.all(), study.systems.all()
    jobs.request([(s, prompt, study.seed + prompt.position) for s in systems for prompt in prompts], study.display_px)
    for job in image_jobs(study).select_related("system"):
        make_image(job, tell_tale(job.id, SIZES[job.system.slug.startswith("lcm")]))
    build_comparisons(study)
    return study


def pictures(browser: Browser, payload: dict[str, Any]) -> list[Response]:
    return [browser.get(payload[side]) for side in ("left", "right")]


def test_the_scanner_finds_what_is_planted(study: Study) -> None:
    secrets = secrets_of(study)
    image = Image.objects.earliest("id")
    leaks: dict[bytes | str, str] = {
        "<p>SDXL-Turbo</p>": "sdxl-turbo",
        b"RIFF....EXIF made by lcm-xl": "lcm-xl",
        "/i/latent-consistency%2Flcm-sdxl.webp": "latent-consistency/lcm-sdxl",
        '{"title": "turbo\\u002Dversus\\u002Dlcm"}': "turbo-versus-lcm",
        "<title>stabilityai&#x2F;sdxl-turbo</title>": "stabilityai/sdxl-turbo",
        f"ETag: {image.sha256}": image.sha256,
        f"Set-Cookie: picture={image.public_id}": str(image.public_id),
        f"seed={image.job.seed}": str(image.job.seed),
        "made in 4 steps": "4 step",
        f"X-System: {image.job.system.fingerprint}": image.job.system.fingerprint,
    }
    for planted, secret in leaks.items():
        assert secret in find_leaks(secrets, ["harmless", planted, b"\0"]), planted
    assert find_leaks(secrets, ["harmless", b"\0"]) == []


def test_the_scanner_finds_a_system_named_in_a_text_that_raters_read(study: Study) -> None:
    Study.objects.update(title="Is SDXL-Turbo better?")
    client = RecordingClient()
    Browser(study, client).get()
    assert find_leaks(secrets_of(study), client.received) == ["sdxl-turbo"]


def test_nothing_on_the_whole_way_names_a_system(study: Study) -> None:
    client = RecordingClient()
    browser = Browser(study, client)
    browser.get()
    browser.consent().get()
    browser.get("thanks/")
    payload = browser.judge()
    while payload:
        pictures(browser, payload)
        browser.post(make_answer(payload, "nonsense"))
        following = browser.answer(payload)["next"]
        pictures(browser, payload)
        payload = following
    browser.get("judge/")
    browser.get("thanks/")
    browser.get("no-such-page/")
    close_study(study)
    Browser(study, client).get()
    for asset in assets(client.received):
        browser.get(asset)
    assert len(client.received) > 200
    assert find_leaks(secrets_of(study), client.received) == []


def assets(received: list[bytes | str]) -> set[str]:
    text = "".join(item.decode("latin-1") for item in received if isinstance(item, bytes))
    return set(re.findall(r'(?:href|src)="(/static/[^"]+)"', text))


def test_all_pictures_have_one_size_one_format_and_no_metadata(study: Study) -> None:
    browser = Browser(study).consent()
    payload, seen = browser.judge(), 0
    while payload:
        for response in pictures(browser, payload):
            content = response.getvalue()
            assert response.headers["Content-Type"] == "image/webp"
            assert riff_chunks(content) == [b"VP8L"]
            with PillowImage.open(io.BytesIO(content)) as picture:
                assert (picture.format, picture.size, picture.mode) == ("WEBP", (64, 64), "RGB")
                assert not picture.getexif()
                assert not {"exif", "icc_profile", "xmp", "comment"} & set(picture.info)
            seen += 1
        payload = browser.answer(payload)["next"]
    assert seen == 2 * 12


def pixels(content: bytes) -> bytes:
    with PillowImage.open(io.BytesIO(content)) as picture:
        return picture.tobytes()


def riff_chunks(content: bytes) -> list[bytes]:
    """The kinds of the chunks of a WebP file: EXIF, XMP and ICCP would be chunks of their own."""
    assert content[:4] + content[8:12] == b"RIFFWEBP"
    kinds, offset = [], 12
    while offset < len(content):
        size = int.from_bytes(content[offset + 4 : offset + 8], "little")
        kinds.append(content[offset : offset + 4])
        offset += 8 + size + size % 2
    assert offset == len(content)
    return kinds


def test_the_headers_of_all_pictures_are_the_same(study: Study) -> None:
    browser = Browser(study).consent()
    payload = browser.judge()
    headers: list[dict[str, str]] = []
    while payload:
        for response in pictures(browser, payload):
            assert not {"ETag", "Last-Modified", "Content-Disposition", "Server", "Link"} & set(response.headers)
            assert "no-store" in response.headers["Cache-Control"]
            own = {"Expires"}
            headers.append({name: value for name, value in response.headers.items() if name not in own})
        payload = browser.answer(payload)["next"]
    assert headers == headers[:1] * 24


def test_addresses_of_pictures_are_random_and_never_used_twice(study: Study) -> None:
    addresses = []
    for _ in range(2):
        browser = Browser(study).consent()
        for payload in browser.judge_all():
            for side in ("left", "right"):
                matched = re.fullmatch(rf"{browser.url}i/([0-9a-f-]{{36}})/", payload[side])
                assert matched
                assert uuid.UUID(matched[1]).version == 4
                addresses.append(payload[side])
    assert len(set(addresses)) == len(addresses) == 2 * 2 * 12


def test_a_picture_is_for_the_session_that_judges_it(study: Study) -> None:
    browser, stranger = Browser(study).consent(), Browser(study).consent()
    payload = browser.judge()
    assert payload
    assert stranger.judge()
    assert [response.status_code for response in pictures(browser, payload)] == [200, 200]
    assert [response.status_code for response in pictures(browser.another_tab(), payload)] == [200, 200]
    assert [response.status_code for response in pictures(stranger, payload)] == [404, 404]
    assert [response.status_code for response in pictures(Browser(study), payload)] == [404, 404]


def test_a_picture_is_not_found_under_another_study(study: Study) -> None:
    browser, other = Browser(study).consent(), make_open_study(["a red fox"])
    payload = browser.judge()
    assert payload
    token = payload["left"].removeprefix(browser.url)
    assert browser.get(f"/r/{other.key}/{token}").status_code == 404
    assert browser.get(f"i/{uuid.uuid4()}/").status_code == 404


def test_a_forged_cookie_opens_nothing(study: Study) -> None:
    browser, forger = Browser(study).consent(), Browser(study)
    payload = browser.judge()
    assert payload
    value = browser.client.cookies["session_key"].value
    for forged in (str(RaterSession.objects.get().public_id), value[:-1], value.replace(value[:1], "x", 1), "", "::"):
        forger.client.cookies["session_key"] = forged
        assert [response.status_code for response in pictures(forger, payload)] == [404, 404]
        assert forger.post(make_answer(payload)).status_code == 403


def test_pictures_are_gone_when_they_were_judged(study: Study) -> None:
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    browser.answer(payload)
    assert [response.status_code for response in pictures(browser, payload)] == [404, 404]


def test_pictures_are_gone_when_the_lease_was_taken_back(study: Study) -> None:
    browser = Browser(study).consent()
    payload = browser.judge()
    assert payload
    run_out()
    assert [response.status_code for response in pictures(browser, payload)] == [200, 200], "still the rater's"
    release_expired()
    assert [response.status_code for response in pictures(browser, payload)] == [404, 404]
    browser.answer(payload)
    assert [response.status_code for response in pictures(browser, payload)] == [404, 404]


def test_left_and_right_are_the_pictures_that_the_vote_is_about(study: Study) -> None:
    browser = Browser(study).consent()
    payload = browser.judge()
    while payload:
        assignment = Assignment.objects.get(public_id=payload["assignment"])
        comparison = assignment.comparison
        sides = [comparison.image_a, comparison.image_b]
        for response, image in zip(
            pictures(browser, payload), sides if assignment.a_is_left else sides[::-1], strict=True
        ):
            with storage.open_display(image.sha256, 64) as handle:
                assert pixels(response.getvalue()) == pixels(handle.read())
        payload = browser.answer(payload)["next"]
    assert set(Assignment.objects.values_list("a_is_left", flat=True)) == {True, False}
