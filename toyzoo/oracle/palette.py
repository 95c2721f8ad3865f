"""The world's colours in OKLab, a space in which distances are about as large as they look.

B. Ottosson, "A perceptual color space for image processing", 2020. Scaling a colour's bytes scales its OKLab
coordinates nearly alike, so that a colour in light, shade and finish is a segment of a line.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from toyzoo.domain.drawing import FINISH_SHADE, PATTERN_SHADE, Pixels, draw
from toyzoo.domain.scenes import Scene
from toyzoo.domain.words import BACKGROUNDS, COLOURS, PATTERNS, Backdrop

Array = np.ndarray[Any, np.dtype[np.floating[Any]]]
Area = np.ndarray[Any, np.dtype[np.bool_]]
Numbers = np.ndarray[Any, np.dtype[np.intp]]

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)
_LIGHT = 0.13  # how much the light adds at the upper left and takes at the lower right
_DARKEST = 0.75  # what soft shadows leave of a backdrop's darker tone


def oklab(pixels: Pixels | Array) -> Array:
    """L (0 to 1), a and b (about -0.3 to 0.3) of bytes from 0 to 255, in the last axis."""
    values = np.asarray(pixels, np.float32) / np.float32(255)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    lab: Array = np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T
    return lab


def segment_distances(lab: Array, starts: Array, ends: Array) -> Array:
    """From each of n colours to each of k segments: n x k."""
    along = ends - starts
    length = (along**2).sum(1)
    ahead = lab @ along.T - (starts * along).sum(1)
    away = (lab**2).sum(1)[:, None] - 2 * (lab @ starts.T) + (starts**2).sum(1)
    place = np.clip(ahead / length, 0.0, 1.0)
    distances: Array = np.sqrt(np.maximum(away + place * (place * length - 2 * ahead), 0.0))
    return distances


def _thing_segments() -> tuple[Array, Array]:
    """From the darkest to the lightest tone that a thing of each colour has."""
    colours = np.array(list(COLOURS.values()), np.float32)
    dark, light = colours * FINISH_SHADE, colours.copy()
    black = list(COLOURS).index("black")
    dark[black], light[black] = colours[black], colours[black] * 2.05  # its finish is the lighter tone
    return oklab(dark * (1 - _LIGHT)), oklab(np.clip(light * (1 + _LIGHT), 0, 255))


THING_STARTS, THING_ENDS = _thing_segments()
BACKDROPS = tuple(Backdrop(colour, pattern) for colour in BACKGROUNDS for pattern in PATTERNS)
BACKDROP_PICTURES = np.stack([oklab(draw(Scene((), backdrop))) for backdrop in BACKDROPS])


def backdrop_segment(colour: str) -> tuple[Array, Array]:
    """From the darker tone in a shadow to the lighter tone."""
    light = np.array([BACKGROUNDS[colour]], np.float32)
    return oklab(light * PATTERN_SHADE * _DARKEST), oklab(np.clip(light * 1.05, 0, 255))
