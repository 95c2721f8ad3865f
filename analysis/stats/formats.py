"""Votes as others keep them, turned into a vote file's columns.

    fastchat       battles of FastChat (LMArena): JSON, JSON lines (.jsonl, .ndjson) or CSV with model_a, model_b and
                   winner (model_a, model_b, tie, "tie (bothbad)"); judge is the rater, question_id the prompt
    evalica        evalica's CSV: left, right, winner (left, right, tie); perhaps prompt_id or item, rater or worker
    label-studio   Label Studio's JSON export of pairwise tasks: each annotation's result of type "pairwise" (left or
                   right), the task's data.system_left and data.system_right; completed_by is the rater, the task's
                   data.prompt_id, or its id, the prompt

Where a file does not say who voted on what, each vote has a rater or a prompt of its own, and `notes` says so:
intervals then cannot allow for what votes share. `notes` also counts what of a file is no vote.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.stats.errors import NoVotesError, VoteFileError, counted, listed
from analysis.stats.vote_columns import text, written
from analysis.stats.vote_file import OUTCOMES, not_utf8, read_csv

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
QUESTION = "preference"  # of files that know of one question only
_LINES = {".jsonl", ".ndjson"}
_SHOWN_LETTERS = 40
_HALF_LETTER = re.compile("[\ud800-\udfff]")  # JSON can write one, UTF-8 cannot


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
    sides, rater, prompt = ("model_a", "model_b"), ("judge",), ("question_id",)
    rows = _records(path, needed=(*sides, "winner"), others=rater + prompt)
    return _converted(path, rows, sides, winners, rater=rater, prompt=prompt)


def _evalica(path: Path) -> Converted:
    winners = {"left": "left", "right": "right", "tie": "tie", "draw": "tie"}
    sides, rater, prompt = ("left", "right"), ("rater", "worker"), ("prompt_id", "item")
    rows = _records(path, needed=(*sides, "winner"), others=rater + prompt)
    return _converted(path, rows, sides, winners, rater=rater, prompt=prompt)


def _label_studio(path: Path) -> Converted:
    left_out: Counter[tuple[str, str]] = Counter()
    votes = list(_annotations(path, _json(path), left_out))
    said = listed([f"{counted(number, noun)} {rest}" for (noun, rest), number in left_out.items()])
    winners = {outcome: outcome for outcome in OUTCOMES}
    sides, rater, prompt = ("system_left", "system_right"), ("rater",), ("prompt_id",)
    return _converted(path, votes, sides, winners, rater=rater, prompt=prompt, left_out=said)


FORMATS: dict[str, Callable[[Path], Converted]] = {
    "fastchat": _fastchat,
    "evalica": _evalica,
    "label-studio": _label_studio,
}


def _annotations(path: Path, tasks: Sequence[Row], left_out: Counter[tuple[str, str]]) -> Iterator[Row]:
    for number, task in enumerate(tasks, start=1):
        data, place = task.get("data"), f"{path.name}: task {number}"
        if not isinstance(data, dict) or not {"system_left", "system_right"} <= set(data):
            raise VoteFileError(
                f"{place} has no data.system_left and data.system_right; "
                "put the systems' names there when the tasks are made."
            )
        for annotation in _objects(task, "annotations", place):
            results = _objects(annotation, "result", place)
            if annotation.get("was_cancelled"):
                left_out["annotation", "marked as cancelled"] += 1
                continue
            if not results:
                left_out["annotation", "without a result"] += 1
            for result in results:
                if result.get("type") != "pairwise":
                    left_out["result", 'of another type than "pairwise"'] += 1
                    continue
                yield {
                    "system_left": data["system_left"],
                    "system_right": data["system_right"],
                    "winner": _selected(result.get("value"), place),
                    "rater": _person(annotation.get("completed_by")),
                    "prompt_id": data.get("prompt_id", task.get("id")),
                }


def _objects(parent: Row, name: str, place: str) -> list[Row]:
    """Those that it has by this name; nothing at all counts as none."""
    found = parent.get(name) or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise VoteFileError(f"{place}: {name} is {_shown(found)}; allowed is a list of objects.")
    return found


def _selected(value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise VoteFileError(f'{place}: value is {_shown(value)}; allowed is an object with "selected".')
    return value.get("selected")


def _person(completed_by: Any) -> Any:
    """An id, or an object with one."""
    return completed_by.get("id") if isinstance(completed_by, dict) else completed_by


def _converted(
    path: Path,
    rows: Sequence[Row],
    sides: tuple[str, str],
    winners: Mapping[str, str],
    *,
    rater: tuple[str, ...],
    prompt: tuple[str, ...],
    left_out: str = "",
) -> Converted:
    import pandas as pd

    if not rows:
        raise NoVotesError(f"{path.name}: no votes{f'; left out: {left_out}' if left_out else ' are in the file'}.")
    _check(path, rows, (*sides, *rater, *prompt), sides)
    outcomes = [winners.get(row["winner"]) if isinstance(row["winner"], str) else None for row in rows]
    if wrong := [number for number, outcome in enumerate(outcomes, start=1) if outcome is None]:
        found = listed(list(dict.fromkeys(_shown(rows[number - 1]["winner"]) for number in wrong)))
        allowed = listed(list(winners), len(winners))
        raise VoteFileError(f"{path.name}: winner is {found} in {_in_records(wrong)}; allowed are {allowed}.")
    raters, without_rater = _named(rows, rater, "vote")
    prompts, without_prompt = _named(rows, prompt, "item")
    frame = pd.DataFrame(
        {
            "question": QUESTION,
            "prompt_id": prompts,
            "system_left": [written(row[sides[0]]) for row in rows],
            "system_right": [written(row[sides[1]]) for row in rows],
            "outcome": outcomes,
            "rater": raters,
        },
        dtype=object,
    )
    notes = {
        f"{path.name} holds more than votes. Left out: {left_out}.": bool(left_out),
        f"{path.name} does not say who gave its votes: intervals cannot allow for votes that share a rater.": (
            without_rater
        ),
        f"{path.name} does not say on what votes were given: intervals cannot allow for shared prompts.": (
            without_prompt
        ),
    }
    return Converted(frame, [note for note, holds in notes.items() if holds])


def _check(path: Path, rows: Sequence[Row], names: Sequence[str], needed: Sequence[str]) -> None:
    """VoteFileError for what is no name, and where a needed one is empty."""
    for name in names:
        values = [row.get(name) for row in rows]
        if wrong := [number for number, value in enumerate(values, start=1) if not _is_name(value)]:
            found = listed([_shown(values[number - 1]) for number in wrong])
            raise VoteFileError(
                f"{path.name}: {name} is {found} in {_in_records(wrong)}; allowed are text and numbers."
            )
        empty = [number for number, value in enumerate(values, start=1) if not written(value).strip()]
        if empty and name in needed:
            raise VoteFileError(f"{path.name}: {name} is empty in {_in_records(empty)}; every vote needs one.")


def _is_name(value: Any) -> bool:
    return not isinstance(value, list | dict) and not _HALF_LETTER.search(written(value))


def _named(rows: Sequence[Row], columns: tuple[str, ...], own: str) -> tuple[list[str], bool]:
    """The first column that is there; else a name for each row. And whether any had to be made up."""
    values = [next(filter(str.strip, (written(row.get(name)) for name in columns)), "") for row in rows]
    return [value or f"{own} {number}" for number, value in enumerate(values, start=1)], "" in values


def _in_records(numbers: Sequence[int]) -> str:
    return f"{'record' if len(numbers) == 1 else 'records'} {listed(numbers)}"


def _shown(value: Any) -> str:
    """As JSON, the first of it."""
    found = json.dumps(value, ensure_ascii=False)
    return found if len(found) <= _SHOWN_LETTERS else f"{found[:_SHOWN_LETTERS]}…"


def _records(path: Path, needed: tuple[str, ...], others: tuple[str, ...]) -> list[Row]:
    if path.suffix.lower() not in {".json", *_LINES}:
        file = read_csv(path, (*needed, *others), needed)
        values = zip(*(text(column).tolist() for column in file.columns.values()), strict=True)
        return [dict(zip(file.columns, row, strict=True)) for row in values]
    rows = _json(path)
    for number, row in enumerate(rows, start=1):
        if missing := [name for name in needed if name not in row]:
            raise VoteFileError(f"{path.name}: record {number} has no {listed(missing, len(needed))}.")
    return rows


def _json(path: Path) -> list[Row]:
    """A list of objects, or one object a line."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise VoteFileError(f"{path.name}: cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise VoteFileError(f"{path.name}: {not_utf8(path)}.") from None
    if path.suffix.lower() in _LINES:
        # Not splitlines: texts may hold other signs that end a line there.
        lines = enumerate(content.split("\n"), start=1)
        rows: Any = [_loaded(line, path.name, number) for number, line in lines if line.strip()]
    else:
        rows = _loaded(content, path.name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise VoteFileError(f"{path.name}: not a list of records.")
    return rows


def _loaded(content: str, source: str, first_row: int = 1) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        row = first_row + error.lineno - 1
        raise VoteFileError(f"{source}: not JSON: row {row}, column {error.colno}: {error.msg}.") from None
    except (ValueError, RecursionError) as error:
        raise VoteFileError(f"{source}: not JSON that can be read: {error}.") from None
