"""Everything that gets installed is pinned exactly, once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = {
    "requirements-web.txt": ("web.in", []),
    "requirements.txt": ("runtime.in", ["-r requirements-web.txt"]),
    "requirements-dev.txt": ("dev.in", ["-r requirements.txt"]),
}


def lines(path: str) -> list[str]:
    return [line for line in (ROOT / path).read_text().splitlines() if line and not line.startswith("#")]


def pins(path: str) -> dict[str, str]:
    return dict(line.split("==") for line in lines(path) if not line.startswith("-r "))


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_an_exact_pin_or_the_included_file(name: str) -> None:
    _, includes = FILES[name]
    assert [line for line in lines(name) if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == includes


@pytest.mark.parametrize("name", FILES)
def test_what_is_asked_for_is_pinned(name: str) -> None:
    source, _ = FILES[name]
    asked = [line for line in lines(f"requirements/{source}") if not line.startswith("-r ")]
    assert {re.split(r"[\[=]", line)[0] for line in asked} <= pins(name).keys()
    for line in asked:
        if "==" in line:
            package, version = re.sub(r"\[.*\]", "", line).split("==")
            assert pins(name)[package] == version


def test_nothing_is_pinned_twice() -> None:
    names = [name for path in FILES for name in pins(path)]
    assert len(names) == len(set(names))


def test_a_web_host_gets_no_torch() -> None:
    assert not {"torch", "diffusers", "transformers"} & pins("requirements-web.txt").keys()
