"""Statistics of pairwise human votes: numpy, scipy and pandas, nothing of the site.

votes = VoteTable.from_csv("votes.csv")
summary = summarise(votes, seed=0)
"""

from analysis.stats.errors import (
    DisconnectedError,
    NotConvergedError,
    NoVotesError,
    RatingError,
    SeparationError,
    StatsError,
    VoteFileError,
)
from analysis.stats.estimators import ESTIMATORS, Estimator
from analysis.stats.outcomes import VoteTable
from analysis.stats.ratings import Ratings
from analysis.stats.rows import Summary
from analysis.stats.summary import summarise
from analysis.stats.uncertainty import Intervals

__all__ = [
    "ESTIMATORS",
    "DisconnectedError",
    "Estimator",
    "Intervals",
    "NoVotesError",
    "NotConvergedError",
    "RatingError",
    "Ratings",
    "SeparationError",
    "StatsError",
    "Summary",
    "VoteFileError",
    "VoteTable",
    "summarise",
]
