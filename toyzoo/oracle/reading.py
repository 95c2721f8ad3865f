"""A picture's things and backdrop, read from its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from toyzoo.domain.drawing import Pixels
from toyzoo.domain.scenes import RADII, SIDE, Thing
from toyzoo.domain.words import COLOURS, Backdrop
from toyzoo.oracle.finishes import finish_of
from toyzoo.oracle.labelling import Labels, label
from toyzoo.oracle.palette import Area
from toyzoo.oracle.templates import Fit, best_fit

SIZE_LIMIT = (RADII["small"][1] + RADII["large"][0]) / 2  # radius in pixels between small and large
_SMALLEST = 45  # pixels: less is no thing
_SMALLEST_RADIUS = 6.0  # pixels; the world's things have 9.5 at least
_READABLE = 0.6  # overlap: less is no shape
_CLEAR = 0.86  # overlap: an area that fits so well is not looked at again
_BETTER = 0.05  # overlap that another division into things must gain
_CUTS = (1.5, 2.5, 3.5, 5.0, 7.0, 9.5)  # pixels that are taken off an area's edge to see whether it falls apart
_MOST_PARTS = 5
_MOST_BROKEN = 8  # pieces of a colour that are tried together; a picture of rubble would take long
_BRIDGE = 6.0  # pixels between pieces that may be one broken thing


@dataclass(frozen=True)
class ReadThing:
    """As a scene's thing; `confidence` is the overlap (intersection over union) with its shape."""

    shape: str
    colour: str
    finish: str
    size: str
    x: float
    y: float
    radius: float
    confidence: float

    @property
    def thing(self) -> Thing:
        return Thing(self.shape, self.colour, self.finish, self.size, self.x, self.y, self.radius)


@dataclass(frozen=True)
class Reading:
    """`unreadable` is the share, from 0 to 1, of all that is no backdrop which belongs to none of the things."""

    things: tuple[ReadThing, ...]
    backdrop: Backdrop
    unreadable: float


def read(pixels: Pixels) -> Reading:
    """What a picture of SIDE x SIDE x 3 bytes shows; things are listed from the largest to the smallest."""
    if pixels.shape != (SIDE, SIDE, 3) or pixels.dtype != np.uint8:
        raise ValueError(f"A picture of {pixels.shape} {pixels.dtype} cannot be read; {SIDE} x {SIDE} x 3 bytes can.")
    labels = label(pixels)
    things = []
    explained = np.zeros((SIDE, SIDE), bool)
    for number in np.unique(labels.colour[labels.colour >= 0]):
        for area, fit in _shapes(labels, number):
            if fit.overlap >= _READABLE and fit.radius >= _SMALLEST_RADIUS:
                explained |= area
                things.append(_thing(labels, list(COLOURS)[number], area, fit))
    apart = int(labels.foreground.sum())
    unreadable = float((labels.foreground & ~_grown(explained)).sum()) / apart if apart else 0.0
    return Reading(tuple(sorted(things, key=lambda thing: -thing.radius)), labels.backdrop, unreadable)


def _thing(labels: Labels, colour: str, area: Area, fit: Fit) -> ReadThing:
    size = "small" if fit.radius < SIZE_LIMIT else "large"
    finish = finish_of(labels.lab[:, :, 0], area, fit)
    return ReadThing(fit.shape, colour, finish, size, fit.x, fit.y, fit.radius, min(1.0, fit.overlap))


def _grown(area: Area) -> Area:
    """With the two pixels around it, where edges are."""
    grown: Area = ndimage.binary_dilation(area, iterations=2)
    return grown


def _shapes(labels: Labels, number: int) -> list[tuple[Area, Fit]]:
    """The areas of one colour with their shapes: pieces taken apart or together where that fits better."""
    fits = []
    for area in _pieces(labels.colour == number, _SMALLEST // 3):
        fits += _divided(labels, area, _fitted(labels, area))
    fits = _joined(labels, fits)
    return [(area, fit) for area, fit in fits if area.sum() >= _SMALLEST]


def _fitted(labels: Labels, area: Area) -> Fit:
    """Free pixels around the area count as far as they are covered, since its edge goes through them."""
    rim = ndimage.binary_dilation(area) & (labels.colour < 0)
    return best_fit(np.where(area | rim, labels.cover, 0.0).astype(np.float32))


def _pieces(area: Area, smallest: int) -> list[Area]:
    parts, count = ndimage.label(area)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    return [parts == number for number in range(1, count + 1) if sizes[number] >= smallest]


def _divided(labels: Labels, area: Area, whole: Fit) -> list[tuple[Area, Fit]]:
    """The area as several things that touch, where all of them together fit better than one."""
    best = [(area, whole)]
    if whole.overlap >= _CLEAR or area.sum() < 2 * _SMALLEST:
        return best
    for solid in (area, ndimage.binary_fill_holes(area)):  # with its hole filled, a ring stays one piece
        depth = ndimage.distance_transform_edt(solid)
        seen = 1
        for cut in _CUTS:
            cores = _pieces(depth > cut, 6)
            if seen < len(cores) <= _MOST_PARTS:
                seen = len(cores)
                fits = [(part, _fitted(labels, part)) for part in _shared_out(area, cores)]
                if _mean_overlap(fits) > _mean_overlap(best) + _BETTER:
                    best = fits
    return best


def _shared_out(area: Area, cores: list[Area]) -> list[Area]:
    """Each pixel of the area to the core that is nearest to it."""
    numbers = np.sum([(number + 1) * core for number, core in enumerate(cores)], axis=0)
    nearest = ndimage.distance_transform_edt(numbers == 0, return_distances=False, return_indices=True)
    owner = numbers[tuple(nearest)]
    parts = [area & (owner == number + 1) for number in range(len(cores))]
    return [part for part in parts if part.any()]


def _joined(labels: Labels, fits: list[tuple[Area, Fit]]) -> list[tuple[Area, Fit]]:
    """Two badly fitting pieces near each other as one broken thing, where that fits better than both."""
    fits = list(fits)
    poor = sorted((one for one in fits if one[1].overlap < _CLEAR), key=lambda one: -one[0].sum())[:_MOST_BROKEN]
    for number, one in enumerate(poor):
        for other in poor[number + 1 :]:
            if not _contains(fits, one) or not _contains(fits, other) or not _near(one[0], other[0]):
                continue
            area = one[0] | other[0]
            whole = _fitted(labels, area)
            if whole.overlap > max(one[1].overlap, other[1].overlap) + _BETTER:
                fits = [fit for fit in fits if fit is not one and fit is not other]
                fits.append((area, whole))
    return fits


def _contains(fits: list[tuple[Area, Fit]], one: tuple[Area, Fit]) -> bool:
    return any(fit is one for fit in fits)


def _near(one: Area, other: Area) -> bool:
    distance = ndimage.distance_transform_edt(~one)
    return bool(distance[other].min() <= _BRIDGE)


def _mean_overlap(fits: list[tuple[Area, Fit]]) -> float:
    """Weighted by size, so that crumbs decide nothing."""
    sizes = [float(area.sum()) for area, _ in fits]
    return float(np.average([fit.overlap for _, fit in fits], weights=sizes))
