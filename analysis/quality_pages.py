"""The numbers of analysis.quality as a page shows them: with everything, and without what is excluded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.quality import RUNS, TIMES_S, Part
from analysis.stats import Summary
from analysis.stats.rows import QuestionSummary
from analysis.watched import shown

CHECKS = {
    "corrupted": "a picture beside its spoilt copy",
    "mismatched": "a picture beside one of another prompt",
    "same": "the same picture twice",
    "gold": "a pair whose answer is known",
}


@dataclass(frozen=True)
class Share:
    """`part` of `whole`; without a value where there is nothing to take a share of."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True)
class Compared:
    """One line of a table: what it is of, with everything (`all`) and without what is excluded (`kept`)."""

    name: str
    all: Any
    kept: Any
    note: str = ""


@dataclass(frozen=True)
class Outlier:
    session_id: int
    said: str
    is_excluded: bool


_PARTS: dict[str, Callable[[QuestionSummary], Any]] = {
    "agreement": lambda question: question["agreement"],
    "position_bias": lambda question: shown(question).position_bias,
}


def tables(content: Mapping[str, Any]) -> dict[str, Any]:
    """For the template, of what analysis.quality.make has stored."""
    parts: tuple[Part, Part] = content["all"], content["kept"]
    excluded = set(content["excluded"])
    return {
        "counted": [Compared(name.capitalize(), parts[0][name], parts[1][name]) for name in ("raters", "answers")],
        "checks": list(_checks(*parts)),
        "repeats": _shares("Answered alike the second time", "repeats", parts),
        "agreed": _shares("Agree with the majority of the other raters", "agreed", parts),
        "left": _compared("All questions", [Share(part["sides"][0], sum(part["sides"])) for part in parts]),
        "quantiles": [
            Compared(name, parts[0]["times"]["quantiles"][name], parts[1]["times"]["quantiles"].get(name))
            for name in parts[0]["times"]["quantiles"]
        ],
        "runs": [
            Compared(name, *counts)
            for name, *counts in zip(class_names(RUNS, 1), parts[0]["runs"], parts[1]["runs"], strict=True)
        ],
        "outliers": {
            name: [Outlier(session_id, said, session_id in excluded) for session_id, said in found]
            for name, found in content["raters"].items()
        },
    }


def by_question(kept: Summary, everything: Summary | None) -> dict[str, list[Compared]]:
    """Agreement and the preference for a side, from the stored results; `everything` may not have been computed yet."""
    found, other = kept["questions"], everything["questions"] if everything else {}
    return {
        name: [Compared(key, part(other[key]) if key in other else None, part(row)) for key, row in found.items()]
        for name, part in _PARTS.items()
    }


def times(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the chart: how many of the answers that count took how long."""
    counts = content["kept"]["times"]["classes"]
    names, whole = class_names(TIMES_S, 0), sum(counts)
    return [
        {"time": name, "answers": count, "share": count / whole}
        for name, count in zip(names, counts, strict=True)
        if whole
    ]


def class_names(ends: Sequence[float], step: int) -> list[str]:
    """Of classes whose upper ends belong to them: "3 to 4" of whole numbers (step 1), "1 to 1.5" of others."""
    starts = [step, *(end + step for end in ends)]
    inner = [
        f"{start:g}" if start == end else f"{start:g} to {end:g}" for start, end in zip(starts, ends, strict=False)
    ]
    return [*inner, f"over {ends[-1]:g}"]


def _checks(everything: Part, kept: Part) -> Iterator[Compared]:
    for name, counts in everything["checks"].items():
        question, kind = name.rsplit(" ", 1)
        yield Compared(question, Share(*counts), Share(*kept["checks"].get(name, (0, 0))), CHECKS[kind])


def _shares(name: str, key: str, parts: tuple[Part, Part]) -> Compared:
    return _compared(name, [Share(*part[key]) for part in parts])


def _compared(name: str, both: Sequence[Any]) -> Compared:
    everything, kept = both
    return Compared(name, everything, kept)
