"""Random wishes of each challenge, and the evaluation prompts, which are fixed and never trained on."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from toyzoo.domain.captions import say
from toyzoo.domain.words import (
    BACKGROUNDS,
    CHALLENGES,
    COLOURS,
    FINISHES,
    PATTERNS,
    RELATIONS,
    SHAPES,
    SIZES,
    Backdrop,
    Group,
    Wish,
)

EVALUATION_FILE = Path(__file__).with_name("evaluation.tsv")
EVALUATION_PROMPTS = 200
_EVALUATION_SEED = 2311
_BASIC = CHALLENGES[0]


def draw_wish(rng: random.Random, challenge: str | None = None) -> Wish:
    """A wish of this challenge, else of any."""
    return _MAKERS[challenge or rng.choice(CHALLENGES)](rng)


def draw_training_wish(rng: random.Random) -> Wish:
    """Any wish but those of the evaluation. Basic ones are so few that both have all of them."""
    while True:
        challenge = rng.choice(CHALLENGES)
        wish = draw_wish(rng, challenge)
        if challenge == _BASIC or say(wish) not in held_out():
            return wish


@cache
def held_out() -> frozenset[str]:
    """The captions of the evaluation file but the basic ones."""
    rows = EVALUATION_FILE.read_text(encoding="utf-8").splitlines()[1:]
    cells = [row.split("\t") for row in rows]
    return frozenset(text for text, _, challenge, _ in cells if challenge != _BASIC)


def evaluation_rows() -> Iterator[tuple[str, str, str, str]]:
    """The rows of the evaluation file, in PartiPrompts' columns: Prompt, Category, Challenge, Note."""
    rng = random.Random(_EVALUATION_SEED)
    seen: set[str] = set()
    while len(seen) < EVALUATION_PROMPTS:
        challenge = CHALLENGES[len(seen) % len(CHALLENGES)]
        wish = draw_wish(rng, challenge)
        text = say(wish)
        if text not in seen:
            seen.add(text)
            yield text, wish.category, challenge, ""


def write_evaluation() -> None:
    rows = [("Prompt", "Category", "Challenge", "Note"), *evaluation_rows()]
    EVALUATION_FILE.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")


def _basic(rng: random.Random) -> Wish:
    return Wish((Group(rng.choice(SHAPES), colour=rng.choice([None, *COLOURS])),))


def _simple(rng: random.Random) -> Wish:
    return Wish((_detailed(rng),), backdrop=_backdrop(rng))


def _fine(rng: random.Random) -> Wish:
    """Two things whose finishes or sizes must not be exchanged."""
    return Wish((_detailed(rng), _detailed(rng)), backdrop=rng.choice([None, _backdrop(rng)]))


def _quantity(rng: random.Random) -> Wish:
    total = rng.randint(2, 5)
    first = rng.choice([total, rng.randint(1, total - 1)])
    colours = rng.sample(list(COLOURS), 2)
    shapes = rng.sample(SHAPES, 2)
    groups = [Group(shapes[0], first, colour=colours[0])]
    if total > first:
        groups.append(Group(shapes[1], total - first, colour=colours[1]))
    return Wish(tuple(groups))


def _positioning(rng: random.Random) -> Wish:
    return Wish(_pair(rng, relation := rng.choice(RELATIONS), detailed=False), relation)


def _complex(rng: random.Random) -> Wish:
    """A relation with all details and a background, or three groups and a background."""
    if rng.random() < 0.5:
        relation = rng.choice(RELATIONS)
        return Wish(_pair(rng, relation, detailed=True), relation, _backdrop(rng))
    shapes, colours = rng.sample(SHAPES, 3), rng.sample(list(COLOURS), 3)
    counts = rng.choice([(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2), (2, 2, 1)])
    named = zip(shapes, counts, colours, strict=True)
    return Wish(tuple(Group(shape, count, colour=colour) for shape, count, colour in named), backdrop=_backdrop(rng))


def _pair(rng: random.Random, relation: str, *, detailed: bool) -> tuple[Group, Group]:
    """Different in shape, so that a picture can be told from its mirror image. Only rings have an inside."""
    shapes = rng.sample(SHAPES, 2)
    if relation == "inside":
        inner = rng.choice([shape for shape in SHAPES if shape != "ring"])
        colours = rng.sample(list(COLOURS), 2)
        finish = rng.choice([None, *FINISHES[1:]]) if detailed else None
        return Group(inner, colour=colours[0]), Group("ring", finish=finish, colour=colours[1])
    if detailed:
        return _detailed(rng, shapes[0]), _detailed(rng, shapes[1])
    first, second = rng.sample(list(COLOURS), 2)
    return Group(shapes[0], colour=first), Group(shapes[1], colour=second)


def _detailed(rng: random.Random, shape: str | None = None) -> Group:
    """Finishes are said of large things: on small ones nobody could tell them."""
    shape, colour = shape or rng.choice(SHAPES), rng.choice(list(COLOURS))
    if rng.random() < 0.6:
        return Group(shape, 1, "large", rng.choice(FINISHES[1:]), colour)
    return Group(shape, 1, rng.choice(SIZES), None, colour)


def _backdrop(rng: random.Random) -> Backdrop:
    return Backdrop(rng.choice(list(BACKGROUNDS)), rng.choice(PATTERNS))


_MAKERS: dict[str, Callable[[random.Random], Wish]] = {
    "Basic": _basic,
    "Simple Detail": _simple,
    "Fine-grained Detail": _fine,
    "Quantity": _quantity,
    "Properties & Positioning": _positioning,
    "Complex": _complex,
}


if __name__ == "__main__":
    write_evaluation()
