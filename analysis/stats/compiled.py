"""Loops over votes that are compiled when they are first called, so that importing this package stays light.

`starts`, `columns` and `values` are rows of numbers, compressed as in scipy's csr_array. `rows` are the row of each
vote, cluster by cluster, and those of cluster c end before the place ends[c].
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[Any]


@cache
def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """The same function as machine code, which is kept beside the source where that can be written to."""
    import numba

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        made: Callable[..., None] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # nowhere to keep it
        made = numba.njit(**options)(function)
    return made


def put_by_rater(rows: _Ints, prompt: _Ints, rater: _Ints, places: _Ints, new_rows: _Ints, new_prompt: _Ints) -> None:
    """Take rows and prompts of votes to those of the first rater, of the second, ...; `places` are where they start."""
    for vote in range(len(rows)):
        place = places[rater[vote]]
        new_rows[place] = rows[vote]
        new_prompt[place] = prompt[vote]
        places[rater[vote]] += 1


def put_by_prompt(
    rows: _Ints, prompt: _Ints, ends: _Ints, places: _Ints, new_rows: _Ints, begins: npt.NDArray[np.bool_]
) -> None:
    """Take rows, that stand rater by rater, to those of the first prompt, ...; `begins` says where raters change."""
    latest = np.full(len(places), -1)
    first = 0
    for rater in range(len(ends)):
        for i in range(first, ends[rater]):
            place = places[prompt[i]]
            new_rows[place] = rows[i]
            begins[place] = latest[prompt[i]] != rater
            latest[prompt[i]] = rater
            places[prompt[i]] += 1
        first = ends[rater]


def add_rows(codes: _Ints, kind: _Ints, starts: _Ints, columns: _Ints, values: _Floats, sums: _Floats) -> None:
    """sums[codes[v]] += row kind[v]."""
    for vote in range(len(codes)):
        for entry in range(starts[kind[vote]], starts[kind[vote] + 1]):
            sums[codes[vote], columns[entry]] += values[entry]


def add_squares(
    rows: _Ints, ends: _Ints, starts: _Ints, columns: _Ints, values: _Floats, alone: _Ints, squares: _Floats
) -> None:
    """squares[0] += squares of the clusters' sums of rows; squares[1] += their number, where they are not zero.

    Clusters of a single row are only counted: `alone` (rows of the matrix) += their number, to be added by who calls.
    """
    sums = np.zeros(squares.shape[1])
    first = 0
    for cluster in range(len(ends)):
        last = ends[cluster]
        if last - first == 1:
            alone[rows[first]] += 1
            first = last
            continue
        for i in range(first, last):
            for entry in range(starts[rows[i]], starts[rows[i] + 1]):
                sums[columns[entry]] += values[entry]
        if last - first > len(sums):
            for column in range(len(sums)):
                squares[0, column] += sums[column] * sums[column]
                squares[1, column] += sums[column] != 0
                sums[column] = 0
        else:
            for i in range(first, last):
                for entry in range(starts[rows[i]], starts[rows[i] + 1]):
                    column = columns[entry]
                    squares[0, column] += sums[column] * sums[column]
                    squares[1, column] += sums[column] != 0
                    sums[column] = 0
        first = last


def add_products(
    rows: _Ints, ends: _Ints, starts: _Ints, columns: _Ints, values: _Floats, alone: _Ints, products: _Floats
) -> None:
    """products + products^T += outer products of the clusters' sums of rows; `alone` as in add_squares."""
    width = len(products)
    sums, touched, is_touched = np.zeros(width), np.empty(width, dtype=np.int64), np.zeros(width, dtype=np.bool_)
    first = 0
    for cluster in range(len(ends)):
        last = ends[cluster]
        if last - first == 1:
            alone[rows[first]] += 1
            first = last
            continue
        number = 0
        for i in range(first, last):
            for entry in range(starts[rows[i]], starts[rows[i] + 1]):
                column = columns[entry]
                sums[column] += values[entry]
                if not is_touched[column]:
                    is_touched[column] = True
                    touched[number] = column
                    number += 1
        for m in range(number):
            products[touched[m], touched[m]] += sums[touched[m]] * sums[touched[m]] / 2
            for n in range(m):
                products[touched[m], touched[n]] += sums[touched[m]] * sums[touched[n]]
        for m in range(number):
            sums[touched[m]] = 0
            is_touched[touched[m]] = False
        first = last


def count_units(
    rows: _Ints, ends: _Ints, pair: _Ints, outcome: _Ints, residual: _Floats, units: _Ints, totals: _Floats
) -> None:
    """Count the outcomes of each unit, a unit being the votes of one cluster on one pair.

    `pair` and `outcome` are those of rows. `units` (u, outcomes) becomes the counts of units with two votes or more, as
    far as there is room; totals[4] says how many there are. totals[:4] += what a correlation needs, every vote having
    residual[pair, outcome]: the sum of products of the residuals of every two votes of a unit, the number of those, the
    sum of squares and the number of votes.
    """
    counts = np.zeros((len(residual), units.shape[1]), dtype=np.int64)
    touched = np.empty(len(counts), dtype=np.int64)
    sizes = np.zeros(len(counts), dtype=np.int64)
    first = 0
    for cluster in range(len(ends)):
        number = 0
        for i in range(first, ends[cluster]):
            unit = pair[rows[i]]
            if sizes[unit] == 0:
                touched[number] = unit
                number += 1
            sizes[unit] += 1
            counts[unit, outcome[rows[i]]] += 1
        for m in range(number):
            unit = touched[m]
            once, square = 0.0, 0.0
            for of_outcome in range(residual.shape[1]):
                value = residual[unit, of_outcome]
                once += counts[unit, of_outcome] * value
                square += counts[unit, of_outcome] * value * value
            size = 0
            for of_outcome in range(residual.shape[1]):
                size += counts[unit, of_outcome]
            totals[0] += once * once - square
            totals[1] += size * (size - 1)
            totals[2] += square
            totals[3] += size
            if sizes[unit] > 1 and totals[4] < len(units):
                units[int(totals[4])] = counts[unit]
                totals[4] += 1
            counts[unit] = 0
            sizes[unit] = 0
        first = ends[cluster]
