"""The renderer: a scene's picture is the ground truth of what it shows.

Shapes are signed distance fields, so edges are smooth at any size; things have a soft shadow and are lit from the
upper left, as paper cut-outs on a table would be.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from toyzoo.domain.scenes import SIDE, Scene, Thing
from toyzoo.domain.words import BACKGROUNDS, COLOURS

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Field = np.ndarray[Any, np.dtype[np.floating[Any]]]

PATTERN_SHADE = 0.88
FINISH_SHADE = 0.52
_CELL = 16  # of a checkered background, in pixels
_LINE = 8
_STRIPE = 10.0  # period in pixels
_DOT = 10.0
_GRID = 257  # points a side of a shape's stored field, which reaches from -1.5 to 1.5
_REACH = 1.5
_BLACK_LIFT = 46.0  # what a finish adds to black, which cannot get darker
_SHADOW = (3.0, 4.0, 0.22)  # right, down, strength


def draw(scene: Scene) -> Pixels:
    """SIDE x SIDE x 3 bytes."""
    canvas = _background(scene)
    for thing in scene.things:
        _paint(canvas, thing)
    pixels: Pixels = np.clip(canvas + 0.5, 0, 255).astype(np.uint8)
    return pixels


def mask(thing: Thing) -> Field:
    """How much of each pixel the thing covers, from 0 to 1."""
    return _coverage(thing, thing.x, thing.y)


def _background(scene: Scene) -> Field:
    y, x = _grid()
    shade = np.ones((SIDE, SIDE), np.float32)
    if scene.backdrop.pattern == "checkered":
        shade[(x // _CELL + y // _CELL) % 2 == 1] = PATTERN_SHADE
    elif scene.backdrop.pattern == "lined":
        shade[y % (2 * _LINE) >= _LINE] = PATTERN_SHADE
    colour = np.array(BACKGROUNDS[scene.backdrop.colour], np.float32)
    return shade[:, :, None] * colour


@cache
def _grid() -> tuple[Field, Field]:
    """The row and the column of each pixel."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    return y, x


def _paint(canvas: Field, thing: Thing) -> None:
    right, down, strength = _SHADOW
    shadow = _coverage(thing, thing.x + right, thing.y + down, softness=3.0)
    canvas *= 1.0 - strength * shadow[:, :, None]
    cover = mask(thing)[:, :, None]
    canvas *= 1.0 - cover
    canvas += cover * _surface(thing)


def _surface(thing: Thing) -> Field:
    y, x = _grid()
    u, v = x + 0.5 - thing.x, y + 0.5 - thing.y
    colour = np.array(COLOURS[thing.colour], np.float32)
    dark = colour + _BLACK_LIFT if thing.colour == "black" else colour * FINISH_SHADE
    marked = _marks(thing.finish, u, v)[:, :, None]
    light = 1.0 - 0.13 * np.clip((u + v) / (1.4 * thing.radius), -1.0, 1.0)[:, :, None]
    return (colour * (1.0 - marked) + dark * marked) * light


def _marks(finish: str, u: Field, v: Field) -> Field:
    """Where a thing's second tone is, from 0 to 1."""
    if finish == "striped":
        wave = np.abs((u + v) * 2**-0.5 / _STRIPE % 1.0 - 0.5) * _STRIPE
        stripes: Field = np.clip(wave - _STRIPE / 4 + 0.5, 0.0, 1.0)
        return stripes
    if finish == "dotted":
        row = np.floor(v / _DOT + 0.5)
        du = (u / _DOT + 0.5 * (row % 2)) % 1.0 - 0.5
        dv = (v / _DOT + 0.5) % 1.0 - 0.5
        dots: Field = np.clip(3.0 - np.hypot(du, dv) * _DOT + 0.5, 0.0, 1.0)
        return dots
    return np.zeros_like(u)


def _coverage(thing: Thing, x: float, y: float, softness: float = 1.0) -> Field:
    """Of the thing at a place, over the whole picture."""
    scale = (_GRID - 1) / (2 * _REACH)
    pixels = np.arange(SIDE, dtype=np.float32) + 0.5
    columns = np.clip(np.rint(((pixels - x) / thing.radius + _REACH) * scale), 0, _GRID - 1).astype(np.intp)
    rows = np.clip(np.rint(((pixels - y) / thing.radius + _REACH) * scale), 0, _GRID - 1).astype(np.intp)
    distance = _field(thing.shape)[rows[:, None], columns[None, :]] * np.float32(thing.radius)
    cover: Field = np.clip(0.5 - distance / softness, 0.0, 1.0)
    return cover


@cache
def _field(shape: str) -> Field:
    """Signed distance to the shape's edge in units of its radius, negative inside."""
    axis = np.linspace(-_REACH, _REACH, _GRID)
    x, y = np.meshgrid(axis, axis)
    fields: dict[str, Callable[[], Field]] = {
        "ball": lambda: np.hypot(x, y) - 1.0,
        "block": lambda: _polygon(x, y, [(-0.72, -0.72), (0.72, -0.72), (0.72, 0.72), (-0.72, 0.72)]) - 0.14,
        "cone": lambda: _polygon(x, y, [(0.0, -0.95), (0.92, 0.78), (-0.92, 0.78)]) - 0.05,
        "ring": lambda: np.abs(np.hypot(x, y) - 0.82) - 0.18,
        "star": lambda: _polygon(x, y, _star()) - 0.04,
        "moon": lambda: np.maximum(np.hypot(x, y) - 1.0, 0.82 - np.hypot(x - 0.52, y + 0.12)),
        "heart": lambda: _polygon(x, y, _heart()),
        "cross": lambda: _polygon(x, y, _cross()) - 0.04,
    }
    return fields[shape]().astype(np.float32)


def _star() -> list[tuple[float, float]]:
    angles = -np.pi / 2 + np.arange(10) * np.pi / 5
    lengths = np.where(np.arange(10) % 2 == 0, 1.0, 0.46)
    corners = np.stack([lengths * np.cos(angles), lengths * np.sin(angles) + 0.05], axis=1)
    return [(float(x), float(y)) for x, y in corners]


def _heart() -> list[tuple[float, float]]:
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    corners = np.stack([x / 16.5, (y - 2.5) / 15.5], axis=1)
    return [(float(x), float(y)) for x, y in corners]


def _cross() -> list[tuple[float, float]]:
    a, b = 0.28, 0.94
    corners = [(a, b), (a, a), (b, a)]
    return [p for sx, sy in ((1, 1), (1, -1), (-1, -1), (-1, 1)) for p in _corner(corners, sx, sy)]


def _corner(points: list[tuple[float, float]], sx: int, sy: int) -> list[tuple[float, float]]:
    ordered = points if sx == sy else points[::-1]
    return [(sx * x, sy * y) for x, y in ordered]


def _polygon(x: Field, y: Field, corners: list[tuple[float, float]]) -> Field:
    """Signed distance to a polygon: the nearest edge, negative where a ray crosses edges an odd number of times."""
    nearest = np.full(x.shape, np.inf)
    inside = np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        ex, ey = bx - ax, by - ay
        along = np.clip(((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey), 0.0, 1.0)
        nearest = np.minimum(nearest, np.hypot(x - ax - along * ex, y - ay - along * ey))
        if ay != by:
            crossed = ((y >= ay) != (y >= by)) & (x < ax + (y - ay) / ey * ex)
            inside ^= crossed
    return np.where(inside, -nearest, nearest)
