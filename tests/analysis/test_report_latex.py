"""Tables for a paper: whatever a text holds, it stays what it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.reporting.blocks import Cell, Table, code, number, table, words
from analysis.reporting.latex import _ESCAPED, MOST_ROWS, escaped, latex


def small(rows: int) -> Table:
    lines = [(words(f"system_{i}"), number(0.5 + i / 1000, 3), code("a#b")) for i in range(rows)]
    return table("quality_leaderboard", "Leaderboard, 95% & more.", ["System", "#Win rate", "Hash"], lines)


def test_a_table_is_booktabs_with_caption_and_label() -> None:
    assert latex(small(1)).splitlines() == [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        r"  \caption{Leaderboard, 95\% \& more.}",
        r"  \label{tab:quality_leaderboard}",
        r"  \begin{tabular}{lrl}",
        r"    \toprule",
        r"    System & Win rate & Hash \\",
        r"    \midrule",
        r"    system\_0 & 0.500 & \texttt{a\#b} \\",
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]


@pytest.mark.parametrize("rows", [MOST_ROWS, MOST_ROWS + 1])
def test_a_long_table_breaks_over_pages(rows: int) -> None:
    made = latex(small(rows))
    assert ("longtable" in made) == (rows > MOST_ROWS)
    assert made.count("system\\_") == rows
    assert made.count(r"\toprule") == (2 if rows > MOST_ROWS else 1)  # on the first page and on the others


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"])))
def test_escaping_loses_nothing(text: str) -> None:
    made = escaped(text)
    meanings = {replacement: character for character, replacement in _ESCAPED.items()}
    pattern = "|".join(re.escape(replacement) for replacement in sorted(meanings, key=len, reverse=True))
    assert re.sub(pattern, lambda found: meanings[found[0]], made) == text
    bare = re.sub(pattern, "", made)
    assert not set(bare) & set('\\{}&%$#_~^<>|"[*')


def test_line_breaks_do_not_end_a_row() -> None:
    assert escaped("one\n\ntwo\\\\") == r"one two\textbackslash{}\textbackslash{}"
    assert latex(Table("t", "c", small(1).columns[:1], ((Cell("a\nb"),),))).count(r"a b \\") == 1
