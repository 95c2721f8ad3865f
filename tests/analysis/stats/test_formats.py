"""Votes as FastChat, evalica and Label Studio keep them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from analysis.stats.errors import VoteFileError
from analysis.stats.formats import convert

BATTLES = [
    {"question_id": "q1", "model_a": "turbo", "model_b": "sdxl", "winner": "model_a", "judge": "ann", "turn": 1},
    {"question_id": "q2", "model_a": "sdxl", "model_b": "turbo", "winner": "tie", "judge": "bob", "turn": 1},
    {"question_id": "q2", "model_a": "sdxl", "model_b": "turbo", "winner": "tie (bothbad)", "judge": "ann", "turn": 1},
    {"question_id": "q1", "model_a": "turbo", "model_b": "sdxl", "winner": "model_b", "judge": "bob", "turn": 1},
]


def annotation(selected: str, by: Any = 3, **more: Any) -> dict[str, Any]:
    return {"completed_by": by, "result": [{"type": "pairwise", "value": {"selected": selected}}]} | more


TASKS = [
    {
        "id": 11,
        "data": {"prompt": "a fox", "prompt_id": "p7", "system_left": "turbo", "system_right": "sdxl"},
        "annotations": [annotation("left"), annotation("right", {"id": 4}), annotation("left", was_cancelled=True)],
    },
    {"id": 12, "data": {"system_left": "sdxl", "system_right": "turbo"}, "annotations": [annotation("left", 5)]},
]


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
            "votes.json: winner is 'both' in record 2; allowed",
        ),
        ("fastchat", [{"model_a": "x"}], "votes.json: record 1 has no model_b and winner."),
        ("fastchat", "[{]", "votes.json: not JSON in UTF-8: "),
        ("fastchat", {"battles": []}, "votes.json: not a list of records."),
        ("label-studio", [{"id": 1, "data": {}}], "votes.json: task 1 has no data.system_left and data.system_right"),
    ],
)
def test_what_is_not_of_that_form_is_one_sentence(tmp_path: Path, form: str, content: object, sentence: str) -> None:
    with pytest.raises(VoteFileError) as refusal:
        convert(written(tmp_path, content), form)
    assert str(refusal.value).startswith(sentence)


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
