"""What every estimator returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.stats.errors import RatingError
from analysis.stats.outcomes import FloatArray, VoteTable
from analysis.stats.rows import number_or_none
from analysis.stats.uncertainty import Covariances, Influence, Intervals


@dataclass(frozen=True, eq=False)
class Ratings:
    """One number a system, with everything that determined it.

    `values` has the shape of `systems`. `intervals` is None for an estimator that has no honest one.
    `parameters` are what the caller or the code fixed; `diagnostics` are what the computation found, scalars
    or arrays of the shape of `systems`. `influence` is that of each vote on the values, where intervals rest on it,
    and `covariances` are what it gives.
    """

    systems: tuple[str, ...]
    values: FloatArray
    intervals: Intervals | None
    parameters: Mapping[str, str | float]
    diagnostics: Mapping[str, float | FloatArray]
    influence: Influence | None = None
    covariances: Covariances | None = None


def by_system(rating: Ratings) -> dict[str, tuple[float | None, float | None, float | None]]:
    """Value, low and high; None for what is not known."""
    nothing = np.full(len(rating.systems), np.nan)
    low = nothing if rating.intervals is None else rating.intervals.low
    high = nothing if rating.intervals is None else rating.intervals.high
    numbers = zip(rating.values, low, high, strict=True)
    return {
        name: (number_or_none(value), number_or_none(lowest), number_or_none(highest))
        for name, (value, lowest, highest) in zip(rating.systems, numbers, strict=True)
    }


def rated_votes(votes: VoteTable) -> VoteTable:
    """The votes that ratings rest on: all but both-bad. Raises RatingError if there are none."""
    return ratable_votes(votes).counted()


def ratable_votes(votes: VoteTable) -> VoteTable:
    """As VoteTable.ratable: what kinds of votes are counted in needs no table without both-bad. Raises likewise."""
    if not votes.kinds.counted.any():
        raise RatingError("Nothing can be rated: there is no vote that is not both-bad.")
    return votes.ratable()
