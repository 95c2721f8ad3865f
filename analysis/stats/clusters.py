"""Votes in order, cluster by cluster, so that what is added up within a cluster stays near to the processor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.stats.compiled import compiled, put_by_prompt, put_by_rater

Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Clusters:
    """`rows` (N,) of a matrix that are those of the first cluster's votes, of the second's, ...

    Those of cluster c end before the place `ends[c]`.
    """

    rows: Codes
    ends: Codes


@dataclass(frozen=True, eq=False)
class Crossed:
    """The same votes by prompt, by rater, and by cells: votes of one rater on one prompt, as far as there are any."""

    prompt: Clusters
    rater: Clusters
    cell: Clusters


def crossed(rows: Codes, prompt: npt.NDArray[np.integer[Any]], rater: npt.NDArray[np.integer[Any]]) -> Crossed:
    """Votes with these `rows` of a matrix, prompts and raters, all (N,).

    They are sorted by counting, by raters and then by prompts, so that those of a cell come to stand together.
    """
    n = len(rows)
    rater_starts, prompt_starts = _starts(rater), _starts(prompt)
    by_rater, prompt_by_rater = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    compiled(put_by_rater)(rows, prompt, rater, rater_starts[:-1].copy(), by_rater, prompt_by_rater)
    by_prompt, begins = np.empty(n, dtype=np.int32), np.zeros(n + 1, dtype=np.bool_)
    compiled(put_by_prompt)(by_rater, prompt_by_rater, rater_starts[1:], prompt_starts[:-1].copy(), by_prompt, begins)
    begins[n] = True
    return Crossed(
        Clusters(by_prompt, prompt_starts[1:]),
        Clusters(by_rater, rater_starts[1:]),
        Clusters(by_prompt, np.flatnonzero(begins)[1:].astype(np.int32)),
    )


def _starts(codes: npt.NDArray[np.integer[Any]]) -> Codes:
    """Where the votes of each code start, and where the last ones end."""
    return np.concatenate([[0], np.cumsum(np.bincount(codes))]).astype(np.int32)
