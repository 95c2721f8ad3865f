"""Scenes: what is left open in a wish is drawn at random, and everything gets a place."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

from toyzoo.domain.words import BACKGROUNDS, COLOURS, PATTERNS, SIZES, Backdrop, Group, Wish

SIDE = 128
RADII = {"small": (12.0, 14.0), "large": (23.0, 27.0)}
INNER_RADII = (9.5, 11.0)  # of a thing inside another, whose hole it has to fit
OUTER_RADII = (27.0, 30.0)
GAP = 5.0  # pixels between two things, and half of it to the picture's edge
MOST_LARGE = 3
_TRIES = 400


@dataclass(frozen=True)
class Thing:
    shape: str
    colour: str
    finish: str
    size: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Scene:
    """One picture; things are listed in the order of the wish's groups."""

    things: tuple[Thing, ...]
    backdrop: Backdrop


class Crowded(Exception):
    """No place was found for everything that a wish asks for."""


def picture(wish: Wish, rng: random.Random) -> Scene:
    """A scene of this wish: sizes, colours and places that it leaves open are drawn anew each time."""
    backdrop = wish.backdrop or Backdrop(rng.choice(list(BACKGROUNDS)), PATTERNS[0])
    for _ in range(_TRIES):
        things = [thing for group in wish.groups for thing in _things(group, wish, rng)]
        placed = _place(things, wish.relation, rng)
        if placed is not None:
            return Scene(tuple(placed), backdrop)
    raise Crowded(f"There is no room for {wish}.")


def _things(group: Group, wish: Wish, rng: random.Random) -> list[Thing]:
    """Without a place. The things of a group that says no colour have one each; they share a size."""
    total = sum(other.count for other in wish.groups)
    size = group.size or ("small" if total > MOST_LARGE else rng.choice(SIZES))
    things = []
    for _ in range(group.count):
        colour = group.colour or rng.choice(list(COLOURS))
        things.append(Thing(group.shape, colour, group.finish or "plain", size, 0.0, 0.0, rng.uniform(*RADII[size])))
    return things


def _place(things: list[Thing], relation: str | None, rng: random.Random) -> list[Thing] | None:
    if relation == "inside":
        inner, outer, *others = things
        inner = replace(inner, size="small", radius=rng.uniform(*INNER_RADII))
        outer = replace(outer, size="large", radius=rng.uniform(*OUTER_RADII))
        outer = _anywhere(outer, rng)
        inner = replace(inner, x=outer.x + rng.uniform(-1, 1), y=outer.y + rng.uniform(-1, 1))
        placed, waiting = [inner, outer], others
        order = [outer, inner]
    else:
        placed, waiting, order = [], things, []
    for thing in waiting:
        there = _free_place(thing, order, rng)
        if there is None:
            return None
        placed.append(there)
        order.append(there)
    return placed if relation in (None, "inside") or holds(relation, *placed[:2]) else None


def _anywhere(thing: Thing, rng: random.Random) -> Thing:
    margin = thing.radius + GAP / 2
    return replace(thing, x=rng.uniform(margin, SIDE - margin), y=rng.uniform(margin, SIDE - margin))


def _free_place(thing: Thing, others: list[Thing], rng: random.Random) -> Thing | None:
    for _ in range(30):
        there = _anywhere(thing, rng)
        if all(distance(there, other) >= there.radius + other.radius + GAP for other in others):
            return there
    return None


def distance(one: Thing, other: Thing) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)


def holds(relation: str, first: Thing, second: Thing) -> bool:
    """Whether the relation is plain to see: the direction within 35 degrees of the axis, or well inside."""
    if relation == "inside":
        return distance(first, second) < second.radius * 0.5 and first.radius < second.radius
    right, down = first.x - second.x, first.y - second.y
    along, across = {
        "to the left of": (-right, down),
        "to the right of": (right, down),
        "above": (-down, right),
        "below": (down, right),
    }[relation]
    return along > 0 and abs(across) <= 0.7 * along
