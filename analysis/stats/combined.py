"""Bradley-Terry ratings over several questions: the mean of a system's ratings, every question weighing the same.

    R_s = 1 / Q sum over questions q of R_qs,        Cov(R_s, R_t) = 1 / Q^2 sum over q and r of Cov(R_qs, R_rt).

Questions are not independent: the same raters judge the same prompts, and whoever likes the pictures of a system tends
to say so under each. To first order R_qs is a sum over the votes on q of their influences (`uncertainty`), and so R_s
is one over the votes on all questions: influences are added up by prompt, by rater and by cell across questions before
they are squared, a prompt or a rater being the same wherever it has the same name. The rest is as for one question,
the factor c being that of each question's votes, the maximum taken for R_s, and the degrees of freedom of t those of
the question with the fewest effective clusters: never too many, whichever question the variance comes from. With one
question, or with the same votes under each, the intervals are those of one question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analysis.stats.errors import RatingError, listed
from analysis.stats.jackknife import Curvature
from analysis.stats.outcomes import FloatArray, IntArray, VoteTable
from analysis.stats.ratings import Ratings
from analysis.stats.uncertainty import (
    LEVEL,
    TWO_WAY,
    Covariances,
    Influence,
    Margin,
    Margins,
    clustered_covariances,
    intervals_of,
)
from analysis.stats.vote_file import OUTCOMES


def combined_ratings(
    votes: VoteTable, ratings: Mapping[str, Ratings | None], level: float = LEVEL, cluster: str = TWO_WAY
) -> Ratings:
    """The mean over questions of Bradley-Terry `ratings`, for the systems that every question rates.

    `ratings` are by question, None where there are none, and `votes` those of all questions that they were made of;
    intervals are by `cluster` of uncertainty.CLUSTERS. Each question's own systems have the mean 1000: where questions
    do not share all systems, differences can be read and the level cannot.

    Raises RatingError without ratings of some question, or without a system that every question rates.
    """
    if missing := [question for question, found in ratings.items() if found is None]:
        raise RatingError(f"Combined Bradley-Terry ratings do not exist: there are none for {listed(missing)}.")
    parts = [found for question in votes.questions if (found := ratings[question])]
    systems = tuple(name for name in votes.systems if all(name in part.systems for part in parts))
    if not systems:
        raise RatingError("Combined Bradley-Terry ratings do not exist: no system is rated in every question.")
    columns = _columns(parts, systems)
    values = np.concatenate([part.values for part in parts])[columns].mean(axis=0)
    spread = _means(_covariances(votes, parts, cluster), columns)
    return Ratings(
        systems=systems,
        values=values,
        intervals=intervals_of(values, spread.variances(), spread.margins, level),
        parameters={**parts[0].parameters, "level": level},
        diagnostics={},
        covariances=spread,
    )


def _columns(parts: Sequence[Ratings], systems: tuple[str, ...]) -> IntArray:
    """Where each question's rating of each system stands among all ratings in a row, (questions, m)."""
    rows, start = [], 0
    for part in parts:
        rows.append([start + part.systems.index(name) for name in systems])
        start += len(part.systems)
    return np.array(rows, dtype=np.intp)


def _means(spread: Covariances, columns: IntArray) -> Covariances:
    """Of the means over questions, of covariances of all ratings in a row."""

    def averaged(matrix: FloatArray) -> FloatArray:
        blocks = matrix[columns[:, None, :, None], columns[None, :, None, :]]
        return np.asarray(blocks.mean(axis=(0, 1)), dtype=np.float64)

    def fewest(margin: Margin) -> Margin:
        return Margin(margin.effective[columns].min(axis=0), np.ones(columns.shape[1]))

    margins = Margins(fewest(spread.margins.prompts), fewest(spread.margins.raters))
    return Covariances(tuple(map(averaged, spread.candidates)), averaged(spread.whole), margins)


def _covariances(votes: VoteTable, parts: Sequence[Ratings], cluster: str) -> Covariances:
    """Of all ratings in a row: those of one model in which a system under one question is a system of its own."""
    k = len(votes.systems)
    together = replace(
        votes,
        systems=tuple(f"{question}: {system}" for question in votes.questions for system in votes.systems),
        system_left=votes.question * k + votes.system_left,
        system_right=votes.question * k + votes.system_right,
    )
    number = {name: code for code, name in enumerate(votes.systems)}
    own = [q * k + np.array([number[name] for name in part.systems]) for q, part in enumerate(parts)]
    influences = [part.influence for part in parts if part.influence]
    return clustered_covariances(together, _stacked(together, influences, own), cluster)


def _stacked(votes: VoteTable, parts: Sequence[Influence], own: Sequence[IntArray]) -> Influence:
    """Influences of systems that are `own` among those of `votes`, side by side."""
    rows = [_rows(systems, len(votes.systems)) for systems in own]
    kinds = len(votes.kinds.counts)
    return Influence(
        scores=_side_by_side([part.scores for part in parts], rows, kinds),
        weights=_blocks([part.weights for part in parts]),
        bearing=_side_by_side([part.bearing for part in parts], rows, kinds),
        kind=votes.kind,
        curvatures=tuple(
            _moved(curvature, at, kinds) for part, at in zip(parts, rows, strict=True) for curvature in part.curvatures
        ),
    )


def _rows(own: IntArray, systems: int) -> IntArray:
    """Among the kinds of votes on all `systems`, those of the votes on one's `own`, in their order."""
    outcomes = np.arange(len(OUTCOMES))
    return np.ravel((own[:, None, None] * systems + own[None, :, None]) * len(OUTCOMES) + outcomes)


def _side_by_side(matrices: Sequence[sparse.csr_array], rows: Sequence[IntArray], height: int) -> sparse.csr_array:
    """Each with columns of its own, and its rows at `rows`, which rise from the first to the last matrix's.

    Entries keep their order, on which the last digits of sums depend.
    """
    starts = np.cumsum([0, *(matrix.shape[1] for matrix in matrices)])
    lengths = np.zeros(height, dtype=np.intp)
    lengths[np.concatenate(rows)] = np.concatenate([np.diff(matrix.indptr) for matrix in matrices])
    columns = [matrix.indices + start for matrix, start in zip(matrices, starts[:-1], strict=True)]
    entries = np.concatenate([matrix.data for matrix in matrices]), np.concatenate(columns)
    return sparse.csr_array((*entries, np.concatenate([[0], np.cumsum(lengths)])), shape=(height, starts[-1]))


def _blocks(matrices: Sequence[FloatArray]) -> FloatArray:
    """Along the diagonal. SciPy's function of this purpose takes long to import."""
    corners = np.cumsum([(0, 0), *(matrix.shape for matrix in matrices)], axis=0)
    found = np.zeros(corners[-1])
    for matrix, (row, column) in zip(matrices, corners[:-1], strict=True):
        found[row : row + matrix.shape[0], column : column + matrix.shape[1]] = matrix
    return found


def _moved(curvature: Curvature, rows: IntArray, kinds: int) -> Curvature:
    """The same for all `kinds` of votes, those at `rows` being its own."""

    def of_all(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        found = np.zeros(kinds, dtype=values.dtype)
        found[rows] = values
        return found

    return Curvature(
        of_all(curvature.left),
        of_all(curvature.right),
        of_all(curvature.xx),
        curvature.covariance,
        None if curvature.xt is None else of_all(curvature.xt),
        None if curvature.tt is None else of_all(curvature.tt),
    )
