"""A report's tables for a paper: LaTeX with booktabs, one file each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.reporting.blocks import Cell, Table

MOST_ROWS = 40  # on one page; more rows break over pages
_PACKAGES = "% \\usepackage{booktabs}"
_ESCAPED = {
    "\\": "\\textbackslash{}",
    "{": "\\{",
    "}": "\\}",
    "&": "\\&",
    "%": "\\%",
    "$": "\\$",
    "#": "\\#",
    "_": "\\_",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "{\\ttfamily\\char34}",  # straight in every font encoding
    "[": "{[}",  # after the end of a row it would be an argument, and so would the star
    "*": "{*}",
    "–": "\\textendash{}",
    "`": "\\textasciigrave{}",
    "±": "$\\pm$",
    "×": "$\\times$",
    "−": "$-$",
}
_TRANSLATION = str.maketrans(_ESCAPED)
_LIGATING = "[-‐‑–`‘'’,<>?!]"  # of which some two become another sign in some font, such as a dash
_BETWEEN_TWO = re.compile(f"(?<={_LIGATING})(?={_LIGATING})")
_APART = "{\\kern0pt}"  # of empty braces nothing is left where TeX tries to hyphenate


def latex(table: Table) -> str:
    return "\n".join([*(_long if len(table.rows) > MOST_ROWS else _floating)(table), ""])


def escaped(text: str) -> str:
    """Whatever a text holds, LaTeX prints it where the font has its letters; line breaks become spaces."""
    parts = _BETWEEN_TWO.split(" ".join(text.split()))
    return _APART.join(part.translate(_TRANSLATION) for part in parts)


def _floating(table: Table) -> Iterator[str]:
    yield _PACKAGES
    yield "\\begin{table}"
    yield "  \\centering"
    yield f"  \\caption{{{escaped(table.caption)}}}"
    yield f"  \\label{{tab:{table.key}}}"
    yield f"  \\begin{{tabular}}{{{_alignment(table)}}}"
    yield "    \\toprule"
    yield f"    {_header(table)}"
    yield "    \\midrule"
    yield from (f"    {_row(row)}" for row in table.rows)
    yield "    \\bottomrule"
    yield "  \\end{tabular}"
    yield "\\end{table}"


def _long(table: Table) -> Iterator[str]:
    yield f"{_PACKAGES} \\usepackage{{longtable}}"
    yield f"\\begin{{longtable}}{{{_alignment(table)}}}"
    yield f"  \\caption{{{escaped(table.caption)}}} \\label{{tab:{table.key}}} \\\\"
    for end in ("\\endfirsthead", "\\endhead"):
        yield "  \\toprule"
        yield f"  {_header(table)}"
        yield "  \\midrule"
        yield f"  {end}"
    yield "  \\bottomrule"
    yield "  \\endlastfoot"
    yield from (f"  {_row(row)}" for row in table.rows)
    yield "\\end{longtable}"


def _alignment(table: Table) -> str:
    return "".join("r" if column.is_number else "l" for column in table.columns)


def _header(table: Table) -> str:
    return " & ".join(escaped(column.title) for column in table.columns) + " \\\\"


def _row(row: tuple[Cell, ...]) -> str:
    cells = (f"\\texttt{{{escaped(cell.text)}}}" if cell.is_code else escaped(cell.text) for cell in row)
    return " & ".join(cells) + " \\\\"
