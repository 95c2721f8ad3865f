"""Prompt-following: what is wrong is said, and only that."""

from __future__ import annotations

import random

import numpy as np
import pytest

from toyzoo.domain.captions import parse
from toyzoo.domain.drawing import draw
from toyzoo.domain.scenes import SIDE, picture
from toyzoo.domain.words import COLOURS, Backdrop
from toyzoo.oracle.damage import CHANGES
from toyzoo.oracle.following import Following, follow
from toyzoo.oracle.measure import truth, wishes
from toyzoo.oracle.quality import judge
from toyzoo.oracle.reading import Reading, ReadThing, read


def seen(look: str, x: float = 64.0, y: float = 64.0, radius: float = 13.0, confidence: float = 1.0) -> ReadThing:
    """Such as "plain red ball"."""
    finish, colour, shape = look.split()
    return ReadThing(shape, colour, finish, "small" if radius < 18 else "large", x, y, radius, confidence)


def judged(text: str, *things: ReadThing) -> Following:
    return follow(Reading(things, Backdrop("white"), 0.0), parse(text))


def wrong(following: Following) -> dict[str, float]:
    return {one.name: round(one.credit, 3) for one in following.statements if not one.satisfied}


RED_BALL, BLUE_STAR = seen("plain red ball", x=30), seen("plain blue star", x=90)


@pytest.mark.parametrize(
    ("text", "things", "expected"),
    [
        ("a red ball", [RED_BALL], {}),
        ("a ball", [seen("dotted green ball")], {}),
        ("a red ball", [seen("plain red star")], {"group 1: shape ball": 0.0}),
        ("a red ball", [seen("plain blue ball")], {"group 1: colour red": 0.0}),
        ("a large striped red ball", [RED_BALL], {"group 1: size large": 0.0, "group 1: finish striped": 0.0}),
        ("three red balls", [RED_BALL] * 2, {"group 1: count 3": 0.667}),
        ("a red ball", [RED_BALL] * 3, {"group 1: count 1": 0.0}),
        ("two red balls", [RED_BALL, seen("plain blue ball")], {"group 1: colour red": 0.5}),
        ("a red ball", [RED_BALL, BLUE_STAR], {"nothing else": 0.5}),
        ("a red ball to the left of a blue star", [RED_BALL, BLUE_STAR], {}),
        (
            "a red ball to the right of a blue star",
            [RED_BALL, BLUE_STAR],
            {"relation: to the right of": 0.0},
        ),
        (
            "a red ball above a blue star",
            [seen("plain red ball", 30, 20), seen("plain blue star", 70, 64)],
            {"relation: above": 0.5},
        ),
        ("a ball on a lined sand background", [RED_BALL], {"backdrop: sand": 0.0, "backdrop: lined": 0.0}),
        ("a red ball", [seen("plain red ball", confidence=0.7)], {"group 1: shape ball": 0.5}),
    ],
)
def test_what_is_wrong_is_named(text: str, things: list[ReadThing], expected: dict[str, float]) -> None:
    assert wrong(judged(text, *things)) == expected


def test_colours_exchanged_are_two_wrong_colours() -> None:
    following = judged("a red ball and a blue star", seen("plain blue ball"), seen("plain red star"))
    assert wrong(following) == {"group 1: colour red": 0.0, "group 2: colour blue": 0.0}


def test_of_two_like_things_the_one_that_makes_the_relation_true_is_meant() -> None:
    things = [seen("plain red ball", 110), BLUE_STAR, seen("plain red ball", 20, confidence=0.9)]
    assert list(wrong(judged("a red ball to the left of a blue star", *things))) == ["group 1: count 1"]


def test_the_order_of_things_says_nothing() -> None:
    things = [RED_BALL, BLUE_STAR, seen("plain red star", 60), seen("striped blue ball", 100, 100, 25)]
    text = "two balls and a large striped blue star"
    scores = {judged(text, *things[turn:], *things[:turn]).score for turn in range(4)}
    assert len(scores) == 1


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_noticed_and_nothing_else_is(name: str) -> None:
    kind, change = CHANGES[name]
    changed = [(wish, other) for wish, scene, rng in wishes(60, seed=5) if (other := change(scene, wish, rng))][:5]
    assert changed
    for wish, scene in changed:
        following = follow(read(draw(scene)), wish)
        assert following.score < 1.0
        assert {one.kind for one in following.statements if not one.satisfied} == {kind}


@pytest.mark.parametrize("name", ["two colours exchanged", "mirrored"])
def test_a_well_drawn_wrong_picture_has_its_quality(name: str) -> None:
    _, change = CHANGES[name]
    changed = [(wish, other) for wish, scene, rng in wishes(36, seed=6) if (other := change(scene, wish, rng))]
    assert len(changed) >= 2
    for wish, other in changed:
        pixels = draw(other)
        reading = read(pixels)
        assert follow(reading, wish).score < 0.95
        assert judge(pixels, reading).score > 0.9


def test_a_perfect_picture_has_the_full_score() -> None:
    assert all(follow(truth(scene), wish).score == 1.0 for wish, scene, _ in wishes(120, seed=7))


def test_scribbles_are_something_else() -> None:
    wish = parse("a red ball")
    scene = picture(wish, random.Random(1))
    (ball,) = scene.things
    rows, columns = np.mgrid[:SIDE, :SIDE]
    away = np.hypot(columns - ball.x, rows - ball.y) > ball.radius + 8
    pixels = draw(scene)
    scribbled = np.where((away & (rows % 9 < 3) & (columns % 25 < 20))[:, :, None], COLOURS["green"], pixels)
    scribbled = scribbled.astype(np.uint8)
    assert follow(read(pixels), wish).score == 1.0
    assert read(scribbled).unreadable > 0.5
    (nothing_else,) = (one for one in follow(read(scribbled), wish).statements if one.kind == "nothing else")
    assert nothing_else.credit < 0.5


@pytest.mark.parametrize("picture", ["grey", "noise", "black"])
def test_no_picture_follows_nothing(picture: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    pixels = {"grey": np.full_like(noise, 128), "noise": noise, "black": np.zeros_like(noise)}[picture]
    reading = read(pixels)
    assert follow(reading, parse("a red ball")).score < 0.05
    assert judge(pixels, reading).score < 0.05
