"""Columns of text as codes into names, so that ten million votes are checked by looking at their few different values.

Columns arrive as Arrow's chunked arrays: dictionaries where the reader made them, else text, numbers, true or false, or
times. Text stands for itself and a missing value for nothing; other values are written as Python writes them, but 1.0
as 1: a column with missing values is often one of fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Chunk = tuple[list[str], npt.NDArray[Any]]
RowMask = npt.NDArray[np.bool_]
_NOT_TEXT = (pa.types.is_nested, pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)


@dataclass(frozen=True, eq=False)
class Column:
    """The text of N votes: sorted `names`, and the code (N,) of each vote's."""

    names: tuple[str, ...]
    codes: npt.NDArray[np.intp]

    def where(self, is_wrong: Callable[[str], bool]) -> RowMask:
        """Which votes (N,) have a name of that kind."""
        wrong = np.array([is_wrong(name) for name in self.names], dtype=np.bool_)
        return wrong[self.codes] if wrong.any() else np.zeros(len(self.codes), dtype=np.bool_)

    def found(self, rows: RowMask) -> list[str]:
        """The different names of these votes, in the order in which they first occur, in quotation marks."""
        codes, first = np.unique(self.codes[rows], return_index=True)
        return [f'"{self.names[code]}"' for code in codes[np.argsort(first)]]


class TextColumns(Mapping[str, npt.NDArray[np.object_]]):
    """Columns that become arrays of text only when they are asked for."""

    def __init__(self, columns: Mapping[str, pa.ChunkedArray]) -> None:
        self._columns = dict(columns)

    def __getitem__(self, name: str) -> npt.NDArray[np.object_]:
        return text(self._columns[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


class SomeRows(Mapping[str, npt.NDArray[np.object_]]):
    """The rows of other columns where `rows` (N,) is true, taken when they are asked for."""

    def __init__(self, columns: Mapping[str, npt.NDArray[np.object_]], rows: RowMask) -> None:
        self._columns, self._rows = columns, rows

    def __getitem__(self, name: str) -> npt.NDArray[np.object_]:
        chosen: npt.NDArray[np.object_] = self._columns[name][self._rows]
        return chosen

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


def is_textual(kind: pa.DataType) -> bool:
    """Whether values of this type can be written as text."""
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    return not any(test(values) for test in _NOT_TEXT)


def is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def coded(*columns: pa.ChunkedArray) -> list[Column]:
    """Columns of codes into one tuple of names, those that occur in any of them."""
    chunks = [list(_coded_chunks(column)) for column in columns]
    names = sorted({name for column in chunks for known, codes in column for name in _occurring(known, codes)})
    number = {name: code for code, name in enumerate(names)}
    return [Column(tuple(names), _joined(column, number)) for column in chunks]


def _joined(chunks: Sequence[Chunk], number: Mapping[str, int]) -> npt.NDArray[np.intp]:
    found = np.empty(sum(len(codes) for _, codes in chunks), dtype=np.intp)
    start = 0
    for known, codes in chunks:
        lookup = np.array([number.get(name, 0) for name in known], dtype=np.intp)
        np.take(lookup, codes, out=found[start : start + len(codes)], mode="clip")  # the mode that needs no buffer
        start += len(codes)
    return found


def text(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    """Every value (N,) as text."""
    parts = [np.array(known, dtype=object)[codes] for known, codes in _coded_chunks(column)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=object)


def _coded_chunks(column: pa.ChunkedArray) -> Iterator[Chunk]:
    """Of each chunk the names that it knows, the last of them empty, and the codes of its values."""
    for chunk in column.chunks:
        encoded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        known = [written(value) for value in encoded.dictionary.to_pylist()]
        indices = encoded.indices
        if indices.null_count:
            indices = indices.cast(pa.int64()).fill_null(len(known))
        yield [*known, ""], np.from_dlpack(indices)


def _occurring(known: Sequence[str], codes: npt.NDArray[Any]) -> Iterator[str]:
    return (known[int(code)] for code in np.flatnonzero(np.bincount(codes, minlength=len(known))))


def written(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and value.is_integer():
        return str(int(value))
    is_missing = value is None or value != value  # noqa: PLR0124 - NaN alone differs from itself
    return "" if is_missing else str(value)
