from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import csv, parquet

from analysis.stats import NoVotesError, VoteTable
from tests.analysis.stats.planted import COLUMNS, table

HEADER = ",".join(COLUMNS)


def written(folder: Path, text: str) -> Path:
    path = folder / "votes.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_names_are_sorted_and_codes_point_to_them(tmp_path: Path) -> None:
    votes = VoteTable.from_csv(
        written(tmp_path, f"{HEADER}\nquality,p2,beta,alpha,left,zoe\nadherence,p1,alpha,gamma,both_bad,amy\n")
    )
    assert votes.questions == ("adherence", "quality")
    assert votes.systems == ("alpha", "beta", "gamma")
    assert [votes.systems[i] for i in votes.system_left] == ["beta", "alpha"]
    assert [votes.systems[i] for i in votes.system_right] == ["alpha", "gamma"]
    assert [votes.raters[i] for i in votes.rater] == ["zoe", "amy"]
    assert [votes.prompts[i] for i in votes.prompt] == ["p2", "p1"]
    assert votes.left_score[0] == 1
    assert np.isnan(votes.left_score[1])


def test_values_stay_the_text_that_they_are(tmp_path: Path) -> None:
    votes = VoteTable.from_csv(written(tmp_path, f"{HEADER}\nnull,007,1e5,NA,tie,nan\n1.0,7,True,1e5,left,None\n"))
    assert votes.systems == ("1e5", "NA", "True")
    assert votes.prompts == ("007", "7")
    assert votes.raters == ("None", "nan")
    assert votes.questions == ("1.0", "null")


def test_spreadsheets_marks_quotes_and_line_ends_are_understood(tmp_path: Path) -> None:
    text = f'\ufeff{HEADER}\r\n\r\nq,"a cat, sitting\non ""it""",a,b,left,r\r\n'
    votes = VoteTable.from_csv(written(tmp_path, text))
    assert votes.prompts == ('a cat, sitting\non "it"',)


def test_optional_columns_are_kept_and_unknown_ones_ignored(tmp_path: Path) -> None:
    text = f"colour,{HEADER},response_ms,vote_id\nred,q,p,a,b,left,r,,v1\nred,q,p,a,b,left,r,1200,v2\n"
    votes = VoteTable.from_csv(written(tmp_path, text))
    assert {name: list(column) for name, column in votes.optional.items()} == {
        "response_ms": ["", "1200"],
        "vote_id": ["v1", "v2"],
    }


def test_excluded_votes_are_left_out(tmp_path: Path) -> None:
    text = f"{HEADER},excluded\nq,p1,a,b,left,r,true\nq,p2,a,b,left,r,false\nq,p3,a,b,left,r,\n"
    votes = VoteTable.from_csv(written(tmp_path, text))
    assert votes.prompts == ("p2", "p3")
    assert not votes.optional
    everything = VoteTable.from_csv(tmp_path / "votes.csv", with_excluded=True)
    assert everything.prompts == ("p1", "p2", "p3")


@pytest.mark.parametrize(("rows", "found"), [(1, "1 excluded one"), (3, "3 excluded ones")])
def test_where_every_vote_is_excluded_the_file_is_not_called_empty(tmp_path: Path, rows: int, found: str) -> None:
    votes = written(tmp_path, "\n".join([f"{HEADER},excluded", *["q,p,a,b,left,r,true"] * rows]))
    parquet.write_table(csv.read_csv(votes), tmp_path / "votes.parquet")
    for name in ("votes.csv", "votes.parquet"):
        with pytest.raises(NoVotesError, match=rf"^{name}: no votes other than {found}\.$"):
            VoteTable.from_file(tmp_path / name)
        assert len(VoteTable.from_file(tmp_path / name, with_excluded=True)) == rows


def test_columns_and_frames_make_the_same_table_as_a_file(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {name: [f"{name}-1", f"{name}-2"] for name in COLUMNS}
    columns["outcome"] = ["tie", "left"]
    columns["prompt_id"] = [1, 2]
    columns["response_ms"] = [None, 5]
    columns["unknown"] = [[], {}]
    path = tmp_path / "votes.csv"
    pd.DataFrame(columns, dtype=object).to_csv(path, index=False)
    tables = [
        VoteTable.from_csv(path),
        VoteTable.from_columns(columns),
        VoteTable.from_frame(pd.DataFrame(columns, dtype=object)),
    ]
    for votes in tables:
        assert votes.prompts == ("1", "2")
        assert votes.outcome.tolist() == [2, 0]
        assert votes.optional["response_ms"].tolist() == ["", "5"]
        assert "unknown" not in votes.optional


def test_splitting_by_question_keeps_only_what_occurs_there() -> None:
    votes = VoteTable.from_columns(
        {
            "question": ["quality", "adherence", "quality"],
            "prompt_id": ["p", "q", "r"],
            "system_left": ["b", "a", "b"],
            "system_right": ["c", "b", "d"],
            "outcome": ["left", "tie", "right"],
            "rater": ["x", "y", "x"],
            "session": ["s1", "s2", "s3"],
        }
    )
    parts = votes.split_by_question()
    assert list(parts) == ["adherence", "quality"]
    quality = parts["quality"]
    assert len(quality) == 2
    assert quality.systems == ("b", "c", "d")
    assert quality.raters == ("x",)
    assert [quality.prompts[i] for i in quality.prompt] == ["p", "r"]
    assert [quality.systems[i] for i in quality.system_right] == ["c", "d"]
    assert quality.optional["session"].tolist() == ["s1", "s3"]


def test_counting_leaves_out_both_bad_and_who_has_nothing_else() -> None:
    votes = table(("p", "a", "b", "both_bad", "r"), ("p", "c", "b", "tie", "s"))
    counted = votes.counted()
    assert counted.systems == ("b", "c")
    assert counted.raters == ("s",)
    assert counted.counted() is counted


def test_a_table_may_be_empty() -> None:
    votes = table()
    assert len(votes) == 0
    assert votes.split_by_question() == {}
