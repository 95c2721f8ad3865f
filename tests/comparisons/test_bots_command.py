"""simulate_raters, where it cannot begin: one sentence, and nobody has voted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.comparisons.test_commands import refusal
from tests.factories import make_open_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def site_of_pages() -> Iterator[str]:
    """A site that knows no study."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_request(self, *_: object) -> None:
            pass

        def log_error(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (["--url", "127.0.0.1:9"], "--url is '127.0.0.1:9'; allowed: the address of a site, such as"),
        (["--url", "http://127.0.0.1:9"], "--url is 'http://127.0.0.1:9': the site does not answer."),
        (
            ["--url", "http://127.0.0.1:9", "--log", "/nowhere/log.csv"],
            "--log is '/nowhere/log.csv': cannot be written",
        ),
    ],
)
def test_simulated_raters_who_cannot_begin_say_why(option: list[str], sentence: str) -> None:
    study = make_open_study(["a red fox"])
    refused = refusal("simulate_raters", study.slug, "--raters", "1", "--seed", "1", *option)
    assert refused.startswith(sentence)
    assert "\n" not in refused


@pytest.mark.parametrize("mix", ["", "competent=", "angry=2"])
def test_a_mix_that_says_nothing_is_named(mix: str) -> None:
    study = make_open_study(["a red fox"])
    refused = refusal("simulate_raters", study.slug, "--mix", mix, "--seed", "1", "--url", "http://127.0.0.1:9")
    assert refused.startswith(f"--mix has {mix!r}; allowed: CHARACTER=N with one of competent, noisy,")


def test_a_page_that_is_no_study_is_not_printed(site_of_pages: str) -> None:
    study = make_open_study(["a red fox"])
    url = f"{site_of_pages}/elsewhere"
    refused = refusal("simulate_raters", study.slug, "--raters", "1", "--seed", "1", "--url", url)
    assert refused == f"{url}/r/{study.key}/ answered 404."
