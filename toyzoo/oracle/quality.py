"""How cleanly a picture is drawn, whatever it was to show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from toyzoo.domain.drawing import Pixels, draw
from toyzoo.domain.scenes import Scene
from toyzoo.oracle.palette import Array, oklab
from toyzoo.oracle.reading import Reading

_ERROR_SCALE = 0.05  # OKLab: a mean difference of this leaves 1/e
_SMOOTHING = 0.7  # pixels
_NEAR = 4.0  # weight of a pixel of a thing or near its edge, against 1 for the rest
_MARGIN = 6  # pixels around a thing that count as near, so that bleeding colours do


@dataclass(frozen=True)
class Quality:
    """The three parts and their product's root, each from 0 to 1."""

    likeness: float
    sharpness: float
    clarity: float
    score: float


def judge(pixels: Pixels, reading: Reading) -> Quality:
    """Against the picture p* that a perfect hand would have drawn of what was read.

    Both are smoothed a little first (Gaussian, 0.7 pixels), as eyes do. score = c * sqrt(l * s), all from 0 to 1:

    - likeness l = exp(-E / 0.05), E the weighted mean over all pixels of |p - p*|, their distance in OKLab; pixels
      within 6 pixels of a thing weigh 4, others 1. Noise, washed-out and bleeding colours raise E.
    - sharpness s = max(0, 2 <g, g*> / (<g, g> + <g*, g*>)), where g and g* are the gradients of p and p* along both
      axes in all three channels, and <., .> sums over everything. Blur makes g small, noise makes it large, and
      ragged or misplaced edges make it point elsewhere: each lowers s.
    - clarity c = (1 - u) * k, with u the share of all that is no backdrop that could not be read, and k the things'
      mean confidence, weighted by radius squared and scaled so that 0.9 is perfect. Without things c is 0: nobody can
      say what such a picture shows.
    """
    if not reading.things:
        return Quality(0.0, 0.0, 0.0, 0.0)
    # A ring is painted before what it holds, as the world's scenes have it.
    ordered = sorted((thing.thing for thing in reading.things), key=lambda thing: -thing.radius)
    wanted = draw(Scene(tuple(ordered), reading.backdrop))
    seen, ideal = _smooth(pixels), _smooth(wanted)
    blank = _smooth(draw(Scene((), reading.backdrop)))
    near = ndimage.binary_dilation(np.abs(ideal - blank).max(2) > 0.02, iterations=_MARGIN)
    weights = np.where(near, _NEAR, 1.0)
    error = float(np.average(np.sqrt(((seen - ideal) ** 2).sum(2)), weights=weights))
    likeness = float(np.exp(-error / _ERROR_SCALE))
    sharpness = _gradient_agreement(seen, ideal)
    sizes = [thing.radius**2 for thing in reading.things]
    confidence = float(np.average([thing.confidence for thing in reading.things], weights=sizes))
    clarity = (1.0 - reading.unreadable) * min(1.0, confidence / 0.9)
    return Quality(likeness, sharpness, clarity, clarity * float(np.sqrt(likeness * sharpness)))


def _smooth(pixels: Pixels) -> Array:
    return oklab(ndimage.gaussian_filter(pixels.astype(np.float32), (_SMOOTHING, _SMOOTHING, 0)))


def _gradient_agreement(seen: Array, ideal: Array) -> float:
    common = own = wanted = 0.0
    for axis in (0, 1):
        one, other = np.diff(seen, axis=axis), np.diff(ideal, axis=axis)
        common += float((one * other).sum())
        own += float((one * one).sum())
        wanted += float((other * other).sum())
    return max(0.0, 2.0 * common / max(own + wanted, 1e-9))
