"""Loops over votes that are compiled when they are first called, so that importing this package stays light.

`kind`, `starts`, `columns` and `values` are rows of numbers, one a vote: vote v has the row kind[v] of a matrix that is
compressed as in scipy's csr_array.
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


def add_rows(codes: _Ints, kind: _Ints, starts: _Ints, columns: _Ints, values: _Floats, sums: _Floats) -> None:
    """sums[codes[v]] += row of v."""
    for vote in range(len(codes)):
        for entry in range(starts[kind[vote]], starts[kind[vote] + 1]):
            sums[codes[vote], columns[entry]] += values[entry]


def add_products(cells: _Ints, kind: _Ints, starts: _Ints, columns: _Ints, values: _Floats, products: _Floats) -> None:
    """products += (row of v)^T (row of w) for all v before w of one cell; votes of a cell stand together."""
    for v in range(len(cells)):
        w = v + 1
        while w < len(cells) and cells[w] == cells[v]:
            for m in range(starts[kind[v]], starts[kind[v] + 1]):
                for n in range(starts[kind[w]], starts[kind[w] + 1]):
                    products[columns[m], columns[n]] += values[m] * values[n]
            w += 1


def add_squares(cells: _Ints, kind: _Ints, starts: _Ints, columns: _Ints, values: _Floats, squares: _Floats) -> None:
    """The diagonal of `add_products` alone, of v before w and of w before v."""
    for v in range(len(cells)):
        w = v + 1
        while w < len(cells) and cells[w] == cells[v]:
            for m in range(starts[kind[v]], starts[kind[v] + 1]):
                for n in range(starts[kind[w]], starts[kind[w] + 1]):
                    if columns[m] == columns[n]:
                        squares[columns[m]] += 2 * values[m] * values[n]
            w += 1


def add_residuals(pair: _Ints, counts: _Ints, residual: _Floats, totals: _Floats) -> None:
    """totals += what a correlation needs of units with counts (u, outcomes), each vote having residual[pair, outcome].

    That is the sum of products of the residuals of every two votes of a unit, the number of those, the sum of squares
    and the number of votes.
    """
    for unit in range(len(pair)):
        size, once, square = 0.0, 0.0, 0.0
        for outcome in range(residual.shape[1]):
            number, value = counts[unit, outcome], residual[pair[unit], outcome]
            size += number
            once += number * value
            square += number * value * value
        totals[0] += once * once - square
        totals[1] += size * (size - 1)
        totals[2] += square
        totals[3] += size


def put_in_order(codes: _Ints, ends: _Ints, order: _Ints) -> None:
    """`order` becomes the positions of code 0, of code 1, ...; `ends`, one past the last place of each, is used up."""
    for vote in range(len(codes) - 1, -1, -1):
        ends[codes[vote]] -= 1
        order[ends[codes[vote]]] = vote


def keep_shared(prompt: _Ints, rater: _Ints, sizes: _Ints, order: _Ints, cells: _Ints, found: _Ints) -> None:
    """Keep the votes that are not alone in their cell of prompt and rater, cell by cell.

    `order` has them prompt by prompt; its first found[0] places become the positions of those that are kept, and
    `cells` numbers of their cells. found[1] becomes the sum of squares of the cells' sizes. `sizes` (raters,) is zero.
    """
    first = kept = 0
    places = np.zeros_like(sizes)
    own = np.empty_like(order)
    while first < len(order):
        last = first
        while last < len(order) and prompt[order[last]] == prompt[order[first]]:
            own[last - first] = order[last]
            sizes[rater[order[last]]] += 1
            last += 1
        begin = kept
        for i in range(last - first):
            by = rater[own[i]]
            if sizes[by] > 0:  # the cell's first vote: it gets its place, and its size turns negative
                found[1] += sizes[by] ** 2
                places[by] = kept
                kept += sizes[by] if sizes[by] > 1 else 0
                sizes[by] = -sizes[by]
            if sizes[by] < -1:
                order[places[by]] = own[i]
                places[by] += 1
        for i in range(begin, kept):
            cells[i] = cells[i - 1] if i > begin and rater[order[i]] == rater[order[i - 1]] else i
        for i in range(last - first):
            sizes[rater[own[i]]] = 0
        first = last
    found[0] = kept


def count_units(kind: _Ints, cluster: _Ints, clusters: int, pair: _Ints, outcome: _Ints, table: _Ints) -> None:
    """table[unit, outcome] += 1, a unit being a pair and a cluster; `pair` and `outcome` are those of kinds."""
    for vote in range(len(kind)):
        table[pair[kind[vote]] * clusters + cluster[vote], outcome[kind[vote]]] += 1
