"""The ratings on offer. A new one is a function of this shape and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.elo import elo
from analysis.stats.outcomes import VoteTable
from analysis.stats.ratings import Ratings
from analysis.stats.uncertainty import TWO_WAY
from analysis.stats.win_rates import field_win_rates


class Estimator(Protocol):
    """Rate the systems of one question's votes, with intervals by `cluster` of uncertainty.CLUSTERS where it has any.

    RatingError where the votes do not determine the ratings.
    """

    def __call__(self, votes: VoteTable, rng: np.random.Generator, /, *, cluster: str = TWO_WAY) -> Ratings: ...


def _bradley_terry(votes: VoteTable, _rng: np.random.Generator, *, cluster: str = TWO_WAY) -> Ratings:
    return bradley_terry(votes, cluster=cluster)


def _elo(votes: VoteTable, rng: np.random.Generator, *, cluster: str = TWO_WAY) -> Ratings:
    return elo(votes, rng)


def _win_rate(votes: VoteTable, _rng: np.random.Generator, *, cluster: str = TWO_WAY) -> Ratings:
    return field_win_rates(votes, cluster=cluster)


ESTIMATORS: Mapping[str, Estimator] = {
    "bradley-terry": _bradley_terry,
    "elo": _elo,
    "win-rate": _win_rate,
}
