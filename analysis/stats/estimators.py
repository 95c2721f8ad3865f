"""The ratings on offer. A new one is a function of this shape and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from analysis.stats.bradley_terry import bradley_terry
from analysis.stats.elo import elo
from analysis.stats.outcomes import VoteTable
from analysis.stats.ratings import Ratings
from analysis.stats.win_rates import field_win_rates


class Estimator(Protocol):
    """Rate the systems of one question's votes; RatingError where the votes do not determine the ratings."""

    def __call__(self, votes: VoteTable, rng: np.random.Generator, /) -> Ratings: ...


def _bradley_terry(votes: VoteTable, _rng: np.random.Generator) -> Ratings:
    return bradley_terry(votes)


def _win_rate(votes: VoteTable, _rng: np.random.Generator) -> Ratings:
    return field_win_rates(votes)


ESTIMATORS: Mapping[str, Estimator] = {
    "bradley-terry": _bradley_terry,
    "elo": elo,
    "win-rate": _win_rate,
}
