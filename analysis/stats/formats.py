"""Votes as others keep them, turned into a vote file's columns.

    fastchat       battles of FastChat (LMArena): JSON or CSV with model_a, model_b, winner (model_a, model_b, tie,
                   "tie (bothbad)"); judge is the rater, question_id the prompt
    evalica        evalica's CSV: left, right, winner (left, right, tie); perhaps prompt_id or item, rater or worker
    label-studio   Label Studio's JSON export of pairwise tasks: each annotation's result of type "pairwise" (left or
                   right), the task's data.system_left and data.system_right; completed_by is the rater, the task's
                   data.prompt_id, or its id, the prompt

Where a file does not say who voted on what, each vote has a rater or a prompt of its own, and `notes` says so:
intervals then cannot allow for what votes share.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.stats.errors import VoteFileError, listed
from analysis.stats.vote_file import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
QUESTION = "preference"  # of files that know of one question only


@dataclass(frozen=True)
class Converted:
    """`frame` has a vote file's columns as text; row numbers of messages about it count votes from 1."""

    frame: pd.DataFrame
    notes: list[str]


def convert(path: Path, form: str) -> Converted:
    """Read a file of another form. VoteFileError where it is not of that form, with the number of the wrong record."""
    return FORMATS[form](path)


def _fastchat(path: Path) -> Converted:
    winners = {"model_a": "left", "model_b": "right", "tie": "tie", "tie (bothbad)": "both_bad", "bothbad": "both_bad"}
    rows = _records(path, needed=("model_a", "model_b", "winner"))
    return _converted(path, rows, ("model_a", "model_b"), winners, rater=("judge",), prompt=("question_id",))


def _evalica(path: Path) -> Converted:
    winners = {"left": "left", "right": "right", "tie": "tie", "draw": "tie"}
    rows = _records(path, needed=("left", "right", "winner"))
    sides, raters, prompts = ("left", "right"), ("rater", "worker"), ("prompt_id", "item")
    return _converted(path, rows, sides, winners, rater=raters, prompt=prompts)


def _label_studio(path: Path) -> Converted:
    votes = list(_annotations(path, _json(path)))
    winners = {outcome: outcome for outcome in OUTCOMES}
    return _converted(path, votes, ("system_left", "system_right"), winners, rater=("rater",), prompt=("prompt_id",))


FORMATS: dict[str, Callable[[Path], Converted]] = {
    "fastchat": _fastchat,
    "evalica": _evalica,
    "label-studio": _label_studio,
}


def _annotations(path: Path, tasks: list[Row]) -> Iterator[Row]:
    for number, task in enumerate(tasks, start=1):
        data = task.get("data")
        if not isinstance(data, dict) or not {"system_left", "system_right"} <= set(data):
            raise VoteFileError(
                f"{path.name}: task {number} has no data.system_left and data.system_right; "
                "put the systems' names there when the tasks are made."
            )
        for annotation in task.get("annotations") or []:
            if annotation.get("was_cancelled"):
                continue
            for result in annotation.get("result") or []:
                if result.get("type") == "pairwise":
                    yield {
                        "system_left": data["system_left"],
                        "system_right": data["system_right"],
                        "winner": (result.get("value") or {}).get("selected"),
                        "rater": _person(annotation.get("completed_by")),
                        "prompt_id": data.get("prompt_id", task.get("id")),
                    }


def _person(completed_by: Any) -> Any:
    """An id, or an object with one."""
    return completed_by.get("id") if isinstance(completed_by, dict) else completed_by


def _converted(
    path: Path,
    rows: list[Row],
    sides: tuple[str, str],
    winners: Mapping[str, str],
    *,
    rater: tuple[str, ...],
    prompt: tuple[str, ...],
) -> Converted:
    import pandas as pd

    outcomes = [winners.get(str(row["winner"])) for row in rows]
    if wrong := [number for number, outcome in enumerate(outcomes, start=1) if outcome is None]:
        found = listed(sorted({repr(rows[number - 1]["winner"]) for number in wrong}))
        allowed = listed(list(winners), len(winners))
        raise VoteFileError(f"{path.name}: winner is {found} in record {listed(wrong)}; allowed are {allowed}.")
    raters, without_rater = _named(rows, rater, "vote")
    prompts, without_prompt = _named(rows, prompt, "item")
    frame = pd.DataFrame(
        {
            "question": QUESTION,
            "prompt_id": prompts,
            "system_left": [str(row[sides[0]]) for row in rows],
            "system_right": [str(row[sides[1]]) for row in rows],
            "outcome": outcomes,
            "rater": raters,
        },
        dtype=object,
    )
    notes = []
    if without_rater:
        notes.append(
            f"{path.name} does not say who gave its votes: intervals cannot allow for votes that share a rater."
        )
    if without_prompt:
        notes.append(f"{path.name} does not say on what votes were given: intervals cannot allow for shared prompts.")
    return Converted(frame, notes)


def _named(rows: list[Row], columns: tuple[str, ...], own: str) -> tuple[list[str], bool]:
    """The first column that is there; else a name for each row. And whether any had to be made up."""
    values = [next((row[name] for name in columns if row.get(name) not in {None, ""}), None) for row in rows]
    named = [f"{own} {number}" if value is None else str(value) for number, value in enumerate(values, start=1)]
    return named, None in values


def _records(path: Path, needed: tuple[str, ...]) -> list[Row]:
    rows = _json(path) if path.suffix in {".json", ".jsonl"} else _csv(path)
    for number, row in enumerate(rows, start=1):
        if missing := [name for name in needed if name not in row]:
            raise VoteFileError(f"{path.name}: record {number} has no {listed(missing, len(needed))}.")
    return rows


def _csv(path: Path) -> list[Row]:
    import pandas as pd

    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False)
    except OSError as error:
        raise VoteFileError(f"{path.name}: cannot be read: {error.strerror or error}.") from None
    except (UnicodeDecodeError, ValueError) as error:
        raise VoteFileError(f"{path.name}: not a CSV file in UTF-8: {str(error).splitlines()[0]}.") from None
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _json(path: Path) -> list[Row]:
    """A list of objects, or one object a line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = [line for line in text.splitlines() if line.strip()]
        rows = [json.loads(line) for line in lines] if path.suffix == ".jsonl" else json.loads(text)
    except OSError as error:
        raise VoteFileError(f"{path.name}: cannot be read: {error.strerror or error}.") from None
    except ValueError as error:
        raise VoteFileError(f"{path.name}: not JSON in UTF-8: {error}.") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise VoteFileError(f"{path.name}: not a list of records.")
    return rows
