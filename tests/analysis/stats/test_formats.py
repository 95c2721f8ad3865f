"""Votes as FastChat, evalica and Label Studio keep them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from analysis.stats.errors import NoVotesError, VoteFileError
from analysis.stats.formats import convert

BATTLES = [
    {"question_id": "q1", "model_a": "turbo", "model_b": "sdxl", "winner": "model_a", "judge": "ann", "turn": 1},
    {"question_id": "q2", "model_a": "sdxl", "model_b": "turbo", "winner": "tie", "judge": "bob", "turn": 1},
    {"question_id": "q2", "model_a": "sdxl", "model_b": "turbo", "winner": "tie (bothbad)", "judge": "ann", "turn": 1},
    {"question_id": "q1", "model_a": "turbo", "model_b": "sdxl", "winner": "model_b", "judge": "bob", "turn": 1},
]


def annotation(selected: str, by: Any = 3, **more: Any) -> dict[str, Any]:
    return {"completed_by": by, "result": [{"type": "pairwise", "value": {"selected": selected}}]} | more


TASKS: list[dict[str, Any]] = [
    {
        "id": 11,
        "data": {"prompt": "a fox", "prompt_id": "p7", "system_left": "turbo", "system_right": "sdxl"},
        "annotations": [annotation("left"), annotation("right", {"id": 4}), annotation("left", was_cancelled=True)],
    },
    {"id": 12, "data": {"system_left": "sdxl", "system_right": "turbo"}, "annotations": [annotation("left", 5)]},
]


CHOICE = {"type": "choices", "value": {"choices": ["left"]}}


def written(folder: Path, content: object, name: str = "votes.json") -> Path:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def rows(file: Path, form: str) -> list[tuple[str, ...]]:
    columns = ["prompt_id", "system_left", "system_right", "outcome", "rater"]
    return [tuple(row) for row in convert(file, form).frame[columns].to_numpy().tolist()]


@pytest.mark.parametrize("name", ["battles.json", "battles.jsonl", "battles.csv"])
def test_battles_of_fastchat(tmp_path: Path, name: str) -> None:
    content: object = BATTLES
    if name.endswith("jsonl"):
        content = "\n".join(json.dumps(battle) for battle in BATTLES)
    elif name.endswith("csv"):
        header = list(BATTLES[0])
        content = "\n".join([",".join(header), *(",".join(str(row[key]) for key in header) for row in BATTLES)])
    file = written(tmp_path, content, name)
    assert rows(file, "fastchat") == [
        ("q1", "turbo", "sdxl", "left", "ann"),
        ("q2", "sdxl", "turbo", "tie", "bob"),
        ("q2", "sdxl", "turbo", "both_bad", "ann"),
        ("q1", "turbo", "sdxl", "right", "bob"),
    ]
    assert convert(file, "fastchat").notes == []


def test_evalicas_votes_have_raters_and_prompts_of_their_own_where_none_are_named(tmp_path: Path) -> None:
    file = written(tmp_path, "left,right,winner\nturbo,sdxl,left\nsdxl,turbo,tie\n", "votes.csv")
    assert rows(file, "evalica") == [
        ("item 1", "turbo", "sdxl", "left", "vote 1"),
        ("item 2", "sdxl", "turbo", "tie", "vote 2"),
    ]
    assert convert(file, "evalica").notes == [
        "votes.csv does not say who gave its votes: intervals cannot allow for votes that share a rater.",
        "votes.csv does not say on what votes were given: intervals cannot allow for shared prompts.",
    ]


def test_pairwise_tasks_of_label_studio(tmp_path: Path) -> None:
    assert rows(written(tmp_path, TASKS), "label-studio") == [
        ("p7", "turbo", "sdxl", "left", "3"),
        ("p7", "turbo", "sdxl", "right", "4"),
        ("12", "sdxl", "turbo", "left", "5"),
    ]


@pytest.mark.parametrize(
    ("form", "content", "sentence"),
    [
        (
            "fastchat",
            [BATTLES[0], BATTLES[1] | {"winner": "both"}],
            'votes.json: winner is "both" in record 2; allowed',
        ),
        (
            "fastchat",
            [BATTLES[0] | {"winner": None}, BATTLES[1] | {"winner": ["tie"]}],
            'votes.json: winner is null and ["tie"] in records 1 and 2; allowed',
        ),
        (
            "fastchat",
            [BATTLES[0], BATTLES[1] | {"model_a": None}],
            "votes.json: model_a is empty in record 2; every vote needs one.",
        ),
        (
            "fastchat",
            [BATTLES[0] | {"model_b": " "}, BATTLES[1], BATTLES[2] | {"model_b": ""}],
            "votes.json: model_b is empty in records 1 and 3; every vote needs one.",
        ),
        (
            "fastchat",
            [BATTLES[0], BATTLES[1] | {"judge": ["ann", "bob"]}],
            'votes.json: judge is ["ann", "bob"] in record 2; allowed are text and numbers.',
        ),
        (
            "fastchat",
            [BATTLES[0] | {"question_id": {"text": "x" * 99}}],
            f'votes.json: question_id is {{"text": "{"x" * 30}… in record 1; allowed are text and numbers.',
        ),
        (
            "fastchat",
            [BATTLES[0] | {"model_a": "\ud83d"}],
            'votes.json: model_a is "\ud83d" in record 1; allowed are text and numbers.',
        ),
        ("fastchat", [{"model_a": "x"}], "votes.json: record 1 has no model_b and winner."),
        ("fastchat", "[\n{]", "votes.json: not JSON: row 2, column 2: Expecting "),
        ("fastchat", "[" * 100_000, "votes.json: not JSON that can be read: "),
        ("fastchat", "[]", "votes.json: no votes are in the file."),
        ("fastchat", {"battles": []}, "votes.json: not a list of records."),
        ("label-studio", [{"id": 1, "data": {}}], "votes.json: task 1 has no data.system_left and data.system_right"),
        (
            "label-studio",
            [TASKS[1], TASKS[0] | {"annotations": [7]}],
            "votes.json: task 2: annotations is [7]; allowed is a list of objects.",
        ),
        (
            "label-studio",
            [TASKS[0] | {"annotations": [{"result": "left"}]}],
            'votes.json: task 1: result is "left"; allowed is a list of objects.',
        ),
        (
            "label-studio",
            [TASKS[0] | {"annotations": [{"result": [{"type": "pairwise", "value": "left"}]}]}],
            'votes.json: task 1: value is "left"; allowed is an object with "selected".',
        ),
        ("label-studio", [TASKS[0] | {"annotations": []}], "votes.json: no votes are in the file."),
        (
            "label-studio",
            [TASKS[0] | {"annotations": [annotation("left", was_cancelled=True), {"result": [CHOICE, CHOICE]}]}],
            "votes.json: no votes; left out: 1 annotation marked as cancelled and 2 results of another type than "
            '"pairwise".',
        ),
    ],
)
def test_what_is_not_of_that_form_is_one_sentence(tmp_path: Path, form: str, content: object, sentence: str) -> None:
    with pytest.raises(VoteFileError) as refusal:
        convert(written(tmp_path, content), form)
    assert str(refusal.value).startswith(sentence)
    assert isinstance(refusal.value, NoVotesError) == ("no votes" in sentence)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("left,right,winner\n", "votes.csv: no votes are in the file."),
        ("", "votes.csv: the file is empty; the first row must name the columns."),
        (
            "left;right;winner\na;b;left\n",
            'votes.csv: no columns "left", "right" and "winner"; required are left, right and winner; '
            'found: "left;right;winner"; separate columns by commas, not by semicolons.',
        ),
        (
            "left,right,winner,worker\na,b,a,left,w1\nb,a,b,right,w2\n",
            "votes.csv: more than the header's 4 fields in rows 2 and 3; quote values that hold commas.",
        ),
        (
            "left,right,winner\nx,a,b,left\n",
            "votes.csv: more than the header's 3 fields in row 2; quote values that hold commas.",
        ),
        ("left,right,winner\na,b\n", 'votes.csv: winner is "" in record 1; allowed are left, right, tie and draw.'),
    ],
)
def test_csv_is_refused_as_a_vote_file_is(tmp_path: Path, content: str, sentence: str) -> None:
    with pytest.raises(VoteFileError) as refusal:
        convert(written(tmp_path, content, "votes.csv"), "evalica")
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("name", ["votes.json", "votes.jsonl", "votes.csv"])
def test_a_row_that_is_not_utf8_is_named(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"\n\xe9\n")
    with pytest.raises(VoteFileError, match=rf"^{name}: row 2 is not UTF-8 \(byte 0xe9\)\.$"):
        convert(file, "fastchat")


@pytest.mark.parametrize("name", ["battles.jsonl", "battles.NDJSON"])
def test_one_object_a_line(tmp_path: Path, name: str) -> None:
    """With texts that hold what ends a line elsewhere; and the row is told of a line that is none."""
    lines = [json.dumps(battle | {"prompt": "a\u2028b\x85c"}, ensure_ascii=False) for battle in BATTLES]
    assert len(rows(written(tmp_path, "\n\n".join(lines), name), "fastchat")) == len(BATTLES)
    with pytest.raises(VoteFileError, match=rf"^{name}: not JSON: row 3, column 2: Expecting"):
        convert(written(tmp_path, "\n".join([*lines[:2], "{]"]), name), "fastchat")


def test_names_may_be_numbers_and_missing_ones_are_made_up(tmp_path: Path) -> None:
    battles = [
        BATTLES[0] | {"model_a": 1, "model_b": 2.0, "judge": math.nan},
        BATTLES[1] | {"model_a": 2, "model_b": 1.0, "question_id": 0, "judge": None},
    ]
    assert rows(written(tmp_path, battles), "fastchat") == [
        ("q1", "1", "2", "left", "vote 1"),
        ("0", "2", "1", "tie", "vote 2"),
    ]


def test_what_of_a_file_is_no_vote_is_counted(tmp_path: Path) -> None:
    tasks = [
        TASKS[0] | {"annotations": [*TASKS[0]["annotations"], {"completed_by": 9, "result": []}]},
        TASKS[1] | {"annotations": [annotation("left", 5, result=[CHOICE, *annotation("left")["result"]])]},
    ]
    file = written(tmp_path, tasks)
    assert len(rows(file, "label-studio")) == 3
    assert convert(file, "label-studio").notes == [
        "votes.json holds more than votes. Left out: 1 annotation marked as cancelled, 1 annotation without a result "
        'and 1 result of another type than "pairwise".'
    ]


def test_the_command_reads_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = (
        written(tmp_path, "left,right,winner\nturbo,sdxl,left\nsdxl,turbo,left\n", "votes.csv"),
        tmp_path / "out",
    )
    assert main([str(file), "--format", "evalica", "--json", str(out)]) == 0
    summary = json.loads(out.read_text())
    assert list(summary["questions"]) == ["preference"]
    assert summary["warnings"][0].startswith("votes.csv does not say who gave its votes")
    assert "Warning: votes.csv does not say who" in capsys.readouterr().out
    assert main([str(tmp_path / "missing.csv"), "--format", "evalica"]) == 2
    assert capsys.readouterr().err == "missing.csv: cannot be read: No such file or directory.\n"
