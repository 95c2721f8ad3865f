"""How votes come in, and how long raters look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from analysis.charts.look import INTERVAL, MARK, Row, Specification, layer, name, number, specification

HEIGHT_PX = 200
_BAR = {"type": "bar", "color": MARK}
_QUESTIONS = [MARK, INTERVAL, "#c27a2c", "#7a6aa8", "#8a8f2a", "#b0527a"]


def votes_by_day(rows: Iterable[Sequence[Any]]) -> Specification:
    """Of rows of day, question and votes: one bar a day, with the questions on top of each other."""
    values = [{"day": day, "question": question, "votes": votes} for day, question, votes in rows]
    questions = list(dict.fromkeys(str(value["question"]) for value in values))
    days = {"field": "day", "type": "temporal", "timeUnit": "utcyearmonthdate", "title": None}
    scale = {"domain": questions, "range": _QUESTIONS}
    bars = layer(
        _BAR,
        x=days | {"scale": {"type": "utc"}, "axis": {"labelOverlap": True}},
        y=number("votes", "votes", axis={"tickMinStep": 1, "tickCount": 5}),
        color=name("question", None, scale=scale, legend={"orient": "top"} if len(questions) > 1 else None),
        tooltip=[name("day", "day"), name("question", "question"), number("votes", "votes")],
    )
    return specification(values, [bars], "Votes by day and question.", HEIGHT_PX)


def answer_times(rows: Sequence[Row]) -> Specification:
    """The share of answers that took so long; `rows` have `time`, `answers` and `share` in the order of the times."""
    bars = layer(
        _BAR,
        x=name("time", "seconds", sort=[row["time"] for row in rows], axis={"labelAngle": -40}),
        y=number("share", "share of the answers", axis={"format": "%", "tickCount": 5}),
        tooltip=[name("time", "seconds"), number("answers", "answers"), number("share", "share", format=".3f")],
    )
    return specification(rows, [bars], "How long answers took.", HEIGHT_PX)
