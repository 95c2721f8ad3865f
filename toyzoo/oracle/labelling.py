"""Which backdrop a picture has, and which of its pixels belong to things of which colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from toyzoo.domain.drawing import Pixels
from toyzoo.domain.scenes import SIDE
from toyzoo.domain.words import Backdrop
from toyzoo.oracle.palette import (
    BACKDROP_PICTURES,
    BACKDROPS,
    THING_ENDS,
    THING_STARTS,
    Area,
    Array,
    Numbers,
    backdrop_segment,
    oklab,
    segment_distances,
)

_SMOOTHING = 0.6  # pixels; enough against noise, and edges stay where they are
_OUTLIER = 0.10  # OKLab: how far a pixel can count against a backdrop
_BACKDROP_REACH = 0.05  # OKLab: nearer than this, a pixel is backdrop
_APART = 0.075  # OKLab: farther than this, it is none, whatever else it is like
_COLOUR_REACH = 0.18  # OKLab: farther than this, it has none of the colours
_FADING = (0.0, 0.2, 0.4)  # how far a washed-out colour may be on the way to the backdrop
_FADED = 0.1  # OKLab: how much that speaks against a colour, for all the way
_MIXTURE_REACH = 0.05
_AGREEING = 6.5 / 9  # of a pixel and its neighbours: an edge's mixed colours are never so many
_SPECK = 12  # pixels
_NO_SHADOW = 0.02  # how much speaks against a shadow, in squares of OKLab
_DARKEST_SHADOW = 0.2  # of a backdrop's OKLab coordinates
_SPREAD = 6.0  # pixels that a colour goes on beyond where it is certain

_EIGHT = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Labels:
    """`colour` numbers the colours, -1 where there is none; `cover` is how much of a pixel is no backdrop."""

    lab: Array
    backdrop: Backdrop
    colour: Numbers
    cover: Array
    foreground: Area


def label(pixels: Pixels) -> Labels:
    smooth = ndimage.gaussian_filter(pixels.astype(np.float32), (_SMOOTHING, _SMOOTHING, 0))
    lab = oklab(smooth)
    number = _nearest_backdrop(lab)
    backdrop = BACKDROPS[number]
    start, end = backdrop_segment(backdrop.colour)
    behind = segment_distances(lab.reshape(-1, 3), start, end).reshape(SIDE, SIDE)
    colour = np.full((SIDE, SIDE), -1, np.intp)
    distance = np.full((SIDE, SIDE), np.inf, np.float32)
    apart = behind > _BACKDROP_REACH
    if apart.any():
        colour[apart], distance[apart] = _colour_distances(lab[apart], backdrop)
    foreground = apart & ((distance < behind) | (behind > _APART))
    colour[~foreground | (distance > _COLOUR_REACH)] = -1
    seeds = _without_mixtures(_certain(colour), lab, BACKDROP_PICTURES[number], foreground)
    colour, cover = _spread(seeds, lab, BACKDROP_PICTURES[number])
    return Labels(lab, backdrop, colour, cover, foreground)


def _colour_distances(lab: Array, backdrop: Backdrop) -> tuple[Numbers, Array]:
    """Of n pixels: the nearest colour's number, and the distance to the nearest that is not washed out.

    A washed-out red is still red, though as bytes it may be nearer to pink.
    """
    light = backdrop_segment(backdrop.colour)[1]
    costs = []
    for fading in _FADING:
        starts, ends = (tone + fading * (light - tone) for tone in (THING_STARTS, THING_ENDS))
        costs.append(segment_distances(lab, starts, ends) + _FADED * fading)
    return np.min(costs, axis=0).argmin(1), costs[0].min(1)


def _nearest_backdrop(lab: Array) -> int:
    """Compared pixel by pixel; every other one will do. Things and shadows count alike against all."""
    squares = sum((BACKDROP_PICTURES[:, ::2, ::2, channel] - lab[::2, ::2, channel]) ** 2 for channel in range(3))
    return int(np.minimum(np.sqrt(squares), _OUTLIER).mean((1, 2)).argmin())


def _certain(colour: Numbers) -> Numbers:
    """Only where most neighbours have the same colour: an edge between two colours often looks like a third."""
    seeds = np.full_like(colour, -1)
    for number in np.unique(colour[colour >= 0]):
        same = colour == number
        sure = same & (ndimage.uniform_filter(same.astype(np.float32), 3) > _AGREEING)
        parts, count = ndimage.label(sure, _EIGHT)
        large = np.bincount(parts.ravel(), minlength=count + 1) >= _SPECK
        large[0] = False
        seeds[large[parts]] = number
    return seeds


def _without_mixtures(seeds: Numbers, lab: Array, behind: Array, foreground: Area) -> Numbers:
    """Without blurred edges: in one piece of foreground, mixtures of the backdrop and of a more frequent colour."""
    pieces, count = ndimage.label(foreground, _EIGHT)
    seeds = seeds.copy()
    for number in range(1, count + 1):
        piece = (pieces == number) & (seeds >= 0)
        colours, sizes = np.unique(seeds[piece], return_counts=True)
        ranks = colours[np.argsort(-sizes)]
        for place, frequent in enumerate(ranks[:-1]):
            own, rarer = piece & (seeds == frequent), piece & np.isin(seeds, ranks[place + 1 :])
            if own.any() and rarer.any():
                full, empty = np.median(lab[own], axis=0), np.median(behind[piece], axis=0)
                mixed = segment_distances(lab[rarer], empty[None], full[None])[:, 0] < _MIXTURE_REACH
                seeds[rarer] = np.where(mixed, -1, seeds[rarer])
    return seeds


def _spread(seeds: Numbers, lab: Array, behind: Array) -> tuple[Numbers, Array]:
    """Each pixel near a certain one gets its colour, as far as it is a mixture of it and of what is behind."""
    if not (seeds >= 0).any():
        return seeds, np.zeros((SIDE, SIDE), np.float32)
    far, (row, column) = ndimage.distance_transform_edt(seeds < 0, return_indices=True)
    colour = seeds[row, column]
    share = _share(lab, lab[row, column], behind)
    cover = np.clip(2 * share - 0.5, 0.0, 1.0)  # steeper than the mixture: little is left of a dark shadow
    cover[far > _SPREAD] = 0.0
    colour[cover < 0.5] = -1
    return colour, cover.astype(np.float32)


def _share(lab: Array, full: Array, behind: Array) -> Array:
    """s of the mixture p = (1 - k) b + s (c - b): of a thing's colour c on a backdrop b in a shadow k.

    Least squares. Where c itself is nearly a darker b, as black on white, k stays near 0.
    """
    difference, along = lab - behind, full - behind
    length = np.maximum((along**2).sum(2), 1e-6)
    slope = (behind * along).sum(2) / length
    aside = slope[:, :, None] * along - behind
    shadow = np.clip((difference * aside).sum(2) / ((aside**2).sum(2) + _NO_SHADOW), 0.0, _DARKEST_SHADOW)
    share: Array = (difference * along).sum(2) / length + shadow * slope
    return share
