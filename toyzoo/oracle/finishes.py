"""Plain, striped or dotted: how light is distributed inside a thing."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from toyzoo.domain.scenes import SIDE
from toyzoo.oracle.palette import Area, Array
from toyzoo.oracle.templates import Fit, shape_mask

_TWO_TONES = 0.075  # of L, between a thing's light and dark parts; the world's tones differ by 0.17 at least
_ONE_WAY = 0.6  # coherence of the gradient: stripes near 1, dots near 0
_FALL = 0.09  # of lightness from the middle to the lower right: 13 % of the bytes are 9 % of OKLab's L
_FEWEST = 30  # pixels: with less inside, nothing can be told


def finish_of(lightness: Array, area: Area, fit: Fit) -> str:
    """From OKLab's L.

    Two tones: the 88th and 12th percentile of L, freed of the light's fall, differ by more than 0.075.
    Stripes: the structure tensor's coherence, (l1 - l2) / (l1 + l2) of its eigenvalues, summed over the inside, is
    high, because lightness changes along one direction only.
    """
    inside: Area = ndimage.binary_erosion(area & (shape_mask(fit.shape, fit.x, fit.y, fit.radius - 1.0) > 0.99))
    if inside.sum() < _FEWEST:
        return "plain"
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) + 0.5
    fall = np.clip((x - fit.x + y - fit.y) / (1.4 * fit.radius), -1.0, 1.0)
    level = lightness / (1.0 - _FALL * fall)
    low, high = np.percentile(level[inside], [12, 88])
    if high - low < _TWO_TONES:
        return "plain"
    return "striped" if _coherence(level, inside) > _ONE_WAY else "dotted"


def _coherence(level: Array, inside: Area) -> float:
    down, right = (np.asarray(slope) for slope in np.gradient(level))
    dd, rr, dr = (float((one * other)[inside].sum()) for one, other in ((down, down), (right, right), (down, right)))
    return float(np.hypot(dd - rr, 2 * dr) / max(dd + rr, 1e-12))
