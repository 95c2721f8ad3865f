"""What a report is made of. HTML, PDF and LaTeX each draw these, so that nothing is said twice.

Texts are plain: whoever draws them escapes them. Nothing here knows the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

SHORT = 24
NONE = "–"  # in tables, where the votes do not determine a number


@dataclass(frozen=True)
class Cell:
    """`text` is what is read; `values` are the numbers in it, in full; codes are hashes, keys and names of files."""

    text: str
    values: tuple[float, ...] = ()
    is_code: bool = False

    @property
    def is_short(self) -> bool:
        """Short enough to stay on one line."""
        return len(self.text) <= SHORT

    @property
    def data(self) -> str:
        """The values for a program to read, each with all its digits."""
        return " ".join(map(repr, self.values))


@dataclass(frozen=True)
class Column:
    title: str
    is_number: bool = False


@dataclass(frozen=True)
class Heading:
    kind: ClassVar[str] = "heading"
    text: str
    level: int = 1

    @property
    def anchor(self) -> str:
        return "-".join("".join(letter if letter.isalnum() else " " for letter in self.text.lower()).split())


@dataclass(frozen=True)
class Paragraph:
    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Notice:
    """What a reader must know before believing the rest."""

    kind: ClassVar[str] = "notice"
    text: str


@dataclass(frozen=True)
class Items:
    kind: ClassVar[str] = "items"
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Definitions:
    kind: ClassVar[str] = "definitions"
    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class Quotation:
    """Words as raters read them, line by line, in the language of the study."""

    kind: ClassVar[str] = "quotation"
    title: str
    lines: tuple[str, ...]
    language: str


@dataclass(frozen=True)
class Table:
    """`key` names its file."""

    kind: ClassVar[str] = "table"
    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def marked_rows(self) -> list[list[tuple[Column, Cell]]]:
        """Each cell with its column."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Figure:
    """A drawing as SVG; `description` is for those who do not see it."""

    kind: ClassVar[str] = "figure"
    key: str
    caption: str
    description: str
    svg: str


Block = Heading | Paragraph | Notice | Items | Definitions | Quotation | Table | Figure


@dataclass(frozen=True)
class Report:
    title: str
    subtitle: str
    written_at: datetime
    blocks: tuple[Block, ...]

    @property
    def headings(self) -> list[Heading]:
        return [block for block in self.blocks if isinstance(block, Heading) and block.level == 1]

    @property
    def tables(self) -> list[Table]:
        return [block for block in self.blocks if isinstance(block, Table)]

    @property
    def figures(self) -> list[Figure]:
        return [block for block in self.blocks if isinstance(block, Figure)]


def words(text: object) -> Cell:
    return Cell(str(text))


def code(text: str) -> Cell:
    return Cell(text, is_code=True)


def count(value: int) -> Cell:
    return Cell(str(value), (value,))


def number(value: float | None, digits: int) -> Cell:
    return Cell(NONE) if value is None else Cell(shown(value, digits), (value,))


def interval(low: float | None, high: float | None, digits: int) -> Cell:
    if low is None or high is None:
        return Cell(NONE)
    return Cell(f"{shown(low, digits)} to {shown(high, digits)}", (low, high))


def probability(value: float | None) -> Cell:
    """Of a test: smaller ones than a thousandth are only said to be so."""
    if value is None or value >= 0.001:
        return number(value, 3)
    return Cell("< 0.001", (value,))


def shown(value: float, digits: int) -> str:
    """Never "-0.0"."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def table(key: str, caption: str, columns: Sequence[str], rows: Iterable[Iterable[Cell]]) -> Table:
    """A title with "#" before it is that of a column of numbers."""
    heads = tuple(Column(title.removeprefix("#"), title.startswith("#")) for title in columns)
    return Table(key, caption, heads, tuple(tuple(row) for row in rows))


def definitions(*rows: tuple[str, Cell | str]) -> Definitions:
    return Definitions(tuple((term, words(cell) if isinstance(cell, str) else cell) for term, cell in rows))
