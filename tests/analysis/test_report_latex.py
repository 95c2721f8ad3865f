"""Tables for a paper: whatever a text holds, it stays what it is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.reporting.blocks import Cell, Table, code, number, table, words
from analysis.reporting.latex import _APART, _ESCAPED, MOST_ROWS, escaped, latex

LIGATING = "-–`‘'’,<>?!"
MEANINGS = {replacement: character for character, replacement in _ESCAPED.items()}
COMMANDS = "|".join(re.escape(replacement) for replacement in sorted([*MEANINGS, _APART], key=len, reverse=True))


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
    assert "".join(printed(made)) == text
    bare = re.sub(COMMANDS, "", made)
    assert not set(bare) & set('\\{}&%$#_~^<>|"[*`–')


@given(st.text(LIGATING + "a"))
def test_no_two_signs_become_another(text: str) -> None:
    assert not any(re.search(f"[{LIGATING}]{{2}}", part) for part in printed(escaped(text)))


def printed(made: str) -> list[str]:
    """The texts between which TeX is told to form no ligature."""
    return [re.sub(COMMANDS, lambda found: MEANINGS[found[0]], part) for part in made.split(_APART)]


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("--ar 16:9", r"-{\kern0pt}-ar 16:9"),
        ("don't, one-step: -0.5", "don't, one-step: -0.5"),
        ("``so''", r"\textasciigrave{}{\kern0pt}\textasciigrave{}so'{\kern0pt}'"),
        ("<<", r"\textless{}{\kern0pt}\textless{}"),
        ("–-", r"\textendash{}{\kern0pt}-"),
        ("?`", r"?{\kern0pt}\textasciigrave{}"),
    ],
)
def test_only_what_would_become_another_sign_is_kept_apart(text: str, made: str) -> None:
    assert escaped(text) == made


def test_line_breaks_do_not_end_a_row() -> None:
    assert escaped("one\n\ntwo\\\\") == r"one two\textbackslash{}\textbackslash{}"
    assert latex(Table("t", "c", small(1).columns[:1], ((Cell("a\nb"),),))).count(r"a b \\") == 1
