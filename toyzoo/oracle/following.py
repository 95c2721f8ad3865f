"""How far a picture shows what was wished, statement by statement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from scipy.optimize import linear_sum_assignment

from toyzoo.domain.scenes import holds
from toyzoo.domain.words import Group, Wish
from toyzoo.oracle.reading import Reading, ReadThing

KINDS = ("shape", "colour", "size", "finish", "count", "relation", "backdrop", "nothing else")
_WEIGHTS = {"shape": 1.0, "colour": 0.9, "finish": 0.4, "size": 0.3}  # which wrong thing stands for a wanted one
_RELATION_WEIGHT = 0.5
_CRUMBS = 0.1  # share of all that is no backdrop which may be unreadable, as edges are in a blurred picture
_UNSURE = 0.6  # confidence at which a shape counts nothing
_SURE = 0.8  # and from which on it counts fully

Standing = dict[int, int]  # which thing of the reading stands for which wanted one


@dataclass(frozen=True)
class Statement:
    """Something that a wish says: `credit` is how far it is true, from 0 to 1."""

    name: str
    kind: str
    credit: float

    @property
    def satisfied(self) -> bool:
        return self.credit >= 0.999


@dataclass(frozen=True)
class Following:
    """`score` is the mean credit of the statements, from 0 to 1."""

    statements: tuple[Statement, ...]

    @property
    def score(self) -> float:
        return float(np.mean([statement.credit for statement in self.statements]))


def follow(reading: Reading, wish: Wish) -> Following:
    """The wish's statements, in the reading of the picture that agrees best with it.

    Every wanted thing is matched with at most one thing of the picture, so that the agreement in shape, colour, finish
    and size is largest (H. W. Kuhn, "The Hungarian method", 1955). A thing can stand for a wanted one if its shape or
    its colour is as wished. Statements, with their credit:

    - shape, colour, size, finish of each group, as far as said: the share of its matched things of which it is true; a
      shape counts the less the lower its confidence is, and nothing is true of a group without things;
    - count of each group: 1 - |things - wanted| / wanted, at least 0; unmatched things like the group's count too;
    - relation: 1 where it holds, 0.5 where it holds only roughly;
    - backdrop's colour and pattern, as far as said: 1 or 0;
    - nothing else: of the matched and the not wanted things, the share of the matched ones, times the share of all that
      is no backdrop which could be read, a tenth allowed for blurred edges.

    Unsaid attributes are not judged, and neither is an unsaid backdrop.
    """
    readings = [_statements(reading, wish, standing) for standing in _standings(reading, wish)]
    return Following(max(readings, key=lambda statements: float(np.mean([one.credit for one in statements]))))


def _wanted(wish: Wish) -> list[Group]:
    return [group for group in wish.groups for _ in range(group.count)]


def _standings(reading: Reading, wish: Wish) -> Iterator[Standing]:
    """The best matching; with a relation, also the best one for each choice of its two things."""
    wanted, things = _wanted(wish), list(reading.things)
    worth = np.array([[_worth(thing, group) for thing in things] for group in wanted]).reshape(len(wanted), len(things))
    yield _matched(worth)
    if wish.relation is None:
        return
    for first, second in permutations(range(len(things)), 2):
        if worth[0, first] > 0 and worth[1, second] > 0 and _closeness(wish.relation, things[first], things[second]):
            forced = worth.copy()
            forced[0, first] += 100
            forced[1, second] += 100
            yield _matched(forced)


def _matched(worth: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Standing:
    rows, columns = linear_sum_assignment(-worth)
    return {int(r): int(c) for r, c in zip(rows, columns, strict=True) if worth[r, c] > 0}


def _worth(thing: ReadThing, group: Group) -> float:
    """Confidence breaks ties, so that of two like things the clearer one is taken."""
    if not (_agrees(thing, group, "shape") or _agrees(thing, group, "colour")):
        return 0.0
    return 0.01 * thing.confidence + sum(w for key, w in _WEIGHTS.items() if _agrees(thing, group, key))


def _agrees(thing: ReadThing, group: Group, key: str) -> bool:
    """What is not said agrees with nothing."""
    return bool(getattr(thing, key) == getattr(group, key))


def _statements(reading: Reading, wish: Wish, standing: Standing) -> tuple[Statement, ...]:
    spare = [thing for number, thing in enumerate(reading.things) if number not in standing.values()]
    stands = {slot: reading.things[number] for slot, number in standing.items()}
    statements: list[Statement] = []
    start = 0
    for number, group in enumerate(wish.groups):
        matched = [stands[slot] for slot in range(start, start + group.count) if slot in stands]
        start += group.count
        more = [thing for thing in spare if _of_the_kind(thing, group)]
        spare = [thing for thing in spare if not _of_the_kind(thing, group)]
        statements += _of_group(f"group {number + 1}", group, matched, len(more))
    if wish.relation is not None:
        closeness = _closeness(wish.relation, stands[0], stands[1]) if {0, 1} <= stands.keys() else 0.0
        statements.append(Statement(f"relation: {wish.relation}", "relation", closeness))
    if wish.backdrop is not None:
        colour, pattern = wish.backdrop.colour, wish.backdrop.pattern
        statements.append(Statement(f"backdrop: {colour}", "backdrop", float(colour == reading.backdrop.colour)))
        statements.append(Statement(f"backdrop: {pattern}", "backdrop", float(pattern == reading.backdrop.pattern)))
    alone = len(standing) / (len(standing) + len(spare)) if standing else 0.0
    readable = min(1.0, (1.0 - reading.unreadable) / (1.0 - _CRUMBS))
    statements.append(Statement("nothing else", "nothing else", alone * readable))
    return tuple(statements)


def _of_group(name: str, group: Group, matched: list[ReadThing], more: int) -> Iterator[Statement]:
    for key in _WEIGHTS:
        if (said := getattr(group, key)) is not None:
            true = [_agrees(thing, group, key) * (_clarity(thing) if key == "shape" else 1.0) for thing in matched]
            yield Statement(f"{name}: {key} {said}", key, float(np.mean(true)) if true else 0.0)
    wrong = abs(len(matched) + more - group.count) / group.count
    yield Statement(f"{name}: count {group.count}", "count", max(0.0, 1.0 - wrong))


def _of_the_kind(thing: ReadThing, group: Group) -> bool:
    return thing.shape == group.shape and group.colour in (None, thing.colour)


def _clarity(thing: ReadThing) -> float:
    return min(1.0, max(0.0, (thing.confidence - _UNSURE) / (_SURE - _UNSURE)))


def _closeness(relation: str, first: ReadThing, second: ReadThing) -> float:
    """1 where the relation holds; 0.5 up to 55 degrees from its axis, or where the first thing's centre is inside."""
    one, other = first.thing, second.thing
    if holds(relation, one, other):
        return 1.0
    right, down = one.x - other.x, one.y - other.y
    if relation == "inside":
        return 0.5 if np.hypot(right, down) < other.radius and one.radius < other.radius else 0.0
    along, across = {
        "to the left of": (-right, down),
        "to the right of": (right, down),
        "above": (-down, right),
        "below": (down, right),
    }[relation]
    return 0.5 if along > 0 and abs(across) <= 1.43 * along else 0.0
