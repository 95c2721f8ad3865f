"""The oracle reads back what was drawn, and survives what nobody would call a picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toyzoo.domain.drawing import Pixels, draw
from toyzoo.domain.scenes import SIDE, Scene, Thing
from toyzoo.domain.words import BACKGROUNDS, COLOURS, FINISHES, PATTERNS, SHAPES, Backdrop
from toyzoo.oracle.damage import blurred, faded, noisy
from toyzoo.oracle.following import follow
from toyzoo.oracle.measure import agreements, means, wishes
from toyzoo.oracle.quality import judge
from toyzoo.oracle.reading import ReadThing, read

KEYS = ("shape", "colour", "finish", "size")


def look(thing: Thing | ReadThing) -> tuple[str, ...]:
    return tuple(getattr(thing, key) for key in KEYS)


def test_statements_are_read_rightly() -> None:
    found = means(agreements(range(36)))
    statements = {key: share for key, (share, _) in found.items() if key.split()[0] in ("own", "other")}
    assert len(statements) == 16, "each kind of statement, of the own and of another wish"
    assert min(statements.values()) >= 0.97
    assert found["quality"][0] > 0.95


@pytest.mark.parametrize("shape", SHAPES)
def test_every_look_is_read_where_it_is(shape: str) -> None:
    for number, colour in enumerate(COLOURS):
        finish, pattern = FINISHES[number % 3], PATTERNS[number // 3]
        backdrop = Backdrop(list(BACKGROUNDS)[number % 5], pattern)
        thing = Thing(shape, colour, finish, "large", 50.3, 70.8, 25.2)
        reading = read(draw(Scene((thing,), backdrop)))
        assert [look(seen) for seen in reading.things] == [look(thing)]
        assert reading.backdrop == backdrop
        (seen,) = reading.things
        assert math.hypot(seen.x - thing.x, seen.y - thing.y) < 1.0
        assert abs(seen.radius - thing.radius) < 1.0
        assert seen.confidence > 0.9
        assert reading.unreadable < 0.02


@pytest.mark.parametrize("colour", ["red", "yellow", "black"])
@pytest.mark.parametrize("inner", [shape for shape in SHAPES if shape != "ring"])
def test_a_ring_and_what_it_holds_are_two_things(inner: str, colour: str) -> None:
    ring = Thing("ring", colour, "striped", "large", 60, 62, 28)
    held = Thing(inner, colour, "plain", "small", 60.5, 62, 10.5)
    reading = read(draw(Scene((ring, held), Backdrop("sand"))))
    assert [look(thing) for thing in reading.things] == [look(ring), look(held)]


@pytest.mark.parametrize("shapes", [("ball", "ball"), ("ball", "block"), ("cross", "heart"), ("star", "cone")])
@pytest.mark.parametrize("colours", [("green", "green"), ("red", "yellow"), ("pink", "red")])
def test_things_that_touch_are_taken_apart(shapes: tuple[str, str], colours: tuple[str, str]) -> None:
    things = [
        Thing(shape, colour, "plain", "large", 41 + 46 * place, 60, 24)
        for place, (shape, colour) in enumerate(zip(shapes, colours, strict=True))
    ]
    reading = read(draw(Scene(tuple(things), Backdrop("white"))))
    seen = sorted(reading.things, key=lambda thing: thing.x)
    assert [(thing.shape, thing.colour) for thing in seen] == list(zip(shapes, colours, strict=True))


def test_bad_drawing_is_still_read() -> None:
    right = every = 0
    for _, scene, _ in wishes(12, seed=2):
        for pixels in (blurred(draw(scene), 1.0), noisy(draw(scene), 15), faded(draw(scene), 0.2)):
            seen = sorted(look(thing) for thing in read(pixels).things)
            right += seen == sorted(look(thing) for thing in scene.things)
            every += 1
    assert right / every >= 0.9


def test_what_is_no_shape_is_unreadable() -> None:
    pixels = np.full((SIDE, SIDE, 3), BACKGROUNDS["white"], np.uint8)
    pixels[20:26, 10:118] = COLOURS["red"]
    pixels[20:110, 10:16] = COLOURS["red"]
    reading = read(pixels)
    assert not reading.things
    assert reading.unreadable > 0.9


def test_another_size_or_type_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^A picture of \(64, 64, 3\) uint8 cannot be read; 128 x 128 x 3 bytes can\.$"
    ):
        read(np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="float32"):
        read(np.zeros((SIDE, SIDE, 3), np.float32))


def blocky(seed: int, cell: int) -> Pixels:
    """Squares of random colours: the hardest pictures, since everything has an edge."""
    cells = np.random.default_rng(seed).integers(0, 256, (SIDE // cell, SIDE // cell, 3), np.uint8)
    return np.asarray(cells.repeat(cell, 0).repeat(cell, 1))


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), cell=st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128]))
def test_any_picture_gives_finite_numbers(seed: int, cell: int) -> None:
    pixels = blocky(seed, cell)
    reading = read(pixels)
    (wish, _, _), *_ = wishes(1, seed)
    quality = judge(pixels, reading)
    shares = [quality.score, quality.likeness, quality.sharpness, quality.clarity, reading.unreadable]
    shares += [follow(reading, wish).score, *(thing.confidence for thing in reading.things)]
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert all(math.isfinite(value) for thing in reading.things for value in (thing.x, thing.y, thing.radius))
