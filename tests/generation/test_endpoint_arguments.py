"""What a system of backend "endpoint" may say, and where its key may go: all before any request is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from comparisons.study_file import read_study
from generation import backends
from generation.backends import PermanentBackendError
from generation.systems import SystemSpec

DOCS = Path(__file__).resolve().parents[2] / "docs"
KEY = "sk-0123456789-secret"
ADDRESS = "the API's address, with http:// or https://"


def refusal(changes: dict[str, Any] | None = None, **arguments: Any) -> str:
    given = {"base_url": "https://api.example/v1"} | arguments
    kept = {name: value for name, value in given.items() if value is not None}
    content: dict[str, Any] = {"steps": 1, "width": 64, "height": 64, "arguments": kept} | (changes or {})
    with pytest.raises(PermanentBackendError) as caught:
        backends.create(SystemSpec("hosted", "endpoint", "painter", **content), Path())
    assert KEY not in str(caught.value)
    return str(caught.value).removeprefix("hosted@1: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"base_url": None}, f"arguments.base_url is missing; allowed: {ADDRESS}."),
        (
            {"base_url": "ftp://a.example"},
            f"arguments.base_url is 'ftp://a.example'; allowed: {ADDRESS}, without a user, a password or a fragment.",
        ),
        (
            {"base_url": f"https://me:{KEY}@a.example"},
            f"arguments.base_url is not a usable URL; allowed: {ADDRESS}, without a user, a password or a fragment.",
        ),
        ({"format": "xml"}, "arguments.format is 'xml'; allowed: 'openai' or 'json'."),
        ({"base_ur": 1}, "backend 'endpoint' takes no argument 'base_ur'; did you mean 'base_url'?"),
        (
            {"quality": "hd"},
            "backend 'endpoint' takes no argument 'quality'; what the API takes besides is named body_quality.",
        ),
        ({"timeout_seconds": 0}, "arguments.timeout_seconds is 0; allowed: a number above 0."),
        ({"requests_per_minute": "9"}, "arguments.requests_per_minute is '9'; allowed: a number above 0."),
        ({"cost_per_image": -1}, "arguments.cost_per_image is -1; allowed: a number of at least 0."),
        ({"currency": ""}, "arguments.currency is ''; allowed: a text that is not empty."),
        (
            {"body_n": 4},
            "arguments has 'body_n', but Evalsite sets model, prompt, size, n of the request itself; leave it out.",
        ),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    assert refusal(**arguments) == message


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"guidance_scale": 2}, "guidance_scale is 2.0"),
        ({"scheduler": {"class": "Euler"}}, "scheduler is {'class': 'Euler'}"),
    ],
)
def test_keys_without_use(changes: dict[str, Any], found: str) -> None:
    assert refusal(changes) == (
        f"{found}, but backend 'endpoint' has no use for it; leave it out, or send it as an argument body_...."
    )


@pytest.mark.parametrize(
    ("keys", "base_url", "reason"),
    [
        (
            {},
            "https://api.example",
            "ENDPOINT_KEYS does not list it; set ENDPOINT_KEYS=PAINTER_KEY@api.example for the worker, "
            "if its value may be sent there.",
        ),
        (
            {"PAINTER_KEY": ("api.example", KEY)},
            "https://evil.example",
            "ENDPOINT_KEYS keeps it for api.example, and base_url is at evil.example.",
        ),
        (
            {"PAINTER_KEY": ("api.example", KEY)},
            "http://api.example",
            "base_url is not https, so others could read the key on its way.",
        ),
    ],
)
def test_keys_that_are_not_sent(
    settings: LazySettings, keys: dict[str, tuple[str, str]], base_url: str, reason: str
) -> None:
    settings.ENDPOINT_KEYS = keys
    assert refusal(base_url=base_url, key="PAINTER_KEY") == f"arguments.key is 'PAINTER_KEY', but {reason}"


def test_documented_study(tmp_path: Path, settings: LazySettings) -> None:
    page = (DOCS / "systems.md").read_text(encoding="utf-8")
    file = tmp_path / "study.toml"
    example = page.partition("## Hosted APIs")[2].partition("```toml\n")[2]
    file.write_text(example.partition("```")[0], encoding="utf-8")
    settings.ENDPOINT_KEYS = {"OPENAI_API_KEY": ("api.openai.com", KEY), "PAINTER_KEY": ("painter.example", KEY)}
    systems = read_study(file).systems
    assert {system.backend for system in systems} == {"endpoint"}
    assert {system.arguments.get("format", "openai") for system in systems} == {"openai", "json"}
    for system in systems:
        backends.create(system, tmp_path)
