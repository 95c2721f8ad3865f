"""What an audit keeps: every response, every pair that was shown with the loads of its images, and what leaked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = str | float
SIDES = ("left", "right")


@dataclass(frozen=True)
class Response:
    """Of a picture, `text` is what can be read in its bytes."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    text: str
    ms: float

    def header(self, name: str) -> str:
        """All lines of this name; empty where there is none."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())


@dataclass(frozen=True)
class Load:
    """One loading of an image: what came with it, and the facts of its file. `digest` stands for the pixels."""

    response: Response
    length: int
    facts: Mapping[str, Value]
    digest: str


@dataclass(frozen=True)
class Pair:
    """One pair, as one session got it."""

    session: str
    assignment: str
    payload: Mapping[str, Any]
    cookies: Mapping[str, str]
    announced: Response  # the page or the reply that brought it
    before: Response  # what came before that, when this pair was leased ahead; the same for the first one
    answered: Response  # the reply to its answer
    loads: Mapping[str, list[Load]]  # by side


@dataclass(frozen=True)
class Behind:
    """What the site knows of a pair and must not tell. Systems and images are given from left to right."""

    is_practice: bool
    roles: tuple[str, str]  # the kind of the assignment; of a stand-in, that too
    systems: tuple[str, str]
    system_ids: tuple[int, int]
    image_ids: tuple[int, int]
    prompt_positions: tuple[int, int]


@dataclass(frozen=True)
class Leak:
    """`kind` is one word; `what` says it in a sentence, and `example` shows where."""

    kind: str
    what: str
    example: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what} ({self.example})"
