"""The fast reader of CSV files and the careful one agree on every file that both can read."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.stats import vote_file
from analysis.stats.vote_columns import text
from tests.analysis.stats.planted import COLUMNS

value = st.text(st.sampled_from("ab ,\"\n'\\;é\t#NA0"), max_size=6)
rows = st.lists(st.lists(value, min_size=len(COLUMNS), max_size=len(COLUMNS)), min_size=1, max_size=5)


@given(rows=rows, line_end=st.sampled_from(["\n", "\r\n"]), mark=st.sampled_from(["", "\ufeff"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_both_read_the_same(tmp_path: Path, rows: list[list[str]], line_end: str, mark: str) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=line_end).writerows([COLUMNS, *rows])
    path = tmp_path / "votes.csv"
    path.write_text(mark + buffer.getvalue(), encoding="utf-8", newline="")
    fast = vote_file._strict_columns(path, list(COLUMNS))
    careful = vote_file._careful_columns(path, COLUMNS)
    for i, name in enumerate(COLUMNS):
        assert list(text(fast[name])) == list(text(careful[name])) == [row[i] for row in rows]


def test_a_well_formed_file_needs_no_care(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "votes.csv"
    path.write_text(",".join(COLUMNS) + '\nq,"a cat, sitting",a,b,left,r\n')
    monkeypatch.setattr(vote_file, "_careful_columns", lambda *_: pytest.fail("read with care"))
    assert list(text(vote_file.read_csv(path).columns["prompt_id"])) == ["a cat, sitting"]
