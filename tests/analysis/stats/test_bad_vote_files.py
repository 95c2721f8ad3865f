from __future__ import annotations

from pathlib import Path

import pytest

from analysis.stats import NoVotesError, VoteFileError, VoteTable

HEADER = "question,prompt_id,system_left,system_right,outcome,rater"
GOOD = "q,p,a,b,left,r"
NO_COLUMNS = (
    'votes.csv: no columns "question", "prompt_id", "system_left", "system_right", "outcome" and "rater"; '
    "required are question, prompt_id, system_left, system_right, outcome and rater"
)

CASES = {
    "nothing at all": ("", "votes.csv: the file is empty; the first row must name the columns."),
    "only blank lines": ("\n\n", "votes.csv: the file is empty; the first row must name the columns."),
    "a first row of spaces": (
        f"\n \n{HEADER}\n{GOOD}\n",
        "votes.csv: row 2 is blank; the first row must name the columns.",
    ),
    "a first row of commas": (
        f",,,,,\n{HEADER}\n{GOOD}\n",
        "votes.csv: row 1 is blank; the first row must name the columns.",
    ),
    "only a header": (f"{HEADER}\n", "votes.csv: no votes: there are no rows below the header."),
    "a column missing": (
        "question,prompt_id,system_left,system_right,outcome\nq,p,a,b,left\n",
        'votes.csv: no column "rater"; required are question, prompt_id, system_left, system_right, outcome and rater; '
        'found: "question", "prompt_id", "system_left", "system_right" and "outcome".',
    ),
    "another kind of file": (
        "model_a,model_b,winner\na,b,model_a\n",
        f'{NO_COLUMNS}; found: "model_a", "model_b" and "winner".',
    ),
    "semicolons": (
        f"{HEADER}\n{GOOD}\n".replace(",", ";"),
        f'{NO_COLUMNS}; found: "{HEADER.replace(",", ";")}"; separate columns by commas, not by semicolons.',
    ),
    "tabs": (
        f"{HEADER}\n{GOOD}\n".replace(",", "\t"),
        f'{NO_COLUMNS}; found: "{HEADER.replace(",", chr(9))}"; separate columns by commas, not by tabs.',
    ),
    "what Excel writes first": (
        f"sep=;\n{HEADER}\n{GOOD}\n",
        f'{NO_COLUMNS}; found: "sep=;"; separate columns by commas, not by semicolons.',
    ),
    "a header of many long names": (
        ",".join(f"{number}{'x' * 60}" for number in range(12)),
        f"{NO_COLUMNS}; found: " + ", ".join(f'"{number}{"x" * 59}…"' for number in range(10)) + " and 2 more.",
    ),
    "a column twice": (
        f"{HEADER},rater\n{GOOD},r\n",
        'votes.csv: column "rater" occurs 2 times; once is allowed.',
    ),
    "an unknown outcome": (
        f"{HEADER}\n{GOOD}\nq,p,a,b,Left,r\n",
        'votes.csv: outcome is "Left" in row 3; allowed are left, right, tie and both_bad.',
    ),
    "many unknown outcomes": (
        f"{HEADER}\n" + "".join(f"q,p,a,b,{i % 5},r\n" for i in range(15)),
        'votes.csv: outcome is "0", "1", "2" and 2 more in rows 2, 3, 4 and 12 more; '
        "allowed are left, right, tie and both_bad.",
    ),
    "a system against itself": (
        f"{HEADER}\nq,p,a@1,a@1,tie,r\n{GOOD}\nq,p,b,b,left,r\n",
        'votes.csv: a system is compared with itself in rows 2 and 4 ("a@1" and "b"); '
        "system_left and system_right must differ.",
    ),
    "an unknown mark of exclusion": (
        f"{HEADER},excluded\n{GOOD},true\n{GOOD},yes\n",
        'votes.csv: excluded is "yes" in row 3; allowed are true, false and nothing.',
    ),
    "an unknown kind of rater": (
        f"{HEADER},rater_kind\n{GOOD},person\n{GOOD},robot\n",
        'votes.csv: rater_kind is "robot" in row 3; allowed are person, simulated and nothing.',
    ),
    "an impossible probability": (
        f"{HEADER},probability\n{GOOD},0.25\n{GOOD},0\n{GOOD},\n{GOOD},1.01\n{GOOD},half\n{GOOD},1\n",
        'votes.csv: probability is "0", "1.01" and "half" in rows 3, 5 and 6; '
        "allowed are numbers above 0 up to 1 and nothing.",
    ),
    "a negative response time": (
        f"{HEADER},response_ms\n{GOOD},12.5\n{GOOD},\n{GOOD},-1\n{GOOD},nan\n{GOOD},fast\n",
        'votes.csv: response_ms is "-1", "nan" and "fast" in rows 4, 5 and 6; allowed are numbers from 0 and nothing.',
    ),
    "no time": (
        f"{HEADER},answered_at\n{GOOD},2026-01-02T03:04:05Z\n{GOOD},\n{GOOD},yesterday\n",
        'votes.csv: answered_at is "yesterday" in row 4; allowed are times as ISO 8601 writes them and nothing.',
    ),
    "an empty rater": (
        f"{HEADER}\n{GOOD}\nq,p,a,b,left,\n{GOOD}\nq,p,a,b,left, \n",
        "votes.csv: rater is empty in rows 3 and 5; every vote needs one.",
    ),
    "a short row": (
        f"{HEADER}\nq,p,a,b,left\n",
        "votes.csv: rater is empty in row 2; every vote needs one.",
    ),
    "a vote twice": (
        f"vote_id,{HEADER}\nv1,{GOOD}\nv2,{GOOD}\nv1,{GOOD}\n",
        'votes.csv: vote_id "v1" is repeated in rows 2 and 4; each must be unique.',
    ),
    "many votes twice": (
        f"vote_id,{HEADER}\n" + f"v1,{GOOD}\nv2,{GOOD}\n" * 2,
        'votes.csv: vote_id "v1" and "v2" are repeated in rows 2, 3, 4 and 1 more; each must be unique.',
    ),
    "a vote without its id": (
        f"vote_id,{HEADER}\nv1,{GOOD}\n,{GOOD}\n",
        "votes.csv: vote_id is empty in row 3; fill the column or leave it out.",
    ),
    "a comma too many": (
        f"{HEADER}\n{GOOD}\nq,a cat, sitting,a,b,left,r\n{GOOD}\n",
        "votes.csv: more than the header's 6 fields in row 3; quote values that hold commas.",
    ),
    "a comma too many in every row": (
        f"{HEADER}\nq,a cat, sitting,a,b,left,r\n",
        "votes.csv: more than the header's 6 fields in row 2; quote values that hold commas.",
    ),
    "an open quotation": (
        f'{HEADER}\nq,"a cat,a,b,left,r\n',
        "votes.csv: not a CSV file: a quotation mark is not closed.",
    ),
    "an open quotation in a long file": (
        f'{HEADER}\nq,"a cat,a,b,left,r\n' + f"{GOOD}\n" * 20_000,
        "votes.csv: not a CSV file: a quotation mark is not closed.",
    ),
    "a wrong row after a long value that nobody reads": (
        f"{HEADER},note\n{GOOD},{'x' * 200_000}\nq,p,a,b,LEFT,r,\n",
        'votes.csv: outcome is "LEFT" in row 3; allowed are left, right, tie and both_bad.',
    ),
    "row numbers after a line break in a value": (
        f'{HEADER}\nq,"two\nlines",a,b,left,r\n\n{GOOD}\nq,p,a,b,neither,r\n',
        'votes.csv: outcome is "neither" in row 6; allowed are left, right, tie and both_bad.',
    ),
}


@pytest.mark.parametrize(("text", "message"), CASES.values(), ids=CASES)
def test_the_message_says_what_is_wrong_and_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "votes.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(VoteFileError) as error:
        VoteTable.from_csv(path)
    assert str(error.value) == message
    assert isinstance(error.value, NoVotesError) == ("no votes" in message)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("rows", [0, 3000])
def test_bytes_that_are_not_utf8_are_named_with_their_row(tmp_path: Path, rows: int, line_end: str) -> None:
    path = tmp_path / "votes.csv"
    before = line_end.join([HEADER, *["q,naïve,a,b,left,r"] * rows, ""])
    path.write_bytes(before.encode() + b"q,caf\xe9,a,b,left,r" + line_end.encode())
    with pytest.raises(VoteFileError, match=rf"^votes\.csv: row {rows + 2} is not UTF-8 \(byte 0xe9\)\.$"):
        VoteTable.from_csv(path)


def test_a_column_that_nobody_reads_may_hold_any_bytes(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    rows = [f"{HEADER},note", *[f"{GOOD},x"] * 3000, "q,p,a,b,Left,r,"]
    path.write_bytes("\n".join(rows).encode() + b"caf\xe9\n")
    with pytest.raises(VoteFileError, match=r'^votes\.csv: outcome is "Left" in row 3002; allowed'):
        VoteTable.from_csv(path)


@pytest.mark.parametrize("column", ["excluded", "rater_kind", "probability", "response_ms", "answered_at", "category"])
def test_an_optional_value_may_be_missing(tmp_path: Path, column: str) -> None:
    path = tmp_path / "votes.csv"
    path.write_text(f"{HEADER},{column}\n{GOOD},\n", encoding="utf-8")
    assert len(VoteTable.from_csv(path)) == 1


@pytest.mark.parametrize(("name", "reason"), [("missing.csv", "No such file or directory"), (".", "Is a directory")])
def test_a_path_that_cannot_be_read_is_named(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / name
    with pytest.raises(VoteFileError) as error:
        VoteTable.from_csv(path)
    assert str(error.value) == f"{path.name}: cannot be read: {reason}."


def test_columns_name_their_source_and_count_rows_from_one() -> None:
    columns = dict(zip(HEADER.split(","), [["q"] * 2, ["p"] * 2, "aa", "ba", ["tie"] * 2, "rr"], strict=True))
    with pytest.raises(VoteFileError) as error:
        VoteTable.from_columns(columns, source="study demo")
    assert str(error.value) == (
        'study demo: a system is compared with itself in row 2 ("a"); system_left and system_right must differ.'
    )
