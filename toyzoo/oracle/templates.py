"""Which shape an area is: its overlap with the world's own shapes at all sizes and nearby places."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from toyzoo.domain.drawing import mask
from toyzoo.domain.scenes import SIDE, Thing
from toyzoo.domain.words import SHAPES
from toyzoo.oracle.palette import Array

_WINDOWS = (48, 96)  # pixels a side of what is compared: small things need less
_RADII = 6.5 * 1.04 ** np.arange(50)  # up to 44 pixels
_SMALL_AREA = 600.0  # pixels; a moon of this size has a radius of 22 pixels
_SHIFTS = (-1, 0, 1)
_STEPS = 5
_SMALLEST_STEP = 0.05  # pixels
_DAMPING = 1.0  # where a template hardly covers the picture, its slopes say little


@dataclass(frozen=True)
class Fit:
    """A shape at a place, and its intersection over union with the area that was looked at."""

    shape: str
    x: float
    y: float
    radius: float
    overlap: float


def best_fit(cover: Array) -> Fit:
    """Of a picture-sized area, from 0 to 1 a pixel."""
    fits = sorted(_coarse_fits(cover), key=lambda fit: -fit.overlap)
    close = [fit for fit in fits[:2] if fit.overlap > fits[0].overlap - 0.03]
    return max((_refine(cover, fit) for fit in close), key=lambda fit: fit.overlap)


def shape_mask(shape: str, x: float, y: float, radius: float) -> Array:
    return mask(Thing(shape, "black", "plain", "large", x, y, radius))


def _coarse_fits(cover: Array) -> list[Fit]:
    """The best of each shape on a grid of radii and whole pixels.

    Templates are centred on their centre of mass, so the area's own is where to look; its size says which radii.
    """
    total = float(cover.sum())
    pixels = np.arange(SIDE) + 0.5
    x, y = float(cover.sum(0) @ pixels) / total, float(cover.sum(1) @ pixels) / total
    window = _WINDOWS[0] if total < _SMALL_AREA else _WINDOWS[1]
    windows = _windows(cover, round(x) - window // 2, round(y) - window // 2, window)
    fits = []
    for shape in SHAPES:
        templates, sizes, (right, down) = _library(shape, window)
        near = np.argsort(np.abs(sizes - total))[:3]
        common = windows @ templates[near].T
        overlaps = common / (total + sizes[near] - common)
        place, which = np.unravel_index(overlaps.argmax(), overlaps.shape)
        radius = float(_RADII[near[which]])
        dy, dx = _SHIFTS[place // len(_SHIFTS)], _SHIFTS[place % len(_SHIFTS)]
        centre = round(x) + dx - right * radius, round(y) + dy - down * radius
        fits.append(Fit(shape, *centre, radius, float(overlaps.max())))
    return fits


def _windows(cover: Array, left: int, top: int, window: int) -> Array:
    """The area around a place and its neighbours, one flat row each."""
    edge = window
    padded = np.zeros((SIDE + 2 * edge, SIDE + 2 * edge), np.float32)
    padded[edge : edge + SIDE, edge : edge + SIDE] = cover
    corners = [(top + edge + dy, left + edge + dx) for dy in _SHIFTS for dx in _SHIFTS]
    return np.stack([padded[row : row + window, column : column + window].ravel() for row, column in corners])


@cache
def _library(shape: str, window: int) -> tuple[Array, Array, tuple[float, float]]:
    """A shape at all radii as flat rows, their sizes in pixels, and where its centre of mass is, in radii."""
    middle = SIDE / 2
    pixels = np.arange(SIDE) + 0.5 - middle
    unit = shape_mask(shape, middle, middle, 40.0)
    right = float(unit.sum(0) @ pixels / unit.sum()) / 40.0
    down = float(unit.sum(1) @ pixels / unit.sum()) / 40.0
    cut = slice((SIDE - window) // 2, (SIDE + window) // 2)
    rows = [shape_mask(shape, middle - right * r, middle - down * r, r)[cut, cut].ravel() for r in _RADII]
    templates = np.stack(rows).astype(np.float32)
    return templates, templates.sum(1), (right, down)


def _refine(cover: Array, fit: Fit) -> Fit:
    """Least squares in x, y and radius (Gauss-Newton); the best overlap on the way.

    Moving a template changes it by its gradient, and growing it by its gradient times the place: d cover / d radius is
    -((u, v) . gradient) / radius with u, v from the centre.
    """
    best = fit
    here = np.array([fit.x, fit.y, fit.radius])
    for _ in range(_STEPS):
        x, y, radius = (float(value) for value in here)
        template = shape_mask(fit.shape, x, y, radius)
        best = max(best, Fit(fit.shape, x, y, radius, overlap(cover, template)), key=lambda one: one.overlap)
        top, left = max(0, int(y - radius) - 3), max(0, int(x - radius) - 3)
        cut = slice(top, int(y + radius) + 4), slice(left, int(x + radius) + 4)
        down, right = (np.asarray(slope) for slope in np.gradient(template[cut]))
        rows, columns = np.indices(down.shape) + 0.5
        grow = ((columns + left - x) * right + (rows + top - y) * down) / radius
        slopes = np.stack([-right.ravel(), -down.ravel(), -grow.ravel()])
        error = (cover[cut] - template[cut]).ravel()
        step = np.linalg.solve(slopes @ slopes.T + _DAMPING * np.eye(3), slopes @ error)
        here = here + np.clip(step, -1.5, 1.5)
        if np.abs(step).max() < _SMALLEST_STEP or here[2] < _RADII[0]:
            break
    return best


def overlap(cover: Array, template: Array) -> float:
    """Intersection over union of areas from 0 to 1 a pixel."""
    common = float(np.minimum(cover, template).sum())
    return common / max(float(cover.sum()) + float(template.sum()) - common, 1e-9)
