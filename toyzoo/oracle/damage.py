"""What goes wrong in pictures: wrong things in a scene, and bad drawing of a right one."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image
from scipy import ndimage

from toyzoo.domain.drawing import Pixels
from toyzoo.domain.scenes import GAP, RADII, SIDE, Scene, Thing, distance
from toyzoo.domain.words import BACKGROUNDS, COLOURS, FINISHES, PATTERNS, SHAPES, Backdrop, Group, Wish
from toyzoo.oracle.palette import Array

# Wrong things. Each gives None where the wish says nothing that could become wrong in this way.


def recoloured(scene: Scene, wish: Wish, rng: random.Random) -> Scene | None:
    """One thing in a colour that no group has."""
    free = [colour for colour in COLOURS if colour not in {group.colour for group in wish.groups}]
    return _changed(scene, wish, rng, lambda group: group.colour is not None, colour=rng.choice(free))


def reshaped(scene: Scene, wish: Wish, rng: random.Random) -> Scene | None:
    """One thing as a shape that no group has."""
    free = [shape for shape in SHAPES if shape not in {group.shape for group in wish.groups}]
    if wish.relation == "inside":
        return None  # rings have an inside, and nothing else
    return _changed(scene, wish, rng, lambda group: group.colour is not None, shape=rng.choice(free))


def refinished(scene: Scene, wish: Wish, rng: random.Random) -> Scene | None:
    return _changed(scene, wish, rng, lambda group: group.finish is not None, finish=FINISHES[0])


def shrunk(scene: Scene, wish: Wish, rng: random.Random) -> Scene | None:
    radius = rng.uniform(*RADII["small"])
    return _changed(scene, wish, rng, lambda group: group.size == "large", size="small", radius=radius)


def with_colours_exchanged(scene: Scene, wish: Wish, rng: random.Random) -> Scene | None:
    """Between two groups of one thing each; their shapes tell them apart."""
    first, second = (*wish.groups, None, None)[:2]
    if first is None or second is None or first.count + second.count > 2:
        return None
    if None in (first.colour, second.colour) or first.colour == second.colour or first.shape == second.shape:
        return None
    one, other, *rest = scene.things
    exchanged = replace(one, colour=other.colour), replace(other, colour=one.colour)
    return replace(scene, things=(*exchanged, *rest))


def with_one_missing(scene: Scene, wish: Wish, rng: random.Random) -> Scene | None:
    """Of several: where there was one, all that was said of it would be wrong."""
    lost = _one_of(wish, rng, lambda group: group.count > 1)
    return None if lost is None else replace(scene, things=scene.things[:lost] + scene.things[lost + 1 :])


def with_one_more(scene: Scene, wish: Wish, rng: random.Random) -> Scene | None:
    """Like one that is wished."""
    return _with_another(scene, replace(rng.choice(scene.things), size="small"), rng)


def with_a_stranger(scene: Scene, wish: Wish, rng: random.Random) -> Scene | None:
    """A thing whose shape and colour nobody wished."""
    shapes = [shape for shape in SHAPES if shape not in {group.shape for group in wish.groups}]
    colours = [colour for colour in COLOURS if colour not in {group.colour for group in wish.groups}]
    stranger = Thing(rng.choice(shapes), rng.choice(colours), "plain", "small", 0.0, 0.0, 0.0)
    return _with_another(scene, stranger, rng)


def mirrored(scene: Scene, wish: Wish, rng: random.Random) -> Scene | None:
    """So that left is right, or above is below; places only, since shapes are no mirror images."""
    if wish.relation in (None, "inside"):
        return None
    if wish.relation in ("above", "below"):
        return replace(scene, things=tuple(replace(thing, y=SIDE - thing.y) for thing in scene.things))
    return replace(scene, things=tuple(replace(thing, x=SIDE - thing.x) for thing in scene.things))


def on_another_backdrop(scene: Scene, wish: Wish, rng: random.Random) -> Scene | None:
    """In its colour or its pattern."""
    if wish.backdrop is None:
        return None
    colours = [Backdrop(colour, wish.backdrop.pattern) for colour in BACKGROUNDS]
    patterns = [Backdrop(wish.backdrop.colour, pattern) for pattern in PATTERNS]
    return replace(scene, backdrop=rng.choice([other for other in colours + patterns if other != wish.backdrop]))


CHANGES: dict[str, tuple[str, Callable[[Scene, Wish, random.Random], Scene | None]]] = {
    "one recoloured": ("colour", recoloured),
    "two colours exchanged": ("colour", with_colours_exchanged),
    "one of another shape": ("shape", reshaped),
    "one without its finish": ("finish", refinished),
    "one shrunk": ("size", shrunk),
    "one missing": ("count", with_one_missing),
    "one more": ("count", with_one_more),
    "a stranger": ("nothing else", with_a_stranger),
    "mirrored": ("relation", mirrored),
    "another backdrop": ("backdrop", on_another_backdrop),
}


def _one_of(wish: Wish, rng: random.Random, can: Callable[[Group], bool]) -> int | None:
    """The place in the scene of some thing whose group can be made wrong."""
    groups = [group for group in wish.groups for _ in range(group.count)]
    places = [place for place, group in enumerate(groups) if can(group)]
    return rng.choice(places) if places else None


def _changed(
    scene: Scene, wish: Wish, rng: random.Random, can: Callable[[Group], bool], **attributes: str | float
) -> Scene | None:
    place = _one_of(wish, rng, can)
    if place is None:
        return None
    things = list(scene.things)
    things[place] = replace(things[place], **attributes)  # type: ignore[arg-type]
    return replace(scene, things=tuple(things))


def _with_another(scene: Scene, thing: Thing, rng: random.Random) -> Scene | None:
    radius = RADII["small"][0]
    for _ in range(100):
        x, y = (rng.uniform(radius + GAP, SIDE - radius - GAP) for _ in "xy")
        there = replace(thing, x=x, y=y, radius=radius)
        if all(distance(there, other) >= radius + other.radius + GAP for other in scene.things):
            return replace(scene, things=(*scene.things, there))
    return None


# Bad drawing.


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    """Gaussian, in pixels."""
    return _bytes(ndimage.gaussian_filter(pixels.astype(np.float32), (sigma, sigma, 0)))


def noisy(pixels: Pixels, sigma: float) -> Pixels:
    """Gaussian, in bytes; the same noise at every strength."""
    return _bytes(pixels + sigma * np.random.default_rng(11).standard_normal(pixels.shape))


def compressed(pixels: Pixels, coarseness: float) -> Pixels:
    """As JPEG of quality 100 - coarseness."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=round(100 - coarseness))
    return np.asarray(Image.open(file).convert("RGB"))


def faded(pixels: Pixels, share: float) -> Pixels:
    """Towards a light grey."""
    return _bytes(pixels * (1.0 - share) + 200.0 * share)


def tinted(pixels: Pixels, strength: float) -> Pixels:
    """Warmer: so many bytes more red and fewer blue."""
    return _bytes(pixels + strength * np.array([1.0, 0.0, -1.0]))


def bled(pixels: Pixels, sigma: float) -> Pixels:
    """Colours spread and lightness stays: the chroma of YCbCr blurred, in pixels."""
    parts = np.asarray(Image.fromarray(pixels).convert("YCbCr")).astype(np.float32)
    parts[:, :, 1:] = ndimage.gaussian_filter(parts[:, :, 1:], (sigma, sigma, 0))
    return np.asarray(Image.fromarray(_bytes(parts), "YCbCr").convert("RGB"))


def ragged(pixels: Pixels, reach: float) -> Pixels:
    """Moved by smooth random displacements with a standard deviation of so many pixels."""
    rng = np.random.default_rng(12)
    moves = [ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 3.0) for _ in range(2)]
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    places = [axis + reach * move / move.std() for axis, move in zip((y, x), moves, strict=True)]
    channels = [
        ndimage.map_coordinates(pixels[:, :, c].astype(float), places, order=1, mode="nearest") for c in range(3)
    ]
    return _bytes(np.stack(channels, axis=2))


DAMAGES: dict[str, tuple[Callable[[Pixels, float], Pixels], tuple[float, ...]]] = {
    "blur": (blurred, (0.5, 1.0, 2.0, 4.0)),
    "noise": (noisy, (5.0, 10.0, 20.0, 40.0)),
    "JPEG": (compressed, (25.0, 70.0, 90.0)),
    "fading": (faded, (0.1, 0.2, 0.4)),
    "tint": (tinted, (8.0, 16.0, 32.0)),
    "bleeding": (bled, (1.0, 2.0, 4.0, 8.0)),
    "raggedness": (ragged, (0.5, 1.0, 2.0, 4.0)),
}


def _bytes(values: Array) -> Pixels:
    pixels: Pixels = np.clip(values + 0.5, 0, 255).astype(np.uint8)
    return pixels
