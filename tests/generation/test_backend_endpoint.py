"""Against a real server on this machine; only the waiting between two attempts is noted instead of done."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.conf import LazySettings, settings

from generation import backends, jobs
from generation.backends import BackendError, PermanentBackendError, RenderedImage, TransientBackendError, transport
from generation.models import Image
from generation.systems import SystemSpec
from tests.generation.hosted_api import COLOUR, HostedApi, Reply, picture, text_of
from tests.generation.job_rows import make_jobs

KEY = "sk-0123456789-secret"
DRAWN = Reply(picture(), content_type="image/png")


@pytest.fixture
def api() -> Iterator[HostedApi]:
    with HostedApi() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.stopped.set()
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(transport, "sleep", waited.append)
    monkeypatch.setattr(transport, "_next_request", {})
    return waited


def spec_of(api: HostedApi | str, *, steps: int = 1, width: int = 64, **arguments: Any) -> SystemSpec:
    base_url = api if isinstance(api, str) else api.url
    given: dict[str, Any] = {"base_url": base_url, "format": "json", "timeout_seconds": 5} | arguments
    kept = {name: value for name, value in given.items() if value is not None}
    return SystemSpec("hosted", "endpoint", "painter-2", steps, width, 64, arguments=kept)


def draw(api: HostedApi, *replies: Reply, **arguments: Any) -> RenderedImage:
    api.replies[:] = replies
    (rendered,) = backends.create(spec_of(api, **arguments), settings.DATA_DIR).render(["a cat"], [7])
    return rendered


def failure(api: HostedApi, *replies: Reply, **arguments: Any) -> BackendError:
    with pytest.raises(BackendError) as caught:
        draw(api, *replies, **arguments)
    told = str(caught.value)
    assert told.startswith("hosted@1: 127.0.0.1 ") and told.endswith(".") and "\n" not in told
    return caught.value


def test_json_format(api: HostedApi) -> None:
    rendered = draw(
        api, DRAWN, requests_per_minute=600, cost_per_image=0.04, currency="EUR", body_style="plain", body_safe=True
    )
    assert (rendered.image.size, rendered.image.mode, rendered.image.getpixel((5, 5))) == ((64, 64), "RGB", COLOUR)
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", "/")
    own = {"model": "painter-2", "prompt": "a cat", "seed": 7, "width": 64, "height": 64, "steps": 1}
    assert asked.body == own | {"style": "plain", "safe": True}
    environment = dict(rendered.environment)
    assert environment.pop("python")
    assert environment.pop("httpx2")
    assert environment == {
        "backend": "endpoint",
        "host": "127.0.0.1",
        "cost": 0.04,
        "currency": "EUR",
        "attempts": 1,
        "seed_sent": True,
        "batch_size": 1,
    }
    assert rendered.timings.total_ms > 0
    unknown = {"encode_ms": None, "forward_ms": None, "denoise_ms": None, "decode_ms": None}
    assert rendered.timings.as_columns() == unknown | {"total_ms": rendered.timings.total_ms}


@pytest.mark.django_db
def test_stages_that_nobody_knows_are_stored_as_unknown(api: HostedApi) -> None:
    (made,) = make_jobs(1)
    _, (job,) = jobs.claim(made.system_id, [made.id], limit=1)
    rendered = draw(api, DRAWN)
    assert jobs.finish(job, rendered)
    record = Image.objects.get().provenance()
    stages = dict.fromkeys(("encode_ms", "forward_ms", "denoise_ms", "decode_ms"))
    assert record["timings"] == stages | {"total_ms": rendered.timings.total_ms}
    assert record["environment"]["host"] == "127.0.0.1"


@pytest.mark.parametrize("prefix", ["", "data:image/webp;base64,"])
def test_json_format_with_base64(api: HostedApi, prefix: str) -> None:
    reply = Reply.of({"picture": prefix + text_of(picture(kind="WEBP"))})
    assert draw(api, reply, image_field="picture").image.size == (64, 64)


def test_openai_format(api: HostedApi) -> None:
    reply = Reply.of({"data": [{"b64_json": text_of(picture())}]})
    rendered = draw(api, reply, format=None, base_url=f"{api.url}/v1/?api-version=3", body_quality="high")
    assert rendered.image.getpixel((5, 5)) == COLOUR
    (asked,) = api.asked
    assert asked.path == "/v1/images/generations?api-version=3"
    assert asked.body == {"model": "painter-2", "prompt": "a cat", "size": "64x64", "n": 1, "quality": "high"}
    assert rendered.environment["seed_sent"] is False
    assert (rendered.environment["cost"], rendered.environment["currency"]) == (None, "USD")


def test_key_is_sent_to_its_host_and_is_nowhere_else(api: HostedApi, settings: LazySettings) -> None:
    settings.ENDPOINT_KEYS = {"PAINTER_KEY": ("127.0.0.1", KEY)}
    link = Reply.of({"data": [{"url": f"{api.url}/pictures/1.png"}]})
    rendered = draw(api, link, DRAWN, format="openai", key="PAINTER_KEY")
    posted, fetched = api.asked
    assert posted.headers["Authorization"] == f"Bearer {KEY}"
    assert fetched.path == "/pictures/1.png" and "Authorization" not in fetched.headers
    assert KEY not in json.dumps([posted.path, posted.body, fetched.path, dict(fetched.headers)])
    assert KEY not in repr(rendered) + repr(spec_of(api, key="PAINTER_KEY"))
    echo = Reply.of({"error": {"message": f"{'wrong ' * 30}key {KEY}"}}, status=401)
    told = str(failure(api, echo, key="PAINTER_KEY"))
    assert "answered 401: wrong wrong" in told
    assert KEY[:6] not in told


def test_a_busy_api_is_asked_again(api: HostedApi, waits: list[float]) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30))
    busy = [Reply(status=429, headers={"Retry-After": wait}) for wait in ("7", "86400", soon)]
    assert draw(api, *busy, DRAWN).environment["attempts"] == 4
    assert waits[:2] == [7.0, 60.0]
    assert 25 < waits[2] <= 30


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(b"<h1>Down</h1>", status=503), "answered 503: <h1>Down</h1>"),
        (Reply.of({"detail": "slow down."}, status=429), "answered 429: slow down"),
        (Reply(drop=True), "broke the connection or took none (RemoteProtocolError: "),
        (Reply(picture(), promised=10, content_type="image/png"), "broke the connection or took none ("),
    ],
)
def test_giving_up_for_now(api: HostedApi, waits: list[float], reply: Reply, reason: str) -> None:
    error = failure(api, reply)
    assert isinstance(error, TransientBackendError)
    assert str(error).startswith(f"hosted@1: 127.0.0.1 {reason}")
    assert str(error).endswith(", in 4 attempts.")
    assert len(api.asked) == 4
    assert waits == [2.0, 4.0, 8.0]


@pytest.mark.parametrize("body", [b"slow" * 20, picture()])
def test_an_answer_that_takes_too_long(api: HostedApi, body: bytes) -> None:
    error = failure(api, Reply(body, pause=0.08), timeout_seconds=0.2)
    assert isinstance(error, TransientBackendError)
    assert str(error) == "hosted@1: 127.0.0.1 sent no whole answer within 0.2 s, in 4 attempts."


def test_hanging_server(api: HostedApi) -> None:
    error = failure(api, Reply(picture(), pause=30), timeout_seconds=0.1)
    assert str(error) == "hosted@1: 127.0.0.1 sent no whole answer within 0.1 s, in 4 attempts."


def test_nobody_listens(waits: list[float]) -> None:
    with HostedApi() as server:
        url = server.url
    with pytest.raises(TransientBackendError, match=r"broke the connection or took none \(ConnectError: "):
        backends.create(spec_of(url), settings.DATA_DIR).render(["a cat"], [7])


def test_requests_keep_their_distance(api: HostedApi, waits: list[float]) -> None:
    api.replies[:] = [DRAWN]
    for _ in range(2):  # systems of one host share its limit
        backend = backends.create(spec_of(api, requests_per_minute=30), settings.DATA_DIR)
        backend.render(["a cat", "a dog"], [1, 2])
    assert [round(wait) for wait in waits] == [2, 4, 6]


def image_reply(raw: bytes) -> Reply:
    return Reply(raw, content_type="image/png")


def openai_reply(entry: Any) -> Reply:
    return Reply.of({"data": [entry]})


@pytest.mark.parametrize(
    ("reply", "form", "reason"),
    [
        (Reply.of({"error": "no cats"}, status=400), "json", "answered 400: no cats."),
        (Reply(b"x" * 900, status=404), "json", f"answered 404: {'x' * 199}…."),
        (Reply(status=403), "json", "answered 403."),
        (
            Reply(status=302, headers={"Location": "http://127.0.0.1/"}),
            "json",
            "answered 302, a redirect, which is not followed.",
        ),
        (Reply(b"{cut"), "json", "answered with 4 bytes of 'application/json' that are no JSON object."),
        (Reply(b"[1]", content_type="text/html"), "json", "answered with 3 bytes of 'text/html' that are no JSON obj"),
        (Reply.of({"img": ""}), "json", "answered without an image, and without base64 text under 'image'."),
        (Reply.of({"image": "no base64!"}), "json", "answered with text under 'image' that is not base64."),
        (Reply.of({"data": []}), "openai", "answered without data[0].b64_json or data[0].url."),
        (openai_reply({"b64_json": "*"}), "openai", "answered with text under data[0].b64_json that is not base64."),
        (
            openai_reply({"url": "http://127.0.0.2:1/x.png"}),
            "openai",
            "answered with a link to an image at http://127.0.0.2; only https or its own host is fetched.",
        ),
        (
            openai_reply({"url": "file:///etc/passwd"}),
            "openai",
            "answered with a link to an image at file://; only https or its own host is fetched.",
        ),
        (
            openai_reply({"url": "https://a.example:b/1.png"}),
            "openai",
            "answered with a link to an image that is no URL.",
        ),
        (image_reply(b"GIF89a"), "json", "answered with 6 bytes that are no image (PNG, JPEG, WEBP)."),
        (image_reply(b""), "json", "answered with 0 bytes that are no image (PNG, JPEG, WEBP)."),
        (image_reply(picture()[:-40]), "json", "answered with a broken or cut off image ("),
        (
            image_reply(picture(mode="RGBA", colour=(1, 2, 3, 4))),
            "json",
            "made a picture with transparent pixels, which need a background.",
        ),
    ],
)
def test_useless_answers(api: HostedApi, waits: list[float], reply: Reply, form: str, reason: str) -> None:
    error = failure(api, reply, format=form)
    assert isinstance(error, PermanentBackendError)
    assert str(error).startswith(f"hosted@1: 127.0.0.1 {reason}")
    assert (len(api.asked), waits) == (1, [])


def test_wrong_size(api: HostedApi) -> None:
    with pytest.raises(PermanentBackendError) as caught:
        draw(api, image_reply(picture((64, 32))))
    assert str(caught.value) == (
        "hosted@1: width is 64 and height is 64, but 127.0.0.1 makes 64 x 32 pixels; correct both."
    )


def test_answer_without_end(api: HostedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 2**20)
    assert str(failure(api, image_reply(bytes(2**20 + 1)))) == "hosted@1: 127.0.0.1 answered with more than 1 MB."


def test_opaque_alpha_is_dropped(api: HostedApi) -> None:
    rendered = draw(api, image_reply(picture(mode="RGBA", colour=(*COLOUR, 255))))
    assert (rendered.image.mode, rendered.image.getpixel((5, 5))) == ("RGB", COLOUR)


def test_systems_of_one_model_take_turns(api: HostedApi) -> None:
    first, second = spec_of(api, body_style="plain"), spec_of(api, steps=4, body_style="rich")
    assert first.weights_key == second.weights_key
    api.replies[:] = [DRAWN]
    backend = backends.create(first, settings.DATA_DIR)
    for spec in (first, second):
        backend.prepare(spec)
        backend.render(["a cat"], [1])
    assert [(asked.body["style"], asked.body["steps"]) for asked in api.asked] == [("plain", 1), ("rich", 4)]
