"""What there is in the world, and what a caption can say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SHAPES = ("ball", "block", "cone", "ring", "star", "moon", "heart", "cross")
CATEGORIES = {"Toys": ("ball", "block", "cone", "ring"), "Sky": ("star", "moon"), "Signs": ("heart", "cross")}
SIZES = ("small", "large")
FINISHES = ("plain", "striped", "dotted")
COLOURS = {
    "red": (214, 38, 38),
    "orange": (244, 128, 24),
    "yellow": (246, 206, 36),
    "green": (44, 160, 70),
    "blue": (36, 98, 220),
    "purple": (138, 58, 196),
    "pink": (242, 122, 182),
    "black": (44, 42, 48),
}
PATTERNS = ("plain", "checkered", "lined")
BACKGROUNDS = {
    "white": (246, 244, 240),
    "grey": (186, 188, 194),
    "sky": (186, 216, 244),
    "mint": (190, 232, 204),
    "sand": (234, 216, 176),
}
RELATIONS = ("to the left of", "to the right of", "above", "below", "inside")
NUMBERS = ("a", "two", "three", "four", "five")
CHALLENGES = (
    "Basic",
    "Simple Detail",
    "Fine-grained Detail",
    "Quantity",
    "Properties & Positioning",
    "Complex",
)


@dataclass(frozen=True)
class Group:
    """So many things of one kind. What is None is not said, and may be anything; an unsaid finish is plain."""

    shape: str
    count: int = 1
    size: str | None = None
    finish: str | None = None
    colour: str | None = None


@dataclass(frozen=True)
class Backdrop:
    colour: str
    pattern: str = "plain"


@dataclass(frozen=True)
class Wish:
    """What a caption asks for. A relation holds between the first two groups, which then are one thing each."""

    groups: tuple[Group, ...]
    relation: str | None = None
    backdrop: Backdrop | None = None

    @property
    def category(self) -> str:
        return next(name for name, shapes in CATEGORIES.items() if self.groups[0].shape in shapes)


def all_words() -> Iterator[str]:
    """Every word of a caption, and the comma."""
    yield from ("a", "an", "and", "on", "background", ",")
    yield from NUMBERS[1:]
    for terms in (SIZES, FINISHES[1:], COLOURS, PATTERNS[1:], BACKGROUNDS):
        yield from terms
    yield from dict.fromkeys(word for relation in RELATIONS for word in relation.split())
    for shape in SHAPES:
        yield shape
        yield plural(shape)


def plural(shape: str) -> str:
    return f"{shape}es" if shape == "cross" else f"{shape}s"
