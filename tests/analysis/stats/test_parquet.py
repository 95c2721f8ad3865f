"""A Parquet file of votes is read, checked and told about as the same votes in CSV are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from analysis.stats import NoVotesError, VoteFileError, VoteTable
from tests.analysis.stats.planted import COLUMNS

ROWS = [
    ("q", "2", "b", "a", "left", "zoe"),
    ("q", "10", "a", "c", "both_bad", "amy"),
    ("p", "2", "c", "b", "tie", "zoe"),
    ("q", "7", "a", "b", "right", "bo"),
]


def columns(**more: Any) -> dict[str, Any]:
    return {name: [row[i] for row in ROWS] for i, name in enumerate(COLUMNS)} | more


def written(folder: Path, content: dict[str, Any], rows_together: int = 2) -> Path:
    path = folder / "votes.parquet"
    parquet.write_table(pa.table(content), path, row_group_size=rows_together)
    return path


def assert_same(one: VoteTable, other: VoteTable) -> None:
    for names in ("questions", "prompts", "raters", "systems"):
        assert getattr(one, names) == getattr(other, names)
    for codes in ("question", "prompt", "rater", "system_left", "system_right", "outcome"):
        np.testing.assert_array_equal(getattr(one, codes), getattr(other, codes))
    assert {name: list(values) for name, values in one.optional.items()} == {
        name: list(values) for name, values in other.optional.items()
    }


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())],
    ids=["text", "large text", "categories"],
)
@pytest.mark.parametrize("rows_together", [1, 2, 4])
def test_text_and_categories_make_the_table_that_columns_make(
    tmp_path: Path, kind: pa.DataType, rows_together: int
) -> None:
    arrays = {name: pa.array(values).cast(kind) for name, values in columns().items()}
    found = VoteTable.from_file(written(tmp_path, arrays, rows_together))
    assert_same(found, VoteTable.from_columns(columns()))


def test_numbers_times_and_nulls_become_text(tmp_path: Path) -> None:
    now = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    more = {
        "vote_id": [4, 3, 2, 1],
        "response_ms": [1200, None, 1200, 5],
        "answered_at": [now, None, now, now],
        "probability": [0.5, 1.0, 0.25, 0.5],
        "colour": [[1], [2], [3], [4]],
    }
    votes = VoteTable.from_file(written(tmp_path, columns(prompt_id=[2, 10, 2, 7], **more)))
    assert votes.prompts == ("10", "2", "7")
    assert list(votes.optional["vote_id"]) == ["4", "3", "2", "1"]
    assert list(votes.optional["response_ms"]) == ["1200", "", "1200", "5"]
    assert list(votes.optional["answered_at"])[:2] == ["2026-01-02 03:04:00+00:00", ""]
    assert list(votes.optional["probability"]) == ["0.5", "1", "0.25", "0.5"]
    assert "colour" not in votes.optional


def test_excluded_may_be_true_and_false(tmp_path: Path) -> None:
    path = written(tmp_path, columns(excluded=[False, True, None, False]))
    votes = VoteTable.from_file(path)
    assert (votes.raters, votes.prompts, len(votes)) == (("bo", "zoe"), ("2", "7"), 3)
    assert len(VoteTable.from_file(path, with_excluded=True)) == 4


def test_columns_follow_the_rows_that_are_chosen(tmp_path: Path) -> None:
    votes = VoteTable.from_file(written(tmp_path, columns(session=["s1", "s2", "s3", "s4"])))
    asked = votes.split_by_question()["q"]
    assert list(asked.optional["session"]) == ["s1", "s2", "s4"]
    assert list(asked.counted().optional["session"]) == ["s1", "s4"]


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown outcome": (
        columns(outcome=["left", "right", "win", "win"]),
        'votes.parquet: outcome is "win" in rows 3 and 4; allowed are left, right, tie and both_bad.',
    ),
    "no rater": (
        columns(rater=["r", None, "s", " "]),
        "votes.parquet: rater is empty in rows 2 and 4; every vote needs",
    ),
    "against itself": (
        columns(system_right=["b", "c", "b", "b"]),
        'votes.parquet: a system is compared with itself in row 1 ("b"); system_left and system_right must differ.',
    ),
    "a vote twice": (
        columns(vote_id=[7, 8, 9, 7]),
        'votes.parquet: vote_id "7" is repeated in rows 1 and 4; each must be unique.',
    ),
    "a vote without its id": (
        columns(vote_id=["v1", "v2", " ", None]),
        "votes.parquet: vote_id is empty in rows 3 and 4; fill the column or leave it out.",
    ),
    "a column missing": (
        {name: values for name, values in columns().items() if name != "rater"},
        'votes.parquet: no column "rater"; required are',
    ),
    "a list": (
        columns(rater=[["r"]] * 4),
        "votes.parquet: column rater holds list<element: string>; allowed are text, numbers, true or false, and times.",
    ),
    "an impossible probability": (
        columns(probability=[0.5, 0.0, 1.5, 1.0]),
        'votes.parquet: probability is "0" and "1.5" in rows 2 and 3; allowed are numbers above 0 up to 1 and nothing.',
    ),
    "a time that no calendar has": (
        columns(answered_at=pa.array([10**15] * 4, pa.timestamp("ms"))),
        "votes.parquet: column answered_at holds timestamp[ms] that cannot be written; allowed are the years 1 to 9999",
    ),
    "nothing": (
        columns(**{name: pa.array([], pa.string()) for name in COLUMNS}),
        "votes.parquet: no votes: the file has",
    ),
}


@pytest.mark.parametrize(("content", "message"), CASES.values(), ids=CASES)
def test_the_message_says_what_is_wrong_and_where(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(VoteFileError) as error:
        VoteTable.from_file(path)
    assert str(error.value).startswith(message)
    assert isinstance(error.value, NoVotesError) == ("no votes" in message)


def test_a_column_twice_is_told(tmp_path: Path) -> None:
    names = [*COLUMNS, "rater"]
    path = tmp_path / "votes.pq"
    parquet.write_table(pa.table([pa.array(["x"])] * len(names), names=names), path)
    with pytest.raises(VoteFileError, match=r'^votes\.pq: column "rater" occurs 2 times; once is allowed\.$'):
        VoteTable.from_file(path)


def test_what_is_no_parquet_file_or_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "votes.parquet"
    with pytest.raises(VoteFileError, match=r"^votes\.parquet: cannot be read: No such file or directory\.$"):
        VoteTable.from_file(path)
    path.write_text("question,prompt_id\n")
    with pytest.raises(VoteFileError, match=r"^votes\.parquet: not a Parquet file, or a damaged one\.$"):
        VoteTable.from_file(path)


def test_a_damaged_page_is_told_with_its_column(tmp_path: Path) -> None:
    path = written(tmp_path, columns())
    whole = path.read_bytes()
    path.write_bytes(whole[:8] + bytes(byte ^ 0xFF for byte in whole[8:40]) + whole[40:])
    with pytest.raises(VoteFileError, match=r"^votes\.parquet: the file is damaged: column question cannot be read\.$"):
        VoteTable.from_file(path)


@pytest.mark.parametrize("byte", [0x00, 0x80, 0xFF])
def test_a_damaged_file_is_refused_in_a_sentence_or_read(tmp_path: Path, byte: int) -> None:
    path = written(tmp_path, columns(vote_id=["v1", "v2", "v3", "v4"], answered_at=[datetime.now(UTC)] * 4))
    whole, refused = path.read_bytes(), 0
    for place in range(0, len(whole), len(whole) // 150):
        path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
        try:
            dict(VoteTable.from_file(path).optional)
        except VoteFileError as error:
            refused += str(error).startswith("votes.parquet: ")
    assert refused > 50


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_a_whole_number_is_the_same_name_in_every_type(tmp_path: Path, kind: pa.DataType) -> None:
    left, right = pa.array([1, 4, 1, 4]), pa.array([4.0, 1.0, 4.0, 2.5]).cast(kind)
    votes = VoteTable.from_file(written(tmp_path, columns(system_left=left, system_right=right)))
    assert votes.systems == ("1", "2.5", "4")
